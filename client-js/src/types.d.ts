/**
 * The types that an application meets. Members are documented here and nowhere else.
 * Editors show these comments, and a test holds the tables of README.md to them.
 */

import type { PublishOptions, ToPublish } from './data.js';
import type { ThroughlineError } from './errors.js';
import type { Explanation } from './explanation.js';

export type * from './explanation.js';

/** A way to carry a session. */
export type Transport = 'websocket' | 'sse' | 'poll';

/** How a connection stands. */
export type State = 'connecting' | 'online' | 'reconnecting' | 'offline' | 'portal' | 'parked' | 'closed';

/**
 * Why the session left a transport, or took it. If nothing carried the session before, it is why the last attempt failed.
 * `first`: nothing carried the session yet. `asked`: the application called `switchTo`.
 * `stuck`: a message could not pass by the transport before. `age`: a proxy ends streams at a certain
 * age, so the client replaced one before that; `explain()` reports it, and no event.
 */
export type Reason =
  | 'first'
  | 'refused'
  | 'timeout'
  | 'mute'
  | 'buffered'
  | 'closed'
  | 'stalled'
  | 'slow'
  | 'better'
  | 'asked'
  | 'stuck'
  | 'age'
  | 'server'
  | 'offline';

/** The options of `connect`. */
export interface Options {
  /**
   * The transports to use, in order of preference. Default: `['websocket', 'sse', 'poll']`.
   * `connect` throws `refused` for an unknown name, and if this platform has none of them.
   */
  transports?: Transport[];
  /**
   * The token that signs the user in: a string of 1 to 8,192 bytes, or a function that returns one, null, or a promise of
   * either. The client calls the function before it connects, before the token expires, and after the gateway refused a
   * token. Null means that the user has signed out, and ends the connection.
   */
  token?: string | (() => string | null | Promise<string | null>);
  /**
   * The bounds `{ messages, bytes }` of the messages that wait to be sent or acknowledged.
   * Default: 2,000 messages, 1 MB.
   */
  queue?: { messages?: number; bytes?: number };
  /**
   * The round trip in milliseconds above which a transport is too slow.
   * The client then looks for a faster one. Default: 1,500.
   */
  maxLatencyMs?: number;
  /**
   * The store in which the client keeps which transport worked on which network.
   * The next page starts with that transport.
   * Default: the page's `localStorage` if there is one. `null`: none.
   */
  storage?: StorageLike | null;
  /** `'include'`: requests carry cookies, also to another origin. Default: `'omit'`. A WebSocket always carries them. */
  credentials?: 'include' | 'omit';
  /**
   * A function that receives each decision of the client as a plain object, for support cases.
   * No entry holds a secret or a message.
   */
  log?: (entry: LogEntry) => void;
  /** A class to use instead of the platform's `WebSocket`. `null`: none, so the client starts on SSE. */
  WebSocket?: WebSocketClass | null;
  /** A function to use instead of the platform's `fetch`. */
  fetch?: typeof globalThis.fetch;
  /** A clock for tests: it returns milliseconds that never go back. */
  now?: () => number;
  /** A timer for tests. */
  setTimeout?: (callback: () => void, ms: number) => unknown;
  /** The function that cancels a timer of the option `setTimeout`. */
  clearTimeout?: (timer: unknown) => void;
}

/** A store that works like `localStorage`. */
export type StorageLike = Pick<globalThis.Storage, 'getItem' | 'setItem' | 'removeItem'>;

/** A class whose instances work like the browser's WebSocket. */
export type WebSocketClass = new (url: string, protocol: string) => object;

/** One decision of the client, or one event that led to it. The other keys depend on `type`. */
export interface LogEntry {
  /** The time of the entry, by the clock of the option `now`. */
  readonly at: number;
  /** The name of the decision or event, for example `openLeg`, `dropLeg` or `transportChanged`. */
  readonly type: string;
  readonly [detail: string]: unknown;
}

/** A change of the transport that carries the session. */
export interface TransportChange {
  /** The transport before, or null. */
  from: Transport | null;
  /** The transport from now on, or null. */
  to: Transport | null;
  /** The reason of the change. */
  reason: Reason;
}

/** A channel may have missed messages. */
export interface Reset {
  /** `gone`: the session was lost. `overrun`: the client was too slow. */
  reason: 'gone' | 'overrun';
  /** The channel's name. */
  channel: string;
}

/** The `code` of a ThroughlineError. From `switchTo` it may be a reason too, and a newer gateway may use more. */
export type ErrorCode =
  | 'bad_frame'
  | 'too_large'
  | 'rate_limited'
  | 'full'
  | 'unauthorized'
  | 'forbidden'
  | 'unknown_channel'
  | 'not_found'
  | 'queue_full'
  | 'timeout'
  | 'aborted'
  | 'unknown_outcome'
  | 'unsubscribed'
  | 'overrun'
  | 'closed'
  | 'internal'
  | 'unreachable'
  | Reason
  | (string & {});

/** The events of a connection, and what their listeners receive. */
export interface ConnectionEvents {
  /** The new state. */
  state: State;
  /** `{ from, to, reason }`. Another transport carries the session, or none does. */
  transport: TransportChange;
  /**
   * `{ reason, channel }`. This channel may have missed messages, so read its state again.
   * `reason` is `gone` (the session was lost) or `overrun` (the client was too slow).
   */
  reset: Reset;
  /**
   * A `ThroughlineError` that the client cannot repair by itself. Its `code` says what to do: README.md lists the codes.
   * While no transport carries the session, each error comes once.
   */
  error: ThroughlineError;
}

/** A connection to a gateway, as `connect` returns it. */
export interface Connection {
  /**
   * Returns the channel of this name, the same object each time. A name is a string of 1 to 128 bytes without control
   * characters; anything else throws a `TypeError`.
   */
  channel<Data = any>(name: string): Channel<Data>;
  /** The state of the connection, for example `'online'`. */
  readonly state: State;
  /** The transport that carries the session: `'websocket'`, `'sse'`, `'poll'`, or null. */
  readonly transport: Transport | null;
  /** The user who is signed in: the subject of the token. Null before the first connection, and without a token. */
  readonly user: string | null;
  /** Adds a listener. Returns a function that removes it. */
  on<Event extends keyof ConnectionEvents>(
    event: Event,
    listener: (value: ConnectionEvents[Event]) => void,
  ): () => void;
  /**
   * Moves the session to a transport without a pause, also to a fresh leg of the transport in use.
   * While the client looks for a connection, the switch waits. Fulfils once the new leg carries the session.
   * Rejects with a `ThroughlineError` whose `code` is the reason for which the new leg failed, or `asked` if a later call
   * replaced this one. The session then stays where it was.
   * A leg that a later call replaced may still take the session over before the next leg does.
   */
  switchTo(transport: Transport): Promise<void>;
  /**
   * Returns each recent attempt and its outcome, as plain data.
   * `describe` of `throughline/explain` turns it into text.
   */
  explain(): Explanation;
  /** Forgets which transport worked on which network. */
  forget(): void;
  /**
   * Ends the connection for good. The client sends what waits, and the gateway ends the session at once.
   * Open requests reject with `closed`.
   */
  close(): void;
}

/** A channel: `on('message', …)` and `for await` subscribe, `publish` does not. */
export interface Channel<Data = any> extends AsyncIterable<Message<Data>> {
  /** The name for which the application asked. */
  readonly name: string;
  /**
   * Adds a listener. The first listener subscribes.
   * Returns a function that removes the listener. The removal of the last listener unsubscribes.
   */
  on(event: 'message', listener: (message: Message<Data>) => void): () => void;
  /**
   * Adds a listener, which receives a `ThroughlineError` when the subscription ends: the gateway refused or ended it, or the
   * connection is closed. Subscribes to nothing. Returns a function that removes the listener.
   */
  on(event: 'end', listener: (error: ThroughlineError) => void): () => void;
  /**
   * A promise that fulfils once the gateway has subscribed the client. So listen first.
   * Rejects with `unsubscribed` if nothing listens, or if the last listener goes before the answer.
   * Rejects with `closed` after `close()`, or with the code of the gateway's refusal.
   */
  readonly subscribed: Promise<void>;
  /**
   * Publishes JSON or bytes, which arrive as they were. Does not subscribe.
   * Fulfils with `{ at }`, the offset, once the gateway has the message.
   * Rejects with a `TypeError` if the data would arrive as something else.
   * The options `{ signal, timeoutMs }` limit how long it waits.
   */
  publish<Given extends Data>(
    data: ToPublish<Data, Given>,
    options?: PublishOptions,
  ): Promise<{ at: number }>;
}

/** One publication of a channel. */
export interface Message<Data = any> {
  /** The channel's name. */
  channel: string;
  /** JSON, or a `Uint8Array` if bytes were published. */
  data: Data;
  /** The offset in the channel. */
  at: number;
  /** The epoch within which offsets count. */
  epoch: string;
}
