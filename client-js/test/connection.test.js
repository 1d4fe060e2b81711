// @ts-check
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { connect, ThroughlineError } from '../src/index.js';
import { createClock, end, welcome } from './support.js';

/** Sockets and requests that the test answers by hand, instead of a network. */
function network() {
  const clock = createClock();
  /** @type {any[]} */
  const sockets = [];
  /** @type {any[]} */
  const requests = [];
  class WebSocket {
    /** @type {any[]} */
    sent = [];
    closed = false;
    /** @param {string} url @param {string} protocol */
    constructor(url, protocol) {
      this.url = url;
      this.protocol = protocol;
      sockets.push(this);
    }
    send(/** @type {any} */ message) {
      this.sent.push(message);
    }
    close() {
      this.closed = true;
    }
    /** @param {any} data */
    hears(data) {
      /** @type {any} */ (this).onmessage({ data: typeof data === 'string' ? data : data });
    }
    hello() {
      return JSON.parse(this.sent.findLast((line) => line.startsWith('{"hello"'))).hello;
    }
    /** Opens, and is welcomed. @param {any} [fields] */
    online(fields) {
      /** @type {any} */ (this).onopen();
      const { nonce, leg, turn } = this.hello();
      this.hears(welcome({ nonce, leg, turn: turn ?? 1, ...fields }));
      for (const line of this.sent) if (line.startsWith('{"ping"')) this.hears(line.replace('ping', 'pong'));
    }
  }
  /** @param {string} url @param {any} options */
  const fetch = (url, options) =>
    new Promise((resolve, reject) => {
      const request = {
        url,
        options,
        route: url.replace(/.*\/|\?.*/g, ''),
        lines: options.body?.split('\n') ?? [],
        hello: () => JSON.parse(options.body.split('\n')[0]).hello,
        /** @param {string | ReadableStream} body @param {any} [init] */
        answer: (body, init) => resolve(new Response(body, init)),
        fail: () => reject(new TypeError('network')),
      };
      options.signal?.addEventListener('abort', () => reject(options.signal.reason));
      requests.push(request);
    });
  /** @param {any} [options] */
  const open = (options) => {
    const { now, setTimeout, clearTimeout } = clock;
    const connection = connect('http://gateway/rt/', {
      WebSocket,
      fetch,
      now,
      setTimeout,
      clearTimeout,
      ...options,
    });
    /** @type {any[]} */
    const events = [];
    for (const name of /** @type {const} */ (['state', 'transport', 'reset', 'error']))
      connection.on(name, (value) => events.push([name, value]));
    return { connection, events };
  };
  return {
    clock,
    sockets,
    requests,
    open,
    last: (/** @type {string} */ route) => requests.findLast((r) => r.route === route),
  };
}

/** Lets time pass, while a socket answers the pings that it gets. @param {any} clock @param {any} socket @param {number} ms */
async function live(clock, socket, ms) {
  let answered = 0;
  for (let passed = 0; passed < ms; passed += 100) {
    await clock.pass(100);
    for (const line of socket.sent.slice(answered))
      if (line.startsWith('{"ping"')) socket.hears(line.replace('ping', 'pong'));
    answered = socket.sent.length;
  }
}

/** Keeps a promise's end at hand. @param {Promise<any>} promise */
function watched(promise) {
  /** @type {{value?: any, code?: string}} */
  const end = {};
  promise.then(
    (value) => Object.assign(end, { value }),
    (error) => Object.assign(end, { code: error.code }),
  );
  return end;
}

test('connects by WebSocket at the derived address, and says so', async () => {
  const { sockets, open } = network();
  const { connection, events } = open();
  assert.equal(connection.state, 'connecting');
  assert.deepEqual([sockets[0].url, sockets[0].protocol], ['ws://gateway/rt/ws', 'throughline.v1']);
  sockets[0].online();
  assert.deepEqual(events, [
    ['transport', { from: null, to: 'websocket', reason: 'first' }],
    ['state', 'online'],
  ]);
  assert.deepEqual([connection.state, connection.transport], ['online', 'websocket']);
  const { attempts, state } = connection.explain();
  assert.deepEqual([state, attempts[0]?.transport], ['online', 'websocket']);
});

test('a message goes its way: publish, answer, publication, callback', async () => {
  const { sockets, open } = network();
  const { connection } = open();
  const channel = connection.channel('fleet/42');
  assert.equal(connection.channel('fleet/42'), channel);
  /** @type {any[]} */
  const got = [];
  channel.on('message', (message) => got.push(message));
  const published = channel.publish({ speed: 12 });
  const [socket] = sockets;
  socket.online();
  assert.deepEqual(socket.sent.slice(-3, -1), [
    '{"sub":"fleet/42","id":1}',
    '{"pub":"fleet/42","data":{"speed":12},"id":2}',
  ]);
  socket.hears('{"ok":1,"epoch":"e","at":0,"recovered":false}');
  await channel.subscribed;
  socket.hears('{"pub":"fleet/42","at":1,"data":{"speed":12}}');
  socket.hears('{"ok":2,"at":1}');
  assert.deepEqual(await published, { at: 1 });
  assert.deepEqual(got, [{ channel: 'fleet/42', data: { speed: 12 }, at: 1, epoch: 'e' }]);
});

test('bytes are bytes: up as b64, down raw on a socket and as b64 elsewhere', async () => {
  const { sockets, open } = network();
  const { connection } = open();
  const [socket] = sockets;
  socket.online();
  const channel = connection.channel('a');
  /** @type {any[]} */
  const got = [];
  channel.on('message', ({ data }) => got.push(data));
  socket.hears('{"ok":1,"epoch":"e","at":0}');
  channel.publish(new Uint8Array([0, 255]));
  assert.equal(socket.sent.at(-1), '{"pub":"a","b64":"AP8=","id":2}');
  socket.hears(new Uint8Array([...new TextEncoder().encode('{"pub":"a","at":1}\n'), 10, 255]).buffer);
  socket.hears('{"pub":"a","at":2,"b64":"AP8="}');
  assert.deepEqual(got, [new Uint8Array([10, 255]), new Uint8Array([0, 255])]);
});

test('a message that cannot be sent is refused: too_large, queue_full by number and by bytes, closed', async () => {
  const { open } = network();
  const { connection } = open();
  const channel = connection.channel('a');
  await assert.rejects(channel.publish('x'.repeat(65_000)), { code: 'too_large' });
  for (const size of [43_000, 65_000, 300_000])
    await assert.rejects(channel.publish(new Uint8Array(size)), { code: 'too_large' });
  const all = Array.from({ length: 2001 }, () => watched(channel.publish(1)));
  await null;
  await null;
  assert.deepEqual(all.map(({ code }) => code).filter(Boolean), ['queue_full']);
  const few = open({ queue: { bytes: 50 } }).connection.channel('a');
  few.publish('twenty characters...').catch(() => {});
  await assert.rejects(few.publish('twenty characters...'), { code: 'queue_full' });
  connection.close();
  await null;
  await null;
  assert.equal(all[0]?.code, 'closed');
  await assert.rejects(channel.publish(1), { code: 'closed' });
  assert.ok(new ThroughlineError('closed') instanceof Error);
});

test('without a WebSocket it starts on sse: a stream by POST, sends beside it, no header of our own', async () => {
  const { clock, last, open } = network();
  const { connection, events } = open({ WebSocket: null });
  const stream = last('stream');
  assert.deepEqual(
    [stream.options.method, stream.options.credentials, stream.options.headers],
    ['POST', 'omit', undefined],
  );
  const pipe = new TransformStream();
  const writer = pipe.writable.getWriter();
  const write = async (/** @type {string} */ text) => {
    for (const part of text.match(/[^]{1,7}/g) ?? []) await writer.write(new TextEncoder().encode(part));
    await clock.pass(0);
  };
  stream.answer(pipe.readable);
  const { nonce, leg } = stream.hello();
  write(`: hello\r\n\r\ndata: ${welcome({ nonce, leg })}\r\n\r\n`);
  await clock.pass(0);
  assert.equal(connection.transport, 'sse');
  const send = last('send');
  assert.match(send.lines[1], /^{"ping":\d+}$/);
  write(`data: ${send.lines[1].replace('ping', 'pong')}\n\n`);
  await clock.pass(0);
  send.answer(welcome({ nonce: send.hello().nonce }));
  await clock.pass(3000);
  assert.equal(connection.transport, 'sse');
  assert.deepEqual(events.at(-1), ['state', 'online']);
  connection.close();
  assert.equal(stream.options.signal.aborted, true);
});

test('a refused WebSocket leads to sse at once, a buffered stream to poll', async () => {
  const { clock, sockets, last, requests, open } = network();
  const { connection } = open();
  sockets[0].onerror();
  sockets[0].onclose();
  assert.deepEqual(
    requests.map(({ route }) => route),
    ['stream', 'control'],
  );
  await clock.pass(1500);
  const poll = last('poll');
  poll.answer(`${welcome({ nonce: poll.hello().nonce, leg: 3, turn: 2 })}\n`);
  await clock.pass(0);
  const second = last('poll');
  assert.notEqual(second, poll);
  await clock.pass(0);
  const asking = last('poll');
  asking.answer(
    `${welcome({ nonce: asking.hello().nonce, leg: 3, turn: asking.hello().turn ?? 1 })}\n${asking.lines[1]?.replace('ping', 'pong') ?? ''}\n`,
  );
  await clock.pass(2000);
  assert.equal(connection.transport, 'poll');
});

test('after gone, subscriptions go on from their positions, and the outcome of lines is unknown only if a leg that was welcomed took them', async () => {
  const { clock, sockets, open } = network();
  const { connection, events } = open();
  const channel = connection.channel('a');
  channel.on('message', () => {});
  sockets[0].online();
  sockets[0].hears('{"ok":1,"epoch":"e","at":4}');
  sockets[0].hears('{"pub":"a","at":5,"data":1}');
  const handed = watched(channel.publish('handed'));
  sockets[0].onclose();
  const kept = watched(channel.publish('kept'));
  await clock.pass(1000);
  const two = sockets[1];
  two.onopen();
  two.hears(end(two.hello().nonce, 'gone'));
  await clock.pass(1000);
  assert.deepEqual([handed, kept], [{ code: 'unknown_outcome' }, {}]);
  const three = sockets[2];
  assert.notEqual(three.hello?.session, two.hello().session);
  three.online({ id: 'two' });
  assert.ok(three.sent.includes('{"sub":"a","since":{"epoch":"e","at":5},"id":4}'));
  assert.ok(three.sent.includes('{"pub":"a","data":"kept","id":3}'));
  three.hears('{"ok":4,"epoch":"f","at":0,"recovered":false}');
  assert.deepEqual(events.at(-1), ['reset', { reason: 'gone', channel: 'a' }]);
});

test('only a string of 1 to 128 bytes without control characters can be the name of a channel', () => {
  const { open } = network();
  const { connection } = open();
  const wrong = [
    undefined,
    null,
    42,
    {},
    () => 0,
    Symbol('a'),
    '',
    'x'.repeat(129),
    'ä'.repeat(65),
    'a\ud800',
    'a\nb',
    '\0',
    'a\u007f',
    '\u0085',
  ];
  for (const name of wrong)
    assert.throws(() => connection.channel(/** @type {any} */ (name)), TypeError, String(name));
  for (const name of ['x', 'x'.repeat(128), 'ä'.repeat(64), '😀'])
    assert.equal(connection.channel(name).name, name);
});

test('a request that no leg has goes into the next session', async () => {
  const { clock, sockets, open } = network();
  const { connection } = open({ transports: ['websocket'] });
  sockets[0].online();
  sockets[0].hears(end('?', 'gone'));
  const kept = watched(connection.channel('a').publish(1));
  await clock.pass(1000);
  sockets[1].online({ id: 'two' });
  assert.ok(sockets[1].sent.includes('{"pub":"a","data":1,"id":1}'));
  sockets[1].hears('{"ok":1,"at":9}');
  await clock.pass(0);
  assert.deepEqual(kept, { value: { at: 9 } });
});

test('the token is asked for before the first race, and its legs alone carry it', async () => {
  const { clock, sockets, open } = network();
  let calls = 0;
  const token = async () => `token ${++calls}`;
  const { connection, events } = open({ transports: ['websocket'], token });
  await clock.pass(0);
  sockets[0].online({ user: '42', expires_ms: 60_000 });
  assert.deepEqual([sockets[0].hello().token, connection.user], ['token 1', '42']);
  await clock.pass(2500);
  sockets[0].onclose();
  await clock.pass(1000);
  sockets[1].online({ user: '42', expires_ms: 57_000 });
  assert.deepEqual([sockets[1].hello().token, calls, toldErrors(events)], ['token 1', 1, []]);
});

test('a token is refreshed on the leg in use, and an end for it is mended without a word', async () => {
  const { clock, sockets, open } = network();
  let calls = 0;
  const token = () => `token ${++calls}`;
  const { connection, events } = open({ transports: ['websocket'], token });
  await clock.pass(0);
  const [one] = sockets;
  one.online({ user: '42', expires_ms: 10_000 });
  await live(clock, one, 9100);
  assert.deepEqual(
    one.sent.filter((/** @type {string} */ line) => line.startsWith('{"token"')),
    ['{"token":"token 2"}'],
  );
  one.hears('{"token":{"expires_ms":3600000}}');
  one.hears(end('?', 'unauthorized'));
  assert.equal(one.closed, true);
  await clock.pass(1000);
  const two = /** @type {any} */ (sockets[1]);
  two.online({ user: '42', expires_ms: 60_000 });
  assert.deepEqual([two.hello().token, two.hello().id], ['token 3', 'one'], 'the session resumes');
  assert.deepEqual([calls, toldErrors(events), connection.state], [3, [], 'online']);
});

test('a gateway that refuses each token is asked less and less often, and told of once', async () => {
  const { clock, sockets, open } = network();
  let calls = 0;
  const token = () => `token ${++calls}`;
  const { events, connection } = open({ token });
  for (let second = 0; second < 600; second++) {
    await clock.pass(1000);
    const socket = sockets.at(-1);
    if (socket.closed || socket.sent.length > 0) continue;
    socket.onopen();
    socket.hears(
      JSON.stringify({ end: { nonce: socket.hello().nonce, code: 'unauthorized', message: 'bad' } }),
    );
  }
  assert.deepEqual(toldErrors(events), [['unauthorized', 'bad']]);
  assert.ok(calls > 10 && calls < 120, `${calls} calls in 10 minutes`);
  assert.equal(connection.state, 'reconnecting');
});

test('a fixed token that is refused is told once, and ends the connection', async () => {
  const { clock, sockets, requests, open } = network();
  const { connection, events } = open({ token: 'fixed' });
  const published = watched(connection.channel('a').publish(1));
  sockets[0].onopen();
  sockets[0].hears(
    JSON.stringify({ end: { nonce: sockets[0].hello().nonce, code: 'unauthorized', message: 'expired' } }),
  );
  await clock.pass(600_000);
  assert.deepEqual(toldErrors(events), [['unauthorized', 'expired']]);
  const legs = requests.filter(({ route }) => route !== 'control');
  assert.deepEqual(
    events
      .map(([name]) => name)
      .filter((name) => name !== 'transport')
      .slice(0, 1),
    ['error'],
  );
  assert.deepEqual(events.at(-1), ['state', 'closed']);
  assert.deepEqual(
    [published.code, connection.user, sockets.length, legs.length],
    ['unauthorized', null, 1, 0],
  );
  await assert.rejects(connection.channel('a').publish(1), { code: 'unauthorized' });
});

test('null signs out: the gateway hears bye, the application `unauthorized` and then `closed`', async () => {
  const { clock, sockets, open } = network();
  let calls = 0;
  const token = () => (++calls === 1 ? 'one' : null);
  const { connection, events } = open({ transports: ['websocket'], token });
  await clock.pass(0);
  sockets[0].online({ user: '42', expires_ms: 10_000 });
  const channel = connection.channel('a');
  /** @type {any[]} */
  const ended = [];
  channel.on('end', ({ code }) => ended.push(code));
  channel.on('message', () => {});
  await live(clock, sockets[0], 9100);
  assert.deepEqual([sockets[0].sent.at(-1), sockets[0].closed], ['{"bye":{}}', true]);
  assert.deepEqual([toldErrors(events).map(([code]) => code), ended], [['unauthorized'], ['unauthorized']]);
  assert.deepEqual([events.at(-1), connection.user], [['state', 'closed'], null]);
  const early = open({ token: () => null });
  await clock.pass(60_000);
  assert.deepEqual([early.connection.state, sockets.length], ['closed', 1]);
});

test('close says bye: on a socket, or in a send with what waits; a leg that is not welcome hears nothing', async () => {
  const { clock, sockets, last, requests, open } = network();
  const { connection } = open({ transports: ['websocket'] });
  connection.close();
  assert.deepEqual(sockets[0].sent, []);
  const { connection: by } = open({ transports: ['websocket'] });
  sockets[1].online();
  by.channel('a')
    .publish(1)
    .catch(() => {});
  by.close();
  assert.deepEqual(sockets[1].sent.slice(-2), ['{"pub":"a","data":1,"id":1}', '{"bye":{}}']);
  assert.equal(sockets[1].closed, true);
  const { connection: polls } = open({ transports: ['poll'] });
  last('poll').answer(welcome({ nonce: last('poll').hello().nonce, turn: 1 }));
  await clock.pass(0);
  polls
    .channel('a')
    .publish(1)
    .catch(() => {});
  polls
    .channel('a')
    .publish(2)
    .catch(() => {});
  polls.close();
  const bye = last('send');
  assert.deepEqual(bye.lines.slice(1), [
    '{"pub":"a","data":1,"id":1}',
    '{"pub":"a","data":2,"id":2}',
    '{"bye":{}}',
  ]);
  assert.deepEqual([bye.options.keepalive, bye.hello().token], [true, undefined]);
  assert.equal(last('poll').options.signal.aborted, true);
  const before = requests.length;
  bye.fail();
  await clock.pass(60_000);
  assert.deepEqual([requests.length, clock.timers.size], [before, 0], 'nothing is repeated');
});

test('the gateway ends a subscription: its channel says so, and the others go on', async () => {
  const { sockets, open } = network();
  const { connection, events } = open();
  const [a, b] = ['a', 'b'].map((name) => connection.channel(name));
  /** @type {any[]} */
  const got = [];
  a?.on('message', ({ data }) => got.push(data));
  b?.on('message', ({ data }) => got.push(data));
  a?.on('end', ({ code, message }) => got.push([code, message]));
  sockets[0].online();
  for (const id of [1, 2]) sockets[0].hears(`{"ok":${id},"epoch":"e","at":0}`);
  sockets[0].hears('{"unsub":"a","code":"forbidden","message":"the token does not list it"}');
  sockets[0].hears('{"unsub":"unknown","code":"forbidden"}');
  sockets[0].hears('{"pub":"b","at":1,"data":"b"}');
  assert.deepEqual(got, [['forbidden', 'the token does not list it'], 'b']);
  assert.deepEqual(toldErrors(events), [['forbidden', 'the token does not list it']]);
});

test('requests carry cookies only if the application asks for them', () => {
  const { last, open } = network();
  open({ transports: ['poll'] });
  assert.equal(last('poll').options.credentials, 'omit');
  open({ transports: ['poll'], credentials: 'include' });
  assert.equal(last('poll').options.credentials, 'include');
});

test('a function that throws is told, also at once, and no function of a token runs within connect', async () => {
  const { clock, open } = network();
  let calls = 0;
  const token = () => {
    calls += 1;
    throw new Error('no session');
  };
  const { events } = open({ token });
  assert.equal(calls, 0);
  await clock.pass(0);
  assert.equal(calls, 1);
  assert.equal(toldErrors(events)[0]?.[0], 'unauthorized');
  assert.match(toldErrors(events)[0]?.[1], /no session/);
});

test('any value that the function of a token throws is told, and a secret in it is not', async () => {
  for (const thrown of [Object.create(null), Symbol('a-secret'), 'a-secret', undefined, Promise.resolve()]) {
    const { clock, open } = network();
    const { events } = open({
      token: () => {
        throw thrown;
      },
    });
    await clock.pass(0);
    const [[code, message] = []] = toldErrors(events);
    assert.equal(code, 'unauthorized');
    assert.doesNotMatch(message, /secret/);
  }
});

test('a refusal of ours is told, and its Retry-After kept to; a stranger’s is neither', async () => {
  const { clock, requests, last, open } = network();
  const { events } = open({ transports: ['poll'] });
  const { nonce } = last('poll').hello();
  const body = JSON.stringify({ v: 1, nonce, code: 'rate_limited', message: 'later' });
  last('poll').answer(body, { status: 429, headers: { 'retry-after': '9' } });
  await clock.pass(8900);
  assert.equal(events[0][1].code, 'rate_limited');
  assert.equal(requests.filter(({ route }) => route === 'poll').length, 1);
  await clock.pass(200);
  assert.equal(requests.filter(({ route }) => route === 'poll').length, 2);
  last('poll').answer('{"v":1,"nonce":"x","code":"forbidden"}', { status: 403 });
  await clock.pass(0);
  assert.equal(events.filter(([name]) => name === 'error').length, 1);
});

test('a full gateway is told over a socket, and tried again', async () => {
  const { clock, sockets, open } = network();
  const { events } = open({ transports: ['websocket'] });
  await clock.pass(0);
  sockets[0].onopen();
  const { nonce } = sockets[0].hello();
  sockets[0].hears(JSON.stringify({ end: { v: 1, nonce, code: 'full', message: 'its limit is 3' } }));
  sockets[0].onclose();
  await clock.pass(0);
  assert.deepEqual(
    events.filter(([name]) => name === 'error').map(([, error]) => error.code),
    ['full'],
  );
  await clock.pass(20_000);
  assert.ok(sockets.length > 1);
});

test('when all fail, what answers the control request makes the state', async () => {
  const answers = /** @type {const} */ ([
    ['portal', (/** @type {any} */ r) => r.answer('<html>')],
    ['offline', (/** @type {any} */ r) => r.fail()],
    ['reconnecting', (/** @type {any} */ r) => r.answer('bad gateway', { status: 502 })],
    [
      'reconnecting',
      (/** @type {any} */ r) =>
        r.answer(JSON.stringify({ v: 1, nonce: new URL(r.url).searchParams.get('nonce'), control: true })),
    ],
  ]);
  for (const [state, answer] of answers) {
    const { clock, last, open } = network();
    const { connection } = open({ transports: ['poll'] });
    last('poll').fail();
    await clock.pass(0);
    answer(last('control'));
    await clock.pass(0);
    assert.equal(connection.state, state);
  }
});

/** The gateway's refusal, as the answer to a control request. @param {any} control */
function refuse(control, code = 'forbidden', message = 'not from here') {
  const nonce = new URL(control.url).searchParams.get('nonce');
  control.answer(JSON.stringify({ v: 1, nonce, code, message }), { status: 403 });
}

/** The codes and messages of the errors that an application was told. @param {any[]} events */
const toldErrors = (events) =>
  events.filter(([name]) => name === 'error').map(([, { code, message }]) => [code, message]);

test('the application is told once why the gateway refuses it, while the client goes on trying', async (t) => {
  const warn = t.mock.method(console, 'warn', () => {});
  const { clock, requests, last, open } = network();
  const { connection, events } = open({ transports: ['poll'] });
  for (let n = 0; n < 5; n++) {
    last('poll').fail();
    await clock.pass(0);
    refuse(last('control'));
    await clock.pass(30_000);
    assert.equal(connection.state, 'reconnecting');
  }
  assert.deepEqual(toldErrors(events), [['forbidden', 'not from here']]);
  assert.ok(requests.filter(({ route }) => route === 'poll').length >= 5);
  // The configuration is corrected halfway: that is news.
  last('poll').fail();
  await clock.pass(0);
  refuse(last('control'), 'not_found', 'nothing is here');
  await clock.pass(0);
  assert.deepEqual(toldErrors(events)[1], ['not_found', 'nothing is here']);
  assert.equal(connection.explain().control, 'refused');
  assert.equal(warn.mock.callCount(), 1);
  assert.match(warn.mock.calls[0]?.arguments[0], /forbidden: not from here/);
});

test('after 5 s without a connection the application and the console are told the outcomes, once', async (t) => {
  const warn = t.mock.method(console, 'warn', () => {});
  const { clock, sockets, last, open } = network();
  const { events } = open({ transports: ['websocket', 'poll'], token: 's3cret' });
  sockets[0].onclose();
  last('poll').fail();
  await clock.pass(0);
  last('control').fail();
  await clock.pass(4900);
  assert.deepEqual(toldErrors(events), []);
  await clock.pass(60_000);
  const [[code, message] = []] = toldErrors(events);
  assert.equal(code, 'unreachable');
  assert.match(
    message,
    /^No transport reaches the gateway at http:\/\/gateway \(websocket: .+, poll: .+\)\. Nothing/,
  );
  assert.deepEqual(toldErrors(events).length, 1);
  assert.deepEqual(
    warn.mock.calls.map(({ arguments: [text] }) => text),
    [`throughline: ${message}`],
  );
  assert.doesNotMatch(message, /s3cret/);
});

test('an error that ends a leg has the message of the gateway, and comes once for all transports', async () => {
  const { clock, sockets, last, open } = network();
  const { events } = open({ transports: ['websocket', 'poll'] });
  const [socket] = sockets;
  socket.onopen();
  const refusal = { v: 1, code: 'forbidden', message: 'this page may not' };
  socket.hears(JSON.stringify({ end: { nonce: socket.hello().nonce, ...refusal } }));
  await clock.pass(300);
  const { nonce } = last('poll').hello();
  last('poll').answer(JSON.stringify({ nonce, ...refusal }), { status: 403 });
  await clock.pass(1000);
  assert.deepEqual(toldErrors(events), [[refusal.code, refusal.message]]);
});

test('switchTo resolves when the new leg carries the session, and rejects with its reason', async () => {
  const { clock, sockets, last, open } = network();
  const { connection, events } = open();
  sockets[0].online();
  const failed = watched(connection.switchTo('poll'));
  last('poll').fail();
  await clock.pass(0);
  assert.equal(failed.code, 'refused');
  assert.equal(connection.transport, 'websocket');
  const done = watched(connection.switchTo('websocket'));
  const [, two] = sockets;
  two.online({ turn: 1 });
  assert.equal(two.hello().turn, 2);
  two.hears(welcome({ nonce: two.hello().nonce, leg: 3, turn: 2 }));
  await clock.pass(0);
  assert.ok('value' in done);
  assert.deepEqual(events.at(-1)?.[1], { from: 'websocket', to: 'websocket', reason: 'asked' });
  sockets[0].hears(end('?', 'replaced'));
  assert.equal(sockets[0].closed, true);
  assert.equal(connection.transport, 'websocket');
});

test('a socket that cannot be opened does not stop the rest', async (t) => {
  t.mock.method(console, 'error', () => {});
  const { clock, last, open } = network();
  open({
    WebSocket: class {
      constructor() {
        throw new Error('not here');
      }
    },
  });
  await clock.pass(1000);
  assert.ok(last('stream'));
});

test('close ends what is open and leaves no timer; a callback may call it', async () => {
  const { clock, sockets, open } = network();
  const { connection, events } = open();
  sockets[0].online();
  const channel = connection.channel('a');
  channel.on('message', () => connection.close());
  sockets[0].hears('{"ok":1,"epoch":"e","at":0}');
  sockets[0].hears('{"pub":"a","at":1,"data":1}');
  assert.deepEqual([connection.state, connection.transport, sockets[0].closed], ['closed', null, true]);
  await clock.pass(60_000);
  assert.equal(clock.timers.size, 0);
  assert.equal(sockets.length, 1);
  assert.deepEqual(events.at(-1), ['state', 'closed']);
});

test('closed within 5 s of a switch, nothing stays: no socket, no timer, and nothing that comes is heard', async () => {
  const { clock, sockets, requests, open } = network();
  const { connection, events } = open();
  const [one] = sockets;
  one.online();
  const done = watched(connection.switchTo('websocket'));
  const [, two] = sockets;
  two.online({ turn: 1 });
  two.hears(welcome({ nonce: two.hello().nonce, leg: 2, turn: 2 }));
  await clock.pass(1000);
  assert.ok('value' in done);
  assert.equal(one.closed, false, 'the loser is read for a while');
  const sent = [...one.sent];
  connection.close();
  assert.deepEqual([one.closed, two.closed, clock.timers.size], [true, true, 0]);
  assert.deepEqual(one.sent, sent, 'no turn is asked for on it');
  const before = [...events];
  for (const socket of [one, two]) {
    socket.hears('{"pub":"a","at":1,"data":1}');
    socket.hears(end('?', 'gone'));
    socket.onclose();
    socket.onopen();
  }
  await clock.pass(60_000);
  assert.deepEqual([events, clock.timers.size, sockets.length, requests.length], [before, 0, 2, 0]);
});

test('closed in a race, every leg is aborted, and what they bring is not heard', async () => {
  const { clock, sockets, requests, last, open } = network();
  const { connection, events } = open({ token: async () => 'who' });
  await clock.pass(0);
  await clock.pass(2500);
  connection.close();
  assert.deepEqual(
    [sockets[0].closed, last('stream').options.signal.aborted, last('poll').options.signal.aborted],
    [true, true, true],
  );
  sockets[0].onopen();
  last('poll').answer(welcome({ nonce: last('poll').hello().nonce, leg: 3 }));
  await clock.pass(60_000);
  const legs = requests.filter(({ route }) => route !== 'control');
  assert.deepEqual([events, clock.timers.size, legs.length], [[['state', 'closed']], 0, 2]);
  const early = open({ token: async () => 'who' });
  early.connection.close();
  await clock.pass(60_000);
  assert.deepEqual([early.connection.state, clock.timers.size, sockets.length], ['closed', 0, 1]);
});

test('a switch after close, or closed upon, rejects; a later switch replaces an earlier one', async () => {
  const { clock, sockets, open } = network();
  const { connection } = open();
  /** @type {any[]} */
  const ends = [];
  connection.on('state', (state) => {
    if (state !== 'online') return;
    ends.push(watched(connection.switchTo('websocket')), watched(connection.switchTo('websocket')));
  });
  sockets[0].online();
  await clock.pass(0);
  assert.deepEqual(ends, [{ code: 'asked' }, {}]);
  // The first one waited for the proof of the leg in use, so it opened nothing.
  const two = /** @type {any} */ (sockets[1]);
  two.online({ turn: 1 });
  two.hears(welcome({ nonce: two.hello().nonce, leg: 2, turn: 2 }));
  await clock.pass(0);
  assert.ok('value' in /** @type {any} */ (ends[1]));
  const open4 = watched(connection.switchTo('poll'));
  connection.close();
  const late = watched(connection.switchTo('poll'));
  await clock.pass(0);
  assert.deepEqual([open4, late], [{ code: 'closed' }, { code: 'closed' }]);
});

test('a request of a callback after it closed is refused, and nothing is opened', async () => {
  const { clock, sockets, requests, open } = network();
  const { connection } = open();
  /** @type {any[]} */
  const ends = [];
  connection.on('state', (state) => {
    if (state !== 'online') return;
    ends.push(watched(connection.switchTo('websocket')));
    connection.close();
    ends.push(watched(connection.switchTo('websocket')), watched(connection.channel('a').publish(1)));
  });
  sockets[0].online();
  await clock.pass(60_000);
  assert.deepEqual(ends, [{ code: 'closed' }, { code: 'closed' }, { code: 'closed' }]);
  assert.ok(sockets.every(({ closed }) => closed));
  assert.deepEqual([clock.timers.size, requests.length], [0, 0]);
});

test('close ends every loop: one that runs, one that waits to be subscribed, and those begun after it', async () => {
  const { clock, sockets, open } = network();
  const { connection, events } = open();
  let ended = 0;
  const loop = async (/** @type {string} */ name) => {
    for await (const _ of connection.channel(name));
    ended++;
  };
  sockets[0].online();
  loop('a');
  await clock.pass(0);
  sockets[0].hears('{"ok":1,"epoch":"e","at":0}');
  loop('b');
  await clock.pass(0);
  assert.equal(ended, 0);
  connection.close();
  loop('a');
  loop('c');
  await clock.pass(0);
  assert.equal(ended, 4);
  await assert.rejects(connection.channel('c').subscribed, { code: 'closed' });
  assert.deepEqual(
    events.filter(([name]) => name === 'error'),
    [],
  );
});

test('a leg that ends because an operator withdrew its transport fails at once, and the next one starts', async () => {
  const { sockets, last, open } = network();
  const { events } = open();
  sockets[0].onopen();
  sockets[0].hears(end(sockets[0].hello().nonce, 'refused'));
  assert.ok(last('stream'));
  assert.deepEqual(events, []);
});

test('publish ends its wait with a certain code while no leg has the message, and the others go on', async () => {
  const { clock, sockets, open } = network();
  const { connection } = open();
  const channel = connection.channel('a');
  const controller = new AbortController();
  const outcomes = [
    watched(channel.publish('late', { timeoutMs: 50 })),
    watched(channel.publish('aborted', { signal: controller.signal })),
    watched(channel.publish('kept', { timeoutMs: 60_000 })),
  ];
  await clock.pass(50);
  controller.abort();
  const [socket] = sockets;
  socket.online();
  assert.deepEqual(
    socket.sent.filter((/** @type {string} */ line) => line.startsWith('{"pub"')),
    ['{"pub":"a","data":"kept","id":3}'],
  );
  outcomes.push(watched(channel.publish('sent', { timeoutMs: 50 })));
  await clock.pass(50);
  socket.hears('{"ok":3,"at":1}');
  socket.hears('{"ok":4,"at":2}');
  await clock.pass(0);
  assert.deepEqual(outcomes, [
    { code: 'timeout' },
    { code: 'aborted' },
    { value: { at: 1 } },
    { code: 'unknown_outcome' },
  ]);
});

test('a subscription that ends while the queue is full ends once the gateway has acknowledged', async () => {
  const { clock, sockets, open } = network();
  const { connection } = open({ queue: { messages: 2 } });
  const [socket] = sockets;
  socket.online();
  const leave = connection.channel('a').on('message', () => {});
  socket.hears('{"ok":1,"epoch":"e","at":0}');
  for (const name of ['b', 'c', 'd']) connection.channel(name).on('message', () => {});
  leave();
  const unsubs = () => socket.sent.filter((/** @type {string} */ line) => line.startsWith('{"unsub"'));
  assert.deepEqual(unsubs(), []);
  socket.hears('{"ack":2,"next":2}');
  await clock.pass(0);
  assert.deepEqual(unsubs(), ['{"unsub":"a","id":5}']);
});

test('channels that a full queue refuses, and that are left at once, send nothing once there is room', async () => {
  const { clock, sockets, open } = network();
  const { connection } = open({ queue: { messages: 1 } });
  for (let number = 0; number < 50; number++) connection.channel(`${number}`).on('message', () => {})();
  const [socket] = sockets;
  socket.online();
  socket.hears('{"ack":2,"next":1}');
  await clock.pass(0);
  assert.deepEqual(
    socket.sent.filter((/** @type {string} */ line) => /"(un)?sub"/.test(line)),
    ['{"sub":"0","id":1}', '{"unsub":"0","id":2}'],
  );
});

test('a mistake in a call throws a TypeError with the remedy', () => {
  const { open } = network();
  const { connection } = open();
  const on = (/** @type {any} */ event, /** @type {any} */ listener) => () => connection.on(event, listener);
  assert.throws(
    on('mesage', () => {}),
    /^TypeError: no event 'mesage'\. Use state, /,
  );
  assert.throws(on('state', null), /^TypeError: the listener of 'state' must be a function, but is null/);
  assert.throws(() => open({ transport: 'sse' }), /^TypeError: connect: no option 'transport'/);
});

test('without any transport that can be had it says so at once', () => {
  const { open } = network();
  assert.throws(() => open({ transports: [] }), { code: 'refused' });
  assert.throws(() => open({ transports: ['websocket'], WebSocket: null }), { code: 'refused' });
});

test('a transport whose name is misspelt is named at once, and not left out in silence', () => {
  const { open } = network();
  const misspelt = {
    code: 'refused',
    message: 'no such transport here: websockets. Use websocket, sse, poll',
  };
  assert.throws(() => open({ transports: ['websockets', 'sse'] }), misspelt);
});

test('an option that is undefined counts as absent, and only null means no WebSocket', (t) => {
  const { sockets, open } = network();
  class Platform {
    constructor() {
      sockets.push(this);
    }
  }
  const before = Object.getOwnPropertyDescriptor(globalThis, 'WebSocket');
  Object.defineProperty(globalThis, 'WebSocket', { value: Platform, configurable: true });
  t.after(() => {
    if (before) Object.defineProperty(globalThis, 'WebSocket', before);
    else Reflect.deleteProperty(globalThis, 'WebSocket');
  });
  const { connection } = open({ WebSocket: undefined });
  assert.ok(sockets[0] instanceof Platform);
  assert.deepEqual(connection.explain().missing, []);
  assert.deepEqual(open({ WebSocket: null }).connection.explain().missing, ['websocket']);
  assert.equal(sockets.length, 1);
});

test('a switch to a transport that cannot be had rejects with those that can', async () => {
  const { open } = network();
  const { connection } = open({ WebSocket: null });
  for (const [transport, name] of /** @type {any[]} */ ([
    ['foo', 'foo'],
    ['websocket', 'websocket'],
    [undefined, 'undefined'],
    [Symbol('a'), 'a symbol'],
  ]))
    await assert.rejects(connection.switchTo(transport), {
      code: 'refused',
      message: `no such transport here: ${name}. Use sse, poll`,
    });
});

test('a transport that is named twice counts once, and a switch to it is made', async () => {
  const { clock, sockets, open } = network();
  const { connection } = open({ transports: ['websocket', 'websocket', 'sse'] });
  sockets[0].online();
  const done = watched(connection.switchTo('websocket'));
  const two = /** @type {any} */ (sockets[1]);
  two.online({ turn: 1 });
  two.hears(welcome({ nonce: two.hello().nonce, leg: 2, turn: 2 }));
  await clock.pass(0);
  assert.ok('value' in done);
  assert.deepEqual(
    connection.explain().paths.map(({ transport }) => transport),
    ['websocket', 'sse'],
  );
});

test('a page that names our address is not us', async () => {
  const { clock, sockets, last, open } = network();
  const { connection } = open({ transports: ['websocket'] });
  sockets[0].onclose();
  const control = last('control');
  control.answer(`<a href="${control.url}">sign in</a>`);
  await clock.pass(0);
  assert.equal(connection.state, 'portal');
});

test('the log receives each decision with its reason, and no message, token or secret', async () => {
  const { clock, sockets, open } = network();
  /** @type {any[]} */
  const log = [];
  const { connection } = open({
    transports: ['websocket'],
    token: 'a-token',
    log: (/** @type {any} */ entry) => log.push(entry),
  });
  sockets[0].online();
  connection.channel('a').on('message', () => {});
  const published = watched(connection.channel('a').publish('a-message'));
  sockets[0].hears('{"ok":1,"epoch":"e","at":0}');
  sockets[0].hears('{"pub":"a","at":1,"data":"a-message"}');
  await clock.pass(2500);
  sockets[0].onclose();
  await clock.pass(1000);
  connection.close();
  await clock.pass(0);
  assert.equal(published.code, 'closed');
  const types = log.map(({ type }) => type);
  for (const type of [
    'openLeg',
    'socketOpened',
    'legUsable',
    'requestTurn',
    'legActive',
    'legDied',
    'dropLeg',
  ])
    assert.ok(types.includes(type), type);
  const dropped = log.find(({ type }) => type === 'dropLeg');
  assert.deepEqual([dropped.leg, dropped.reason, typeof dropped.at], [1, 'closed', 'number']);
  assert.deepEqual(
    log.filter(({ type }) => type === 'stateChanged').map(({ state }) => state),
    ['online', 'reconnecting', 'closed'],
  );
  const text = JSON.stringify(log);
  const { session } = sockets[0].hello();
  for (const secret of ['a-token', 'a-message', session]) assert.ok(!text.includes(secret), secret);
});

test('the log names the code of an error and not its text, and the README lists each type', async () => {
  const { clock, sockets, last, open } = network();
  /** @type {any[]} */
  const log = [];
  const add = (/** @type {any} */ entry) => log.push(entry);
  const failing = async () => {
    throw new Error('a-secret');
  };
  open({ transports: ['websocket'], token: failing, log: add });
  await clock.pass(0);
  assert.equal(log.find(({ type }) => type === 'raceFailed').error, 'unauthorized');
  open({ transports: ['poll'], log: add });
  const { nonce } = last('poll').hello();
  last('poll').answer(JSON.stringify({ v: 1, nonce, code: 'forbidden', message: 'a-secret' }), {
    status: 403,
  });
  await clock.pass(0);
  assert.equal(log.find(({ type }) => type === 'gatewayRefused').error, 'forbidden');
  open({ transports: ['websocket'], log: add });
  sockets[0].online();
  await clock.pass(60_000);
  assert.ok(!JSON.stringify(log).includes('a-secret'));
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const [, table = ''] = readme.split('## Log');
  const types = new Set(log.map(({ type }) => type));
  assert.ok(types.size >= 12, [...types].join());
  for (const type of types) assert.match(table, new RegExp(`^\\|.*\`${type}\``, 'm'), type);
});

test('a log that throws harms nothing', async (t) => {
  t.mock.method(console, 'error', () => {});
  const { sockets, open } = network();
  const { connection } = open({
    log: () => {
      throw new Error('full');
    },
  });
  sockets[0].online();
  assert.equal(connection.state, 'online');
});
