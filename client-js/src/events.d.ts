/** All events of the client. The event loop hands each to the machines that handle it; then the connection carries it out. */

import type { ThroughlineError } from './errors.js';
import type { SelectorInput, SelectorOutput } from './selector/events.js';
import type { SessionInput, SessionOutput } from './session/events.js';
import type { NetworkEvent, PageEvent } from './transports/events.js';

export type LoopEvent =
  | NetworkEvent
  | PageEvent
  | SessionOutput
  | SelectorOutput
  /** The answer to `prepareRace`: the session has the token, if there is one. */
  | { type: 'raceReady' }
  /** The answer to `prepareRace`: there is no token. */
  | { type: 'raceFailed'; error: ThroughlineError }
  /** The timer came. */
  | { type: 'timeout' };

/** The events that the connection need not carry out. */
export type MachineEvent = Extract<
  LoopEvent,
  {
    type:
      | 'socketOpened'
      | 'requestFailed'
      | 'bytesArrived'
      | 'raceReady'
      | 'legUsable'
      | 'legActive'
      | 'pong'
      | 'link'
      | 'lineStuck'
      | 'oneRequest'
      | 'unknownOutcome'
      | 'requestTurn'
      | 'sendPing'
      | 'withdrawLine'
      | 'wake'
      | 'timeout';
  }
>;

/** The events that no machine handles. */
export type UnroutedEvent = Exclude<LoopEvent, { type: (SessionInput | SelectorInput)['type'] }>;
