// @ts-check
/** The demo page counts strictly: its report of a burst is true. The counting is pure and needs no browser. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTally, due, isOver } from '../../src/pages/demo/burst.js';

/**
 * Returns a tally to which 1 to `count` were sent, one message each 10 ms from 1,000 on.
 * @param {number} count
 */
function sentTally(count) {
  const tally = createTally(count);
  for (let n = 1; n <= count; n += 1) tally.send(n, 990 + 10 * n);
  return tally;
}

test('numbers that arrive once and in order are flawless', () => {
  const tally = sentTally(3);
  for (const n of [1, 2, 3]) assert.equal(tally.receive(n, 1000 + 10 * n), 'new');
  assert.equal(tally.settled, true);
  assert.deepEqual(tally.report(1100, true), {
    sent: 3,
    received: 3,
    lost: 0,
    duplicated: 0,
    reordered: 0,
    longestGapMs: 10,
    slowestMs: 10,
    waiting: 0,
    rejected: {},
  });
});

test('a hole below the highest counts as lost while the burst runs, and a late arrival fills it as reordered', () => {
  const tally = sentTally(4);
  tally.receive(1, 1100);
  assert.equal(tally.receive(4, 1100), 'new');
  assert.equal(tally.report(1100).lost, 2);
  assert.equal(tally.receive(2, 1100), 'reordered');
  assert.equal(tally.report(1100).lost, 1);
  assert.equal(tally.report(1100).reordered, 1);
});

test('a number that never arrives is lost at the end of the burst, above the highest as below', () => {
  const tally = sentTally(5);
  tally.receive(1, 1100);
  tally.receive(3, 1100);
  assert.equal(tally.report(1100).lost, 1);
  assert.equal(tally.report(1100).waiting, 3);
  assert.equal(tally.report(9000, true).lost, 3);
  assert.equal(tally.settled, false);
});

test('a number that arrives again is duplicated each time, and received once', () => {
  const tally = sentTally(2);
  for (const n of [1, 1, 2, 1]) tally.receive(n, 1100);
  const { received, duplicated, reordered, lost } = tally.report(1100, true);
  assert.deepEqual(
    { received, duplicated, reordered, lost },
    { received: 2, duplicated: 2, reordered: 0, lost: 0 },
  );
});

test('a number that publish() rejected is not lost, below the highest or above', () => {
  const tally = sentTally(4);
  tally.reject(1, 'queue_full');
  tally.receive(2, 1100);
  tally.reject(3, 'unknown_outcome');
  tally.receive(4, 1100);
  assert.equal(tally.report(1100).lost, 0);
  assert.equal(tally.settled, true);
  assert.deepEqual(tally.report(1100, true).rejected, { queue_full: 1, unknown_outcome: 1 });
  assert.equal(tally.report(1100, true).lost, 0);
});

test('a number rejected with an unknown outcome may arrive, before or after, and is then received', () => {
  const tally = sentTally(4);
  tally.receive(1, 1100);
  tally.reject(1, 'unknown_outcome');
  tally.reject(2, 'unknown_outcome');
  tally.receive(2, 1100);
  tally.reject(3, 'unknown_outcome');
  tally.receive(4, 1100);
  tally.receive(3, 1100);
  const { received, lost, waiting, reordered } = tally.report(1100, true);
  assert.deepEqual(
    { received, lost, waiting, reordered },
    { received: 4, lost: 0, waiting: 0, reordered: 1 },
  );
});

test('a number that was never sent is foreign and counts nowhere', () => {
  const tally = createTally(10);
  tally.send(1, 1000);
  for (const n of [0, 2, 11, -1, Number.NaN]) assert.equal(tally.receive(n, 1100), 'foreign');
  assert.equal(tally.report(1100).received, 0);
});

test('the longest gap is between arrivals, the first counted from the first number sent', () => {
  const tally = sentTally(3);
  tally.receive(1, 1300);
  tally.receive(2, 1310);
  assert.equal(tally.report(1310).longestGapMs, 300);
  assert.equal(tally.report(2310).longestGapMs, 1000, 'an open gap grows while a message is in flight');
  tally.receive(3, 2810);
  assert.equal(tally.report(9000, true).longestGapMs, 1500);
  assert.equal(tally.report(9000).longestGapMs, 1500, 'silence is no gap if no message is in flight');
  assert.equal(tally.report(9000).slowestMs, 1790);
});

test('a burst keeps its rate over late timers, and starts at once', () => {
  assert.equal(due(0, 200, 2000), 1);
  assert.equal(due(4, 200, 2000), 1);
  assert.equal(due(5, 200, 2000), 2);
  assert.equal(due(1000, 200, 2000), 201);
  assert.equal(due(60_000, 200, 2000), 2000);
});

test('a burst is over a second after everything is there, five seconds after the last sign of life, or in a minute', () => {
  const burst = { lastSentAt: 10_000, quietSince: 12_000 };
  assert.equal(isOver({ ...burst, now: 12_999, settled: true }), false);
  assert.equal(isOver({ ...burst, now: 13_000, settled: true }), true);
  assert.equal(isOver({ ...burst, now: 16_999, settled: false }), false);
  assert.equal(isOver({ ...burst, now: 17_000, settled: false }), true);
  assert.equal(isOver({ ...burst, now: 69_999, quietSince: 69_999, settled: false }), false);
  assert.equal(isOver({ ...burst, now: 70_000, quietSince: 69_999, settled: false }), true);
});
