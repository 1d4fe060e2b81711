// @ts-check
/**
 * The books of a schedule: what was pushed at each end, and what came out at the other. Messages up are numbered over
 * the whole schedule, messages down within each incarnation.
 *
 * The invariants: each message at most once, in order, none lost unless the application was told. That memory keeps its
 * bound and that everything arrives once the faults stop is asked by the schedule.
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
  /** The newest session dropped all frames up to this number. */
  let dropped = 0;

  /** The first that was neither taken nor told, before this one. @param {number} before */
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

    /** What a session took from its client. @param {{verb: string, data: string}} command */
    taken({ verb, data }) {
      const number = JSON.parse(data ?? 'null');
      if (verb !== 'pub' || !(number <= pushedUp)) throw new Broken('a frame came out that never went in');
      if (number <= taken)
        throw new Broken(`message ${number} was taken twice or out of order, after ${taken}`);
      const lost = unseen(number);
      if (lost) throw new Broken(`message ${lost} was lost unseen: ${number} was taken`);
      taken = number;
    },

    /** Frames with an unknown outcome: told. @param {string[]} frames */
    unknown(frames) {
      for (const frame of frames) told.add(JSON.parse(frame).data);
    },

    /** @param {{at: number, data: string}} frame */
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

    /** Whether all that was pushed came out, up and, for this incarnation, down. @param {string | null} newest */
    settled: (newest) =>
      unseen(pushedUp + 1) === undefined &&
      (incarnation ?? newest) === newest &&
      received === (pushedDown.get(newest ?? '') ?? 0),

    toString: () =>
      `up ${taken} of ${pushedUp}; down ${received} in ${incarnation} of ${JSON.stringify([...pushedDown])}`,
  };
}
