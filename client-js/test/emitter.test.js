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

test('a listener that another one removes during an event is not called', () => {
  const emitter = underTest();
  /** @type {string[]} */
  const heard = [];
  let remove = () => false;
  emitter.on('a', () => remove());
  remove = emitter.on('a', () => heard.push('removed'));
  emitter.on('a', () => heard.push('last'));
  emitter.emit('a', 1);
  assert.deepEqual(heard, ['last']);
});

test('a listener that is added during an event is called from the next one on', () => {
  const emitter = underTest();
  /** @type {number[]} */
  const heard = [];
  const remove = emitter.on('a', () => {
    remove();
    emitter.on('a', (value) => heard.push(value));
  });
  emitter.emit('a', 1);
  emitter.emit('a', 2);
  assert.deepEqual(heard, [2]);
});

test('if an async listener throws, the console shows the error, and the process goes on', async () => {
  const shown = mock.method(console, 'error', () => {});
  const emitter = underTest();
  emitter.on('a', async () => {
    throw new Error('mine');
  });
  emitter.emit('a', 1);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(shown.mock.callCount(), 1);
  shown.mock.restore();
});
