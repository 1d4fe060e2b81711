// @ts-check
/** The counters of the demo's first screen come from the numbers of the messages. The counting is pure and needs no browser. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { motion, plainPill, result, sessionPill, situation } from '../../src/pages/demo/stage-words.js';
import { createTicks } from '../../src/pages/demo/ticks.js';

const PATIENCE_MS = 1000;

/** Returns ticks to which 1 to `count` were sent, one message each 10 ms from 1,000 on. @param {number} count */
function sent(count) {
  const ticks = createTicks(PATIENCE_MS);
  ticks.startAfter(0);
  for (let n = 1; n <= count; n += 1) ticks.send(n, 990 + 10 * n);
  return ticks;
}

/** @param {ReturnType<typeof createTicks>} ticks @param {number} now */
function flaws(ticks, now) {
  const { lost, duplicated, reordered } = ticks.count(now);
  return [lost, duplicated, reordered];
}

test('numbers that arrive once and in order are flawless', () => {
  const ticks = sent(3);
  for (const n of [1, 2, 3]) ticks.receive(n, 1050);
  assert.deepEqual(flaws(ticks, 9000), [0, 0, 0]);
  assert.equal(ticks.count(9000).received, 3);
  assert.equal(ticks.count(9000).silentMs, 0, 'silence is no standstill if no message is missing');
});

test('without deduplication the counter of duplicates counts each arrival that comes again', () => {
  const ticks = sent(3);
  for (const n of [1, 2, 2, 1, 3]) ticks.receive(n, 1050);
  assert.deepEqual(flaws(ticks, 1060), [0, 2, 0]);
});

test('a number that a later one overtook is lost at once, and reordered when it comes after all', () => {
  const ticks = sent(4);
  ticks.receive(1, 1050);
  ticks.receive(4, 1050);
  assert.deepEqual(flaws(ticks, 1050), [2, 0, 0]);
  assert.deepEqual(
    [2, 4].map((n) => ticks.fate(n, 1050)),
    ['lost', 'arrived'],
  );
  ticks.receive(2, 1060);
  assert.deepEqual(flaws(ticks, 1060), [1, 0, 1]);
});

test('a number above the highest waits for as long as the patience lasts, and is lost then', () => {
  const ticks = sent(2);
  ticks.receive(1, 1050);
  assert.equal(ticks.fate(2, 2000), 'waiting');
  assert.equal(ticks.count(2000).waiting, 1);
  assert.deepEqual(flaws(ticks, 2000), [0, 0, 0]);
  assert.deepEqual(flaws(ticks, 2011), [1, 0, 0]);
  ticks.receive(2, 2100);
  assert.deepEqual(flaws(ticks, 2100), [0, 0, 0], 'it was late, and not lost');
});

test('while a connection that sends nothing again is gone all is lost, also after it is back', () => {
  const ticks = sent(3);
  ticks.receive(1, 1050);
  ticks.cut(true);
  assert.deepEqual(flaws(ticks, 1060), [2, 0, 0]);
  ticks.send(4, 1070);
  assert.deepEqual(flaws(ticks, 1070), [3, 0, 0]);
  ticks.cut(false);
  ticks.send(5, 1080);
  assert.deepEqual(flaws(ticks, 1080), [3, 0, 0]);
  assert.equal(ticks.fate(5, 1080), 'waiting');
});

test('a message sent before a reader came, or never published, is not missing', () => {
  const ticks = createTicks(PATIENCE_MS);
  ticks.send(1, 1000);
  assert.equal(ticks.isStarted, false);
  ticks.startAfter(1);
  ticks.send(2, 1010);
  ticks.send(3, 1020);
  ticks.receive(1, 1030);
  ticks.withdraw(2);
  ticks.receive(3, 1030);
  assert.deepEqual(flaws(ticks, 9000), [0, 0, 0]);
  assert.equal(ticks.count(9000).received, 1);
});

test('a new session keeps the flaws of the one before', () => {
  const ticks = sent(3);
  for (const n of [1, 3, 2, 2]) ticks.receive(n, 1050);
  ticks.startAfter(Infinity);
  ticks.send(4, 1100);
  assert.equal(ticks.fate(4, 1100), 'unknown');
  ticks.startAfter(4);
  assert.deepEqual(flaws(ticks, 9000), [0, 1, 1]);
});

test('the words call the plain side frozen and never say that nothing was lost where something was', () => {
  const still = sent(3);
  still.receive(1, 1010);
  const flawed = sent(3);
  for (const n of [1, 3, 2]) flawed.receive(n, 1050);
  const clean = sent(3);
  for (const n of [1, 2, 3]) clean.receive(n, 1050);
  const side = (/** @type {typeof still} */ ticks) => {
    const count = ticks.count(4010);
    return { count, moves: motion(count, true), transport: 'sse' };
  };
  assert.equal(plainPill(side(still).moves, side(still).count), 'Frozen for 3 s');
  assert.equal(sessionPill(side(clean).moves, side(clean).count, 'sse'), 'Live, by SSE');
  assert.equal(
    result('broken', side(still), side(clean)),
    'The plain WebSocket is frozen: 2 messages lost. Throughline goes on by SSE: nothing lost.',
  );
  assert.match(
    result('broken', side(still), side(flawed)),
    /Throughline did not hold: 0 lost, 0 duplicated, 1 reordered\.$/,
  );
  assert.match(situation('broken', 'It rains.'), /^Broken: It rains\.$/);
});
