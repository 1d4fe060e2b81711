// @ts-check
/**
 * Counts the numbered lines that came down, and says when an acknowledgement is due (rules 7 and 11). It never sees a line's
 * contents.
 *
 * @import { Limits } from '../protocol/frames.js'
 */

import { NEVER } from '../time.js';

/**
 * The longest delay of an acknowledgement. Nothing waits for it; it only frees replay memory. Beside a stream each one costs a
 * POST, so this stays below the 5 s for which the gateway keeps an idle connection.
 */
const ACK_DELAY_MS = 3000;

export class Acknowledgements {
  /** The greatest number received. */
  received = 0;
  /** An acknowledgement must go now. */
  isDue = false;
  /** When an acknowledgement becomes due. */
  dueAt = NEVER;
  /** The greatest number that the gateway was told, and the bytes received since. */
  #acknowledged = 0;
  #unacknowledgedBytes = 0;

  /**
   * Counts a line. Returns false for a duplicate; that makes an acknowledgement due all the same, since the last may be lost.
   * @param {number} number
   * @param {number} bytes
   * @param {number} now
   * @param {Limits} limits
   */
  take(number, bytes, now, { replay_frames, replay_bytes }) {
    this.dueAt = Math.min(this.dueAt, now + ACK_DELAY_MS);
    if (number <= this.received) return false;
    this.received = number;
    this.#unacknowledgedBytes += bytes;
    // A quarter of the replay bound, in whole frames and bytes as the gateway counts them.
    if (
      number - this.#acknowledged >= Math.floor(replay_frames / 4) ||
      this.#unacknowledgedBytes >= Math.floor(replay_bytes / 4)
    )
      this.isDue = true;
    return true;
  }

  /** A frame that goes up acknowledges all that was received. */
  sent() {
    this.#acknowledged = this.received;
    this.#unacknowledgedBytes = 0;
    this.isDue = false;
    this.dueAt = NEVER;
  }

  /** @param {number} now */
  tick(now) {
    if (now < this.dueAt) return;
    this.dueAt = NEVER;
    this.isDue = true;
  }
}
