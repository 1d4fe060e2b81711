// @ts-check
import assert from 'node:assert/strict';
import test from 'node:test';
import { watchPage } from '../src/page.js';

/** An event of a page with the keys that browsers give it. @param {string} type @param {object} [keys] */
const event = (type, keys = {}) => Object.assign(new Event(type), keys);

test('a page that is left for good says so; one that is frozen, or kept in the back/forward cache, does not', () => {
  const window = new EventTarget();
  /** @type {any[]} */
  const reports = [];
  const ending = new AbortController();
  watchPage(/** @type {any} */ (window), (report) => reports.push(report), ending.signal);
  window.dispatchEvent(event('pagehide', { persisted: false }));
  window.dispatchEvent(event('pagehide', { persisted: true }));
  window.dispatchEvent(event('freeze'));
  assert.deepEqual(
    reports.map(({ type, isLeft }) => [type, isLeft]),
    [
      ['park', true],
      ['park', false],
      ['park', false],
    ],
  );
  ending.abort();
  window.dispatchEvent(event('pagehide', { persisted: false }));
  assert.equal(reports.length, 3);
});
