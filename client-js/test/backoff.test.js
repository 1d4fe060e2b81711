// @ts-check
import assert from 'node:assert/strict';
import test from 'node:test';
import { backoff } from '../src/backoff.js';

test('the ceiling doubles from half a second to 20 s, and the jitter is full', () => {
  const ceilings = [0, 1, 2, 5, 6, 60].map((n) => backoff(n, () => 1));
  assert.deepEqual(ceilings, [500, 1000, 2000, 16000, 20000, 20000]);
  assert.equal(
    backoff(7, () => 0),
    0,
  );
});

test('after a leg that was well the next try comes within 300 ms', () => {
  assert.equal(
    backoff(9, () => 1, true),
    300,
  );
});
