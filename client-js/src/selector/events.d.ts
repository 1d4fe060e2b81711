/** What the selector takes and what it gives. A selector ignores events of a leg that is over. */

import type { LinkFrame } from '../protocol/frames.js';
import type { Route } from '../session/events.js';
import type { Control, Reason, State, Transport } from '../types.js';

export type SelectorInput =
  /** The answer to `prepareRace`: the token is there. */
  | { type: 'raceReady' }
  /** The answer to `prepareRace`: there is no token. */
  | { type: 'raceFailed' }
  /** The application asks for a switch. */
  | { type: 'switchTo'; transport: Transport }
  | { type: 'socketOpened'; leg: number }
  | { type: 'frameArrived'; leg: number }
  | { type: 'answerArrived'; leg: number; route: Route }
  | { type: 'requestFailed'; leg: number; route: Route }
  | { type: 'legDied'; leg: number }
  /** The client wrote to the leg's socket. */
  | { type: 'write'; leg: number }
  | { type: 'legUsable'; leg: number }
  | { type: 'legActive'; leg: number }
  | { type: 'pong'; leg: number; rtt: number }
  | { type: 'legDropped'; leg: number; reason: string }
  | { type: 'link'; frame: LinkFrame }
  /** The answer to `probeControl`. */
  | { type: 'controlAnswered'; control: Control }
  /** The gateway refused a request and wants no attempt for `wait` seconds. */
  | { type: 'gatewayRefused'; wait: number | undefined }
  /** Something may have changed while the page slept, or the page was hidden: `isVisible` says which. */
  | { type: 'wake'; isVisible: boolean }
  /** The page is frozen or left. */
  | { type: 'park' }
  /** The application closes the connection. */
  | { type: 'stop' }
  /** `pollTimeout` has come. */
  | { type: 'timeout' };

export type SelectorOutput =
  /** A race is due: answer with `raceReady` or `raceFailed`. */
  | { type: 'prepareRace' }
  | { type: 'openLeg'; leg: number; transport: Transport }
  | { type: 'requestTurn'; leg: number }
  | { type: 'sendPing'; leg: number }
  | { type: 'dropLeg'; leg: number; reason: Reason }
  /** Ask the control resource for an answer. */
  | { type: 'probeControl' }
  /** Ask the gateway for pings at least this often, and for polls held no longer than this. */
  | { type: 'keepAlive'; heartbeatMs: number; holdMs: number }
  | { type: 'stateChanged'; state: State }
  | { type: 'transportChanged'; from: Transport | null; to: Transport | null; reason: Reason };

/** What the selector reads of the session. */
export interface SessionView {
  /** The last welcome, with the transports of the last `config`; null before the first. */
  readonly welcome: {
    readonly transports?: Transport[];
    readonly network?: string;
    readonly heartbeat_ms: number;
    readonly hold_ms: number;
  } | null;
  /** The number of frames that wait to be sent or acknowledged. */
  readonly unacknowledgedFrames: number;
  /** Since when the oldest of them waits for its acknowledgement; Infinity if no leg has it yet. */
  readonly oldestHandedAt: number;
}
