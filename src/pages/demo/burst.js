// @ts-check
/**
 * The counting of a burst: numbered messages leave one end, and some arrive at the other. Pure: time is an argument,
 * nothing here sends, waits or draws. One tally counts one direction.
 *
 * It is strict. A message that was published and never arrived is lost, at the end of the burst as in its middle. Only
 * a message that the client itself rejected is not called lost.
 *
 * @typedef {object} Report
 * @property {number} sent numbers handed to publish()
 * @property {number} received distinct numbers that arrived
 * @property {number} lost at the end: neither arrived nor rejected. While it runs: holes below the highest that arrived
 * @property {number} duplicated arrivals of a number that had arrived before
 * @property {number} reordered first arrivals below the highest that had arrived
 * @property {number} longestGapMs the longest time without a first arrival, from the first number sent to the last received
 * @property {number} slowestMs the longest time from publish() to the arrival
 * @property {number} waiting sent, and neither arrived nor rejected
 * @property {{[code: string]: number}} rejected publish() rejections by code; their message may have arrived all the same
 */

/** How long nothing may happen at the end of a burst before the missing messages are lost. */
const SILENCE_MS = 5000;
/** How long the burst waits for duplicates when everything is there. */
const AFTERMATH_MS = 1000;
/** A burst ends this long after its last number, even if messages are missing. */
const PATIENCE_MS = 60_000;

/** @param {number} count how many numbers there will be, from 1 */
export function createTally(count) {
  const sentAt = new Float64Array(count + 1);
  const seen = new Uint8Array(count + 1);
  const refused = new Uint8Array(count + 1);
  /** @type {{[code: string]: number}} */
  const rejected = {};
  let sent = 0;
  let received = 0;
  let highest = 0;
  let duplicated = 0;
  let reordered = 0;
  let longestGapMs = 0;
  let slowestMs = 0;
  /** The numbers that were rejected and have not arrived. They are not lost, since the client said so. */
  let told = 0;
  /** Those of them that are below the highest that arrived. */
  let toldBelow = 0;
  let quietSince = 0;

  return {
    /** @param {number} n @param {number} now */
    send(n, now) {
      if (!sent) quietSince = now;
      sent += 1;
      sentAt[n] = now;
    },

    /** publish() rejected this one. @param {number} n @param {string} code */
    reject(n, code) {
      rejected[code] = (rejected[code] ?? 0) + 1;
      refused[n] = 1;
      if (seen[n]) return;
      told += 1;
      if (n < highest) toldBelow += 1;
    },

    /**
     * @param {number} n
     * @param {number} now
     * @returns {'new' | 'duplicated' | 'reordered' | 'foreign'} foreign: no number of this burst; it is not counted
     */
    receive(n, now) {
      if (!sentAt[n]) return 'foreign';
      if (seen[n]) {
        duplicated += 1;
        return 'duplicated';
      }
      seen[n] = 1;
      received += 1;
      if (refused[n]) told -= 1;
      longestGapMs = Math.max(longestGapMs, now - quietSince);
      slowestMs = Math.max(slowestMs, now - /** @type {number} */ (sentAt[n]));
      quietSince = now;
      if (n < highest) {
        if (refused[n]) toldBelow -= 1;
        reordered += 1;
        return 'reordered';
      }
      for (let between = highest + 1; between < n; between += 1) toldBelow += refused[between] ?? 0;
      highest = n;
      return 'new';
    },

    /** True if everything that was sent has arrived, or was rejected. */
    get settled() {
      return sent === received + told;
    },

    /**
     * @param {number} now
     * @param {boolean} [over] the burst is over: what is still missing is lost
     * @returns {Report}
     */
    report(now, over = false) {
      const waiting = sent - received - told;
      const openGap = waiting && !over ? now - quietSince : 0;
      return {
        sent,
        received,
        lost: over ? waiting : highest - received - toldBelow,
        duplicated,
        reordered,
        longestGapMs: Math.round(Math.max(longestGapMs, openGap)),
        slowestMs: Math.round(slowestMs),
        waiting,
        rejected: { ...rejected },
      };
    },
  };
}

/** @typedef {ReturnType<typeof createTally>} Tally */

/**
 * Returns how many numbers must be out by now. It makes up for a late timer: the first number goes at once.
 * @param {number} elapsedMs since the start
 * @param {number} rate per second
 * @param {number} count of all numbers
 */
export const due = (elapsedMs, rate, count) => Math.min(count, Math.floor((elapsedMs * rate) / 1000) + 1);

/**
 * Returns whether the burst is over, once its last number is out.
 * @param {object} burst
 * @param {number} burst.now
 * @param {number} burst.lastSentAt
 * @param {number} burst.quietSince the last arrival, answer, or moment in which a connection was not online
 * @param {boolean} burst.settled nothing is missing
 */
export function isOver({ now, lastSentAt, quietSince, settled }) {
  const quiet = now - Math.max(lastSentAt, quietSince);
  return quiet >= (settled ? AFTERMATH_MS : SILENCE_MS) || now - lastSentAt >= PATIENCE_MS;
}
