// @ts-check
/** The form that starts a burst, and the counters. It shows reports; it counts nothing itself. */

import { write } from './dom.js';
import { codeWords, counted } from './words.js';

/** @typedef {import('./burst.js').Report} Report */

/** @type {Array<[label: string, value: (report: Report) => number, unit: '' | ' ms', wrong: boolean]>} */
const ROWS = [
  ['Sent', (report) => report.sent, '', false],
  ['Received', (report) => report.received, '', false],
  ['On the way', (report) => report.waiting, '', false],
  ['Lost', (report) => report.lost, '', true],
  ['Duplicated', (report) => report.duplicated, '', true],
  ['Reordered', (report) => report.reordered, '', true],
  [
    'Rejected by publish()',
    (report) => Object.values(report.rejected).reduce((sum, n) => sum + n, 0),
    '',
    true,
  ],
  ['Longest gap', (report) => report.longestGapMs, ' ms', false],
  ['Slowest message', (report) => report.slowestMs, ' ms', false],
];

/** @param {HTMLElement} body the body of the table */
export function createCounters(body) {
  /** @type {Array<(up: Report | null, down: Report | null, over: boolean) => void>} */
  const updates = ROWS.map(([label, value, unit, wrong]) => {
    const row = document.createElement('tr');
    const head = document.createElement('th');
    const cells = [document.createElement('td'), document.createElement('td')];
    head.scope = 'row';
    head.textContent = label;
    row.append(head, ...cells);
    body.append(row);
    return (up, down, over) => {
      for (const [index, report] of [up, down].entries()) {
        const cell = /** @type {HTMLElement} */ (cells[index]);
        // After the end nothing is on the way: a message that was is lost.
        const number = report ? (over && label === 'On the way' ? 0 : value(report)) : 0;
        const text = report ? `${number.toLocaleString('en')}${unit}` : '–';
        write(cell, text);
        const kind = number === 0 ? 'zero' : wrong ? 'wrong' : '';
        if (cell.className !== kind) cell.className = kind;
      }
    };
  });

  return {
    /** @param {Report | null} up @param {Report | null} down @param {boolean} [over] */
    show(up, down, over = false) {
      for (const update of updates) update(up, down, over);
    },
  };
}

/**
 * Returns the outcome in a sentence or two.
 * @param {import('./run-burst.js').BurstReport} report
 * @returns {{held: boolean, text: string}}
 */
export function verdict({ up, down, switches }) {
  const flaws = [up, down].flatMap(({ lost, duplicated, reordered }) => [lost, duplicated, reordered]);
  const changes = switches.filter(({ to }) => to).length;
  const way = `${counted(up.received, 'message')} up and ${down.received.toLocaleString('en')} down, through ${counted(changes, 'change')} of way`;
  const gap = `Longest gap ${Math.max(up.longestGapMs, down.longestGapMs).toLocaleString('en')} ms.`;
  const codes = new Set([...Object.keys(up.rejected), ...Object.keys(down.rejected)]);
  const rejected = codes.size
    ? ` publish() rejected some, and said so: ${[...codes].map(codeWords).join(', ')}.`
    : '';
  const held = flaws.every((flaw) => flaw === 0);
  const found = held ? 'Nothing lost, duplicated or reordered' : 'The session did not hold';
  return { held, text: `${found}: ${way}. ${gap}${rejected}` };
}
