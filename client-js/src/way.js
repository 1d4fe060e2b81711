// @ts-check
/**
 * What is known of one transport on this network: its round trip, what it owes for its failures, and when it may be tried
 * again in the background. Data and arithmetic; what follows from it the selector decides.
 *
 * @typedef {object} Way
 * @property {number} rtt smoothed as in RFC 6298, in milliseconds; NaN while it is not known
 * @property {number} spread its mean deviation
 * @property {number} lowest of all samples
 * @property {number} penalty at `penaltyAt`; it halves every five minutes
 * @property {number} penaltyAt
 * @property {number} shutUntil the flap breaker: until then it is tried only if there is nothing else
 * @property {number} failures since it was last proven
 * @property {number} refusals of these, the fast ones: somebody says no
 * @property {boolean} good it was proven on this network
 * @property {number} step how often it was tried in the background
 * @property {number} retryAt when that is due again
 */

const MINUTE = 60_000;

/** @returns {Way} */
export const createWay = () => ({
  rtt: NaN,
  spread: 0,
  lowest: Infinity,
  penalty: 0,
  penaltyAt: 0,
  shutUntil: 0,
  failures: 0,
  refusals: 0,
  good: false,
  step: 0,
  retryAt: 0,
});

/**
 * @param {number} value
 * @param {number} low
 * @param {number} high
 */
export const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

/**
 * A round trip was measured.
 * @param {Way} way
 * @param {number} trip
 */
export function sample(way, trip) {
  const known = way.rtt >= 0;
  way.spread = known ? way.spread + (Math.abs(way.rtt - trip) - way.spread) / 4 : trip / 2;
  way.rtt = known ? way.rtt + (trip - way.rtt) / 8 : trip;
  way.lowest = Math.min(way.lowest, trip);
}

/** RFC 6298's time-out, with its guess of 1 s where nothing is known. @param {Way} way */
export const rto = (way) => (way.rtt >= 0 ? clamp(way.rtt + 4 * way.spread, 500, 10_000) : 1000);

/**
 * Penalties add up, to 6,000 at most; at 2,000 the breaker opens until 750 are left: 7 to 15 minutes.
 * @param {Way} way
 * @param {number} points negative: taken back, since the fault was not the transport's
 * @param {number} now
 */
export function blame(way, points, now) {
  way.penalty = clamp(way.penalty * 2 ** ((way.penaltyAt - now) / 5 / MINUTE) + points, 0, 6000);
  way.penaltyAt = now;
  way.shutUntil = way.penalty < 2000 ? 0 : now + 5 * MINUTE * Math.log2(way.penalty / 750);
}

/**
 * How long until it is tried in the background. Where somebody says no for good, seldom.
 * @param {Way} way
 * @param {() => number} random
 */
export const pause = ({ refusals, good, step }, random) =>
  (refusals > 1 && !good
    ? Math.min(30, 5 * 2 ** step)
    : ([1 / 6, 1 / 2, 1, 2, 5, 10, 15][Math.min(step, 6)] ?? 0)) *
  MINUTE *
  (0.5 + random());
