// @ts-check
/**
 * The network of a schedule: what is under way, and what lies between the two ends for one leg.
 *
 * @typedef {import('../../src/types.js').Transport} Transport
 *
 * @typedef {object} Path
 * @property {number} leg
 * @property {Transport} transport
 * @property {number} [carrier] of a socket or a stream
 * @property {boolean} upCut
 * @property {boolean} downCut
 * @property {number} upLast when the last that was written arrives: in order, on a socket or a stream
 * @property {number} downLast
 * @property {number} underWay writes on their way down; no more room when there are many
 * @property {boolean} disposed the client has let go of it
 */

/** @param {number} leg @param {Transport} transport @returns {Path} */
export const createPath = (leg, transport) => ({
  leg,
  transport,
  upCut: false,
  downCut: false,
  upLast: 0,
  downLast: 0,
  underWay: 0,
  disposed: false,
});

/** What is planned, by time, then by the order in which it was planned: a binary heap. */
export function createAgenda() {
  /** @typedef {{at: number, order: number, happen: () => void}} Entry */
  /** @type {Entry[]} */
  const heap = [];
  let planned = 0;
  const entry = (/** @type {number} */ place) => /** @type {Entry} */ (heap[place]);
  const before = (/** @type {Entry} */ a, /** @type {Entry} */ b) =>
    a.at < b.at || (a.at === b.at && a.order < b.order);

  return {
    /** @param {number} at @param {() => void} happen */
    plan(at, happen) {
      const added = { at, order: planned++, happen };
      let place = heap.push(added) - 1;
      while (place > 0) {
        const above = (place - 1) >> 1;
        if (!before(added, entry(above))) break;
        heap[place] = entry(above);
        place = above;
      }
      heap[place] = added;
    },

    /** @returns {Entry | undefined} */
    next() {
      const first = heap[0];
      const last = heap.pop();
      if (heap.length === 0 || !last) return first;
      let place = 0;
      for (;;) {
        let below = 2 * place + 1;
        if (below >= heap.length) break;
        if (below + 1 < heap.length && before(entry(below + 1), entry(below))) below++;
        if (!before(entry(below), last)) break;
        heap[place] = entry(below);
        place = below;
      }
      heap[place] = last;
      return first;
    },
  };
}
