// @ts-check
/**
 * The requests of the application: it numbers them, holds their bounds, and settles each once. It never repeats one; the session
 * does.
 *
 * @import { PublishOptions } from './data.js'
 * @import { Line, NumberedFrame, Request } from './protocol/frames.js'
 * @import { ErrorCode, Options } from './types.js'
 *
 * @callback Settle called once, before anything that follows the answer is read
 * @param {ThroughlineError | undefined} error
 * @param {NumberedFrame} answer
 *
 * @typedef {object} Queue the session, as far as requests use it
 * @property {number} unacknowledgedFrames
 * @property {number} unacknowledgedBytes
 * @property {(line: Line) => boolean} recall
 *
 * @typedef {object} Open
 * @property {Line} line
 * @property {Settle} settle
 * @property {() => void} [release] frees the timer and the listener that limit it
 */

import { ThroughlineError } from './errors.js';
import { LINE_BYTES, tooLarge } from './payload.js';
import { byteLength } from './session/outgoing.js';
import { LONGEST_TIMER_MS } from './time.js';

/** Returns the line of a request. @param {Request} request @param {number} id */
const lineOf = (request, id) =>
  'pub' in request
    ? `{"pub":${JSON.stringify(request.pub)},${request.field},"id":${id}}`
    : JSON.stringify({ ...request, id });

/**
 * The error of a request for which the application waits no longer.
 * @param {ErrorCode} code
 * @param {string} message
 * @param {AbortSignal} [signal] its reason is the cause, if it aborted
 */
const givenUp = (code, message, signal) => {
  const error = new ThroughlineError(code, message);
  error.cause = signal?.reason;
  return error;
};
const ABORTED = 'aborted before it was sent';

export class Requests {
  /** The requests that wait for their answer. @type {Map<number, Open>} */
  open = new Map();
  /** The error of all further requests, once the connection is closed. @type {ThroughlineError | undefined} */
  closed;
  /** The channels that were left while the queue was full. @type {Set<string>} */
  #left = new Set();
  #ids = 0;
  #push;
  #queue;
  #platform;
  #messages;
  #bytes;

  /**
   * @param {(line: Line) => void} push
   * @param {Queue} queue
   * @param {Required<Pick<Options, 'setTimeout' | 'clearTimeout'>>} platform
   * @param {Options['queue']} [bounds]
   */
  constructor(push, queue, platform, { messages = 2000, bytes = 1 << 20 } = {}) {
    this.#push = push;
    this.#queue = queue;
    this.#platform = platform;
    this.#messages = messages;
    this.#bytes = bytes;
  }

  /**
   * Sends a request. Returns its id; undefined if it was refused at once.
   * @param {Request} request
   * @param {Settle} settle
   * @param {PublishOptions} [options]
   * @returns {number | undefined}
   */
  ask(request, settle, { signal, timeoutMs } = {}) {
    if (signal?.aborted) return void settle(givenUp('aborted', ABORTED, signal), {});
    const id = ++this.#ids;
    const line = lineOf(request, id);
    const refusal = this.#refusal(byteLength(line), 'pub' in request);
    if (refusal) return void settle(refusal, {});
    // The subscription goes on, or starts again.
    if ('sub' in request) this.#left.delete(request.sub);
    const release = signal || timeoutMs ? this.#limit(id, signal, timeoutMs) : undefined;
    this.open.set(id, { line, settle, release });
    this.#push(line);
    return id;
  }

  /** Ends a subscription: at once, or as soon as the queue has room. @param {string} channel */
  leave(channel) {
    this.#left.add(channel);
    this.catchUp();
  }

  /** The queue may have room again. */
  catchUp() {
    for (const unsub of this.#left) {
      if (this.#queue.unacknowledgedFrames >= 2 * this.#messages) return;
      this.#left.delete(unsub);
      this.ask({ unsub }, () => {});
    }
  }

  /** Settles the request that a frame answers. @param {NumberedFrame & {code?: ErrorCode}} frame */
  settle(frame) {
    const { ok, err = 0, code = 'internal', message } = frame;
    if (ok) this.#finish(ok, undefined, frame);
    else this.reject(err, code, message);
  }

  /**
   * Rejects a request: its answer is an error, or the session lost it.
   * @param {number} id
   * @param {ErrorCode} code
   * @param {string} [message]
   */
  reject(id, code, message) {
    this.#finish(id, new ThroughlineError(code, message), {});
  }

  /** @param {number} id @param {ThroughlineError | undefined} error @param {NumberedFrame} answer */
  #finish(id, error, answer) {
    const request = this.open.get(id);
    this.open.delete(id);
    request?.release?.();
    request?.settle(error, answer);
  }

  /**
   * Limits the time of a request. Returns a function that frees what this takes.
   * @param {number} id
   * @param {AbortSignal} [signal]
   * @param {number} [timeoutMs]
   */
  #limit(id, signal, timeoutMs) {
    const { setTimeout, clearTimeout } = this.#platform;
    const abort = () => this.#giveUp(id, 'aborted', ABORTED, signal);
    const expire = () => this.#giveUp(id, 'timeout', `not sent within ${timeoutMs} ms`, signal);
    signal?.addEventListener('abort', abort);
    const timer = timeoutMs && setTimeout(expire, Math.min(timeoutMs, LONGEST_TIMER_MS));
    return () => {
      signal?.removeEventListener('abort', abort);
      if (timer) clearTimeout(timer);
    };
  }

  /**
   * The application waits no longer. Only a line that no leg has is certainly not sent: the code and the message are of that case.
   * @param {number} id
   * @param {'aborted' | 'timeout'} code
   * @param {string} message
   * @param {AbortSignal} [signal]
   */
  #giveUp(id, code, message, signal) {
    const request = this.open.get(id);
    if (!request) return;
    const error = this.#queue.recall(request.line)
      ? givenUp(code, message, signal)
      : givenUp('unknown_outcome', 'sent, but its answer was not awaited', signal);
    this.#finish(id, error, {});
  }

  /**
   * The error of a request that cannot be sent. A page whose queue is full may still subscribe: other requests have twice the room.
   * @param {number} size
   * @param {boolean} isPublication
   */
  #refusal(size, isPublication) {
    const { unacknowledgedFrames: frames, unacknowledgedBytes: bytes } = this.#queue;
    const most = isPublication ? this.#messages : 2 * this.#messages;
    if (this.closed) return this.closed;
    if (size > LINE_BYTES) return tooLarge(`${size}`);
    if (frames >= most || (isPublication && bytes + size > this.#bytes))
      return new ThroughlineError(
        'queue_full',
        `${frames} messages, ${bytes} bytes wait; the limits are ${most}, ${this.#bytes}: await publish()`,
      );
  }
}
