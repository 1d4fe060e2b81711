// @ts-check
/** The doctor's words: each finding has a sentence, and the page's report is the command's, letter for letter. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { explain, report, summary } from '../../src/server/doctor/verdict.js';
import { PROGRAM } from '../browser/gateway.js';
import { startLab } from './lab.js';

const words = JSON.parse(
  await readFile(new URL('../../src/server/doctor/words.json', import.meta.url), 'utf8'),
);

/** @type {Awaited<ReturnType<typeof startLab>>} */
let lab;
before(async () => {
  lab = await startLab();
});
after(() => lab.gateway.stop());

/** @param {string} url @returns {Promise<any>} */
async function command(url) {
  const run = promisify(execFile)(PROGRAM, ['doctor', url, '--json', '--watch', '1']);
  // It exits with 1 where nothing works.
  const { stdout } = await run.catch((error) => error);
  return JSON.parse(stdout);
}

for (const named of ['clear', 'websocket-refused', 'websocket-killed', 'portal']) {
  test(`page and command say the same of ${named}`, async () => {
    const front = await lab.front();
    await front.set({ named });
    const { findings, date, url, by, report: told, summary: result } = await command(front.url);
    assert.equal(report(words, findings, { date, url, by }), told);
    assert.equal(summary(words, findings).code, result.code);
    for (const finding of findings) assert.equal(explain(words, finding, findings).says, finding.says);
  });
}

test('figures are told with their units', () => {
  const says = (/** @type {number} */ ms) =>
    explain(words, { probe: 'control', code: 'ours', figures: { ms } }, []).says;
  const told = [0, 999, 1249, 1250, 9949, 9960, 12_500].map(says);
  assert.deepEqual(
    told,
    ['0 ms', '999 ms', '1.2 s', '1.3 s', '9.9 s', '10.0 s', '13 s'].map((time) => `It answers, in ${time}.`),
  );
});

test('every sentence has a level, and advice only where there is something to advise', () => {
  for (const [probe, codes] of Object.entries(words.findings)) {
    assert.ok(words.titles[probe] && words.about[probe], probe);
    for (const [code, row] of Object.entries(/** @type {Record<string, any>} */ (codes))) {
      assert.ok(words.levels[row.level], `${probe} ${code}`);
      assert.equal(row.level === 'good', row.means === undefined, `${probe} ${code}`);
      if (row.level === 'good') assert.equal(row.change, undefined, `${probe} ${code}`);
    }
  }
});

test('where nothing gets through, the result says why, and only the first finding gives advice', () => {
  const finding = (/** @type {string} */ probe, /** @type {string} */ code) => ({ probe, code, figures: {} });
  for (const [code, result] of [
    ['portal', 'portal'],
    ['login', 'portal'],
    ['gate', 'gate'],
    ['unreachable', 'offline'],
    ['no_answer', 'offline'],
    ['broken', 'offline'],
    ['ours', 'none'],
  ]) {
    const findings = [finding('control', code), finding('websocket', 'refused')];
    assert.equal(summary(words, findings).code, result, code);
    assert.equal(explain(words, findings[1], findings).means === undefined, code !== 'ours', code);
  }
});
