// @ts-check
/**
 * The questions that every transport gets after its welcome: a proof, round trips, a silence. This module knows no
 * transport.
 *
 * @typedef {object} Leg
 * @property {import('./speak.js').Inbox} inbox the frames that come down
 * @property {(lines: string[]) => Promise<void>} send sends lines up
 * @property {() => void} close
 * @property {number} openMs the time until the welcome
 * @property {number} opened when the welcome came
 * @property {string} late the code for a pong that never comes
 * @property {string | undefined} user the user whom the welcome names
 * @property {number} lost requests that were lost before the welcome
 * @property {boolean} [padded] whether to try a larger ping too
 */

import { LIMITS, now, pause, Stop } from './speak.js';

const ROUNDS = 5;
/** Requests in a row that must fail before they count as a refusal. Fewer count as losses. */
export const TRIES = 3;
/** The pause between pings: the gateway answers four a second. */
const APART_MS = 260;
/** The limit for all rounds: on a slow path they end early. */
const ROUNDS_MS = 7000;
/** People notice a round trip above this. */
export const SLOW_MS = 600;
/** Bytes of padding: more than one packet holds. */
const PADDING = 4000;

/**
 * Sends a ping and waits for its pong. Meanwhile it answers the gateway's own pings.
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
 * Asks for a proof and several round trips. One lost request does not end it: the next ones tell a loss from a refusal.
 * @param {Leg} leg
 * @returns {Promise<{ code: string, figures: import('./verdict.js').Figures }>}
 */
export async function prove(leg) {
  const begun = now();
  const trips = [];
  let { lost } = leg;
  /** @type {Stop | undefined} */
  let last;
  for (let round = 0; round < ROUNDS && now() - begun < ROUNDS_MS; round += 1) {
    const asked = now();
    try {
      trips.push(await roundTrip(leg));
    } catch (error) {
      if (!(error instanceof Stop) || !mayBeLost(leg, error)) throw error;
      lost += 1;
      last = error;
    }
    await pause(Math.max(0, APART_MS - (now() - asked)));
  }
  if (trips.length === 0) throw last?.code === 'mute_later' ? last : new Stop('send_failed');
  if (lost > 0) throw new Stop('loses', { lost });
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
 * Returns whether another round trip can tell. A poll's answer can vanish with its pong, unnoticed.
 * @param {Leg} leg
 * @param {Stop} stop
 */
const mayBeLost = (leg, { code }) => code === 'lost' || (code === 'mute_later' && !leg.padded);

/** Returns nothing if a request was lost. @template T @param {Promise<T>} work @returns {Promise<T | undefined>} */
export function unlessLost(work) {
  return work.catch((error) => {
    if (error instanceof Stop && error.code === 'lost') return undefined;
    throw error;
  });
}

/**
 * Watches a silent leg: nothing goes up but answers to the gateway's pings. At the end it must still carry a ping. The
 * gateway itself ends the leg of a client that does not sign in.
 * @param {Leg} leg
 * @param {number} watchMs
 * @returns {Promise<import('./repeat.js').Try>}
 */
export async function watch(leg, watchMs) {
  const begun = now();
  leg.inbox.forgetSilence();
  /** @type {string | undefined} */
  let ended;
  while (!ended) {
    const frame = await leg.inbox.next(watchMs - (now() - begun), 'quiet').catch((stop) => {
      ended = stop.code;
    });
    if (frame?.end?.code === 'unauthorized') ended = 'unauthorized';
    else if (frame) await answer(leg, frame).catch(() => {});
  }
  const age_ms = leg.inbox.age(leg.opened);
  const silence_ms = leg.inbox.silence();
  const watched_ms = now() - begun;
  const longest = Math.min(watched_ms, leg.inbox.longestSilence());
  if (ended === 'unauthorized') return { code: 'ended', figures: { watched_ms, silence_ms: longest } };
  if (ended !== 'quiet') return { code: 'cut', figures: { age_ms, silence_ms } };
  try {
    await roundTrip(leg, { code: 'silent' });
    return { code: 'lived', figures: { watched_ms, silence_ms: longest } };
  } catch (stop) {
    if (!(stop instanceof Stop)) throw stop;
    return { code: stop.code === 'silent' ? 'silent' : 'cut', figures: { age_ms, silence_ms } };
  }
}
