// @ts-check
/**
 * The books of a schedule: the messages that each end pushed, and those that came out at the other. Messages up have numbers
 * for the whole schedule; messages down have numbers within each incarnation.
 *
 * The invariants: each message arrives at most once and in order, and none is lost unless the application was told. The
 * schedule itself checks that memory keeps its bound, and that everything arrives after the faults stop.
 */

/** A broken invariant. */
export class Broken extends Error {}

export function createLedger() {
  let pushedUp = 0;
  let taken = 0;
  /** @type {Set<number>} */
  const told = new Set();
  /** @type {Map<string, number>} */
  const pushedDown = new Map();
  /** @type {string | undefined} */
  let incarnation;
  /** @type {Set<string>} */
  const past = new Set();
  let received = 0;
  /** The newest session dropped the frames up to this number. */
  let dropped = 0;

  /** The first message before this one that was neither taken nor told. @param {number} before */
  const unseen = (before) => {
    for (let number = taken + 1; number < before; number++) if (!told.has(number)) return number;
    return undefined;
  };

  return {
    /** The next message of the client's application. */
    pushUp: () => `{"pub":"c","data":${++pushedUp}}`,

    /** The next message for an incarnation's client. @param {string} id */
    pushDown(id) {
      const at = (pushedDown.get(id) ?? 0) + 1;
      pushedDown.set(id, at);
      return `{"pub":"c","at":${at},"data":"${id}"}`;
    },

    /** Checks a command that a session took from its client. @param {{verb: string, data: string}} command */
    taken({ verb, data }) {
      const number = JSON.parse(data ?? 'null');
      if (verb !== 'pub' || !(number <= pushedUp)) throw new Broken('a frame came out that never went in');
      if (number <= taken)
        throw new Broken(`message ${number} was taken twice or out of order, after ${taken}`);
      const lost = unseen(number);
      if (lost) throw new Broken(`message ${lost} was lost unseen: ${number} was taken`);
      taken = number;
    },

    /** Marks the lines with an unknown outcome as told. @param {string[]} lines */
    unknown(lines) {
      for (const line of lines) told.add(JSON.parse(line).data);
    },

    /** Checks a frame that the client delivered. @param {any} frame */
    received({ at, data }) {
      incarnation ??= data;
      if (incarnation !== data || past.has(data))
        throw new Broken(`a frame of ${data} was taken within ${incarnation}`);
      if (at !== received + 1) throw new Broken(`frame ${at} of ${data} was taken as number ${received + 1}`);
      received = at;
    },

    /** @param {number} through */
    dropped(through) {
      dropped = through;
    },

    /** @param {string} reason @param {number} lost */
    reset(reason, lost) {
      if (reason === 'gone') {
        if (incarnation) past.add(incarnation);
        incarnation = undefined;
        received = 0;
        return;
      }
      received += lost;
      if (received > dropped)
        throw new Broken(`frames up to ${received} were told lost; ${dropped} were dropped`);
    },

    /** True if every message came out: all of them up, and those of this incarnation down. @param {string | null} newest */
    settled: (newest) =>
      unseen(pushedUp + 1) === undefined &&
      (incarnation ?? newest) === newest &&
      received === (pushedDown.get(newest ?? '') ?? 0),

    toString: () =>
      `up ${taken} of ${pushedUp}; down ${received} in ${incarnation} of ${JSON.stringify([...pushedDown])}`,
  };
}
