// @ts-check
/** The doctor's words: each finding has a sentence, and the page and the command write the same report, letter for letter. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { together } from '../../src/pages/doctor/repeat.js';
import { explain, report, signIn, summary } from '../../src/pages/doctor/verdict.js';
import { makeDirectory } from '../browser/directory.js';
import { PROGRAM, startGateway } from '../browser/gateway.js';
import { startLab } from './lab.js';

const words = JSON.parse(
  await readFile(new URL('../../src/pages/doctor/words.json', import.meta.url), 'utf8'),
);

/** @type {Awaited<ReturnType<typeof startLab>>} */
let lab;
before(async () => {
  lab = await startLab();
});
after(() => lab.gateway.stop());

/** @param {string} url @param {string[]} options @returns {Promise<any>} */
async function command(url, ...options) {
  const run = promisify(execFile)(PROGRAM, ['doctor', url, '--json', '--watch', '1', ...options]);
  // The command exits with 1 if nothing works.
  const { stdout } = await run.catch((error) => error);
  return JSON.parse(stdout);
}

/** Holds the page's words to those of the command. @param {any} told the command's JSON */
function saysTheSame({ findings, date, url, by, user, sign_in, report: told, summary: result }) {
  assert.equal(report(words, findings, { date, url, by, user }), told);
  assert.equal(signIn(words, findings, user), sign_in);
  assert.equal(summary(words, findings).code, result.code);
  for (const finding of findings) assert.equal(explain(words, finding, findings).says, finding.says);
}

describe('networks, side by side', { concurrency: true }, () => {
  for (const named of ['clear', 'websocket-refused', 'websocket-killed', 'lossy', 'slow', 'portal']) {
    test(`page and command say the same of ${named}`, async () => {
      const front = await lab.front();
      await front.set({ named });
      saysTheSame(await command(front.url));
    });
  }
});

test('the command works before sign-in, names the user after it, and blames no network for a bad token', async () => {
  const directory = await makeDirectory('doctor');
  const file = (/** @type {string} */ name) => `${directory.path}/${name}`;
  await writeFile(file('gateway.toml'), '[auth]\nsecret = ["a secret of the tests, which is long enough"]\n');
  await writeFile(file('bad'), 'not.a.token\n');
  const signing = ['token', '--config', file('gateway.toml'), '--user', 'ada\u202e\n'];
  const granting = ['--channel', '{*all}=subscribe,publish'];
  const { stdout: token } = await promisify(execFile)(PROGRAM, [...signing, ...granting]);
  await writeFile(file('token'), token);
  const gateway = await startGateway(['serve', '--config', file('gateway.toml'), '--listen', '127.0.0.1:0']);
  try {
    for (const { options, signed, result, size } of [
      {
        options: [],
        signed: 'Not signed in: this test needs no sign-in.',
        result: 'websocket',
        size: 'up_only',
      },
      {
        options: ['--token-file', file('token')],
        signed: 'Signed in as ada\u202e\ufffd.',
        result: 'websocket',
        size: 'works',
      },
      {
        options: ['--token-file', file('bad')],
        signed: 'Not signed in: the token was refused.',
        result: 'unauthorized',
        size: undefined,
      },
    ]) {
      const told = await command(gateway.url, ...options);
      saysTheSame(told);
      const found = told.findings.find((/** @type {any} */ { probe }) => probe === 'size');
      assert.deepEqual([told.sign_in, told.summary.code, found?.code], [signed, result, size], told.report);
      assert.ok(!JSON.stringify(told).includes(token.trim()), told.report);
    }
  } finally {
    await gateway.stop();
    await directory.remove();
  }
});

test('figures are written with their units', () => {
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

test('if nothing gets through, the result says why, and only the first finding gives advice', () => {
  const finding = (/** @type {string} */ probe, /** @type {string} */ code) => ({ probe, code, figures: {} });
  for (const [code, result] of [
    ['portal', 'portal'],
    ['login', 'portal'],
    ['gate', 'gate'],
    ['unreachable', 'offline'],
    ['no_answer', 'offline'],
    ['broken', 'offline'],
    ['full', 'full'],
    ['closed', 'closed'],
    ['no_name', 'no_name'],
    ['certificate', 'certificate'],
    ['ours', 'none'],
    ['unreliable', 'none'],
  ]) {
    const findings = [finding('control', code), finding('websocket', 'refused')];
    assert.equal(summary(words, findings).code, result, code);
    assert.equal(
      explain(words, findings[1], findings).means === undefined,
      !['ours', 'unreliable'].includes(code),
      code,
    );
  }
});

test('a refused token is the result of the gateway, and of no network', () => {
  const refused = { probe: 'websocket', code: 'unauthorized', figures: {} };
  const findings = [{ probe: 'control', code: 'ours', figures: {} }, refused];
  assert.equal(summary(words, findings).code, 'unauthorized');
  assert.equal(explain(words, refused, findings).change, undefined);
});

test('the report names the user of the sign-in in one line', () => {
  const about = { date: 'today', url: 'https://example.org/', by: 'a test' };
  for (const [user, line] of [
    ['ada', 'Signed in as ada.'],
    ['$& {user}', 'Signed in as $& {user}.'],
    ['a\r\nb\u2028c', 'Signed in as a\ufffd\ufffdb\u2028c.'],
    [undefined, 'Not signed in: this test needs no sign-in.'],
  ])
    assert.equal(report(words, [], { ...about, user }).split('\n')[4], `  ${line}`);
});

test('the result is never better than the findings', () => {
  const result = (/** @type {Record<string, string>} */ codes) =>
    summary(
      words,
      Object.entries(codes).map(([probe, code]) => ({ probe, code, figures: {} })),
    );
  const good = { control: 'ours', websocket: 'works', sse: 'works', poll: 'works', send: 'works' };
  for (const [change, code] of /** @type {[Record<string, string>, string][]} */ ([
    [{}, 'websocket'],
    [{ sse: 'off' }, 'websocket'],
    [{ sse: 'held_headers' }, 'partly'],
    [{ 'idle-websocket': 'cut' }, 'partly'],
    [{ size: 'up_limited' }, 'partly'],
    [{ websocket: 'refused' }, 'sse'],
    [{ websocket: 'slow' }, 'slow'],
    [{ control: 'slow' }, 'slow'],
    [{ send: 'unreliable' }, 'lossy'],
    [{ websocket: 'unreliable', sse: 'refused', poll: 'refused' }, 'lossy'],
    [{ client: 'incomplete' }, 'client'],
  ])) {
    const told = result({ ...good, ...change });
    assert.equal(told.code, code, JSON.stringify(change));
    assert.equal(told.level === 'good', code === 'websocket', code);
    assert.doesNotMatch(`${told.says} ${told.means}`, /[{}]|undefined/);
  }
});

test('tries that differ are unreliable, and say how often and how one failed', () => {
  const tried = (/** @type {string} */ code, ms = 5) => ({ code, figures: { rtt_ms: ms, worst_ms: ms } });
  const cases = /** @type {const} */ ([
    [['works', 'works', 'works'], 'works'],
    [['slow', 'works', 'works'], 'works'],
    [['cut', 'refused', 'refused'], 'refused'],
    [['cut', 'works', 'works'], 'unreliable'],
    [['loses', 'loses', 'loses'], 'unreliable'],
  ]);
  for (const [codes, code] of cases) {
    const tries = codes.map((one) => tried(one, one === 'slow' ? 900 : 5));
    assert.equal(together(tries).code, code, codes.join());
  }
  const { figures } = together([tried('works'), tried('cut'), tried('cut')]);
  const finding = { probe: 'sse', code: 'unreliable', figures: { ...figures, after_ms: 20 } };
  assert.equal(
    explain(words, finding, []).says,
    '2 of 3 tries failed. One of those: It opens, and is cut 20 ms later, in the middle of use.',
  );
});
