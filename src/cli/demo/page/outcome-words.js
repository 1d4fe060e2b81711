// @ts-check
/** What a trial came to, in plain words. Pure: from a run to text. */

import { flaws } from './run.js';
import { RATE } from './trials.js';
import { counted, duration, transportName } from './words.js';

/** @typedef {import('./run.js').Run} Run */

/** @param {Run} run */
const held = (run) => Object.values(flaws(run)).every((flaw) => flaw === 0);

/** The one sentence to be read from the last row. @param {Run} run */
export function headline(run) {
  const { trial, phase, first, seconds, transport } = run;
  if (phase === 'abandoned') return 'This trial was ended.';
  if (phase === 'preparing') return trial.fresh ? 'Connecting …' : 'A session in clear air first …';
  if (phase === 'over' && !held(run)) return 'The session did not hold.';
  if (trial.fresh) return first ? firstMessage(run, first) : 'Connecting …';
  if (phase === 'over')
    return run.settled
      ? 'The session held. Nothing was lost.'
      : 'Nothing was lost, but it did not come to rest.';
  if (!transport) return 'Nothing gets through. The session is kept.';
  if (trial.heals && !run.healedAt) return `Going on, over ${transportName(transport)}.`;
  if (trial.heals && trial.until === 'websocket' && transport !== 'websocket')
    return `Healed. Still over ${transportName(transport)}.`;
  return trial.heals
    ? `Healed after ${seconds} s; over ${transportName(transport)}.`
    : `Going on, over ${transportName(transport)}.`;
}

/** @param {Run} run @param {{ms: number, transport: string | null}} first */
function firstMessage({ phase, settled, transport }, first) {
  const after = `First message after ${duration(first.ms)}`;
  if (phase === 'over' && !settled) return `${after}, but then it did not come to rest.`;
  if (phase === 'over' && transport !== first.transport)
    return `${after}. At rest on ${transportName(transport)}.`;
  return `${after}, over ${transportName(first.transport)}.`;
}

/** What stood in the way. @param {Run} run */
export const obstacle = ({ trial, seconds }) => trial.what.replace('{seconds}', `${seconds}`);

/** What came of it. @param {Run} run */
export function told(run) {
  const { phase, counts, transport, moves, settled, trial, healedAt, returnedAt } = run;
  if (phase === 'preparing' || phase === 'abandoned') return '';
  if (phase !== 'over' || !counts)
    return `Meanwhile ${RATE} numbered messages a second go each way, and each is accounted for.`;
  const sentences = [];
  if (!settled) sentences.push(`It had not come to rest when the ${trial.most} s were over.`);
  else if (moves === 0) sentences.push(`It stayed on ${transportName(transport)} all the time.`);
  else
    sentences.push(
      `It moved ${moves === 1 ? 'once' : counted(moves, 'time')}, and is on ${transportName(transport)} now.`,
    );
  if (trial.until === 'websocket' && healedAt)
    sentences.push(
      returnedAt
        ? `WebSocket carried it again ${duration(returnedAt - healedAt)} after it had healed.`
        : 'WebSocket did not carry it again.',
    );
  const { lost, doubled, disordered } = flaws(run);
  const numbers = `${counted(counts.up.received, 'numbered message')} up and ${counts.down.received.toLocaleString('en')} down`;
  sentences.push(
    held(run)
      ? `${numbers}: none lost, none doubled, all in order.`
      : `${numbers}: ${lost} lost, ${doubled} doubled, ${disordered} out of order.`,
  );
  return sentences.join(' ');
}
