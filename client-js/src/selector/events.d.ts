/** What the selector takes and what it gives. A selector ignores events of a leg that is over. */

import type { LinkFrame, RawFrame } from '../protocol/frames.js';
import type { Route } from '../session/events.js';
import type { Control, Reason, State, Transport } from '../types.js';

export type SelectorInput =
  /** The answer to `prepareRace`: the race may begin. */
  | { type: 'raceReady' }
  /** The answer to `prepareRace`: there is no token. */
  | { type: 'raceFailed' }
  /** The application asks for a switch. */
  | { type: 'switchTo'; transport: Transport }
  | { type: 'socketOpened'; leg: number }
  | { type: 'frameArrived'; leg: number; frame?: RawFrame }
  | { type: 'answerArrived'; leg: number; route: Route }
  /** Bytes of a stream or of an answer came, perhaps no whole frame. */
  | { type: 'bytesArrived'; leg: number; route: Route; bytes: number }
  | { type: 'requestFailed'; leg: number; route: Route }
  | { type: 'legDied'; leg: number }
  /** The client wrote to the leg's socket. */
  | { type: 'write'; leg: number }
  /** The gateway decides about the leg for so long: its path works. */
  | { type: 'wait'; leg: number; ms: number }
  | { type: 'legUsable'; leg: number }
  | { type: 'legActive'; leg: number }
  | { type: 'pong'; leg: number; rtt: number; isLong?: boolean }
  | { type: 'legDropped'; leg: number; reason: string }
  | { type: 'link'; frame: LinkFrame }
  /** The lowest line cannot pass on the leg: answer with `withdrawLine`, or with a leg that can carry it. */
  | { type: 'lineStuck'; leg: number }
  /** The path lets one request through at a time: a stream that is held keeps all lines from going up. */
  | { type: 'oneRequest'; leg: number }
  /** A stream or a poll may hold a connection of the browser from now on, or it may not. */
  | { type: 'holdingChanged'; mayHold: boolean }
  /** The answer to `probeControl`, and when that was asked. */
  | { type: 'controlAnswered'; control: Control; askedAt: number }
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
  /** If it `pings`, a ping goes by the same request; on a leg that has the greatest turn, the ping alone. */
  | { type: 'requestTurn'; leg: number; pings?: boolean; isLong?: boolean }
  | { type: 'sendPing'; leg: number; isLong?: boolean }
  | { type: 'dropLeg'; leg: number; reason: Reason }
  /** The oldest switch that is not over was made. With a reason it failed, or a later switch replaced it (`asked`). */
  | { type: 'switchEnded'; reason: Reason | undefined }
  /** No other transport can carry the line that is stuck. */
  | { type: 'withdrawLine' }
  /** Ask the control resource for an answer. Several may be under way. */
  | { type: 'probeControl' }
  /** Nothing has carried the session for a while: tell the application what was tried. */
  | { type: 'unreachable' }
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
  /** Its size in bytes; 0 if none waits. */
  readonly oldestHandedBytes: number;
  /** When the gateway acknowledged something new; -Infinity before. */
  readonly acknowledgedAt: number;
  /** The bytes that the gateway announced on the socket in use, and that have not come. */
  readonly announcedBytes: number;
}
