// @ts-check
import assert from 'node:assert/strict';
import test from 'node:test';
import { end, hello, LIMITS, underTest, welcome } from './support.js';

/** A session with one leg that is active. @param {'websocket' | 'sse' | 'poll'} kind */
function online(kind) {
  const it = underTest();
  const [opening] = it.take({ open: kind });
  const first = kind === 'websocket' ? it.take({ opened: 1 })[0] : opening;
  const { nonce } = hello(first);
  const text = welcome({ nonce });
  if (kind === 'poll') it.take({ answer: 1, route: 'poll', lines: [text] });
  else it.take({ line: 1, text });
  return it;
}

/** @param {any[]} outputs @param {string} verb */
const only = (outputs, verb) => outputs.filter((output) => verb in output);

/** Answers a request with a welcome. @param {any} request @param {any} [fields] @param {string[]} [lines] */
const answer = (request, fields, lines = []) => ({
  answer: request.request,
  route: request.route,
  lines: [welcome({ nonce: hello(request).nonce, ...fields }), ...lines],
});

test('the first hellos carry no id, nothing received and no lines, and ask for the first turn (rules 2 and 3)', () => {
  const it = underTest();
  const out = it.take({ push: '{"sub":"a","id":1}' }, { open: 'sse' }, { open: 'poll' });
  assert.deepEqual(
    out.map(({ request, route, lines }) => [request, route, lines.length]),
    [
      [1, 'stream', 1],
      [2, 'poll', 1],
    ],
  );
  assert.deepEqual(hello(out[0]), {
    v: 1,
    session: 'b'.repeat(22),
    leg: 1,
    turn: 1,
    received: 0,
    next: 1,
    nonce: 'aaaaaaaa.1',
  });
  assert.equal(hello(out[1]).turn, undefined);
});

test('a socket says hello when it opens, and its lines follow the welcome, their number first (rule 6)', () => {
  const it = underTest();
  assert.deepEqual(it.take({ open: 'websocket' }, { push: '{"sub":"a","id":1}' }), []);
  const [greeting] = it.take({ opened: 1 });
  assert.equal(greeting.lines.length, 1);
  assert.deepEqual(it.take({ line: 1, text: welcome({ nonce: hello(greeting).nonce }) }), [
    { usable: 1 },
    { active: 1 },
    { write: 1, lines: ['{"ack":0,"next":1}', '{"sub":"a","id":1}'] },
  ]);
});

test('what does not begin with our nonce is foreign: it closes a socket and fails a poll', () => {
  for (const text of ['<html>', welcome({ nonce: 'x' }), '{"pub":"a","at":1}', 'null', '[1]', '"abc"']) {
    const it = underTest();
    it.take({ open: 'websocket' }, { opened: 1 });
    assert.deepEqual(it.take({ line: 1, text }), [{ close: 1, reason: 'foreign' }], text);
  }
  const it = underTest();
  it.take({ open: 'poll' });
  assert.deepEqual(it.take({ answer: 1, route: 'poll', lines: ['<html>'] }), [
    { close: 1, reason: 'failed' },
  ]);
});

test('a resume brings its lines at once, on a socket behind the number of the first', () => {
  const it = online('websocket');
  it.take({ push: '"one"' }, { closed: 1 }, { push: '"two"' });
  const [stream] = it.take({ open: 'sse' });
  assert.deepEqual(stream.lines.slice(1), ['"one"', '"two"']);
  assert.deepEqual([hello(stream).id, hello(stream).turn, hello(stream).next], ['one', 2, 1]);
  it.take({ closed: 2 }, { open: 'websocket' });
  const [greeting, lines] = it.take({ opened: 3 });
  assert.equal(hello(greeting).id, 'one');
  assert.deepEqual(lines, { write: 3, lines: ['{"ack":0,"next":1}', '"one"', '"two"'] });
});

test('gone ends the session: legs go, frames that left are unknown, the rest goes into a new one with a new secret (rule 2)', () => {
  const it = online('poll');
  const [, send] = it.take({ push: '"one"' }, { push: '"two"' }).filter((output) => output.request);
  assert.equal(send, undefined, 'one send at a time');
  const [candidate] = it.take({ open: 'sse' });
  const out = it.take({ line: 2, text: end(hello(candidate).nonce, 'gone') });
  assert.deepEqual(out, [
    { close: 1, reason: 'gone' },
    { close: 2, reason: 'gone' },
    { reset: 'gone', lost: 1 },
    { unknown: ['"one"'] },
  ]);
  const [again] = it.take({ open: 'poll' });
  const { session, id, turn, received } = hello(again);
  assert.deepEqual([session, id, turn, received], ['c'.repeat(22), undefined, 1, 0]);
  const [, , send2] = it.take(answer(again, { id: 'two' }));
  assert.deepEqual([send2.route, send2.lines.length], ['poll', 1]);
});

test('any other end closes its leg and nothing else; a welcome of another incarnation too', () => {
  const it = online('websocket');
  it.take({ open: 'sse' });
  assert.deepEqual(it.take({ line: 1, text: end('?', 'draining') }), [{ close: 1, reason: 'draining' }]);
  const two = online('websocket');
  const [stream] = two.take({ open: 'sse' });
  const text = welcome({ nonce: hello(stream).nonce, id: 'other' });
  assert.deepEqual(two.take({ line: 2, text }), [{ close: 2, reason: 'foreign' }]);
});

test('a candidate asks by a second hello; the loser is read until its end, or 5 s (rules 3 and 5)', () => {
  const it = online('websocket');
  const [stream] = it.take({ open: 'sse' });
  assert.deepEqual(it.take({ line: 2, text: welcome({ nonce: hello(stream).nonce, leg: 2 }) }), [
    { usable: 2 },
  ]);
  const [send] = it.take({ ask: 2 });
  assert.deepEqual([send.request, send.route, hello(send).turn], [2, 'send', 2]);
  assert.deepEqual(it.take({ line: 2, text: welcome({ nonce: 'any', leg: 2, turn: 2 }) }), [{ active: 2 }]);
  it.take({ line: 1, text: '{"pub":"a","at":1,"data":1}' });
  it.wait(5000);
  assert.equal(it.session.pollTimeout() <= it.now(), true);
  assert.deepEqual(only(it.take({ timeout: true }), 'close'), [{ close: 1, reason: 'replaced' }]);
});

test('a turn asked for goes with the next send, until one that carried it was answered', () => {
  const it = online('sse');
  const [ping] = it.take({ ping: 1 });
  assert.equal(hello(ping).turn, undefined);
  // Asked while a send is under way: another leg had taken the turn and died.
  it.take({ open: 'websocket' }, { opened: 2 });
  it.take({ ask: 2 });
  it.session.handle(it.now(), { closed: 2 });
  const out = it.take({ open: 'sse' });
  const candidate = hello(out.find(({ route }) => route === 'stream'));
  it.take({ line: 3, text: welcome({ nonce: candidate.nonce }) });
  it.take({ ask: 3 }, { closed: 3 });
  const [send] = it.take(answer(ping));
  assert.equal(hello(send).turn, 3);
  it.take({ failed: 1, route: 'send' });
  it.wait(100);
  const [again] = it.take({ timeout: true });
  assert.equal(hello(again).turn, 3);
  assert.deepEqual(it.take(answer(again)), []);
  const [plain] = it.take({ push: '"x"' });
  assert.equal(hello(plain).turn, undefined);
});

test('when the leg with the greatest turn is dropped, another is asked (rule 4)', () => {
  const it = online('websocket');
  const [stream] = it.take({ open: 'sse' });
  it.take({ line: 2, text: welcome({ nonce: hello(stream).nonce }) });
  const [send] = it.take({ closed: 1 });
  assert.deepEqual([send.request, send.route, hello(send).turn], [2, 'send', 2]);
});

test('asking for the turn on the leg that has it, or is not usable, does nothing', () => {
  const it = online('websocket');
  it.take({ open: 'sse' });
  assert.deepEqual(it.take({ ask: 1 }, { ask: 2 }, { ask: 7 }), []);
});

test('numbered lines are delivered once and in order, whatever leg they come by', () => {
  const it = online('websocket');
  const line = (/** @type {number} */ n) => JSON.stringify({ pub: 'a', at: n, data: n });
  const got = only(it.take({ line: 1, text: line(1) }, { line: 1, text: line(2) }), 'frame');
  assert.deepEqual(
    got.map(({ frame }) => frame.at),
    [1, 2],
  );
  const [stream] = it.take({ open: 'sse' });
  it.take({ line: 2, text: welcome({ nonce: hello(stream).nonce, turn: 1 }) }, { ask: 2 });
  it.take({ line: 2, text: welcome({ nonce: 'n', turn: 2, next: 2 }) });
  const more = it.take({ line: 2, text: line(2) }, { line: 2, text: line(3) }, { line: 1, text: line(3) });
  assert.deepEqual(
    only(more, 'frame').map(({ frame }) => frame.at),
    [3],
  );
});

test('a number beyond the next is an overrun, and told; from a candidate it says nothing (rules 6 and 7)', () => {
  const it = online('websocket');
  assert.deepEqual(it.take({ line: 1, text: '{"ack":0,"next":4}' }), [{ reset: 'overrun', lost: 3 }]);
  const [stream] = it.take({ open: 'sse' });
  const text = welcome({ nonce: hello(stream).nonce, next: 9 });
  assert.deepEqual(it.take({ line: 2, text }), [{ usable: 2 }]);
});

test('a numbered line before any number, a line that is no frame, or an ack of what was never sent close the leg', () => {
  for (const text of ['nonsense', '{"ack":1}', '{"ack":"x"}']) {
    const it = online('websocket');
    assert.deepEqual(it.take({ line: 1, text }), [{ close: 1, reason: 'bad_frame' }], text);
  }
  const it = online('websocket');
  const [stream] = it.take({ open: 'sse' });
  it.take({ line: 2, text: welcome({ nonce: hello(stream).nonce }) });
  assert.deepEqual(it.take({ line: 2, text: '{"pub":"a"}' }), [{ close: 2, reason: 'bad_frame' }]);
});

test('acknowledged frames are forgotten; a lower acknowledgement is late, not an error (rule 7)', () => {
  const it = online('websocket');
  it.take(
    { push: '"one"' },
    { push: '"two"' },
    { line: 1, text: '{"ack":2}' },
    { line: 1, text: '{"ack":1}' },
  );
  assert.deepEqual(it.session.kept(), []);
});

test('what was received is acknowledged after a quarter of the replay bound, or 3 s (rule 11)', () => {
  const it = online('websocket');
  const text = '{"pub":"a","at":1,"data":1}';
  const early = it.take(...Array.from({ length: LIMITS.replay_frames / 4 - 1 }, () => ({ line: 1, text })));
  assert.deepEqual(only(early, 'write'), []);
  assert.deepEqual(only(it.take({ line: 1, text }), 'write'), [
    { write: 1, lines: ['{"ack":1024,"next":1}'] },
  ]);
  it.take({ line: 1, text });
  assert.equal(it.session.pollTimeout(), it.now() + 3000);
  it.wait(3000);
  assert.deepEqual(it.take({ timeout: true }), [{ write: 1, lines: ['{"ack":1025,"next":1}'] }]);
  assert.equal(it.session.pollTimeout(), Infinity);
});

test('on sse an acknowledgement is a send with its hello alone; a poll carries it with the next', () => {
  const it = online('sse');
  it.take({ line: 1, text: '{"pub":"a","at":1}' });
  it.wait(3000);
  const [send] = it.take({ timeout: true });
  assert.deepEqual([send.route, send.lines.length, hello(send).received], ['send', 1, 1]);
  const poll = underTest();
  const [first] = poll.take({ open: 'poll' });
  const out = poll.take(answer(first, { next: 1 }, ['{"pub":"a","at":1}']));
  const next = out.find(({ request }) => request);
  assert.deepEqual([next.route, hello(next).received, hello(next).turn], ['poll', 1, 1]);
});

test('one send at a time; the next takes all that gathered, from the lowest number unacknowledged (rule 9)', () => {
  const it = online('sse');
  const [send] = it.take({ push: '"1"' });
  assert.deepEqual(it.take({ push: '"2"' }, { push: '"3"' }), []);
  const [next] = it.take(answer(send, { received: 1, turn: 7, next: 9 }));
  assert.deepEqual(next.lines.slice(1), ['"2"', '"3"']);
  assert.equal(hello(next).next, 2);
});

test('a body holds no more than its limits, and always one line', () => {
  const it = online('sse');
  const line = JSON.stringify('x'.repeat(30_000));
  const [send] = it.take({ push: line });
  it.take({ push: line }, { push: line }, { push: line });
  const [two] = it.take(answer(send, { received: 1 }));
  assert.equal(two.lines.length, 3);
  const many = online('sse');
  const [one] = many.take({ push: '"x"' });
  many.take(...Array.from({ length: 600 }, () => ({ push: '"x"' })));
  const [full] = many.take(answer(one, { received: 1 }));
  assert.equal(full.lines.length, LIMITS.body_lines);
});

test('a failed request is repeated with the same numbers after 100 ms and 300 ms, then its leg is over', () => {
  const it = online('sse');
  it.take({ push: '"1"' }, { failed: 1, route: 'send' });
  for (const ms of [100, 300]) {
    assert.equal(it.session.pollTimeout(), it.now() + ms);
    it.wait(ms);
    const [send] = it.take({ timeout: true });
    assert.deepEqual([send.route, send.lines[1], hello(send).next], ['send', '"1"', 1]);
    const [closed] = it.take({ failed: 1, route: 'send' });
    assert.equal(closed?.close, ms === 300 ? 1 : undefined);
  }
});

test('a failed stream is its leg, at once; so is a first poll', () => {
  const it = online('sse');
  assert.deepEqual(it.take({ failed: 1, route: 'stream' }), [{ close: 1, reason: 'failed' }]);
});

test('a send of which nothing was taken is not repeated at once', () => {
  const it = online('sse');
  const [send] = it.take({ push: '"1"' });
  assert.deepEqual(it.take(answer(send, { received: 0 })), []);
  it.wait(100);
  assert.equal(it.take({ timeout: true })[0].route, 'send');
});

test('a candidate polls only to prove itself or to ask; a poll that asks brings the lines', () => {
  const it = online('websocket');
  it.take({ push: '"1"' });
  const [first] = it.take({ open: 'poll' });
  assert.deepEqual(it.take(answer(first)), [{ usable: 2 }]);
  const [ping] = it.take({ ping: 2 });
  assert.deepEqual(ping.lines.slice(1), ['{"ping":1000}']);
  it.wait(30);
  assert.deepEqual(it.take(answer(ping, {}, ['{"pong":1000}'])), [{ pong: 2, rtt: 30 }]);
  const out = it.take({ ask: 2 });
  assert.deepEqual(
    out.map(({ route, lines }) => [route, lines.slice(1)]),
    [['poll', ['"1"']]],
    'and no send beside it',
  );
  assert.equal(hello(out[0]).turn, 2);
});

test('the ping of the server is answered at once: on a socket down the same way, on sse by a send', () => {
  const it = online('websocket');
  assert.deepEqual(it.take({ line: 1, text: '{"ping":5}' }), [{ write: 1, lines: ['{"pong":5}'] }]);
  const sse = online('sse');
  const [send] = sse.take({ line: 1, text: '{"ping":6}' });
  assert.deepEqual(send.lines.slice(1), ['{"pong":6}']);
});

test('a link frame in a request that failed goes again', () => {
  const it = online('sse');
  it.take({ ping: 1 }, { failed: 1, route: 'send' });
  it.wait(100);
  assert.deepEqual(it.take({ timeout: true })[0].lines.slice(1), ['{"ping":1000}']);
});

test('goaway and config are for the owner, and are not counted', () => {
  const it = online('websocket');
  assert.deepEqual(it.take({ line: 1, text: '{"goaway":{"after_ms":1,"jitter_ms":2}}' }), [
    { link: { goaway: { after_ms: 1, jitter_ms: 2 } } },
  ]);
  assert.equal(it.take({ line: 1, text: '{"config":{}}' }).length, 1);
});

test('bytes of a binary message come with their frame', () => {
  const it = online('websocket');
  const bytes = new Uint8Array([1, 2, 10]);
  assert.deepEqual(it.take({ line: 1, text: { head: '{"pub":"a","at":1}', bytes } }), [
    { frame: { pub: 'a', at: 1, bytes } },
  ]);
});

test('what comes of a leg that is over is ignored', () => {
  const it = online('websocket');
  it.take({ closed: 1 });
  assert.deepEqual(
    it.take({ line: 1, text: '{"pub":"a"}' }, { failed: 1, route: 'send' }, { closed: 1 }, { ping: 1 }),
    [],
  );
});

test('the token goes with every hello', () => {
  const it = underTest();
  it.session.token = 'me';
  assert.equal(hello(it.take({ open: 'sse' })[0]).token, 'me');
});

test('a welcome that was held back does not make its leg active again', () => {
  // A stream asks first; a proxy holds its welcome back until the server ends it, for the poll that was asked meanwhile.
  const it = underTest();
  const [stream, first] = it.take({ open: 'sse' }, { open: 'poll' });
  const [asking] = only(it.take(answer(first, { leg: 2 }), { ask: 2 }), 'request');
  assert.deepEqual(only(it.take(answer(asking, { leg: 2, turn: 2 })), 'active'), [{ active: 2 }]);
  const late = welcome({ nonce: hello(stream).nonce, turn: 1 });
  assert.deepEqual(it.take({ line: 1, text: late }), [{ usable: 1 }]);
});

test('a body that a proxy finds too large is halved, that of a stream too; a line too large by itself holds up no more than itself', () => {
  const { take, wait } = underTest();
  const size = (/** @type {any} */ { lines }) => lines.join('\n').length;
  const only = (/** @type {any[]} */ outputs, /** @type {string} */ route) =>
    outputs.filter((output) => output.route === route);
  const [first] = take({ open: 'sse' });
  const frames = Array.from({ length: 40 }, (_, n) => ({
    push: `{"pub":"a","id":${n},"data":"${'x'.repeat(2000)}"}`,
  }));
  const outputs = take({ line: 1, text: welcome({ nonce: hello(first).nonce }) }, ...frames, { ping: 1 });
  // What gathered goes once the first has been answered.
  const [small] = only(outputs, 'send');
  const [full] = only(
    take({ answer: 1, route: 'send', lines: [welcome({ nonce: hello(small).nonce, received: 1 })] }),
    'send',
  );
  assert.ok(size(full) > 60_000, `${size(full)}`);
  const [half] = only(take({ failed: 1, route: 'send', status: 413 }), 'send');
  assert.ok(size(half) <= 32_768, `${size(half)}`);
  take({ closed: 1 });
  const [again] = only(take({ open: 'sse' }), 'stream');
  assert.ok(size(again) <= 32_768, `${size(again)}`);
  take({ failed: 2, route: 'stream', status: 413 });
  const [less] = only(take({ open: 'sse' }), 'stream');
  assert.ok(size(less) <= 16_384, `${size(less)}`);
  // Whatever is refused of several lines, the next try is smaller, or waits.
  const short = underTest();
  const [hallo] = short.take({ open: 'sse' });
  const few = Array.from({ length: 4 }, (_, n) => ({
    push: `{"pub":"a","id":${n},"data":"${'x'.repeat(1000)}"}`,
  }));
  const [lone] = only(short.take({ line: 1, text: welcome({ nonce: hello(hallo).nonce }) }, ...few), 'send');
  const [three] = only(
    short.take(
      { answer: 1, route: 'send', lines: [welcome({ nonce: hello(lone).nonce, received: 1 })] },
      { timeout: true },
    ),
    'send',
  );
  assert.deepEqual([three.lines.length, size(three) < 4096], [4, true]);
  assert.deepEqual(short.take({ failed: 1, route: 'send', status: 413 }), [], 'below 4 KB it is not halved');
  // One line that is longer goes again and again, and its leg stays.
  const long = underTest();
  const [hi] = long.take({ open: 'sse' });
  long.take(
    { line: 1, text: welcome({ nonce: hello(hi).nonce }) },
    { push: `{"pub":"a","id":1,"data":"${'x'.repeat(9000)}"}` },
  );
  for (let n = 0; n < 12; n++) {
    const told = long.take({ failed: 1, route: 'send', status: 413 });
    assert.deepEqual(told, [], 'what cannot be smaller does not go again at once');
    long.wait(3000);
    assert.equal(only(long.take({ timeout: true }), 'send').length, 1);
  }
});
