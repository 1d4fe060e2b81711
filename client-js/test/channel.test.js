// @ts-check
import assert from 'node:assert/strict';
import test from 'node:test';
import { createChannel } from '../src/channel.js';
import { ThroughlineError } from '../src/errors.js';

function underTest() {
  /** @type {any[]} */
  const asked = [];
  /** @type {any[]} */
  const told = [];
  const channel = createChannel(
    'a',
    (request, done) => asked.push({ verb: Object.keys(request)[0], request, done }),
    (event, value) => told.push([event, value]),
  );
  return { asked, told, channel, verbs: () => asked.map(({ verb }) => verb) };
}

test('the first listener subscribes and the last that goes unsubscribes, once', () => {
  const { asked, channel, verbs } = underTest();
  const one = channel.on('message', () => {});
  const two = channel.on('message', () => {});
  one();
  one();
  assert.deepEqual(verbs(), ['sub']);
  asked[0].done(null, { ok: 1, epoch: 'e', at: 4, recovered: false });
  two();
  assert.deepEqual(verbs(), ['sub', 'unsub']);
});

test('publishing does not subscribe, and tells the offset', async () => {
  const { asked, channel, verbs } = underTest();
  const published = channel.publish({ x: 1 });
  asked[0].done(null, { ok: 1, at: 17 });
  assert.deepEqual(await published, { at: 17 });
  assert.deepEqual(verbs(), ['pub']);
});

test('messages are delivered once, by their offset, with epoch; what comes before the answer is older', async () => {
  const { asked, channel } = underTest();
  /** @type {any[]} */
  const got = [];
  channel.on('message', (message) => got.push(message));
  channel.deliver({ pub: 'a', at: 3, data: 'old' });
  asked[0].done(null, { epoch: 'e', at: 4 });
  await channel.subscribed;
  for (const at of [4, 5, 5, 7, 6]) channel.deliver({ pub: 'a', at, data: at });
  assert.deepEqual(
    got.map(({ at }) => at),
    [5, 7],
  );
  assert.deepEqual(got[0], { channel: 'a', data: 5, at: 5, epoch: 'e' });
});

test('a refused subscription rejects with its code, and the next listener tries again', async () => {
  const { asked, told, channel, verbs } = underTest();
  channel.on('message', () => {});
  asked[0].done(new ThroughlineError('forbidden'));
  await assert.rejects(channel.subscribed, { code: 'forbidden' });
  assert.equal(told[0][0], 'error');
  channel.on('message', () => {});
  assert.deepEqual(verbs(), ['sub', 'sub']);
  asked[1].done(null, { epoch: 'e', at: 0 });
  await channel.subscribed;
});

test('after a reset it asks since its position, and tells when that cannot be had', () => {
  const { asked, told, channel } = underTest();
  channel.on('message', () => {});
  asked[0].done(null, { epoch: 'e', at: 4 });
  channel.deliver({ at: 5, data: 1 });
  channel.resume('gone', []);
  assert.deepEqual(asked[1].request, { sub: 'a', since: { epoch: 'e', at: 5 } });
  asked[1].done(null, { epoch: 'e', at: 5, recovered: true });
  assert.deepEqual(told, []);
  channel.resume('gone', []);
  asked[2].done(null, { epoch: 'f', at: 0, recovered: false });
  assert.deepEqual(told, [['reset', { reason: 'gone', channel: 'a' }]]);
  channel.deliver({ at: 1, data: 1 });
});

test('a subscription that still waits to be sent is not asked for twice', () => {
  const { asked, channel, verbs } = underTest();
  channel.on('message', () => {});
  channel.resume('gone', [asked.length]);
  assert.deepEqual(verbs(), ['sub']);
});

test('an iterator subscribes, gives messages in order, unsubscribes when it is left, and ends with the connection', async () => {
  const { asked, channel, verbs } = underTest();
  /** @type {any[]} */
  const got = [];
  const reading = (async () => {
    for await (const { data } of channel) if (got.push(data) === 2) break;
  })();
  await null;
  asked[0].done(null, { epoch: 'e', at: 0 });
  channel.deliver({ at: 1, data: 'one' });
  channel.deliver({ at: 2, data: 'two' });
  await reading;
  assert.deepEqual(
    [got, verbs()],
    [
      ['one', 'two'],
      ['sub', 'unsub'],
    ],
  );
  const closing = (async () => {
    for await (const _ of channel);
  })();
  await null;
  asked[2].done(null, { epoch: 'e', at: 2 });
  channel.resume('', []);
  asked[3].done(new ThroughlineError('closed'));
  await closing;
});

test('a loop over a refused subscription gives what came before, and throws the error', async () => {
  const { asked, channel } = underTest();
  const refused = channel[Symbol.asyncIterator]().next();
  await null;
  asked[0].done(new ThroughlineError('forbidden'));
  await assert.rejects(refused, { code: 'forbidden' });
  const messages = channel[Symbol.asyncIterator]();
  const first = messages.next();
  await null;
  asked[2].done(null, { epoch: 'e', at: 0 });
  for (const at of [1, 2]) channel.deliver({ at, data: at });
  channel.resume('gone', []);
  asked[3].done(new ThroughlineError('forbidden'));
  assert.equal((await first).value?.at, 1);
  assert.equal((await messages.next()).value?.at, 2);
  await assert.rejects(messages.next(), { code: 'forbidden' });
});

test('a loop that falls 10,000 messages behind ends with queue_full', async () => {
  const { asked, channel } = underTest();
  const messages = channel[Symbol.asyncIterator]();
  const first = messages.next();
  await null;
  asked[0].done(null, { epoch: 'e', at: 0 });
  for (let at = 1; at < 10_010; at++) channel.deliver({ at, data: at });
  await assert.rejects(first, { code: 'queue_full' });
});
