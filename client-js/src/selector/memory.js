// @ts-check
/**
 * Remembers for the next page which transports worked on which network. It only shortens or reorders what a page tries, so it may
 * be wrong. It holds no secret. Storage that fails counts as none.
 *
 * @import { StorageLike, Transport } from '../types.js'
 *
 * @typedef {object} Fact what a page learned of a transport on a network
 * @property {number} at when (wall clock)
 * @property {number | null} rtt its round trip in milliseconds; null: it kept failing
 * @property {boolean} [wasSilent] it failed only in that it was silent until another transport was proven
 *
 * @typedef {{[transport in Transport]?: Fact}} Facts
 */

const DAY_MS = 86_400_000;
/** One silence may have been an outage, so it counts for less long. */
const SILENCE_MS = 600_000;
/** A longer round trip does not count as a measurement. */
const LONGEST_RTT_MS = 60_000;
/** Storage is shared with the application; this many networks take about 2 KB. */
const MOST_NETWORKS = 8;

/** @param {unknown} value @returns {value is object} */
const isObject = (value) => typeof value === 'object' && value !== null;

export class Memory {
  #storage;
  #key;
  #wallClock;
  /** By the networks' ids, the last used one last. @type {Map<string, Facts>} */
  #networks = new Map();
  /** The network in use; undefined while no gateway named one. @type {string | undefined} */
  #network;
  /** The facts about that network. @type {Facts} */
  #facts = {};

  /**
   * @param {StorageLike | null | undefined} storage
   * @param {string} key
   * @param {() => number} wallClock milliseconds since 1970
   */
  constructor(storage, key, wallClock) {
    this.#storage = storage;
    this.#key = key;
    this.#wallClock = wallClock;
    try {
      const stored = storage?.getItem(key);
      if (stored) this.#networks = new Map(JSON.parse(stored));
    } catch {}
    this.#network = [...this.#networks.keys()].pop();
    this.#facts = this.#factsOf(this.#network);
  }

  /**
   * Returns what a page learned of a transport on the network in use.
   * @param {Transport} transport
   * @returns {Fact | undefined}
   */
  factOn(transport) {
    const fact = this.#facts[transport];
    if (!isObject(fact)) return;
    const age = this.#wallClock() - fact.at;
    // A fact from the future, or older than a day, may be of another network with the same id.
    const isRecent = age >= 0 && age < (fact.wasSilent ? SILENCE_MS : DAY_MS);
    const isSound =
      fact.rtt === null || (typeof fact.rtt === 'number' && fact.rtt >= 0 && fact.rtt < LONGEST_RTT_MS);
    if (isRecent && isSound) return fact;
  }

  /** A gateway named the network. Returns whether another one was expected. @param {string | undefined} network */
  enter(network) {
    const expected = this.#network;
    if (!network || network === expected) return false;
    this.#network = network;
    if (!expected) return false;
    this.#facts = this.#factsOf(network);
    return true;
  }

  /**
   * @param {Transport} transport
   * @param {number | null} rtt it was proven; null: it keeps failing
   * @param {boolean} [wasSilent] it was silent until another transport was proven
   */
  note(transport, rtt, wasSilent) {
    this.#facts[transport] = { at: this.#wallClock(), rtt, wasSilent };
    if (!this.#network) return;
    this.#networks.delete(this.#network);
    this.#networks.set(this.#network, this.#facts);
    try {
      this.#storage?.setItem(this.#key, JSON.stringify([...this.#networks].slice(-MOST_NETWORKS)));
    } catch {}
  }

  forget() {
    this.#networks.clear();
    this.#facts = {};
    try {
      this.#storage?.removeItem(this.#key);
    } catch {}
  }

  /** Storage may hold anything, so this checks. @param {string | undefined} network @returns {Facts} */
  #factsOf(network) {
    const facts = network === undefined ? undefined : this.#networks.get(network);
    return isObject(facts) ? facts : {};
  }
}
