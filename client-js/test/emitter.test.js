// @ts-check
import assert from 'node:assert/strict';
import test, { mock } from 'node:test';
import { Emitter } from '../src/emitter.js';

/** @returns {Emitter<{a: number, b: number}>} */
const underTest = () => new Emitter();

test('on returns a function that removes the listener, and one function may listen twice', () => {
  const emitter = underTest();
  /** @type {number[]} */
  const heard = [];
  const listener = (/** @type {number} */ value) => heard.push(value);
  const remove = emitter.on('a', listener);
  emitter.on('a', listener);
  emitter.emit('a', 1);
  assert.equal(remove(), true);
  assert.equal(remove(), false);
  emitter.emit('a', 2);
  emitter.emit('b', 3);
  assert.deepEqual(heard, [1, 1, 2]);
});

test('if a listener throws, the others still hear, and the console shows the error', () => {
  const shown = mock.method(console, 'error', () => {});
  const emitter = underTest();
  /** @type {number[]} */
  const heard = [];
  emitter.on('a', () => {
    throw new Error('mine');
  });
  emitter.on('a', (value) => heard.push(value));
  emitter.emit('a', 1);
  assert.deepEqual(heard, [1]);
  assert.equal(shown.mock.callCount(), 1);
  shown.mock.restore();
});
