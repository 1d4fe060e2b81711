// @ts-check
import assert from 'node:assert/strict';
import test from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Channels } from '../src/channels.js';
import { settle } from './support.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc');

/** Counts the members that were created. */
function underTest() {
  let created = 0;
  /** @type {Channels<{name: string}>} */
  const channels = new Channels((name) => {
    created += 1;
    return { name };
  });
  return { channels, created: () => created };
}

test('a name means one object, as long as the application holds it', async () => {
  const { channels } = underTest();
  const held = channels.get('a');
  for (let number = 0; number < 5000; number++) channels.get(`${number}`);
  await settle();
  collectGarbage();
  for (let number = 0; number < 5000; number++) channels.get(`other ${number}`);
  assert.equal(channels.get('a'), held);
});

test('a channel to which something listens stays, and one that nothing uses goes', async () => {
  const { channels, created } = underTest();
  const listening = channels.get('listening');
  channels.listening.set('listening', listening);
  channels.get('idle');
  const before = created();
  await settle();
  collectGarbage();
  channels.get('listening');
  assert.equal(created(), before);
  channels.get('idle');
  assert.equal(created(), before + 1);
});

test('names that nothing uses do not gather', async () => {
  const { channels } = underTest();
  const used = () => {
    collectGarbage();
    return process.memoryUsage().heapUsed;
  };
  await settle();
  const before = used();
  for (let round = 0; round < 20; round++) {
    for (let number = 0; number < 5000; number++)
      channels.get(`${'long name '.repeat(10)}${round}/${number}`);
    await settle();
    collectGarbage();
  }
  const grown = used() - before;
  // 100,000 names of 100 bytes would take 10 MB and more.
  assert.ok(grown < 4_000_000, `${grown} bytes`);
});
