// @ts-check
/**
 * What is known of each transport on this network: its round trip, how often it failed, until when it rests. Arithmetic on plain data; what follows from it the selector decides.
 *
 * @typedef {import('./types.js').Way} Way
 */

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
  const rtt = memory.recall(way.transport);
  const bad = rtt < 0;
  Object.assign(way, {
    rtt: bad ? NaN : rtt,
    spread: 0,
    failures: bad ? 3 : 0,
    retryAt: bad ? now + 10_000 : 0,
    good: rtt >= 0,
  });
};

/** RFC 6298's time-out, with its guess of 1 s where nothing is known. @param {Way} way */
export const rto = ({ rtt, spread }) => clamp(rtt + 4 * spread, 500, 10_000) || 1000;

/** RFC 6298: a round trip was measured. @param {Way} way @param {number} trip */
export const sample = (way, trip) => {
  way.rtt ||= trip;
  way.spread ||= trip / 2;
  way.spread += (Math.abs(way.rtt - trip) - way.spread) / 4;
  way.rtt += (trip - way.rtt) / 8;
};
