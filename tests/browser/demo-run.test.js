// @ts-check
/** The demo page's report of a trial follows from the session's events. The rules are pure and need no browser. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { headline, told } from '../../src/pages/demo/outcome-words.js';
import { beginRun, createRun, follow, healsAt, isLate, isSettled, wait } from '../../src/pages/demo/run.js';
import { TRIALS } from '../../src/pages/demo/trials.js';

/** @param {string} id */
const trial = (id) =>
  /** @type {import('../../src/pages/demo/trials.js').Trial} */ (TRIALS.find((one) => one.id === id));

/** @param {string} id @param {string | null} [transport] */
function begin(id, transport = null) {
  const run = createRun(trial(id), 5, 900);
  beginRun(run, 1000, transport, transport ? 'online' : 'connecting');
  return run;
}

/** @param {number} at @param {string | null} from @param {string | null} to @param {string} reason */
const moved = (at, from, to, reason) => /** @type {const} */ ({ kind: 'transport', at, from, to, reason });

/**
 * @param {string} transport
 * @param {number} to
 * @param {string} reason
 * @returns {Parameters<typeof follow>[1]}
 */
const failed = (transport, to, reason) => ({
  kind: 'failed',
  at: to,
  attempts: [{ leg: 1, transport, at: 1000, to, reason, carried: false, purpose: 'race' }],
});

test('the first carrier is no move, each later one is, also onto the same transport', () => {
  const run = begin('killed');
  follow(run, moved(1020, null, 'websocket', 'better'));
  assert.equal(run.moves, 0);
  follow(run, moved(1320, 'websocket', null, 'closed'));
  follow(run, moved(1500, null, 'websocket', 'closed'));
  follow(run, moved(1900, 'websocket', 'sse', 'closed'));
  assert.equal(run.moves, 2);
  assert.equal(run.transport, 'sse');
  assert.deepEqual(
    run.path.map(({ transport, reason }) => [transport, reason]),
    [
      ['websocket', 'closed'],
      ['websocket', 'closed'],
      ['sse', null],
    ],
  );
});

test('a failure that repeats before the next carrier is one step, with its count', () => {
  const run = begin('offline', 'websocket');
  follow(run, moved(1010, 'websocket', null, 'closed'));
  for (const at of [1100, 1200, 1300]) {
    follow(run, failed('websocket', at, 'refused'));
    follow(run, failed('sse', at, 'refused'));
  }
  assert.deepEqual(
    run.path.slice(1).map(({ transport, times }) => [transport, times]),
    [
      ['websocket', 3],
      ['sse', 3],
    ],
  );
});

test('a first visit is at rest once its first message is there and nothing changed for three seconds', () => {
  const run = begin('refused');
  follow(run, moved(1040, null, 'sse', 'refused'));
  follow(run, { kind: 'state', at: 1040, state: 'online' });
  assert.equal(isSettled(run, 9000), false, 'without a first message');
  run.first = { ms: 46, transport: 'sse' };
  assert.equal(isSettled(run, 4900), false, 'in less than four seconds there is nothing to see');
  assert.equal(isSettled(run, 5000), true);
  follow(run, moved(5000, 'sse', 'websocket', 'better'));
  assert.equal(isSettled(run, 7999), false);
  assert.equal(isSettled(run, 8000), true);
});

test('an outage is at rest when it has healed and WebSocket carries the session again, not before', () => {
  const run = begin('outage', 'websocket');
  assert.equal(healsAt(run), 6000);
  assert.equal(isSettled(run, 20_000), false, 'not healed');
  follow(run, moved(1010, 'websocket', 'sse', 'closed'));
  run.healedAt = 6000;
  assert.equal(isSettled(run, 20_000), false, 'on SSE');
  follow(run, moved(20_000, 'sse', 'websocket', 'better'));
  assert.equal(run.returnedAt, 20_000);
  assert.equal(isSettled(run, 23_000), true);
  assert.equal(isLate(run, 81_000), false);
  assert.equal(isLate(run, 81_001), true);
});

test('the words never call a run held in which a message was lost, or one at rest that was not', () => {
  const run = begin('cut', 'websocket');
  const report = {
    sent: 10,
    received: 10,
    lost: 0,
    duplicated: 0,
    reordered: 0,
    longestGapMs: 50,
    slowestMs: 5,
    waiting: 0,
    rejected: {},
  };
  Object.assign(run, { phase: 'over', settled: true, counts: { up: report, down: report } });
  assert.equal(headline(run), 'The session held. Nothing was lost.');
  run.settled = false;
  assert.match(headline(run), /did not settle/);
  run.counts = { up: { ...report, received: 9, lost: 1 }, down: report };
  assert.equal(headline(run), 'The session did not hold.');
  assert.match(told(run), /1 lost, 0 duplicated, 0 reordered/);
});

test('a wait is shown once the failure is over, with the time of the next try, and ends when WebSocket carries the session', () => {
  const run = begin('outage', 'websocket');
  follow(run, moved(1010, 'websocket', 'sse', 'closed'));
  assert.equal(wait(run, 5000, 40_000), null, 'while the failure lasts');
  run.healedAt = 6000;
  assert.equal(wait(run, 8000, 40_000), null, 'at once it may be over by itself');
  assert.deepEqual(wait(run, 9000, 40_000), { for: 'websocket', ms: 31_000 });
  assert.deepEqual(
    wait(run, 9000, 0),
    { for: 'websocket', ms: 72_000 },
    'at most until the end of the trial',
  );
  follow(run, moved(10_000, 'sse', 'websocket', 'asked'));
  assert.equal(wait(run, 11_000, 40_000), null);
});

test('behind a slow WebSocket the wait is for another way', () => {
  const run = begin('slow', 'websocket');
  assert.equal(wait(run, 5000, 0), null);
  assert.deepEqual(wait(run, 11_000, 0), { for: 'other', ms: 50_000 });
  follow(run, moved(12_000, 'websocket', 'sse', 'slow'));
  assert.equal(wait(run, 13_000, 0), null);
});

/** The texts of the pages for visitors, without the comments. */
const texts = ['src/pages/demo', 'src/pages/doctor', 'src/pages/start'].flatMap((folder) => {
  const place = new URL(`../../${folder}/`, import.meta.url);
  return readdirSync(place)
    .filter((name) => /\.(js|json|html)$/.test(name))
    .map((name) =>
      readFileSync(new URL(name, place), 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, ''),
    );
});

/** Phrases that visitors of earlier versions did not understand, or that looked like a translation. */
const STUMBLES = [
  'What shall go wrong',
  'What heals, heals',
  'Clear air',
  'for ever',
  'by its operator',
  'Tried in vain',
  'please.',
  'What is not there',
  'Nothing has to be done',
  'asking …',
  'the witness',
  '101, then silence',
  'RTT',
];

test('no page has a phrase that its first visitors stumbled over', () => {
  for (const phrase of STUMBLES) assert.ok(!texts.some((text) => text.includes(phrase)), phrase);
  assert.ok(texts.length > 50, `only ${texts.length} files are read`);
});

test('the demo explains each technical word that it uses', () => {
  const page = texts.find((text) => text.includes('data-stage')) ?? '';
  const explained = [...page.matchAll(/<dt>([^<]+)<\/dt><dd>/g)].map(([, word]) => word);
  assert.deepEqual(explained, ['WebSocket', 'SSE', 'Long-poll', 'Session', 'Gateway', 'Proxy', 'Round trip']);
});
