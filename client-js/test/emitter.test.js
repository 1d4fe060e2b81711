// @ts-check
import assert from 'node:assert/strict';
import test, { mock } from 'node:test';
import { createEmitter } from '../src/emitter.js';

test('on returns its undo, and the same function may listen twice', () => {
  const [on, emit] = createEmitter();
  /** @type {any[]} */
  const heard = [];
  const f = (/** @type {any} */ value) => heard.push(value);
  const undo = on('a', f);
  on('a', f);
  emit('a', 1);
  assert.equal(undo(), true);
  assert.equal(undo(), false);
  emit('a', 2);
  emit('b', 3);
  assert.deepEqual(heard, [1, 1, 2]);
});

test('a listener that throws keeps nobody else from hearing, and is told of', () => {
  const told = mock.method(console, 'error', () => {});
  const [on, emit] = createEmitter();
  /** @type {any[]} */
  const heard = [];
  on('a', () => {
    throw new Error('mine');
  });
  on('a', (value) => heard.push(value));
  emit('a', 1);
  assert.deepEqual(heard, [1]);
  assert.equal(told.mock.callCount(), 1);
  told.mock.restore();
});
