// @ts-check
/**
 * The contents of the timeline, as plain data with a bounded memory. Pure; it never draws. It holds:
 * - the carriers of the session, from when to when, and the attempts
 * - the acts on the network
 * - the messages that arrived in each tenth of a second, and the gaps between them
 *
 * @typedef {object} Span
 * @property {string} transport
 * @property {number} from
 * @property {number | null} to null while it lasts
 * @property {string} [ended] why it ended
 */

export const BIN_MS = 100;
/** The bins of 102 s. */
const BINS = 1024;
/** How many spans and marks are kept, of each kind. */
const KEPT = 100;
/** A change of the network and a cut within this time are one act. */
const TOGETHER_MS = 300;
/** Without an arrival for so long, while messages are counted, there is a gap. */
const GAP_MS = 400;

/** @typedef {{from: number, to: number | null}} Gap to: null while it lasts */

export function createHistory() {
  /** @type {Span[]} */
  let carriers = [];
  /** @type {Span[]} */
  let tries = [];
  /** @type {Array<{transport: string, from: number}>} */
  let trying = [];
  /** @type {Array<{at: number, from: string, to: string}>} */
  let switches = [];
  /** @type {Array<{at: number, label: string}>} */
  let marks = [];
  /** Round trips in ms, by transport. @type {{[transport: string]: number | null}} */
  let rtts = {};
  const strips = { up: createStrip(), down: createStrip() };

  /** @template T @param {T[]} list @param {T} item */
  const append = (list, item) => [...list, item].slice(-KEPT);

  return {
    get carriers() {
      return carriers;
    },
    get tries() {
      return tries;
    },
    get trying() {
      return trying;
    },
    get switches() {
      return switches;
    },
    get marks() {
      return marks;
    },
    get rtts() {
      return rtts;
    },
    strips,

    /** @param {number} now @param {{to: string | null, reason: string}} change */
    carry(now, { to, reason }) {
      const last = carriers.at(-1);
      if (last && last.to === null) Object.assign(last, { to: now, ended: reason });
      if (last && to && last.transport !== to && now - (last.to ?? 0) < TOGETHER_MS)
        switches = append(switches, { at: now, from: last.transport, to });
      if (to) carriers = append(carriers, { transport: to, from: now, to: null });
    },

    /** Notes that an attempt failed. @param {Span} span */
    fail(span) {
      tries = append(tries, span);
    },

    /** @param {Array<{transport: string, from: number}>} now those under way */
    try(now) {
      trying = now;
    },

    /** @param {{[transport: string]: number | null}} now */
    measure(now) {
      rtts = now;
    },

    /**
     * Notes an act on the network. Acts that follow at once belong to it.
     * @param {number} at
     * @param {string} label
     * @param {boolean} [own] it belongs to no act before it
     */
    mark(at, label, own) {
      if (!own && at - (marks.at(-1)?.at ?? -Infinity) < TOGETHER_MS) return;
      marks = append(marks, { at, label });
    },

    /** Says whether messages are on their way all the time, so that silence is a gap. @param {boolean} on */
    count(on) {
      for (const strip of Object.values(strips)) strip.expect(on);
    },
  };
}

/** @typedef {ReturnType<typeof createHistory>} History */

/** Arrivals of one direction: a ring of bins. */
function createStrip() {
  const counts = new Uint16Array(BINS);
  const flaws = new Uint16Array(BINS);
  /** The bin, of all time, that each place in the ring holds. */
  const holds = new Float64Array(BINS).fill(-1);
  /** @type {Gap[]} */
  let gaps = [];
  let expecting = false;
  let heardAt = 0;

  /** @param {number} bin */
  function place(bin) {
    const at = bin % BINS;
    if (holds[at] !== bin) {
      holds[at] = bin;
      counts[at] = 0;
      flaws[at] = 0;
    }
    return at;
  }

  return {
    /** @param {number} now @param {boolean} flawed it came twice, or out of order */
    add(now, flawed) {
      const at = place(Math.floor(now / BIN_MS));
      counts[at] = /** @type {number} */ (counts[at]) + 1;
      if (flawed) flaws[at] = /** @type {number} */ (flaws[at]) + 1;
      if (expecting && heardAt && now - heardAt >= GAP_MS)
        gaps = [...gaps, { from: heardAt, to: now }].slice(-KEPT);
      heardAt = now;
    },

    /** @param {boolean} on */
    expect(on) {
      expecting = on;
      heardAt = 0;
    },

    /** @param {number} now @returns {Gap[]} */
    gaps: (now) =>
      expecting && heardAt && now - heardAt >= GAP_MS ? [...gaps, { from: heardAt, to: null }] : gaps,

    /** @param {number} bin @returns {number} */
    count: (bin) => (holds[bin % BINS] === bin ? (counts[bin % BINS] ?? 0) : 0),

    /** @param {number} bin @returns {number} */
    flaws: (bin) => (holds[bin % BINS] === bin ? (flaws[bin % BINS] ?? 0) : 0),
  };
}
