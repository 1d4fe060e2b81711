// @ts-check
/**
 * Asks the questions in order. Each try of a transport has a session of its own. All three transports are asked at the
 * same time, and watched at the same time. It knows no page: findings and progress go to callbacks.
 *
 * @typedef {import('./verdict.js').Finding} Finding
 * @typedef {import('./repeat.js').Try} Try
 * @typedef {import('./leg.js').Leg} Leg
 */

import { tryClient } from './client.js';
import { askControl, askSend } from './control.js';
import { prove as proveLeg, watch } from './leg.js';
import { openPoll } from './poll.js';
import { TIMES, together } from './repeat.js';
import { ALL_MS, findSize } from './size.js';
import { now, Stop } from './speak.js';
import { openSse } from './sse.js';
import { openWebSocket } from './websocket.js';

const OPENERS = { websocket: openWebSocket, sse: openSse, poll: openPoll };

/** After one of these findings, all further questions would end in the same way. */
const LAST_WORDS = ['gate', 'full'];
const REACHED = ['ours', 'slow', 'unreliable'];

/**
 * @typedef {object} Options
 * @property {number} watchMs
 * @property {(finding: Finding) => void} found
 * @property {(probe: string) => void} begun
 * @property {(text: string) => void} told
 * @property {(user: string) => void} signedIn
 */

/** @param {Options} options */
export async function run(options) {
  const { begun, found, told, signedIn } = options;
  begun('control');
  // Three short requests go at once: a browser has six connections to a host.
  const asked = await Promise.all(Array.from({ length: TIMES }, () => tried(askControl)));
  const control = together(asked);
  found({ probe: 'control', ...control });
  if (LAST_WORDS.includes(control.code)) return;
  const times = REACHED.includes(control.code) ? TIMES : 1;
  const transports = Object.entries(OPENERS).map(([transport, open]) =>
    examine(options, transport, () => prove(options, open, times)),
  );
  const sends = repeat(options, 'send', askSend, times);
  const examined = await Promise.all(transports);
  await sends;
  const passed = (/** @type {string} */ transport) =>
    examined.some((one) => one.transport === transport && one.passes);
  // If not even short requests pass, sizes say nothing.
  if (passed('poll')) await repeat(options, 'size', findSize, times, ALL_MS);
  begun('client');
  const { told: account, user, ...client } = await tryClient(examined.some(({ hopeful }) => hopeful));
  if (account) told(account);
  if (user) signedIn(user);
  found({ probe: 'client', ...client });
  await Promise.all(examined.map(({ watched }) => watched));
}

/**
 * Asks for a transport, and for the silence of its last leg, which is still watched when this resolves.
 * @param {Options} options
 * @param {string} transport
 * @param {() => ReturnType<typeof prove>} proving
 */
async function examine({ begun, found, watchMs }, transport, proving) {
  begun(transport);
  const { tries, leg } = await proving();
  const outcome = together(tries);
  found({ probe: transport, ...outcome });
  const passes = outcome.code === 'works' || outcome.code === 'slow';
  const silence = async (/** @type {Leg} */ silent) => {
    const probe = `idle-${transport}`;
    begun(probe);
    found({ probe, ...(await watch(silent, watchMs)) });
    silent.close();
  };
  if (!passes) leg?.close();
  const watched = passes && leg ? silence(leg) : Promise.resolve();
  return { transport, passes, hopeful: passes || outcome.code === 'unreliable', watched };
}

/**
 * Asks a question that needs no leg.
 * @param {Options} options
 * @param {string} probe
 * @param {() => Promise<Try>} work
 * @param {number} times
 * @param {number} [limitMs] after this time it is not repeated
 */
async function repeat({ begun, found }, probe, work, times, limitMs) {
  begun(probe);
  found({ probe, ...together(await inTurns(() => tried(work), times, limitMs)) });
}

/**
 * Tries one after the other: a browser has six connections to a host, and opens one WebSocket at a time. The last leg
 * that passed stays open.
 * @param {Options} options
 * @param {() => Promise<Leg>} open
 * @param {number} times
 */
async function prove({ signedIn }, open, times) {
  /** @type {Leg | undefined} */
  let leg;
  const once = async () => {
    const opened = await open();
    if (opened.user) signedIn(opened.user);
    try {
      const proven = await proveLeg(opened);
      leg?.close();
      leg = opened;
      return proven;
    } catch (error) {
      opened.close();
      throw error;
    }
  };
  const tries = await inTurns(() => tried(once), times);
  return { tries, leg };
}

/**
 * @param {() => Promise<Try>} once
 * @param {number} times
 * @param {number} [limitMs] after this time it is not repeated
 */
async function inTurns(once, times, limitMs = Number.POSITIVE_INFINITY) {
  const begun = now();
  const tries = [];
  while (tries.length < times && now() - begun < limitMs) tries.push(await once());
  return tries;
}

/** Returns the result of a question, or the fault that stopped it. @param {() => Promise<Try>} work @returns {Promise<Try>} */
function tried(work) {
  return work().catch((error) => {
    if (error instanceof Stop) return { code: error.code, figures: error.figures };
    throw error;
  });
}
