// @ts-check
/**
 * One transport on this network: its round trip, its failures, and until when it rests. Arithmetic on plain data; the selector
 * decides what follows from it.
 *
 * @import { ExplainedPath, Transport } from '../types.js'
 * @import { Fact } from './memory.js'
 *
 * @typedef {object} Unexplained what `explain()` leaves out
 * @property {number | null} deviation the mean deviation of the round trip
 * @property {number} cuts how many of its proven legs ended since one lived for 30 s
 * @property {number | null} awaySince when it failed first since it was proven; null: it did not
 * @property {boolean} isDoubtful it may lose long writes, and pass short ones: only a long pong proves a leg
 *
 * @typedef {ExplainedPath & Unexplained} Path
 */

/** The pause after a first failure; it doubles with each further one. */
const FIRST_REST_MS = 10_000;
const LONGEST_REST_MS = 900_000;
/** A path that was well is tried again soon, and then at intervals of this part of its absence. */
const FIRST_AWAY_REST_MS = 4000;
const AWAY_PART = 1 / 15;
/** After so many failures a path keeps failing, and a race tries it last. The failures of an absence are one fault, so they count up to this. */
const MANY_FAILURES = 3;
/** The next page must know of an absence that is longer. */
const LONG_ABSENCE_MS = 60_000;

/**
 * @param {number} value
 * @param {number} low
 * @param {number} high
 */
export const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

/**
 * Returns a path of which only what a page remembered of this network is known.
 * @param {Transport} transport
 * @param {Fact | undefined} fact
 * @param {number} now
 * @returns {Path}
 */
export const createPath = (transport, fact, now) => {
  const isBad = fact?.rtt === null;
  return {
    transport,
    rtt: fact?.rtt ?? null,
    deviation: null,
    failures: isBad ? MANY_FAILURES : 0,
    retryAt: isBad ? now + FIRST_REST_MS : 0,
    good: !!fact && !isBad,
    cuts: 0,
    awaySince: null,
    isDoubtful: isBad && transport === 'websocket',
  };
};

/**
 * A leg did not pass on something, which may be too long for its path. Only sockets have to prove that it is not. Bodies become
 * shorter until they pass, and a proxy that refuses long ones would refuse a long ping.
 * @param {Path} path
 */
export const doubt = (path) => {
  path.isDoubtful = path.transport === 'websocket';
};

/** @typedef {Pick<Path, 'rtt' | 'deviation'>} RoundTrip */

/** Takes a measured round trip (RFC 6298, section 2). @param {RoundTrip} path @param {number} trip */
export const sample = (path, trip) => {
  path.rtt ??= trip;
  path.deviation ??= trip / 2;
  path.deviation += (Math.abs(path.rtt - trip) - path.deviation) / 4;
  path.rtt += (trip - path.rtt) / 8;
};

/**
 * Returns how long an answer may take (RFC 6298, section 2), from 0.5 s to 10 s; 1 s before a first measurement.
 * @param {RoundTrip} path
 */
export const timeoutMs = ({ rtt, deviation }) =>
  rtt === null ? 1000 : clamp(rtt + 4 * (deviation ?? 0), 500, 10_000);

/** Says whether it keeps failing, so that a race tries it last. @param {Path} path @param {number} now */
export const isShut = ({ failures, retryAt }, now) => failures >= MANY_FAILURES && now < retryAt;

/**
 * Counts a failure. Returns for how long the path rests: 10 s, twice as long each time, at most 15 minutes.
 * @param {Path} path
 */
export const failed = (path) => Math.min(LONGEST_REST_MS, FIRST_REST_MS * 2 ** path.failures++);

/**
 * Counts a failure of a path that was well and went away, or of any other one. Two cuts are no absence: the path comes and goes.
 * Returns for how long the path rests.
 * @param {Path} path
 * @param {number} now
 */
export const wentAway = (path, now) => {
  if (!path.good || path.cuts > 1) return failed(path);
  path.awaySince ??= now;
  if (path.failures < MANY_FAILURES) path.failures++;
  return clamp((now - path.awaySince) * AWAY_PART, FIRST_AWAY_REST_MS, LONGEST_REST_MS);
};

/**
 * Says whether it fails so often that it counts as well no longer: it never was, or it comes and goes.
 * @param {Path} path
 */
export const failsOften = ({ good, failures }) => failures > (good ? MANY_FAILURES : 1);

/** Says whether a path that was well has been away for long. @param {Path} path @param {number} now */
export const isLongAway = ({ awaySince }, now) => awaySince !== null && now > awaySince + LONG_ABSENCE_MS;
