// @ts-check
/**
 * A channel as the application sees it: its listeners, its loops over messages, and its subscription. Listening subscribes,
 * publishing does not. It knows positions, but nothing of sessions and transports.
 *
 * @import { NumberedFrame, Position } from './protocol/frames.js'
 * @import { Requests } from './requests.js'
 * @import { ConnectionEvents, Message, Channel as PublicChannel, Reset } from './types.js'
 */

import { Emitter } from './emitter.js';
import { ThroughlineError } from './errors.js';
import { decode, encode } from './payload.js';
import { byteLength } from './session/outgoing.js';

/** A loop that falls this many messages behind ends. */
const MOST_WAITING = 10_000;

/** The longest name in bytes (PROTOCOL.md, limits). */
const MOST_NAME_BYTES = 128;

/**
 * Throws unless a value can be the name of a channel. Half a surrogate pair has no form in UTF-8.
 * @param {unknown} name
 */
export const checkName = (name) => {
  const isName = typeof name === 'string' && name !== '' && byteLength(name) <= MOST_NAME_BYTES;
  if (!isName || /\p{Surrogate}/u.test(name))
    throw new TypeError(
      `the name of a channel is a string of 1 to ${MOST_NAME_BYTES} bytes, not ${String(name)}`,
    );
};

/** @implements {PublicChannel} */
export class Channel {
  /** @type {'idle' | 'asking' | 'subscribed'} */
  #state = 'idle';
  /**
   * The position of the last delivered message; none while there is no subscription to go on with.
   * @type {Position | undefined}
   */
  #position;
  /** The request that asks for the subscription. @type {number | undefined} */
  #request;
  /** Settles `subscribed`; none once that is settled. @type {((error?: ThroughlineError) => void) | undefined} */
  #settle;
  /** @type {Emitter<{message: Message, end: ThroughlineError}>} */
  #emitter = new Emitter();
  #requests;
  #connection;

  /** @param {string} name @param {Requests} requests @param {Emitter<ConnectionEvents>} connection */
  constructor(name, requests, connection) {
    this.name = name;
    this.#requests = requests;
    this.#connection = connection;
    this.subscribed = this.#promise();
  }

  /** @param {'message'} event @param {(message: Message) => void} listener */
  on(event, listener) {
    const remove = this.#emitter.on(event, listener);
    if (this.#state === 'idle') this.#subscribe();
    return () => {
      if (!remove() || this.#emitter.listeners.size > 0) return;
      this.#state = 'idle';
      this.#position = this.#request = undefined;
      this.#requests.ask({ unsub: this.name }, () => {});
    };
  }

  /** @param {unknown} data @returns {Promise<{at: number}>} */
  publish(data) {
    return new Promise((resolve, reject) => {
      const request = { pub: this.name, field: encode(data) };
      this.#requests.ask(request, (error, { at = 0 }) => (error ? reject(error) : resolve({ at })));
    });
  }

  /** @returns {AsyncGenerator<Message, void, undefined>} */
  async *[Symbol.asyncIterator]() {
    /** Messages, and behind them the error after which no more come. @type {Array<Message | ThroughlineError>} */
    const waiting = [];
    let wake = () => {};
    const add = (/** @type {Message | ThroughlineError} */ item) => {
      waiting.push(item);
      wake();
    };
    // The end first, since the answer may be there at once.
    const removers = [this.#emitter.on('end', add), this.on('message', add)];
    try {
      for (;;) {
        if (waiting.length > MOST_WAITING) throw new ThroughlineError('queue_full');
        const item = waiting.shift();
        if (item instanceof ThroughlineError) {
          if (item.code === 'closed') return;
          throw item;
        }
        if (item) yield item;
        else
          await new Promise((/** @type {(value: void) => void} */ resolve) => {
            wake = resolve;
          });
      }
    } finally {
      for (const remove of removers) remove();
    }
  }

  // ---- for the connection

  /**
   * A publication came. Before the answer to the subscription only older ones come.
   * @param {NumberedFrame} publication
   */
  deliver(publication) {
    const { at = 0 } = publication;
    if (this.#state !== 'subscribed' || !this.#position || at <= this.#position.at) return;
    this.#position.at = at;
    this.#emitter.emit('message', { channel: this.name, data: decode(publication), ...this.#position });
  }

  /**
   * The session was lost, or frames of it. The subscription goes on from its position, unless its request still waits to be sent.
   * @param {number[]} unsent requests that no leg has yet
   * @param {Reset['reason']} [reason] none once the connection is closed: then asking is refused, which ends the channel
   */
  resume(unsent, reason) {
    const isWaiting = this.#request !== undefined && unsent.includes(this.#request);
    if (this.#emitter.listeners.size > 0 && !isWaiting) this.#subscribe(reason);
  }

  /** @param {Reset['reason']} [reason] */
  #subscribe(reason) {
    const since = this.#position;
    if (!since && !this.#settle) this.subscribed = this.#promise();
    this.#state = 'asking';
    /** @type {number | undefined} */
    let id;
    id = this.#requests.ask({ sub: this.name, since }, (error, { epoch, at, recovered }) => {
      // An answer to an older request is late. A refusal may come before the id is known.
      if (id !== undefined && id !== this.#request) return;
      this.#request = undefined;
      this.#state = error ? 'idle' : 'subscribed';
      this.#position = epoch === undefined || at === undefined ? undefined : { epoch, at };
      this.#settle?.(error);
      this.#settle = undefined;
      if (error) {
        // The application knows that it closed the connection.
        if (error.code !== 'closed') this.#connection.emit('error', error);
        this.#emitter.emit('end', error);
      } else if (since && reason && !recovered)
        this.#connection.emit('reset', { reason, channel: this.name });
    });
    if (this.#state === 'asking') this.#request = id;
  }

  /** @returns {Promise<void>} */
  #promise() {
    const promise = new Promise((/** @type {(value: void) => void} */ resolve, reject) => {
      this.#settle = (error) => (error ? reject(error) : resolve());
    });
    // The application need not look at it.
    promise.catch(() => {});
    return promise;
  }
}
