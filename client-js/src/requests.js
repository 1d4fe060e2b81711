// @ts-check
/**
 * The requests of the application: it numbers them, holds their bounds, and settles each once. It never repeats one; the session
 * does.
 *
 * @import { NumberedFrame, Request } from './protocol/frames.js'
 * @import { ErrorCode } from './types.js'
 *
 * @callback Settle called once, before anything that follows the answer is read
 * @param {ThroughlineError | undefined} error
 * @param {NumberedFrame} answer
 */

import { ThroughlineError } from './errors.js';
import { LINE_BYTES, tooLarge } from './payload.js';
import { byteLength } from './session/outgoing.js';

/** Returns the line of a request. @param {Request} request @param {number} id */
const lineOf = (request, id) =>
  'pub' in request
    ? `{"pub":${JSON.stringify(request.pub)},${request.field},"id":${id}}`
    : JSON.stringify({ ...request, id });

export class Requests {
  /** The requests that wait for their answer. @type {Map<number, Settle>} */
  open = new Map();
  /** All further requests are refused. */
  isClosed = false;
  #ids = 0;
  #push;
  #waiting;
  #messages;
  #bytes;

  /**
   * @param {(line: string) => void} push
   * @param {{readonly unacknowledgedFrames: number, readonly unacknowledgedBytes: number}} waiting
   * @param {{messages?: number, bytes?: number}} [queue]
   */
  constructor(push, waiting, { messages = 2000, bytes = 1 << 20 } = {}) {
    this.#push = push;
    this.#waiting = waiting;
    this.#messages = messages;
    this.#bytes = bytes;
  }

  /**
   * Sends a request. Returns its id; undefined if it was refused at once.
   * @param {Request} request
   * @param {Settle} settle
   * @returns {number | undefined}
   */
  ask(request, settle) {
    const id = ++this.#ids;
    const line = lineOf(request, id);
    const refusal = this.#refusal(byteLength(line), 'pub' in request);
    if (refusal) return void settle(refusal, {});
    this.open.set(id, settle);
    this.#push(line);
    return id;
  }

  /** Settles the request that a frame answers. @param {NumberedFrame & {code?: ErrorCode}} frame */
  settle(frame) {
    const id = frame.ok ?? frame.err ?? 0;
    const settle = this.open.get(id);
    this.open.delete(id);
    settle?.(frame.ok ? undefined : new ThroughlineError(frame.code ?? 'internal', frame.message), frame);
  }

  /**
   * The error of a request that cannot be sent. A page whose queue is full may still subscribe: other requests have twice the room.
   * @param {number} size
   * @param {boolean} isPublication
   */
  #refusal(size, isPublication) {
    const { unacknowledgedFrames: frames, unacknowledgedBytes: bytes } = this.#waiting;
    const most = isPublication ? this.#messages : 2 * this.#messages;
    if (this.isClosed) return new ThroughlineError('closed');
    if (size > LINE_BYTES) return tooLarge(`${size}`);
    if (frames >= most || (isPublication && bytes + size > this.#bytes))
      return new ThroughlineError(
        'queue_full',
        `${frames} messages, ${bytes} bytes wait; the limits are ${most}, ${this.#bytes}: await publish()`,
      );
  }
}
