/** All events of the client. The event loop hands each to the machines that handle it; then the connection carries it out. */

import type { IdentityInput, IdentityOutput } from './identity/events.js';
import type { SelectorInput, SelectorOutput } from './selector/events.js';
import type { SessionInput, SessionOutput } from './session/events.js';
import type { NetworkEvent, PageEvent } from './transports/events.js';

export type LoopEvent =
  | NetworkEvent
  | PageEvent
  | SessionOutput
  | SelectorOutput
  | IdentityOutput
  /** The answers to `askToken`. */
  | Extract<IdentityInput, { type: 'tokenGiven' | 'tokenFailed' }>
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
      | 'prepareRace'
      | 'tokenGiven'
      | 'tokenFailed'
      | 'tokenAnswered'
      | 'sendToken'
      | 'wait'
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

/** The events that the connection carries out on the platform. */
type PlatformEvent = Extract<
  LoopEvent,
  {
    type:
      | 'openLeg'
      | 'write'
      | 'post'
      | 'switchEnded'
      | 'legDropped'
      | 'dropLeg'
      | 'legDied'
      | 'park'
      | 'askToken'
      | 'useToken'
      | 'probeControl'
      | 'holdingChanged'
      | 'keepAlive'
      | 'frameArrived'
      | 'answerArrived';
  }
>;

/** All others. */
export type ApplicationEvent = Exclude<LoopEvent, PlatformEvent>;

/** The events that no machine handles. */
export type UnroutedEvent = Exclude<LoopEvent, { type: (SessionInput | SelectorInput)['type'] }>;
