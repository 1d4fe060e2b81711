// @ts-check
/** The counts and words of the comparison with other clients (benches/peers). A test plays the client. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { watch } from '../../benches/peers/watch.mjs';
import { cell, runWords, thenWords } from '../../benches/peers/words.mjs';

/**
 * Returns the verdict on a client that gets these numbers by a WebSocket, and then gives up.
 * @param {number[]} numbers
 * @param {{ websockets: number, requests: number }} [counted]
 */
async function closing(numbers, counted = { websockets: 1, requests: 2 }) {
  const verdict = await watch((tell) => {
    tell('up', 'websocket');
    for (const number of numbers) tell('news', number);
    tell('over', 'the end');
    return () => {};
  });
  return { ...verdict, ...counted };
}

/** @param {number[]} numbers */
const losses = async (numbers) => (await closing(numbers)).losses;

test('numbers that come once and in order, from any start, are not lost', async () => {
  const expected = { sent: 3, lost: 0, duplicated: 0, reordered: 0 };
  assert.deepEqual(await losses([700, 701, 702]), expected);
});

test('a number between the first and the highest that never comes is lost', async () => {
  assert.deepEqual(await losses([5, 6, 9, 11]), { sent: 7, lost: 3, duplicated: 0, reordered: 0 });
});

test('a number that comes after a higher one is reordered and not lost, and one that comes again is duplicated', async () => {
  assert.deepEqual(await losses([5, 8, 6, 8, 7, 5]), { sent: 4, lost: 0, duplicated: 2, reordered: 2 });
});

test('a number below the first that came hides no loss', async () => {
  assert.deepEqual(await losses([5, 4, 3, 7]), { sent: 3, lost: 1, duplicated: 0, reordered: 2 });
});

test('a client that gets no message loses none', async () => {
  const { outcome, losses } = await closing([]);
  assert.equal(outcome, 'never');
  assert.deepEqual(losses, { sent: 0, lost: 0, duplicated: 0, reordered: 0 });
});

test('a client that gives something else than numbers is refused, and does not seem to lose nothing', async () => {
  const { outcome } = await watch((tell) => {
    for (const other of [Number.NaN, '5', undefined])
      assert.throws(() => tell('news', other), /not a number of the news/);
    tell('over', 'the end');
    return () => {};
  });
  assert.equal(outcome, 'never');
});

test('the transport at the end is the last that came up, or none after a client gave up', async () => {
  assert.equal((await closing([1])).transport, undefined);
  const run = await watch(
    (tell) => {
      tell('up', 'polling');
      tell('up', 'websocket');
      tell('news', 1);
      return () => {};
    },
    undefined,
    true,
  );
  assert.equal(run.transport, 'websocket');
});

test('the loss of a client is reported with the number of messages sent, and is not reported behind a stand-in server', async () => {
  const run = { ...(await closing([5, 6, 9, 9, 8])), closed: 312, first: 5 };
  assert.equal(thenWords(cell([run])), 'closes at 312 ms; until then 1 of 5 lost, 1 duplicated, 1 reordered');
  assert.equal(thenWords(cell([run]), true), 'closes at 312 ms; until then not measured: stand-in server');
  assert.equal(runWords(run), '5 ms, closes at 312 ms, 1 of 2, 1 of 5 lost, 1 duplicated, 1 reordered');
  assert.equal(runWords(run, true), '5 ms, closes at 312 ms, 1 of 2');
});

test('runs that end alike are reported by their medians, with each transport that carried one at the end', async () => {
  const run = await closing([5, 6]);
  const flaps = [10, 400, 500].map((lost, place) => ({
    ...run,
    outcome: /** @type {const} */ ('flaps'),
    transport: place ? 'polling' : undefined,
    losses: { sent: 1000 + place, lost, duplicated: 0, reordered: 0 },
  }));
  assert.equal(thenWords(cell(flaps)), 'flaps, at the end on nothing or polling; 400 of 1001 lost');
});
