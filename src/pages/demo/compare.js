// @ts-check
/** The comparison in an outcome: this page, now, beside the measured figures of other clients. */

import { PEERS, SOURCE } from './peers.js';
import { flaws } from './run.js';
import { duration, transportName } from './words.js';

const NOT_MEASURED =
  'Both lines are measured now. Other clients were measured on first visits only: pick one of those to compare.';

/** The time of the first message of a session that goes on. */
const BEFORE = 'before it';

/**
 * @param {HTMLElement} place
 * @param {import('./run.js').Run} run
 * @param {number} plainLost messages that the plain WebSocket of this page lost meanwhile
 */
export function compare(place, run, plainLost) {
  const { column } = run.trial;
  const peers = column
    ? PEERS.map(([client, figures]) => ({ client, ...figures[column] }))
    : [plain(run, plainLost)];
  const rows = [{ client: 'This page, now', ...own(run), failed: false }, ...peers];
  const key = JSON.stringify(rows);
  if (place.dataset.key === key) return;
  place.dataset.key = key;

  const table = document.createElement('table');
  const [head, body] = [document.createElement('thead'), document.createElement('tbody')];
  head.append(cells('th', ['Client', 'First message', 'Then carried by, lost']));
  body.append(
    ...rows.map(({ client, first, then, failed }, index) => {
      const row = cells('td', [first, then]);
      const name = Object.assign(document.createElement('th'), { scope: 'row', textContent: client });
      row.prepend(name);
      row.className = `${index ? '' : 'own'} ${failed ? 'failed' : ''}`;
      return row;
    }),
  );
  table.append(head, body);
  const note = Object.assign(document.createElement('p'), { className: 'note' });
  note.textContent = column ? SOURCE : NOT_MEASURED;
  place.querySelector('[data-compared]')?.replaceChildren(table, note);
}

/** @param {import('./run.js').Run} run @param {number} lost */
const plain = ({ phase }, lost) => ({
  client: 'Plain WebSocket, now',
  first: BEFORE,
  then: phase === 'preparing' ? '…' : `${lost ? lost.toLocaleString('en') : 'none'} lost`,
  failed: lost > 0,
});

/** Returns the row of this page. @param {import('./run.js').Run} run */
function own(run) {
  const { trial, phase, first, transport, counts } = run;
  const { lost, duplicated, reordered } = flaws(run);
  const flawed = lost + duplicated + reordered > 0;
  const sums = flawed ? `${lost} lost, ${duplicated} duplicated, ${reordered} reordered` : 'none lost';
  return {
    first: trial.fresh ? (first ? duration(first.ms) : '…') : BEFORE,
    then: phase === 'preparing' || !transport ? '…' : `${transportName(transport)}${counts ? `, ${sums}` : ''}`,
  };
}

/** @param {'th' | 'td'} kind @param {string[]} texts */
function cells(kind, texts) {
  const row = document.createElement('tr');
  for (const text of texts) {
    const cell = Object.assign(document.createElement(kind), { textContent: text });
    if (kind === 'th') cell.scope = 'col';
    row.append(cell);
  }
  return row;
}
