// @ts-check
import assert from 'node:assert/strict';
import test from 'node:test';
import { ThroughlineError } from '../src/errors.js';
import { Reports } from '../src/reports.js';

function underTest() {
  /** @type {string[]} */
  const told = [];
  return { told, reports: new Reports(({ message }) => told.push(message)) };
}

test('while nothing carries the session each error comes once, and online each time', () => {
  const { told, reports } = underTest();
  const report = (/** @type {string} */ message, isOnline = false) =>
    reports.report(new ThroughlineError('forbidden', message), isOnline);
  report('a');
  report('a');
  report('b');
  assert.deepEqual(told, ['a', 'b']);
  reports.online();
  report('b', true);
  report('b', true);
  report('b');
  assert.deepEqual(told, ['a', 'b', 'b', 'b', 'b']);
});

test('a platform without a console is told by the error alone, and the origin has no credentials', () => {
  const { told, reports } = underTest();
  const { console } = globalThis;
  Reflect.deleteProperty(globalThis, 'console');
  try {
    reports.unreachable('https://user:s3cret@example.org/rt/s3cret', { attempts: [], control: 'away' });
  } finally {
    globalThis.console = console;
  }
  assert.deepEqual(told, [
    'No transport reaches the gateway at https://example.org (none was tried). ' +
      'A proxy answers that the gateway is away. Start the gateway, or correct the proxy.',
  ]);
});
