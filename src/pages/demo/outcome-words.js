// @ts-check
/** The outcome of a trial in plain words. Pure: from a run to text. */

import { flaws } from './run.js';
import { RATE } from './trials.js';
import { counted, duration, times, transportName } from './words.js';

/** @typedef {import('./run.js').Run} Run */

/** @param {Run} run */
const held = (run) => Object.values(flaws(run)).every((flaw) => flaw === 0);

/** Returns the one sentence that people must be able to read from the last row. @param {Run} run */
export function headline(run) {
  const { trial, phase, first, seconds, transport } = run;
  if (phase === 'abandoned') return 'You ended this trial.';
  if (phase === 'preparing') return trial.fresh ? 'Connecting …' : 'First a session that works …';
  if (phase === 'over' && !held(run)) return 'The session did not hold.';
  if (trial.fresh) return first ? firstMessage(run, first) : 'Connecting …';
  if (phase === 'over')
    return run.settled
      ? 'The session held. Nothing was lost.'
      : 'Nothing was lost, but it did not settle.';
  if (!transport) return 'Nothing gets through. The session is kept.';
  if (trial.heals && !run.healedAt) return `It goes on by ${transportName(transport)}.`;
  if (trial.heals && trial.until === 'websocket' && transport !== 'websocket')
    return `The failure is over. Still on ${transportName(transport)}.`;
  return trial.heals
    ? `The failure ended after ${seconds} s. On ${transportName(transport)}.`
    : `It goes on by ${transportName(transport)}.`;
}

/** @param {Run} run @param {{ms: number, transport: string | null}} first */
function firstMessage({ phase, settled, transport }, first) {
  const after = `First message after ${duration(first.ms)}`;
  if (phase === 'over' && !settled) return `${after}, but then it did not settle.`;
  if (phase === 'over' && transport !== first.transport)
    return `${after}. Settled on ${transportName(transport)}.`;
  return `${after}, by ${transportName(first.transport)}.`;
}

/** @param {NonNullable<ReturnType<typeof import('./run.js').wait>>} wait */
export const waitWords = ({ for: way, ms }) => {
  const left = `${Math.max(0, Math.ceil(ms / 1000))} s`;
  return way === 'websocket'
    ? `WebSocket failed more than once. The client tries it again in at most ${left}.`
    : `The client makes sure that WebSocket is slow. It moves in at most ${left}.`;
};

/** Says what stood in the way. @param {Run} run */
export const obstacle = ({ trial, seconds }) => trial.what.replace('{seconds}', `${seconds}`);

/** Says what came of it. @param {Run} run */
export function told(run) {
  const { phase, counts, transport, moves, settled, trial, healedAt, returnedAt } = run;
  if (phase === 'preparing') return '';
  if (phase === 'abandoned') return 'Something else has begun. Pick a failure to start another trial.';
  if (phase !== 'over' || !counts)
    return `Meanwhile ${RATE} numbered messages a second go each way. Each one is counted.`;
  const sentences = [];
  if (!settled) sentences.push(`It was still changing its way when the ${trial.most} s were over.`);
  else if (moves === 0) sentences.push(`It stayed on ${transportName(transport)}.`);
  else
    sentences.push(
      `It changed its way ${times(moves)}, and is on ${transportName(transport)} now.`,
    );
  if (trial.until === 'websocket' && healedAt)
    sentences.push(
      returnedAt
        ? `WebSocket carried it again ${duration(returnedAt - healedAt)} after the failure ended.`
        : 'WebSocket did not carry it again.',
    );
  const { lost, duplicated, reordered } = flaws(run);
  const numbers = `${counted(counts.up.received, 'numbered message')} up and ${counts.down.received.toLocaleString('en')} down`;
  sentences.push(
    held(run)
      ? `${numbers}: none lost, duplicated or reordered.`
      : `${numbers}: ${lost} lost, ${duplicated} duplicated, ${reordered} reordered.`,
  );
  return sentences.join(' ');
}
