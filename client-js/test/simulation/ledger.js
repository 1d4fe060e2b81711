// @ts-check
/**
 * The books of a schedule: the messages that each end pushed, and those that came out at the other. Messages up have numbers
 * for the whole schedule; messages down have numbers within each incarnation.
 *
 * The invariants: each message arrives at most once and in order, and none is lost unless the application was told. The
 * schedule itself checks that memory keeps its bound, and that everything arrives after the faults stop.
 */

/** The characters of a long message, beside the frame. */
export const LONG = 3_000;

/** A broken invariant. */
export class Broken extends Error {}

export function createLedger() {
  let pushedUp = 0;
  let taken = 0;
  /** @type {Set<number>} */
  const told = new Set();
  /** Messages of which the client claimed that they are too large. @type {Set<number>} */
  const claimed = new Set();
  /** Messages that may be withdrawn: no gateway reads them, or they are long. @type {Set<number>} */
  const hard = new Set();
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
    /** The next message of the client's application. @param {'short' | 'long' | 'unreadable'} [kind] */
    pushUp(kind = 'short') {
      const number = ++pushedUp;
      if (kind !== 'short') hard.add(number);
      // The first key is no verb that a gateway knows.
      if (kind === 'unreadable') return JSON.stringify({ data: number, id: number });
      const padding = kind === 'long' ? '.'.repeat(LONG) : undefined;
      return JSON.stringify({ pub: 'c', id: number, data: number, padding });
    },

    /** The next message for an incarnation's client. @param {string} id */
    pushDown(id) {
      const at = (pushedDown.get(id) ?? 0) + 1;
      pushedDown.set(id, at);
      return `{"pub":"c","at":${at},"data":"${id}"}`;
    },

    /** Checks a command that a session took from its client. @param {{verb: string, data: string, id: number}} command */
    taken({ verb, data, id }) {
      const isFiller = verb === 'faulty';
      const number = isFiller ? id : JSON.parse(data ?? 'null');
      if ((verb !== 'pub' && !isFiller) || !(number <= pushedUp))
        throw new Broken('a frame came out that never went in');
      if (isFiller && !hard.has(number))
        throw new Broken(`message ${number} was withdrawn, though it can pass`);
      if (number <= taken)
        throw new Broken(`message ${number} was taken twice or out of order, after ${taken}`);
      const lost = unseen(number);
      if (lost) throw new Broken(`message ${lost} was lost unseen: ${number} was taken`);
      if (claimed.has(number) && !isFiller)
        throw new Broken(`message ${number} was told as too large or recalled, and taken`);
      taken = number;
    },

    /** The client claims that a message will never be taken. @param {string} line */
    claim(line) {
      const number = JSON.parse(line).id;
      if (number <= taken) throw new Broken(`message ${number} was told as too large or recalled, and taken`);
      claimed.add(number);
    },

    /** The client recalled a message: it must never be taken. @param {string} line */
    recalled(line) {
      this.claim(line);
      told.add(JSON.parse(line).id);
    },

    /** Marks the lines with an unknown outcome as told. @param {string[]} lines */
    unknown(lines) {
      for (const line of lines) told.add(JSON.parse(line).id);
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
