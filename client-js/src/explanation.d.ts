/** The types of what `connection.explain()` returns. */

import type { Reason, State, Transport } from './types.js';

/**
 * The source of the answer to the control request.
 * `ours`: the gateway. `refused`: the gateway, which refuses this client or does not know the path.
 * `away`: a proxy whose gateway is away. `offline`: nothing answers. `portal`: something else.
 */
export type Control = 'ours' | 'refused' | 'away' | 'offline' | 'portal';

/**
 * Why the client started an attempt.
 * `race`: nothing carried the session. `better`, `slow`: a better or a faster transport may take over.
 * `asked`: the application called `switchTo`. `stuck`: a message cannot pass by the transport in use.
 * `age`: the stream in use must be replaced before a proxy ends it.
 */
export type Purpose = 'race' | 'better' | 'slow' | 'asked' | 'stuck' | 'age';

/** The recent attempts and their outcomes: plain data, from `connection.explain()`. */
export interface Explanation {
  /** The state of the connection. */
  state: State;
  /** The transport that carries the session, or null. */
  transport: Transport | null;
  /** An opaque id: the same for the same network. */
  network?: string;
  /**
   * The source of the last answer to the control request. The client sends one when a transport fails.
   * Absent once a transport works again.
   */
  control?: Control;
  /**
   * The transports that the gateway offers, best first. Absent until the client reaches the gateway.
   */
  transports?: Transport[];
  /** The transports that this platform lacks: `['websocket']` in Node 20, unless you give a class. */
  missing: Transport[];
  /** The last attempts, in the order of their start. */
  attempts: ExplainedAttempt[];
  /** The client's knowledge of each transport that it can use, remembered or measured. */
  paths: ExplainedPath[];
  /** The interval of heartbeats in milliseconds. */
  heartbeat_ms?: number;
  /** How long the gateway holds a poll, in milliseconds. */
  hold_ms?: number;
  /** The time of this call, by the clock that all times use. */
  now: number;
}

/** One attempt to connect. Times are milliseconds; all but `at` count from `at`. */
export interface ExplainedAttempt {
  /** The transport it tried. */
  transport: Transport;
  /** The number of its leg in the session. */
  leg: number;
  /** Why it was started. */
  purpose: Purpose;
  /** When it began, by the clock of `now`. */
  at: number;
  /** When its socket opened. That proves nothing yet. */
  opened?: number;
  /** When its welcome came. */
  usable?: number;
  /** When a ping came back. */
  proven?: number;
  /** When it began to carry the session. */
  active?: number;
  /** When it was over. */
  ended?: number;
  /** Why it ended. */
  reason?: Reason;
}

/** The client's knowledge of a transport on this network. Times are by the clock of `now`. */
export interface ExplainedPath {
  /** The transport. */
  transport: Transport;
  /** The smoothed round trip in milliseconds; null until it was measured. */
  rtt: number | null;
  /**
   * Failures since it last held for 30 s. An attempt that opens and is then closed counts twice.
   * While a transport that worked before is away, they count up to three.
   */
  failures: number;
  /**
   * When the client tries it again. After three failures, it tries it earlier only if nothing else is left.
   */
  retryAt: number;
  /** True if this page or an earlier one proved the transport on this network. */
  good: boolean;
}
