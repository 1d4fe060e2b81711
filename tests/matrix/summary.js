// @ts-check
/**
 * The table of all rows, from the results of the tests. This program prints it, and keeps it beside the
 * results. With `--quote` it puts the table into docs/NETWORKS.md, between the marks. It names each row
 * without a result, with the reason, and omits none.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { DIRECTORY } from './results.js';

const DOCUMENT = new URL('../../docs/NETWORKS.md', import.meta.url);
const MARKS = ['<!-- the table begins -->', '<!-- the table ends -->'];
const ROWS = 50;

/** The reasons for rows without a result. @type {Record<number, string>} */
const WITHOUT = {
  35: 'later: tabs do not share a session yet',
  36: 'later: tabs do not share a session yet',
  39: 'not a network. `every_schedule_keeps_the_invariants` in `src/session/simulation` runs 100,000 schedules. It fails unless each case occurs 10 times: 9 pairs of transports, lines under way up and down, the old leg dead at each of 7 steps or alive. `tests/session_peer` runs 4,000 schedules with the client in JavaScript, and does not count the cases',
};

/** @returns {import('./results.js').Result[]} */
function results() {
  mkdirSync(DIRECTORY, { recursive: true });
  const files = readdirSync(DIRECTORY).filter((name) => name.endsWith('.json'));
  return files
    .flatMap((name) => JSON.parse(readFileSync(new URL(name, DIRECTORY), 'utf8')))
    .sort((a, b) => a.row - b.row);
}

/** @param {import('./results.js').Result} result */
function line({ row, condition, client, expected, observed, ms, bound, ok, whole, note }) {
  const time = (/** @type {number | null} */ value) =>
    value === null ? '' : `${value.toLocaleString('en')} ms`;
  const cells = [
    row,
    whole ? condition : `${condition} (scaled down)`,
    client,
    expected,
    observed,
    time(ms),
    time(bound),
    ok ? 'yes' : '**no**',
    note.replaceAll('|', '/').replace(/; longest gap/, '; longest gap'),
  ];
  return `| ${cells.join(' | ')} |`;
}

function table() {
  const all = results();
  const lines = [
    '| row | condition | client | expected | observed | time | bound | ok | |',
    '|---|---|---|---|---|---|---|---|---|',
  ];
  for (let row = 1; row <= ROWS; row += 1) {
    const those = all.filter((result) => result.row === row);
    lines.push(...those.map(line));
    if (those.length === 0) lines.push(`| ${row} | ${WITHOUT[row] ?? 'not run'} | | | | | | | |`);
  }
  return { all, text: lines.join('\n') };
}

const { all, text } = table();
writeFileSync(new URL('table.md', DIRECTORY), `${text}\n`);
console.log(text);
const failed = all.filter(({ ok }) => !ok).length;
console.log(
  `\n${all.length} results, ${failed} of them not as they should be; kept in ${fileURLToPath(DIRECTORY)}table.md`,
);

if (process.argv.includes('--quote')) {
  const document = readFileSync(DOCUMENT, 'utf8');
  const [before, rest] = document.split(MARKS[0]);
  const after = rest?.split(MARKS[1])[1];
  if (after === undefined) throw new Error(`${DOCUMENT.pathname} has no marks`);
  const shown = `Run on ${cpus().length} cores: ${all.length} results, ${failed ? `${failed} of them outside of what is expected` : 'all as expected'}.`;
  writeFileSync(DOCUMENT, [before, MARKS[0], `\n${shown}\n\n`, text, '\n', MARKS[1], after].join(''));
  console.log('quoted in docs/NETWORKS.md');
}
