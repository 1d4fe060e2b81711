// @ts-check
/**
 * The frames on their way to the gateway, kept until it has acknowledged them. A frame gets its number when a leg first takes it
 * (rule 10); its place tells its number. It never decides what goes on which leg. Twin of `src/session/outgoing.rs`.
 *
 * @import { Line } from '../protocol/frames.js'
 *
 * @typedef {object} Kept
 * @property {Line} line
 * @property {number} size in bytes
 * @property {number} handedAt when a leg first took it; NEVER until then
 * @property {number} sockets the sockets that were welcomed while it was the lowest one handed
 * @property {boolean} isStuck the owner was told that it cannot pass on a leg
 */

import { NEVER } from '../time.js';

/**
 * Returns the length of a line as every bound counts it: in bytes of UTF-8. A loop costs a twentieth of a TextEncoder, which copies.
 * @param {Line} line
 */
export const byteLength = (line) => {
  let bytes = line.length;
  for (let place = 0; place < line.length; place++) {
    const unit = line.charCodeAt(place);
    // The two halves of a surrogate pair take 2 bytes each, any other unit from U+0800 on takes 3.
    const isSurrogate = unit >= 0xd800 && unit < 0xe000;
    if (unit >= 0x80) bytes += unit < 0x800 || isSurrogate ? 1 : 2;
  }
  return bytes;
};

export class Outgoing {
  /** The frames that are not acknowledged, and behind them those that no leg has. @type {Kept[]} */
  kept = [];
  /** Their bytes. */
  bytes = 0;
  /** The lowest number that is not acknowledged: that of the first one kept. */
  lowest = 1;
  /** The greatest number that a leg took. */
  #handed = 0;

  /** @param {Line} line */
  push(line) {
    const size = byteLength(line);
    this.kept.push({ line, size, handedAt: NEVER, sockets: 0, isStuck: false });
    this.bytes += size;
  }

  /**
   * Recalls a frame that no leg took: it leaves the queue, and the frames behind it move up. None of them has a number (rule 10).
   * Returns false if a leg took it.
   * @param {Line} line
   */
  recall(line) {
    const place = this.kept.findLastIndex((kept) => kept.line === line && kept.handedAt === NEVER);
    for (const { size } of place < 0 ? [] : this.kept.splice(place, 1)) this.bytes -= size;
    return place >= 0;
  }

  /** The first frame kept, if a leg took it. */
  get oldest() {
    const [kept] = this.kept;
    return kept && kept.handedAt < NEVER ? kept : undefined;
  }

  /**
   * Withdraws the oldest frame: a filler of a few bytes takes its number, since the gateway may have the frame (rule 10). The answer
   * to the filler is an error with this code. If the frame arrived, its own answer comes instead.
   * @param {'too_large' | 'bad_frame'} code
   */
  withdraw(code) {
    const kept = this.oldest;
    if (!kept) return;
    kept.line = JSON.stringify({ skip: code, id: JSON.parse(kept.line).id });
    this.bytes += kept.line.length - kept.size;
    kept.size = kept.line.length;
  }

  /** The frame with this number, if there is one. @param {number} number */
  at(number) {
    return this.kept[number - this.lowest];
  }

  /**
   * Returns the line of a frame for a leg: it counts as sent from now on (rule 10).
   * @param {Kept} kept
   * @param {number} number
   * @param {number} now
   */
  handOut(kept, number, now) {
    this.#handed = Math.max(this.#handed, number);
    kept.handedAt = Math.min(kept.handedAt, now);
    return kept.line;
  }

  /**
   * Forgets what the gateway has. A lower number than before is late, not an error (rule 7). Returns false for what is no number,
   * or greater than was ever sent.
   * @param {number} upTo
   */
  acknowledge(upTo) {
    if (!(upTo <= this.#handed)) return false;
    this.#forget(upTo);
    return true;
  }

  /** Gives up the numbering. Returns the lines that a leg took; the others stay, and start at 1 in the next session. */
  restart() {
    const handed = this.#forget(this.#handed);
    this.lowest = 1;
    this.#handed = 0;
    return handed.map(({ line }) => line);
  }

  /** @param {number} upTo */
  #forget(upTo) {
    const forgotten = this.kept.splice(0, upTo + 1 - this.lowest);
    for (const { size } of forgotten) this.bytes -= size;
    this.lowest += forgotten.length;
    return forgotten;
  }
}
