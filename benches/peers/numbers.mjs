// @ts-check
// Counts numbered messages as they reach one client: lost, duplicated and reordered ones. It knows no client and no
// clock.

/**
 * @typedef {object} Losses counted from the first number that came to the highest: a later one may still be under way
 * @property {number} sent
 * @property {number} lost the sent numbers that never came
 * @property {number} duplicated arrivals of a number that had come before
 * @property {number} reordered numbers that came after a higher one
 */

/** Counts the numbers that reach one client. */
export class Numbers {
  /** @type {Set<number>} */
  #came = new Set();
  #first = 0;
  #highest = 0;
  #duplicated = 0;
  #reordered = 0;

  /** @param {number} number */
  take(number) {
    // Otherwise a client that returns something else would seem to lose nothing.
    if (!Number.isSafeInteger(number)) throw new TypeError(`not a number of the news: ${number}`);
    if (!this.#came.size) this.#first = this.#highest = number;
    if (this.#came.has(number)) this.#duplicated++;
    else if (number < this.#highest) this.#reordered++;
    this.#came.add(number);
    this.#highest = Math.max(this.#highest, number);
  }

  /** @returns {Losses} */
  count() {
    const sent = this.#came.size ? this.#highest - this.#first + 1 : 0;
    const came = [...this.#came].filter((number) => number >= this.#first).length;
    return { sent, lost: sent - came, duplicated: this.#duplicated, reordered: this.#reordered };
  }
}
