// @ts-check
/**
 * The messages of a channel as `for await` takes them. It listens from the first `next()` to its end. Each promise that it returns
 * settles, and it never keeps more than its bounds.
 *
 * @import { Deferred } from './deferred.js'
 * @import { Message } from './types.js'
 *
 * @typedef {IteratorResult<Message, undefined>} Result
 */

import { createDeferred } from './deferred.js';
import { ThroughlineError } from './errors.js';
import { sizeOf } from './payload.js';

/** The bounds of the messages that wait for the loop. */
const MOST_MESSAGES = 2000;
const MOST_BYTES = 1 << 20;

/** @implements {AsyncIterableIterator<Message, undefined>} */
export class MessageLoop {
  /** @type {'new' | 'listening' | 'ended'} */
  #phase = 'new';
  /** Messages that came before the loop asked for them. @type {Array<{message: Message, size: number}>} */
  #waiting = [];
  #bytes = 0;
  /** Calls of `next` that came before their message. @type {Array<Deferred<Result>>} */
  #readers = [];
  /** The error that the loop throws once, behind the messages that wait. @type {ThroughlineError | undefined} */
  #error;
  #listen;
  #stop = () => {};

  /**
   * @param {(onMessage: (message: Message) => void, onEnd: (error: ThroughlineError) => void) => () => void} listen
   *   returns a function that undoes it; may call `onEnd` at once
   */
  constructor(listen) {
    this.#listen = listen;
  }

  [Symbol.asyncIterator]() {
    return this;
  }

  /** @returns {Promise<Result>} */
  next() {
    /** @type {Deferred<Result>} */
    const reader = createDeferred();
    this.#readers.push(reader);
    if (this.#phase === 'new') this.#start();
    this.#serve();
    return reader.promise;
  }

  /** @param {undefined} [value] @returns {Promise<Result>} */
  async return(value) {
    this.#abandon();
    return { value: await value, done: true };
  }

  /** @param {unknown} error @returns {Promise<Result>} */
  async throw(error) {
    this.#abandon();
    throw error;
  }

  #start() {
    this.#phase = 'listening';
    const stop = this.#listen(
      (message) => this.#add(message),
      // The application knows that it closed the connection.
      (error) => this.#end(error.code === 'closed' ? undefined : error),
    );
    if (this.#phase === 'listening') this.#stop = stop;
    else stop();
  }

  /** @param {Message} message */
  #add(message) {
    const size = sizeOf(message.data);
    this.#waiting.push({ message, size });
    this.#bytes += size;
    this.#serve();
    const { length } = this.#waiting;
    if (length > MOST_MESSAGES) this.#overrun(`${length} messages`, MOST_MESSAGES);
    else if (this.#bytes > MOST_BYTES) this.#overrun(`${this.#bytes} bytes`, MOST_BYTES);
  }

  /** @param {string} what @param {number} limit */
  #overrun(what, limit) {
    const message = `${what} wait; the limit is ${limit}: take the messages out sooner`;
    this.#abandon(new ThroughlineError('overrun', message));
  }

  /** Ends the loop without the messages that wait. @param {ThroughlineError} [error] */
  #abandon(error) {
    this.#waiting = [];
    this.#end(error);
  }

  /** Ends the loop behind the messages that wait. @param {ThroughlineError} [error] */
  #end(error) {
    this.#phase = 'ended';
    this.#error = error;
    this.#stop();
    this.#serve();
  }

  /** Settles each call of `next` that can be settled. */
  #serve() {
    while (this.#waiting.length > 0 || this.#phase === 'ended') {
      const reader = this.#readers.shift();
      if (!reader) return;
      const first = this.#waiting.shift();
      this.#bytes -= first?.size ?? 0;
      if (first) reader.resolve({ value: first.message, done: false });
      else if (this.#error) reader.reject(this.#error);
      else reader.resolve({ value: undefined, done: true });
      if (!first) this.#error = undefined;
    }
  }
}
