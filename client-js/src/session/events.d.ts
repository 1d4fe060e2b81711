/**
 * What a session takes and what it gives. Its Rust twin has events of the same names, `Input` and `Output` in
 * `src/session/client/events.rs`, but for `dropLeg` and `park`: only a page needs those. Legs are numbered 1, 2, 3 … in the order of opening; a session ignores events of a leg that is over.
 */

import type { ThroughlineError } from '../errors.js';
import type { Line, LinkFrame, NumberedFrame, RawFrame } from '../protocol/frames.js';
import type { Transport } from '../types.js';

/** The request of a leg: its stream, a send with lines, a send with link frames alone, or a poll. */
export type Route = 'stream' | 'send' | 'links' | 'poll';

/** How a request failed. */
export interface Failure {
  /** The HTTP status of an answer that is not the gateway's; none if no answer came. */
  status?: number;
  /** The gateway itself refused the body, for a line in it, or for its token. */
  code?: 'bad_frame' | 'too_large' | 'unauthorized';
  /** The gateway's words. */
  error?: ThroughlineError;
}

export type SessionInput =
  /** The selector opens a leg. */
  | { type: 'openLeg'; transport: Transport }
  /** The leg's socket opened. */
  | { type: 'socketOpened'; leg: number }
  /** A frame came down a socket or a stream. */
  | { type: 'frameArrived'; leg: number; frame: RawFrame }
  /** The whole answer of a send or a poll came. */
  | { type: 'answerArrived'; leg: number; route: Route; lines: Line[] }
  /** A request failed. */
  | {
      type: 'requestFailed';
      leg: number;
      route: Route;
      status?: number;
      code?: Failure['code'];
      error?: ThroughlineError;
    }
  /** A leg died by itself. */
  | { type: 'legDied'; leg: number }
  /** The selector dropped a leg. */
  | { type: 'dropLeg'; leg: number }
  /** The selector wants this leg to carry the session, and a ping on it in the same request. */
  | { type: 'requestTurn'; leg: number; pings?: boolean; isLong?: boolean }
  /** The selector wants a ping on this leg. A long one proves that long writes pass (P4). */
  | { type: 'sendPing'; leg: number; isLong?: boolean }
  /** No other transport takes the line that is stuck. */
  | { type: 'withdrawLine' }
  /** The application sends a frame. */
  | { type: 'push'; line: Line }
  /** A fresh token goes up the leg in use, once. */
  | { type: 'sendToken'; token: string }
  /** The client is done: all that waits goes once more, and the session ends. */
  | { type: 'bye' }
  /** The page may end. If it `isLeft`, the session ends soon, unless the client comes back. */
  | { type: 'park'; isLeft?: boolean }
  /** `pollTimeout` has come. */
  | { type: 'timeout' };

export type SessionOutput =
  /** Write these lines to the leg's socket. */
  | { type: 'write'; leg: number; lines: Line[] }
  /** Issue this POST; it replaces an older one of the same leg and route, sends excepted. It fails after `timeoutMs`. */
  | { type: 'post'; leg: number; route: Route; lines: Line[]; timeoutMs?: number; outlivesPage?: boolean }
  /** The gateway decides about the leg for so long: its path works. */
  | { type: 'wait'; leg: number; ms: number }
  /** The leg's welcome was read (proof P1). */
  | { type: 'legUsable'; leg: number }
  /** The leg carries the session. */
  | { type: 'legActive'; leg: number }
  /** A pong came down the leg, `rtt` milliseconds after its ping. A long one is that of a long ping. */
  | { type: 'pong'; leg: number; rtt: number; isLong: boolean }
  /** A numbered frame, for the first time, in order. */
  | { type: 'deliver'; frame: NumberedFrame }
  /** The session dropped the leg. If the gateway ended it, `error` says why. */
  | { type: 'legDropped'; leg: number; reason: string; error?: ThroughlineError }
  /** The promise ended: `lost` frames are missing (overrun), or have an unknown outcome (gone). */
  | { type: 'reset'; reason: 'gone' | 'overrun'; lost: number }
  /** After a reset by `gone`: the lines whose outcome is unknown. */
  | { type: 'unknownOutcome'; lines: Line[] }
  /** The lowest line cannot pass on the leg: an answer by `withdrawLine` gives it up. */
  | { type: 'lineStuck'; leg: number }
  /** The path lets one request through at a time: a stream that is held keeps all lines from going up. */
  | { type: 'oneRequest'; leg: number }
  /** The gateway answers a fresh token: the time that is left, or the refusal. */
  | { type: 'tokenAnswered'; expiresMs?: number; error?: ThroughlineError }
  /** A `config` or `goaway` frame. */
  | { type: 'link'; frame: LinkFrame };
