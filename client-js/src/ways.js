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
export const recall = (way, memory, now) => {
  const { rtt = NaN, span } = memory.recall(way.transport);
  Object.assign(way, {
    rtt,
    spread: rtt / 2,
    lowest: rtt || NEVER,
    shut: -NEVER,
    failures: 0,
    good: rtt >= 0,
    step: 0,
    retryAt: 0,
  });
  if (span) blame(way, 15, now);
};

/** RFC 6298's time-out, with its guess of 1 s where nothing is known. @param {Way} way */
export const rto = ({ rtt, spread }) => clamp(rtt + 4 * spread, 500, 10_000) || 1000;

/** RFC 6298: a round trip was measured. @param {Way} way @param {number} trip */
export const sample = (way, trip) => {
  way.rtt ||= trip;
  way.spread ||= trip / 2;
  way.spread += (Math.abs(way.rtt - trip) - way.spread) / 4;
  way.rtt += (trip - way.rtt) / 8;
  way.lowest = Math.min(way.lowest, trip);
};

/**
 * The flap breaker: what fails owes time, and pays it by time. Who owes more than 9 minutes is shut, for 15 at most: it is tried
 * only if there is nothing else.
 * @param {Way} way
 * @param {number} minutes negative: taken back
 * @param {number} now
 */
export const blame = (way, minutes, now) => {
  way.shut = clamp(way.shut, now - 9 * MINUTE, now + (15 - minutes) * MINUTE) + minutes * MINUTE;
};
