// @ts-check
import assert from 'node:assert/strict';
import test from 'node:test';
import { takeSlot } from '../src/slots.js';
import { settle } from './support.js';

/** Locks as a browser has them: exclusive, in the order of asking, free when the holder's promise settles. */
function createLocks() {
  /** @type {Map<string, Array<() => void>>} */
  const waiting = new Map();
  /** @param {string} name @param {any} options @param {(lock: object | null) => any} hold */
  const request = async (name, options, hold) => {
    const queue = waiting.get(name);
    if (queue && options.ifAvailable) return hold(null);
    if (queue)
      await new Promise((/** @type {(value: void) => void} */ resolve, reject) => {
        queue.push(resolve);
        options.signal?.addEventListener('abort', () => {
          const place = queue.indexOf(resolve);
          if (place >= 0) queue.splice(place, 1);
          reject(options.signal.reason);
        });
      });
    else waiting.set(name, []);
    await hold({ name });
    const next = waiting.get(name)?.shift();
    if (next) next();
    else waiting.delete(name);
  };
  return /** @type {LockManager} */ (/** @type {any} */ ({ request }));
}

/** Tabs that ask for a slot one after the other. @param {number} count */
async function openTabs(count) {
  const locks = createLocks();
  const tabs = [];
  for (let n = 0; n < count; n++) {
    const end = new AbortController();
    /** @type {boolean[]} */
    const reports = [];
    takeSlot(locks, 'gateway', (mayHold) => reports.push(mayHold), end.signal);
    await settle();
    tabs.push({ reports, close: () => end.abort() });
  }
  return tabs;
}

test('four tabs hold a connection, and the others are told that they may not', async () => {
  const tabs = await openTabs(6);
  assert.deepEqual(
    tabs.map(({ reports }) => reports),
    [[], [], [], [], [false], [false]],
  );
});

test('a tab may hold a connection again once others gave their slots back', async () => {
  const tabs = await openTabs(5);
  for (const tab of tabs.slice(0, 4)) tab.close();
  await settle();
  assert.deepEqual(tabs[4]?.reports, [false, true]);
});

test('a tab that is closed while it waits gives no slot away', async () => {
  const tabs = await openTabs(6);
  tabs[4]?.close();
  for (const tab of tabs.slice(0, 4)) tab.close();
  await settle();
  assert.deepEqual([tabs[4]?.reports, tabs[5]?.reports], [[false], [false, true]]);
});

test('without locks nothing is shared, and nothing is reported', async () => {
  /** @type {boolean[]} */
  const reports = [];
  await takeSlot(undefined, 'gateway', (mayHold) => reports.push(mayHold), new AbortController().signal);
  assert.deepEqual(reports, []);
});
