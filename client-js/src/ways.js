// @ts-check
/**
 * What is known of each transport on this network: its round trip, what it owes for its failures, when it may be tried again
 * in the background. Arithmetic on plain data; what follows from it the selector decides.
 *
 * @typedef {import('./types.js').Way} Way
 */

import { NEVER } from './dispatch.js';

const MINUTE = 60_000;

/**
 * @param {number} value
 * @param {number} low
 * @param {number} high
 */
export const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

/**
 * What is remembered of it, and nothing else.
 * @param {Way} way
 * @param {import('./memory.js').Memory} memory
 * @param {number} now
 */
export function recall(way, memory, now) {
  const { rtt = NaN, span } = memory.recall(way.transport);
  Object.assign(way, {
    rtt,
    spread: rtt / 2,
    lowest: rtt || NEVER,
    penalty: 0,
    penaltyAt: now,
    shutUntil: 0,
    failures: 0,
    good: rtt >= 0,
    step: 0,
    retryAt: 0,
  });
  if (span) blame(way, 2400, now);
}

/** RFC 6298's time-out, with its guess of 1 s where nothing is known. @param {Way} way */
export const rto = ({ rtt, spread }) => (rtt >= 0 ? clamp(rtt + 4 * spread, 500, 10_000) : 1000);

/** RFC 6298: a round trip was measured. @param {Way} way @param {number} trip */
export function sample(way, trip) {
  const { rtt, spread, lowest } = way;
  const known = rtt >= 0;
  way.spread = known ? spread + (Math.abs(rtt - trip) - spread) / 4 : trip / 2;
  way.rtt = known ? rtt + (trip - rtt) / 8 : trip;
  way.lowest = Math.min(lowest, trip);
}

/**
 * The flap breaker: penalties add up, to 6,000 at most, and halve every five minutes; at 2,000 it opens, until 750 are
 * left: for 7 to 15 minutes.
 * @param {Way} way
 * @param {number} points negative: taken back
 * @param {number} now
 */
export function blame(way, points, now) {
  const left = clamp(way.penalty * 2 ** ((way.penaltyAt - now) / 5 / MINUTE) + points, 0, 6000);
  way.penalty = left;
  way.penaltyAt = now;
  way.shutUntil = left < 2000 ? 0 : now + 5 * MINUTE * Math.log2(left / 750);
}

/**
 * When it is tried again in the background.
 * @param {Way} way
 * @param {number} now
 * @param {() => number} random
 */
export function later(way, now, random) {
  const minutes = [1 / 6, 1 / 2, 1, 2, 5, 10][way.step++] ?? 15;
  way.retryAt = now + minutes * MINUTE * (0.5 + random());
}
