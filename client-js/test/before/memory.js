// @ts-check
/**
 * What a page knew of its networks, for the next page: which transports were good there, and which were not. It only shortens
 * or reorders what is tried, so it may be wrong; it holds no secret. Storage that fails is no storage.
 *
 * @typedef {object} Fact
 * @property {number} at when it was learned (wall clock)
 * @property {number} rtt it was good, and this its round trip; negative: it was not
 *
 * @typedef {{[transport: string]: Fact}} Facts
 */

const DAY = 86_400_000;

/**
 * @param {any} storage `getItem`, `setItem`, `removeItem`; without it, `localStorage` if there is one; null: none
 * @param {string} key
 * @param {() => number} wall milliseconds since 1970
 */
export const createMemory = (storage, key, wall) => {
  /** By the networks' ids, the last used last. @type {Map<string, Facts>} */
  let networks = new Map();
  try {
    // Pages may be denied it, and Node has none.
    storage = storage === undefined ? window.localStorage : storage;
    networks = new Map(JSON.parse(storage.getItem(key)));
  } catch {}
  let network = [...networks.keys()].pop();
  /** Of the network in use. Whatever was stored, it is an object. @type {Facts} */
  let facts = Object(networks.get(/** @type {string} */ (network)));

  return {
    /** Its round trip on the network in use: negative where it was no good, NaN where nothing is known. @param {string} transport */
    recall(transport) {
      const { at, rtt } = Object(facts[transport]);
      const age = wall() - at;
      // Neither from the future nor older than a day; what is no number compares with nothing.
      return age >= 0 && age < DAY && rtt < 60_000 ? +rtt : NaN;
    },

    /** @param {string} id of the network; the last one's was thought to be it @returns {unknown} whether it is another */
    enter(id) {
      const thought = network;
      if (id && id !== thought) {
        network = id;
        if (thought) facts = Object(networks.get(id));
        return thought;
      }
    },

    /**
     * @param {string} transport
     * @param {number} rtt it was proven; negative: it keeps failing
     */
    note(transport, rtt) {
      facts[transport] = { at: wall(), rtt };
      if (!network) return;
      networks.delete(network);
      networks.set(network, facts);
      try {
        storage.setItem(key, JSON.stringify([...networks].slice(-8)));
      } catch {}
    },

    forget() {
      networks.clear();
      facts = {};
      try {
        storage.removeItem(key);
      } catch {}
    },
  };
};

/** @typedef {ReturnType<typeof createMemory>} Memory */
