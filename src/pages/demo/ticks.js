// @ts-check
/**
 * Counts an endless row of numbered messages as they arrive at one end. The counts come from the numbers alone. Pure:
 * time is an argument, nothing here sends, waits or draws.
 *
 * It is strict. A message is lost once a later one has arrived, once its connection is gone and sends nothing again, or once
 * it is late by more than the patience. If a lost message arrives after all, it is reordered or late, and no longer lost.
 *
 * @typedef {object} Count
 * @property {number} received distinct numbers that arrived
 * @property {number} lost
 * @property {number} duplicated arrivals of a number that had arrived before
 * @property {number} reordered first arrivals below the highest that had arrived
 * @property {number} waiting sent, not arrived, and not lost
 * @property {number} last the number that arrived last, or 0
 * @property {number} silentMs since the last arrival, while something is missing
 */

/** So many missing numbers are remembered. Older ones are lost for good. */
const REMEMBERED = 20_000;

/** @param {number} patienceMs a message that is later than this is lost until it comes */
export function createTicks(patienceMs) {
  /** Sent and not arrived: the time of each, in the order of the numbers. @type {Map<number, number>} */
  const missing = new Map();
  /** Numbers below the first one do not count. */
  let first = Infinity;
  let sent = 0;
  let highest = 0;
  let last = 0;
  let received = 0;
  let duplicated = 0;
  let reordered = 0;
  let forgotten = 0;
  /** Numbers up to this one are never sent again. */
  let givenUp = 0;
  let isCut = false;
  let heardAt = 0;

  /** @param {number} n @param {number} at @param {number} now */
  const isLost = (n, at, now) => n < highest || n <= givenUp || isCut || now - at > patienceMs;

  return {
    /**
     * Counts only the numbers above this one; after Infinity none. Earlier numbers keep their place in the sums.
     * @param {number} n
     */
    startAfter(n) {
      first = n + 1;
      highest = 0;
      missing.clear();
    },

    get isStarted() {
      return first < Infinity;
    },

    /** @param {number} n one more than the one before @param {number} now */
    send(n, now) {
      sent = n;
      if (n < first) return;
      if (missing.size === 0) heardAt = now;
      missing.set(n, now);
      if (missing.size <= REMEMBERED) return;
      forgotten += 1;
      const [oldest] = missing.keys();
      missing.delete(oldest ?? 0);
    },

    /** Notes that the message was never published. @param {number} n */
    withdraw(n) {
      missing.delete(n);
    },

    /**
     * Notes that the connection is gone, or is there again. Messages from before are never sent again.
     * @param {boolean} now
     */
    cut(now) {
      if (isCut && !now) givenUp = sent;
      isCut = now;
    },

    /** @param {number} n @param {number} now */
    receive(n, now) {
      if (!(n >= first && n <= sent)) return;
      heardAt = now;
      if (!missing.delete(n)) {
        duplicated += 1;
        return;
      }
      received += 1;
      last = n;
      if (n < highest) reordered += 1;
      else highest = n;
    },

    /**
     * Returns the fate of one number.
     * @param {number} n
     * @param {number} now
     * @returns {'arrived' | 'waiting' | 'lost' | 'unknown'}
     */
    fate(n, now) {
      if (n < first || n > sent) return 'unknown';
      const at = missing.get(n);
      if (at === undefined) return 'arrived';
      return isLost(n, at, now) ? 'lost' : 'waiting';
    },

    /** @param {number} now @returns {Count} */
    count(now) {
      let lost = forgotten;
      for (const [n, at] of missing) {
        // The numbers and the times rise together.
        if (!isLost(n, at, now)) break;
        lost += 1;
      }
      const silentMs = missing.size ? now - heardAt : 0;
      const waiting = missing.size + forgotten - lost;
      return { received, lost, duplicated, reordered, waiting, last, silentMs };
    },
  };
}

/** @typedef {ReturnType<typeof createTicks>} Ticks */
