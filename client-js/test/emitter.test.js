// @ts-check
import assert from 'node:assert/strict';
import test, { mock } from 'node:test';
import { createEmitter } from '../src/emitter.js';

test('on returns its undo, and the same function may listen twice', () => {
  const emitter = createEmitter();
  /** @type {any[]} */
  const heard = [];
  const f = (/** @type {any} */ value) => heard.push(value);
  const undo = emitter.on('a', f);
  emitter.on('a', f);
  emitter.emit('a', 1);
  undo();
  undo();
  emitter.emit('a', 2);
  emitter.emit('b', 3);
  assert.deepEqual(heard, [1, 1, 2]);
});

test('a listener that throws keeps nobody else from hearing, and is told of', () => {
  const told = mock.method(console, 'error', () => {});
  const emitter = createEmitter();
  /** @type {any[]} */
  const heard = [];
  emitter.on('a', () => {
    throw new Error('mine');
  });
  emitter.on('a', (value) => heard.push(value));
  emitter.emit('a', 1);
  assert.deepEqual(heard, [1]);
  assert.equal(told.mock.callCount(), 1);
  told.mock.restore();
});
