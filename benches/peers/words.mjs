// @ts-check
// From the runs of one client behind one network to medians, and from those to the words of the tables. It measures
// nothing, and knows no file.
import { KILLED } from './peers.mjs';

/**
 * @typedef {import('./watch.mjs').Verdict & { websockets: number, requests: number }} Run
 *
 * @typedef {object} Cell the outcome of most runs; each figure is a median
 * @property {import('./watch.mjs').Verdict['outcome']} outcome
 * @property {number} first Infinity, if it never came
 * @property {number} settled
 * @property {number} closed
 * @property {string} transport the transport that carried it at the end; several, if the runs differ
 * @property {import('./numbers.mjs').Losses} losses
 * @property {number} opens
 * @property {number} others runs with another outcome
 * @property {Run[]} runs
 */

/** Returns the median. A time that never came counts as Infinity. @param {(number | undefined)[]} values */
export function median(values) {
  const sorted = values.map((value) => value ?? Number.POSITIVE_INFINITY).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.POSITIVE_INFINITY;
}

/** @param {Run[]} runs @returns {Cell} */
export function cell(runs) {
  /** @type {Map<Cell['outcome'], number>} */
  const counts = new Map();
  for (const { outcome } of runs) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  const [[outcome] = [/** @type {const} */ ('never')]] = [...counts].sort(([, a], [, b]) => b - a);
  const of = runs.filter((run) => run.outcome === outcome);
  return {
    outcome,
    first: median(runs.map(({ first }) => first)),
    settled: median(of.map(({ settled }) => settled)),
    closed: median(of.map(({ closed }) => closed)),
    transport: [...new Set(of.map(({ transport = 'nothing' }) => transport))].join(' or '),
    losses: {
      sent: median(of.map(({ losses }) => losses.sent)),
      lost: median(of.map(({ losses }) => losses.lost)),
      duplicated: median(of.map(({ losses }) => losses.duplicated)),
      reordered: median(of.map(({ losses }) => losses.reordered)),
    },
    opens: median(of.map(({ websockets }) => websockets)),
    others: runs.length - of.length,
    runs,
  };
}

/** @param {number} value */
export const ms = (value) => (value < 999.5 ? `${Math.round(value)} ms` : `${(value / 1000).toFixed(2)} s`);

/** Describes the first message, and the rest of the outcome where it matters. @param {string} network @param {Cell} cell */
export function firstWords(network, { outcome, first, settled, transport, opens, others, runs }) {
  const rest = others ? ` (${others} of ${runs.length} otherwise)` : '';
  if (outcome === 'never' || first === Number.POSITIVE_INFINITY) return `never${rest}`;
  const tried = `${opens} open${opens === 1 ? '' : 's'}`;
  if (outcome === 'flaps') return `${ms(first)}, then flaps, ${tried}${rest}`;
  if (outcome === 'closes') return `${ms(first)}, then closes${rest}`;
  if (network !== KILLED.network) return `${ms(first)}${rest}`;
  return `${ms(first)}, settles on ${transport} at ${ms(settled)}, ${tried}${rest}`;
}

/**
 * Says which transport carried the messages after the first, and how many messages were lost.
 * @param {Cell} cell
 * @param {boolean} [standIn]
 */
export function thenWords({ outcome, transport, closed, losses }, standIn) {
  if (outcome === 'never') return 'nothing';
  const lost = lossWords(losses, standIn);
  if (outcome === 'closes') return `closes at ${ms(closed)}; until then ${lost}`;
  return outcome === 'flaps' ? `flaps, at the end on ${transport}; ${lost}` : `${transport}; ${lost}`;
}

/** @param {import('./numbers.mjs').Losses} losses @param {boolean} [standIn] */
function lossWords({ sent, lost, duplicated, reordered }, standIn) {
  if (standIn) return 'not measured: stand-in server';
  const more = [duplicated && `${duplicated} duplicated`, reordered && `${reordered} reordered`];
  return [`${lost} of ${sent} lost`, ...more.filter(Boolean)].join(', ');
}

/** Describes one run, for readers who want to know everything. @param {Run} run @param {boolean} [standIn] */
export function runWords(
  { outcome, first, settled, closed, transport, losses, websockets, requests },
  standIn,
) {
  const opens = `${websockets} of ${requests}`;
  if (first === undefined) return `${outcome}, ${opens}`;
  const end = {
    settled: `settled on ${transport} at ${ms(settled ?? 0)}`,
    flaps: `flaps, at the end on ${transport ?? 'nothing'}`,
    closes: `closes at ${ms(closed ?? 0)}`,
    never: 'never',
  }[outcome];
  return `${ms(first)}, ${end}, ${opens}${standIn ? '' : `, ${lossWords(losses)}`}`;
}
