// @ts-check
/**
 * What a page knew of its networks, for the next page: which transports were good there, and which were not. It only shortens
 * or reorders what is tried, so it may be wrong; it holds no secret. Storage that fails is no storage.
 *
 * @typedef {object} Fact
 * @property {number} [good] when it was last proven (wall clock): believed for 24 h
 * @property {number} [rtt] its round trip then
 * @property {number} [bad] until when it is tried last (wall clock)
 * @property {number} [span] for how long that was; it doubles
 *
 * @typedef {{[transport: string]: Fact}} Facts
 */

const HOUR = 3_600_000;

/**
 * @param {any} storage `getItem`, `setItem`, `removeItem`, as localStorage has them
 * @param {string} key
 * @param {() => number} wall milliseconds since 1970
 */
export function createMemory(storage, key, wall) {
  /** The networks, the last used last. @type {Array<[id: string, facts: Facts]>} */
  let networks = [];
  try {
    networks.push(...JSON.parse(storage.getItem(key)));
  } catch {}
  /** Of the network in use. Whatever was stored, it is an object. @type {Facts} */
  let facts = Object(networks.at(-1)?.[1]);

  return {
    /** The network's id; until a welcome tells it, the last one's. */
    network: networks.at(-1)?.[0],

    /** What is believed of the network in use. @param {string} transport */
    recall(transport) {
      const { good = NaN, rtt, bad = 0 } = facts[transport] ?? {};
      return { good: wall() - good < 24 * HOUR, rtt, bad: bad > wall() };
    },

    /** @param {string} id @returns {unknown} whether it is another than was thought */
    enter(id) {
      const thought = this.network;
      if (!id || id === thought) return;
      this.network = id;
      if (thought) facts = Object(networks.find(([known]) => known === id)?.[1]);
      return thought;
    },

    /**
     * @param {string} transport
     * @param {number} [rtt] it was proven; without it, it failed again
     */
    note(transport, rtt) {
      const { span = HOUR / 4 } = facts[transport] ?? {};
      const longer = Math.min(24 * HOUR, 2 * span);
      facts[transport] = rtt === undefined ? { bad: wall() + longer, span: longer } : { good: wall(), rtt };
      if (!this.network) return;
      networks = [...networks.filter(([id]) => id !== this.network), [this.network, facts]];
      try {
        storage.setItem(key, JSON.stringify(networks.slice(-8)));
      } catch {}
    },

    forget() {
      networks = [];
      facts = {};
      try {
        storage.removeItem(key);
      } catch {}
    },

    toJSON: () => facts,
  };
}

/** @typedef {ReturnType<typeof createMemory>} Memory */
