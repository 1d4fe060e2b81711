// @ts-check
import assert from 'node:assert/strict';
import test from 'node:test';
import { Channel } from '../src/channel.js';
import { Emitter } from '../src/emitter.js';
import { ThroughlineError } from '../src/errors.js';

function underTest() {
  /** @type {any[]} */
  const asked = [];
  /** @type {any[]} */
  const told = [];
  const requests = {
    closed: /** @type {ThroughlineError | undefined} */ (undefined),
    /** @param {any} request @param {any} settle */
    ask: (request, settle) =>
      asked.push({
        verb: Object.keys(request)[0],
        request,
        done: (/** @type {any} */ error, /** @type {any} */ answer = {}) => settle(error, answer),
      }),
    /** @param {string} unsub */
    leave: (unsub) => requests.ask({ unsub }, () => {}),
  };
  const listening = new Map();
  /** @type {Emitter<import('../src/types.d.ts').ConnectionEvents>} */
  const connection = new Emitter();
  connection.on('error', (error) => told.push(['error', error]));
  connection.on('reset', (reset) => told.push(['reset', reset]));
  const channel = new Channel('a', /** @type {any} */ (requests), connection, listening);
  /** The next request is refused at once, as while the queue is full. */
  const refuseOne = () => {
    const { ask } = requests;
    requests.ask = (_, settle) => {
      requests.ask = ask;
      return settle(new ThroughlineError('queue_full'), {});
    };
  };
  const verbs = () => asked.map(({ verb }) => verb);
  return { requests, listening, asked, told, connection, channel, refuseOne, verbs };
}

test('the first listener subscribes, and the removal of the last one unsubscribes, once', () => {
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

test('publish does not subscribe, and returns the offset', async () => {
  const { asked, channel, verbs } = underTest();
  const published = channel.publish({ x: 1 });
  asked[0].done(null, { ok: 1, at: 17 });
  assert.deepEqual(await published, { at: 17 });
  assert.deepEqual(verbs(), ['pub']);
});

test('a channel delivers each message once, with offset and epoch, and drops those before the answer', async () => {
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

test('a subscription that the full queue refused is not ended; one that was accepted is, also if its repetition was refused', () => {
  const { channel, refuseOne, verbs } = underTest();
  refuseOne();
  channel.on('message', () => {})();
  assert.deepEqual(verbs(), []);
  const remove = channel.on('message', () => {});
  refuseOne();
  channel.resume([], 'gone');
  remove();
  assert.deepEqual(verbs(), ['sub', 'unsub']);
  refuseOne();
  channel.on('message', () => {})();
  assert.deepEqual(verbs(), ['sub', 'unsub']);
});

test('a listener of errors may listen again at once: the answer to its request counts', async () => {
  const { asked, connection, channel, refuseOne, verbs } = underTest();
  const remove = connection.on('error', () => {
    remove();
    channel.on('message', () => {});
  });
  refuseOne();
  channel.on('message', () => {});
  assert.deepEqual(verbs(), ['sub']);
  asked[0].done(null, { epoch: 'e', at: 0 });
  await channel.subscribed;
});

test('after a reset the channel subscribes from its position, and reports a reset if the gateway cannot go on from there', () => {
  const { asked, told, channel } = underTest();
  channel.on('message', () => {});
  asked[0].done(null, { epoch: 'e', at: 4 });
  channel.deliver({ at: 5, data: 1 });
  channel.resume([], 'gone');
  assert.deepEqual(asked[1].request, { sub: 'a', since: { epoch: 'e', at: 5 } });
  asked[1].done(null, { epoch: 'e', at: 5, recovered: true });
  assert.deepEqual(told, []);
  channel.resume([], 'gone');
  asked[2].done(null, { epoch: 'f', at: 0, recovered: false });
  assert.deepEqual(told, [['reset', { reason: 'gone', channel: 'a' }]]);
  channel.deliver({ at: 1, data: 1 });
});

test('a reset repeats no subscription that still waits to be sent', () => {
  const { asked, channel, verbs } = underTest();
  channel.on('message', () => {});
  channel.resume([asked.length], 'gone');
  assert.deepEqual(verbs(), ['sub']);
});

test('a loop subscribes, yields messages in order, unsubscribes at its end, and ends with the connection', async () => {
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
  channel.resume([], undefined);
  asked[3].done(new ThroughlineError('closed'));
  await closing;
});

test('a loop yields the messages before a refusal, and then throws its error', async () => {
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
  channel.resume([], 'gone');
  asked[3].done(new ThroughlineError('forbidden'));
  assert.equal((await first).value?.at, 1);
  assert.equal((await messages.next()).value?.at, 2);
  await assert.rejects(messages.next(), { code: 'forbidden' });
});

test('a channel counts as listening from its first listener to its last', () => {
  const { channel, listening } = underTest();
  const one = channel.on('message', () => {});
  const two = channel.on('message', () => {});
  one();
  assert.equal(listening.get('a'), channel);
  two();
  assert.equal(listening.size, 0);
});

test('a wrong event or a listener that is no function throws, and subscribes to nothing', () => {
  const { channel, verbs } = underTest();
  const on = (/** @type {any} */ event, /** @type {any} */ listener) => () => channel.on(event, listener);
  assert.throws(
    on('mesage', () => {}),
    { name: 'TypeError', message: "no event 'mesage'. Use message, end" },
  );
  for (const listener of [null, undefined, 'f', {}]) assert.throws(on('message', listener), TypeError);
  assert.deepEqual(verbs(), []);
});

test('subscribed rejects with unsubscribed if the last listener goes before the answer', async () => {
  const { asked, channel } = underTest();
  const remove = channel.on('message', () => {});
  const { subscribed } = channel;
  remove();
  await assert.rejects(subscribed, { code: 'unsubscribed', message: /^nothing listens to 'a': call on/ });
  channel.on('message', () => {});
  // The answer to the first request is late.
  asked[0].done(null, { epoch: 'e', at: 0 });
  asked[2].done(null, { epoch: 'e', at: 0 });
  await channel.subscribed;
});

test('subscribed rejects at once if nothing listens, but something may listen in the same step', async () => {
  const { requests, asked, channel, verbs } = underTest();
  await assert.rejects(channel.subscribed, { code: 'unsubscribed' });
  requests.closed = new ThroughlineError('closed');
  await assert.rejects(channel.subscribed, { code: 'closed' });
  requests.closed = undefined;
  const { subscribed } = channel;
  channel.on('message', () => {});
  assert.deepEqual(verbs(), ['sub']);
  asked[0].done(null, { epoch: 'e', at: 0 });
  await subscribed;
  assert.equal(channel.subscribed, subscribed);
});

test('subscribed does not stay fulfilled after the last listener went, or after a refusal', async () => {
  const { asked, channel } = underTest();
  const remove = channel.on('message', () => {});
  asked[0].done(null, { epoch: 'e', at: 0 });
  await channel.subscribed;
  channel.resume([], 'gone');
  asked[1].done(new ThroughlineError('queue_full'));
  await assert.rejects(channel.subscribed, { code: 'queue_full' });
  remove();
  await assert.rejects(channel.subscribed, { code: 'unsubscribed' });
});

test('publish rejects with a TypeError for data and options that are wrong, and sends nothing', async () => {
  const { channel, verbs } = underTest();
  await assert.rejects(channel.publish({ list: [new Map()] }), {
    name: 'TypeError',
    message: /^data\.list\[0\] is a Map/,
  });
  await assert.rejects(channel.publish(1, /** @type {any} */ ({ timeout: 5 })), TypeError);
  await assert.rejects(channel.publish(1, /** @type {any} */ (null)), TypeError);
  assert.deepEqual(verbs(), []);
});

test('a loop that stands still ends with overrun, and the other listeners go on', async () => {
  const { asked, channel, verbs } = underTest();
  let heard = 0;
  channel.on('message', () => {
    heard += 1;
  });
  const messages = channel[Symbol.asyncIterator]();
  const first = messages.next();
  asked[0].done(null, { epoch: 'e', at: 0 });
  for (let at = 1; at <= 2500; at++) channel.deliver({ at, data: at });
  assert.equal((await first).value?.at, 1);
  await assert.rejects(messages.next(), { code: 'overrun' });
  assert.deepEqual(await messages.next(), { value: undefined, done: true });
  assert.deepEqual([heard, verbs()], [2500, ['sub']]);
});

test('the gateway ends a subscription: the channel says so once, is as after unsubscribing, and may be subscribed again', async () => {
  const { asked, channel, verbs, listening } = underTest();
  /** @type {any[]} */
  const got = [];
  channel.on('end', ({ code, message }) => got.push([code, message]));
  assert.deepEqual(verbs(), [], 'a listener of end subscribes to nothing');
  const remove = channel.on('message', ({ data }) => got.push(data));
  asked[0].done(null, { epoch: 'e', at: 0 });
  channel.deliver({ pub: 'a', at: 1, data: 'before' });
  channel.end(new ThroughlineError('forbidden', 'the token does not list it'));
  channel.end(new ThroughlineError('forbidden', 'twice'));
  channel.deliver({ pub: 'a', at: 2, data: 'after' });
  assert.deepEqual(got, ['before', ['forbidden', 'the token does not list it']]);
  assert.equal(listening.size, 0, 'the loss of the session subscribes it to nothing');
  await assert.rejects(channel.subscribed, { code: 'forbidden' });
  assert.deepEqual(verbs(), ['sub']);
  // The next listener subscribes, from now on, and the first one hears with it.
  channel.on('message', () => {});
  assert.deepEqual(verbs(), ['sub', 'sub']);
  asked[1].done(null, { epoch: 'e', at: 5 });
  channel.deliver({ pub: 'a', at: 6, data: 'again' });
  assert.deepEqual(got.at(-1), 'again');
  remove();
});

test('an end that crosses a new request is of the old subscription; a channel that is left then says nothing to the gateway', async () => {
  const { asked, channel, verbs } = underTest();
  channel.on('message', () => {})();
  const remove = channel.on('message', () => {});
  channel.end(new ThroughlineError('forbidden'));
  asked.at(-1).done(null, { epoch: 'e', at: 0 });
  await channel.subscribed;
  channel.end(new ThroughlineError('forbidden'));
  const before = verbs();
  remove();
  assert.deepEqual(verbs(), before, 'there is nothing to leave');
});

test('an ended subscription ends its loops with the error', async () => {
  const { asked, channel } = underTest();
  const loop = channel[Symbol.asyncIterator]();
  const next = loop.next();
  asked[0].done(null, { epoch: 'e', at: 0 });
  channel.end(new ThroughlineError('forbidden'));
  await assert.rejects(next, { code: 'forbidden' });
});
