// @ts-check
/**
 * The network of a schedule: the path of each leg, and the agenda of events to come.
 *
 * @import { Transport } from '../../src/types.js'
 *
 * @typedef {object} Path the network between the two ends of one leg
 * @property {number} leg
 * @property {Transport} transport
 * @property {number} [carrier] the carrier of a socket or a stream
 * @property {boolean} upCut
 * @property {boolean} downCut
 * @property {number} upLast when the last write arrives; a socket keeps the order
 * @property {number} downLast the same, down a socket or a stream
 * @property {boolean} upLost a long write was lost on its way, and all that is written after it is too
 * @property {boolean} downLost
 * @property {number} underWay the writes on their way down; many of them leave no room
 * @property {number} upFree when the last byte of the line up is through
 * @property {boolean} disposed true once the client has disposed of the leg
 */

/** @param {number} leg @param {Transport} transport @returns {Path} */
export const createPath = (leg, transport) => ({
  leg,
  transport,
  upCut: false,
  downCut: false,
  upLost: false,
  downLost: false,
  upLast: 0,
  downLast: 0,
  underWay: 0,
  upFree: 0,
  disposed: false,
});

/**
 * How a proxy refuses a body that is too large for it: by a status, by a page with status 200, by a reset, or not at all.
 * @typedef {'413' | '403' | '400' | '503' | 'page' | 'reset' | 'silence'} Refusal
 */

/** @type {Refusal[]} */
const REFUSALS = ['413', '403', '400', '503', 'page', 'reset', 'silence'];

/** A longer write does not pass a hole for long writes. */
export const LONGEST_WRITE = 1_400;

/**
 * Draws a property of all paths for the whole of a schedule: they may refuse large bodies, they may be slow, and sockets may lose
 * long writes.
 * @param {ReturnType<typeof import('./random.js').createRandom>} random
 */
export const createLine = (random) => ({
  /** The largest body in characters. */
  largest: random.percent(40) ? 700 + random.below(5_000) : Infinity,
  refusal: random.pick(REFUSALS),
  /** The body reaches the gateway all the same. */
  delivers: random.percent(15),
  /** Bytes per millisecond up; a slow one carries 2,500 to 16,000 B/s. */
  rate: random.percent(25) ? 2.5 + random.below(14) : Infinity,
  /** Sockets lose long writes up, down or both ways; 0: they do not. */
  hole: random.percent(20) ? 1 + random.below(3) : 0,
});

/** The planned events, by time, then by the order of planning. It is a binary heap. */
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
