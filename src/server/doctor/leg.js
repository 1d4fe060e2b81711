// @ts-check
/**
 * What is asked of any transport once its welcome came: a proof, round trips, a silence. It knows no transport.
 *
 * @typedef {object} Leg
 * @property {import('./speak.js').Inbox} inbox what comes down
 * @property {(lines: string[]) => Promise<void>} send what goes up
 * @property {() => void} close
 * @property {number} openMs how long it took until the welcome
 * @property {number} opened when that was
 * @property {string} late the code for a pong that never comes
 * @property {boolean} [padded] whether a larger ping is to be tried as well
 */

import { LIMITS, now, pause, Stop } from './speak.js';

const ROUNDS = 5;
/** The gateway answers four pings a second. */
const APART_MS = 260;
/** Rounds end early on a slow path. */
const ROUNDS_MS = 7000;
/** A round trip above this is felt by people. */
export const SLOW_MS = 600;
/** More than a packet. */
const PADDING = 4000;

/**
 * A ping up, its pong down; the gateway's own pings are answered.
 * @param {Leg} leg
 * @param {{ code?: string, padding?: number }} [options]
 */
async function roundTrip(leg, { code = leg.late, padding = 0 } = {}) {
  const begun = now();
  const pad = padding ? { pad: 'x'.repeat(padding) } : {};
  await leg.send([JSON.stringify({ ping: begun, ...pad })]);
  for (;;) {
    const left = Math.max(1, LIMITS.frame - (now() - begun));
    const frame = await leg.inbox.next(left, code);
    if (frame?.pong === begun) return now() - begun;
    await answer(leg, frame);
  }
}

/** @param {Leg} leg @param {any} frame */
async function answer(leg, frame) {
  if (frame?.ping !== undefined) await leg.send([JSON.stringify({ pong: frame.ping })]);
}

/**
 * A proof and several round trips.
 * @param {Leg} leg
 * @returns {Promise<{ code: string, figures: import('./verdict.js').Figures }>}
 */
export async function prove(leg) {
  const begun = now();
  const trips = [];
  while (trips.length < ROUNDS && now() - begun < ROUNDS_MS) {
    const trip = await roundTrip(leg);
    trips.push(trip);
    await pause(Math.max(0, APART_MS - trip));
  }
  if (leg.padded)
    await roundTrip(leg, { code: 'large_lost', padding: PADDING }).catch((stop) => {
      if (stop.code === 'large_lost') stop.figures = { bytes: PADDING };
      throw stop;
    });
  trips.sort((a, b) => a - b);
  const rtt = trips[Math.floor(trips.length / 2)] ?? 0;
  const figures = { open_ms: leg.openMs, rtt_ms: rtt, worst_ms: trips.at(-1) ?? 0 };
  return { code: rtt > SLOW_MS ? 'slow' : 'works', figures };
}

/**
 * Watches a silent leg: nothing goes up but answers to the gateway's pings. At the end it must still carry a ping.
 * @param {Leg} leg
 * @param {number} watchMs
 */
export async function watch(leg, watchMs) {
  const begun = now();
  /** @type {string | undefined} */
  let ended;
  while (!ended) {
    const frame = await leg.inbox.next(watchMs - (now() - begun), 'quiet').catch((stop) => {
      ended = stop.code;
    });
    if (frame) await answer(leg, frame).catch(() => {});
  }
  const age_ms = leg.inbox.age(leg.opened);
  const silence_ms = leg.inbox.silence();
  const longest = leg.inbox.longestSilence();
  if (ended !== 'quiet') return { code: 'cut', figures: { age_ms, silence_ms } };
  try {
    await roundTrip(leg, { code: 'silent' });
    return { code: 'lived', figures: { age_ms, silence_ms: longest } };
  } catch (stop) {
    if (!(stop instanceof Stop)) throw stop;
    return { code: stop.code === 'silent' ? 'silent' : 'cut', figures: { age_ms, silence_ms } };
  }
}
