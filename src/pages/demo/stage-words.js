// @ts-check
/** The state of the two moving things in plain words. Pure: from counts to text. */

import { counted, transportName } from './words.js';

/** A side without a message for so long is frozen. */
export const FROZEN_MS = 700;

/** @typedef {import('./ticks.js').Count} Count */
/** @typedef {'rest' | 'broken' | 'healed' | 'between'} Condition of the network; `between` two failures of the tour */
/** @typedef {'connecting' | 'live' | 'frozen'} Motion */

/** @param {Count} count @param {boolean} isStarted @returns {Motion} */
export function motion({ silentMs }, isStarted) {
  if (!isStarted) return 'connecting';
  return silentMs > FROZEN_MS ? 'frozen' : 'live';
}

/** @param {Motion} moves @param {Count} count */
export function plainPill(moves, { silentMs, lost }) {
  if (moves === 'connecting') return 'Connecting';
  if (moves === 'frozen') return silentMs < 1000 ? 'Frozen' : `Frozen for ${Math.floor(silentMs / 1000)} s`;
  return lost ? 'Back, with holes' : 'Live';
}

/** @param {Motion} moves @param {Count} count @param {string | null} transport */
export function sessionPill(moves, { waiting }, transport) {
  if (moves === 'connecting') return 'Connecting';
  if (moves === 'frozen' || !transport) return waiting ? `${waiting} messages wait` : 'Finding a way';
  return `Live, by ${transportName(transport)}`;
}

/**
 * @param {Condition} condition
 * @param {string} what was broken
 */
export function situation(condition, what) {
  if (condition === 'broken') return `Broken: ${what}`;
  // The visitor must not mistake the page's own act for one of Throughline.
  if (condition === 'between')
    return 'Repaired. For the next failure this page asks Throughline back to WebSocket.';
  if (condition === 'healed') return 'Repaired: the network carries everything again.';
  return 'Nothing is broken yet. Both get the same 20 messages a second, by the same network.';
}

/** @param {Count} count */
const isFlawed = ({ lost, duplicated, reordered }) => lost + duplicated + reordered > 0;

/**
 * Says what came of it, for both sides.
 * @param {Condition} condition
 * @param {{moves: Motion, count: Count}} plain
 * @param {{moves: Motion, count: Count, transport: string | null}} session
 */
export function result(condition, plain, session) {
  if (condition === 'rest' && !isFlawed(session.count)) return 'Press the button and watch which one goes on.';
  return `${plainSentence(plain)} ${sessionSentence(session)}`;
}

/** @param {{moves: Motion, count: Count}} plain */
function plainSentence({ moves, count: { lost } }) {
  const without = lost ? `: ${counted(lost, 'message')} lost` : '';
  if (moves === 'frozen') return `The plain WebSocket is frozen${without}.`;
  return lost ? `The plain WebSocket is back${without}.` : 'The plain WebSocket goes on.';
}

/** @param {{moves: Motion, count: Count, transport: string | null}} session */
function sessionSentence({ moves, count, transport }) {
  const { lost, duplicated, reordered, waiting } = count;
  if (isFlawed(count))
    return `Throughline did not hold: ${lost} lost, ${duplicated} duplicated, ${reordered} reordered.`;
  if (moves === 'connecting') return 'Throughline is connecting.';
  if (moves === 'frozen' || !transport)
    return waiting
      ? `Throughline looks for a way; ${counted(waiting, 'message')} wait for it.`
      : 'Throughline looks for a way.';
  return `Throughline goes on by ${transportName(transport)}: nothing lost.`;
}

