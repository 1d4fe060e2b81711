// @ts-check
/**
 * @import { RawFrame } from '../src/protocol/frames.js'
 * @import { Route, SessionInput } from '../src/session/events.js'
 * @import { Transport } from '../src/types.js'
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import { end, hello, LIMITS, underTest, welcome } from './support.js';

// ---- inputs

/** @param {Transport} transport @returns {SessionInput} */
const openLeg = (transport) => ({ type: 'openLeg', transport });
/** @param {number} leg @returns {SessionInput} */
const socketOpened = (leg) => ({ type: 'socketOpened', leg });
/** @param {number} leg @param {RawFrame} frame @returns {SessionInput} */
const frameArrived = (leg, frame) => ({ type: 'frameArrived', leg, frame });
/** @param {number} leg @param {Route} route @param {string[]} lines @returns {SessionInput} */
const answerArrived = (leg, route, lines) => ({ type: 'answerArrived', leg, route, lines });
/** @param {number} leg @param {Route} route @param {number} [status] @returns {SessionInput} */
const requestFailed = (leg, route, status) => ({ type: 'requestFailed', leg, route, status });
/** @param {number} leg @returns {SessionInput} */
const legDied = (leg) => ({ type: 'legDied', leg });
/** @param {number} leg @returns {SessionInput} */
const dropLeg = (leg) => ({ type: 'dropLeg', leg });
/** @param {number} leg @returns {SessionInput} */
const requestTurn = (leg) => ({ type: 'requestTurn', leg });
/** @param {number} leg @returns {SessionInput} */
const sendPing = (leg) => ({ type: 'sendPing', leg });
/** @param {string} line @returns {SessionInput} */
const push = (line) => ({ type: 'push', line });
/** @type {SessionInput} */
const park = { type: 'park' };
/** @type {SessionInput} */
const timeout = { type: 'timeout' };

/** Answers a POST with a welcome. @param {any} post @param {any} [fields] @param {string[]} [lines] */
const answer = (post, fields, lines = []) =>
  answerArrived(post.leg, post.route, [welcome({ nonce: hello(post).nonce, ...fields }), ...lines]);

// ---- outputs

/** @param {any[]} outputs @param {string} type */
const only = (outputs, type) => outputs.filter((output) => output.type === type);

/** @param {any[]} outputs @param {Route} route */
const posts = (outputs, route) =>
  outputs.filter((output) => output.type === 'post' && output.route === route);

/** The characters of a body. @param {any} post */
const size = ({ lines }) => lines.join('\n').length;

/** A session with one active leg. @param {Transport} transport */
function online(transport) {
  const it = underTest();
  const [opening] = it.take(openLeg(transport));
  const first = transport === 'websocket' ? it.take(socketOpened(1))[0] : opening;
  const text = welcome({ nonce: hello(first).nonce });
  it.take(transport === 'poll' ? answerArrived(1, 'poll', [text]) : frameArrived(1, text));
  return it;
}

test('the first hellos carry no id and no lines, and the first of them asks for the first turn (rules 2 and 3)', () => {
  const it = underTest();
  const out = it.take(push('{"sub":"a","id":1}'), openLeg('sse'), openLeg('poll'));
  assert.deepEqual(
    out.map(({ type, leg, route, lines }) => [type, leg, route, lines.length]),
    [
      ['post', 1, 'stream', 1],
      ['post', 2, 'poll', 1],
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

test('a socket says hello when it opens, and its lines follow the welcome, after the number of the first (rule 6)', () => {
  const it = underTest();
  assert.deepEqual(it.take(openLeg('websocket'), push('{"sub":"a","id":1}')), []);
  assert.deepEqual([it.session.welcome], [null]);
  const [greeting] = it.take(socketOpened(1));
  assert.equal(greeting.lines.length, 1);
  assert.deepEqual(it.take(frameArrived(1, welcome({ nonce: hello(greeting).nonce }))), [
    { type: 'legUsable', leg: 1 },
    { type: 'legActive', leg: 1 },
    { type: 'write', leg: 1, lines: ['{"ack":0,"next":1}', '{"sub":"a","id":1}'] },
  ]);
  assert.equal(it.session.welcome?.heartbeat_ms, 15000);
});

test('a foreign first frame drops a socket, and a foreign answer fails a poll', () => {
  for (const text of ['<html>', welcome({ nonce: 'x' }), '{"pub":"a","at":1}', 'null', '[1]', '"abc"']) {
    const it = underTest();
    it.take(openLeg('websocket'), socketOpened(1));
    assert.deepEqual(
      it.take(frameArrived(1, text)),
      [{ type: 'legDropped', leg: 1, reason: 'foreign' }],
      text,
    );
  }
  const it = underTest();
  it.take(openLeg('poll'));
  assert.deepEqual(it.take(answerArrived(1, 'poll', ['<html>'])), [
    { type: 'legDropped', leg: 1, reason: 'failed' },
  ]);
});

test('a resume brings its lines at once, on a socket after the number of the first', () => {
  const it = online('websocket');
  it.take(push('"one"'), legDied(1), push('"two"'));
  const [stream] = it.take(openLeg('sse'));
  assert.deepEqual(stream.lines.slice(1), ['"one"', '"two"']);
  assert.deepEqual([hello(stream).id, hello(stream).turn, hello(stream).next], ['one', 2, 1]);
  it.take(dropLeg(2), openLeg('websocket'));
  const [greeting, lines] = it.take(socketOpened(3));
  assert.equal(hello(greeting).id, 'one');
  assert.deepEqual(lines, { type: 'write', leg: 3, lines: ['{"ack":0,"next":1}', '"one"', '"two"'] });
});

test('gone ends the session: lines that left have an unknown outcome, and the others go with a new secret (rule 2)', () => {
  const it = online('poll');
  const [, send] = it.take(push('"one"'), push('"two"')).filter((output) => output.type === 'post');
  assert.equal(send, undefined, 'the leg has one send at a time');
  const [candidate] = it.take(openLeg('sse'));
  const out = it.take(frameArrived(2, end(hello(candidate).nonce, 'gone')));
  assert.deepEqual(out, [
    { type: 'legDropped', leg: 1, reason: 'gone' },
    { type: 'legDropped', leg: 2, reason: 'gone' },
    { type: 'reset', reason: 'gone', lost: 1 },
    { type: 'unknownOutcome', lines: ['"one"'] },
  ]);
  const [again] = it.take(openLeg('poll'));
  const { session, id, turn, received } = hello(again);
  assert.deepEqual([session, id, turn, received], ['c'.repeat(22), undefined, 1, 0]);
  const [, , poll] = it.take(answer(again, { id: 'two' }));
  assert.deepEqual([poll.route, poll.lines.length], ['poll', 1]);
});

test('any other end drops its leg and nothing else, and so does a welcome of another incarnation', () => {
  const it = online('websocket');
  it.take(openLeg('sse'));
  assert.deepEqual(it.take(frameArrived(1, end('?', 'draining'))), [
    { type: 'legDropped', leg: 1, reason: 'draining' },
  ]);
  const two = online('websocket');
  const [stream] = two.take(openLeg('sse'));
  const text = welcome({ nonce: hello(stream).nonce, id: 'other' });
  assert.deepEqual(two.take(frameArrived(2, text)), [{ type: 'legDropped', leg: 2, reason: 'foreign' }]);
});

test('a candidate asks with a second hello, and the session reads the loser for 5 s (rules 3 and 5)', () => {
  const it = online('websocket');
  const [stream] = it.take(openLeg('sse'));
  assert.deepEqual(it.take(frameArrived(2, welcome({ nonce: hello(stream).nonce, leg: 2 }))), [
    { type: 'legUsable', leg: 2 },
  ]);
  const [send] = it.take(requestTurn(2));
  assert.deepEqual([send.leg, send.route, hello(send).turn], [2, 'send', 2]);
  assert.deepEqual(it.take(frameArrived(2, welcome({ nonce: 'any', leg: 2, turn: 2 }))), [
    { type: 'legActive', leg: 2 },
  ]);
  it.take(frameArrived(1, '{"pub":"a","at":1,"data":1}'));
  it.wait(5000);
  assert.equal(it.session.pollTimeout() <= it.now(), true);
  assert.deepEqual(only(it.take(timeout), 'legDropped'), [
    { type: 'legDropped', leg: 1, reason: 'replaced' },
  ]);
});

test('each send carries a requested turn until the gateway answers one', () => {
  const it = online('sse');
  const [ping] = it.take(sendPing(1));
  assert.equal(hello(ping).turn, undefined);
  // Another leg takes the turn and dies while a send is under way, so the session asks for a turn during that send.
  it.take(openLeg('websocket'), socketOpened(2));
  it.take(requestTurn(2));
  it.session.handle(it.now(), legDied(2));
  const out = it.take(openLeg('sse'));
  const candidate = hello(out.find(({ route }) => route === 'stream'));
  it.take(frameArrived(3, welcome({ nonce: candidate.nonce })));
  it.take(requestTurn(3), legDied(3));
  const [send] = it.take(answer(ping));
  assert.equal(hello(send).turn, 3);
  it.take(requestFailed(1, 'send'));
  it.wait(100);
  const [again] = it.take(timeout);
  assert.equal(hello(again).turn, 3);
  assert.deepEqual(it.take(answer(again)), []);
  const [plain] = it.take(push('"x"'));
  assert.equal(hello(plain).turn, undefined);
});

test('the session asks on another leg when the leg with the greatest turn dies (rule 4)', () => {
  const it = online('websocket');
  const [stream] = it.take(openLeg('sse'));
  it.take(frameArrived(2, welcome({ nonce: hello(stream).nonce })));
  const [send] = it.take(legDied(1));
  assert.deepEqual([send.leg, send.route, hello(send).turn], [2, 'send', 2]);
});

test('a turn is not requested for a leg that has it, is not usable, or does not exist', () => {
  const it = online('websocket');
  it.take(openLeg('sse'));
  assert.deepEqual(it.take(requestTurn(1), requestTurn(2), requestTurn(7)), []);
});

test('the session delivers numbered lines once and in order, by any leg', () => {
  const it = online('websocket');
  const line = (/** @type {number} */ n) => JSON.stringify({ pub: 'a', at: n, data: n });
  const got = only(it.take(frameArrived(1, line(1)), frameArrived(1, line(2))), 'deliver');
  assert.deepEqual(
    got.map(({ frame }) => frame.at),
    [1, 2],
  );
  const [stream] = it.take(openLeg('sse'));
  it.take(frameArrived(2, welcome({ nonce: hello(stream).nonce, turn: 1 })), requestTurn(2));
  it.take(frameArrived(2, welcome({ nonce: 'n', turn: 2, next: 2 })));
  const more = it.take(frameArrived(2, line(2)), frameArrived(2, line(3)), frameArrived(1, line(3)));
  assert.deepEqual(
    only(more, 'deliver').map(({ frame }) => frame.at),
    [3],
  );
});

test('a number beyond the next is an overrun, except in the welcome of a candidate (rules 6 and 7)', () => {
  const it = online('websocket');
  assert.deepEqual(it.take(frameArrived(1, '{"ack":0,"next":4}')), [
    { type: 'reset', reason: 'overrun', lost: 3 },
  ]);
  const [stream] = it.take(openLeg('sse'));
  const text = welcome({ nonce: hello(stream).nonce, next: 9 });
  assert.deepEqual(it.take(frameArrived(2, text)), [{ type: 'legUsable', leg: 2 }]);
});

test('a malformed line, an ack of an unsent line, or a numbered line before any number drops the leg', () => {
  for (const text of ['nonsense', '{"ack":1}', '{"ack":"x"}']) {
    const it = online('websocket');
    assert.deepEqual(
      it.take(frameArrived(1, text)),
      [{ type: 'legDropped', leg: 1, reason: 'bad_frame' }],
      text,
    );
  }
  const it = online('websocket');
  const [stream] = it.take(openLeg('sse'));
  it.take(frameArrived(2, welcome({ nonce: hello(stream).nonce })));
  assert.deepEqual(it.take(frameArrived(2, '{"pub":"a"}')), [
    { type: 'legDropped', leg: 2, reason: 'bad_frame' },
  ]);
});

test('the session forgets acknowledged lines, and a lower acknowledgement is late and no error (rule 7)', () => {
  const it = online('websocket');
  it.take(push('"one"'), push('"two"'));
  assert.deepEqual([it.session.unacknowledgedFrames, it.session.unacknowledgedBytes], [2, 10]);
  assert.equal(it.session.oldestHandedAt, it.now());
  it.take(frameArrived(1, '{"ack":2}'), frameArrived(1, '{"ack":1}'));
  assert.deepEqual([it.session.unacknowledgedFrames, it.session.unacknowledgedBytes], [0, 0]);
  assert.equal(it.session.oldestHandedAt, Infinity);
});

test('a line that no leg has yet is unhanded, and its bytes count as UTF-8', () => {
  const it = online('sse');
  it.take(push('"1"'), push('"é"'));
  assert.deepEqual(it.session.unhandedLines(), ['"é"']);
  assert.deepEqual([it.session.unacknowledgedFrames, it.session.unacknowledgedBytes], [2, 7]);
});

test('the session acknowledges after a quarter of the replay bound, or after 3 s (rule 11)', () => {
  const it = online('websocket');
  const line = frameArrived(1, '{"pub":"a","at":1,"data":1}');
  const early = it.take(...Array.from({ length: LIMITS.replay_frames / 4 - 1 }, () => line));
  assert.deepEqual(only(early, 'write'), []);
  assert.deepEqual(only(it.take(line), 'write'), [
    { type: 'write', leg: 1, lines: ['{"ack":1024,"next":1}'] },
  ]);
  it.take(line);
  assert.equal(it.session.pollTimeout(), it.now() + 3000);
  it.wait(3000);
  assert.deepEqual(it.take(timeout), [{ type: 'write', leg: 1, lines: ['{"ack":1025,"next":1}'] }]);
  assert.equal(it.session.pollTimeout(), Infinity);
});

test('an acknowledgement is a send with only a hello on sse, and goes with the next poll on poll', () => {
  const it = online('sse');
  it.take(frameArrived(1, '{"pub":"a","at":1}'));
  it.wait(3000);
  const [send] = it.take(timeout);
  assert.deepEqual([send.route, send.lines.length, hello(send).received], ['send', 1, 1]);
  const poll = underTest();
  const [first] = poll.take(openLeg('poll'));
  const out = poll.take(answer(first, { next: 1 }, ['{"pub":"a","at":1}']));
  const next = out.find(({ type }) => type === 'post');
  assert.deepEqual([next.route, hello(next).received, hello(next).turn], ['poll', 1, 1]);
});

test('a leg has one send at a time, and the next carries all lines from the lowest unacknowledged one (rule 9)', () => {
  const it = online('sse');
  const [send] = it.take(push('"1"'));
  assert.deepEqual(it.take(push('"2"'), push('"3"')), []);
  const [next] = it.take(answer(send, { received: 1, turn: 7, next: 9 }));
  assert.deepEqual(next.lines.slice(1), ['"2"', '"3"']);
  assert.equal(hello(next).next, 2);
});

test('a body keeps its limits, but always holds one line', () => {
  const it = online('sse');
  const line = JSON.stringify('x'.repeat(30_000));
  const [send] = it.take(push(line));
  it.take(push(line), push(line), push(line));
  const [two] = it.take(answer(send, { received: 1 }));
  assert.equal(two.lines.length, 3);
  const many = online('sse');
  const [one] = many.take(push('"x"'));
  many.take(...Array.from({ length: 600 }, () => push('"x"')));
  const [full] = many.take(answer(one, { received: 1 }));
  assert.equal(full.lines.length, LIMITS.body_lines);
});

test('a failed request is repeated with the same numbers after 100 ms and 300 ms, then its leg is dropped', () => {
  const it = online('sse');
  it.take(push('"1"'), requestFailed(1, 'send'));
  for (const ms of [100, 300]) {
    assert.equal(it.session.pollTimeout(), it.now() + ms);
    it.wait(ms);
    const [send] = it.take(timeout);
    assert.deepEqual([send.route, send.lines[1], hello(send).next], ['send', '"1"', 1]);
    const outputs = it.take(requestFailed(1, 'send'));
    assert.deepEqual(outputs, ms === 300 ? [{ type: 'legDropped', leg: 1, reason: 'failed' }] : []);
  }
});

test('a failed stream or a failed first poll drops its leg at once', () => {
  const it = online('sse');
  it.take(openLeg('poll'));
  assert.deepEqual(it.take(requestFailed(1, 'stream'), requestFailed(2, 'poll')), [
    { type: 'legDropped', leg: 1, reason: 'failed' },
    { type: 'legDropped', leg: 2, reason: 'failed' },
  ]);
});

test('a send waits before its repetition if the gateway took none of its lines', () => {
  const it = online('sse');
  const [send] = it.take(push('"1"'));
  assert.deepEqual(it.take(answer(send, { received: 0 })), []);
  it.wait(100);
  assert.equal(it.take(timeout)[0].route, 'send');
});

test('a candidate polls only to prove itself or to ask, and a poll that asks brings the lines', () => {
  const it = online('websocket');
  it.take(push('"1"'));
  const [first] = it.take(openLeg('poll'));
  assert.deepEqual(it.take(answer(first)), [{ type: 'legUsable', leg: 2 }]);
  const [ping] = it.take(sendPing(2));
  assert.deepEqual(ping.lines.slice(1), ['{"ping":1000}']);
  it.wait(30);
  assert.deepEqual(it.take(answer(ping, {}, ['{"pong":1000}'])), [{ type: 'pong', leg: 2, rtt: 30 }]);
  const out = it.take(requestTurn(2));
  assert.deepEqual(
    out.map(({ route, lines }) => [route, lines.slice(1)]),
    [['poll', ['"1"']]],
    'no send goes beside the poll',
  );
  assert.equal(hello(out[0]).turn, 2);
});

test('the session answers a ping at once, on the socket it came by, or with a send on sse', () => {
  const it = online('websocket');
  assert.deepEqual(it.take(frameArrived(1, '{"ping":5}')), [
    { type: 'write', leg: 1, lines: ['{"pong":5}'] },
  ]);
  const sse = online('sse');
  const [send] = sse.take(frameArrived(1, '{"ping":6}'));
  assert.deepEqual(send.lines.slice(1), ['{"pong":6}']);
});

test('a ping of a failed request goes again', () => {
  const it = online('sse');
  it.take(sendPing(1), requestFailed(1, 'send'));
  it.wait(100);
  assert.deepEqual(it.take(timeout)[0].lines.slice(1), ['{"ping":1000}']);
});

test('goaway and config go to the owner and are not counted', () => {
  const it = online('websocket');
  assert.deepEqual(it.take(frameArrived(1, '{"goaway":{"after_ms":1,"jitter_ms":2}}')), [
    { type: 'link', frame: { goaway: { after_ms: 1, jitter_ms: 2 } } },
  ]);
  assert.equal(it.take(frameArrived(1, '{"config":{}}')).length, 1);
});

test('the transports of a config replace those of the welcome', () => {
  const it = underTest();
  const [stream] = it.take(openLeg('sse'));
  const transports = ['websocket', 'sse', 'poll'];
  it.take(frameArrived(1, welcome({ nonce: hello(stream).nonce, transports })));
  it.take(frameArrived(1, '{"config":{"transports":["poll"],"jitter_ms":1}}'));
  assert.deepEqual(it.session.welcome?.transports, ['poll']);
  it.take(frameArrived(1, '{"config":{"jitter_ms":1}}'));
  assert.deepEqual(it.session.welcome?.transports, ['poll']);
});

test('the bytes of a binary message come with their frame', () => {
  const it = online('websocket');
  const bytes = new Uint8Array([1, 2, 10]);
  assert.deepEqual(it.take(frameArrived(1, { head: '{"pub":"a","at":1}', bytes })), [
    { type: 'deliver', frame: { pub: 'a', at: 1, bytes } },
  ]);
});

test('the session ignores events of a leg that is over', () => {
  const it = online('websocket');
  it.take(legDied(1));
  const late = [
    frameArrived(1, '{"pub":"a"}'),
    requestFailed(1, 'send'),
    legDied(1),
    dropLeg(1),
    sendPing(1),
  ];
  assert.deepEqual(it.take(...late), []);
});

test('the token goes with every hello', () => {
  const it = underTest();
  it.session.token = 'me';
  assert.equal(hello(it.take(openLeg('sse'))[0]).token, 'me');
});

test('the wished intervals go with every hello', () => {
  const it = underTest();
  it.session.wish = { heartbeat_ms: 20_000, hold_ms: 10_000 };
  const { heartbeat_ms, hold_ms } = hello(it.take(openLeg('sse'))[0]);
  assert.deepEqual([heartbeat_ms, hold_ms], [20_000, 10_000]);
});

test('park sends the unacknowledged lines in a request that outlives the page', () => {
  const it = online('websocket');
  assert.deepEqual(it.take(park), [], 'nothing waits');
  const [write, post] = it.take(push('"1"'), park);
  assert.equal('outlivesPage' in write, false);
  assert.deepEqual([post.leg, post.route, post.outlivesPage], [1, 'send', true]);
  assert.deepEqual(post.lines.slice(1), ['"1"']);
});

test('a socket states the number of its next line again after a request of park ends (rule 6)', () => {
  const answered = online('websocket');
  const [, , post] = answered.take(push('"1"'), push('"2"'), park);
  assert.deepEqual(answered.take(answer(post, { received: 1 })), [
    { type: 'write', leg: 1, lines: ['{"ack":0,"next":2}', '"2"'] },
  ]);
  const failed = online('websocket');
  failed.take(push('"1"'), push('"2"'), park);
  assert.deepEqual(failed.take(requestFailed(1, 'send')), [
    { type: 'write', leg: 1, lines: ['{"ack":0,"next":1}', '"1"', '"2"'] },
  ]);
});

test('a late welcome does not make its leg active again', () => {
  // The stream asks first, and a proxy holds its welcome back. Meanwhile the poll asks and becomes active.
  const it = underTest();
  const [stream, first] = it.take(openLeg('sse'), openLeg('poll'));
  const [asking] = only(it.take(answer(first, { leg: 2 }), requestTurn(2)), 'post');
  assert.deepEqual(only(it.take(answer(asking, { leg: 2, turn: 2 })), 'legActive'), [
    { type: 'legActive', leg: 2 },
  ]);
  const late = welcome({ nonce: hello(stream).nonce, turn: 1 });
  assert.deepEqual(it.take(frameArrived(1, late)), [{ type: 'legUsable', leg: 1 }]);
});

/** A session on sse with these lines, and its first send. @param {string[]} lines @param {SessionInput[]} more */
function sending(lines, ...more) {
  const it = underTest();
  const [stream] = it.take(openLeg('sse'));
  const greeting = frameArrived(1, welcome({ nonce: hello(stream).nonce }));
  const [first] = posts(it.take(greeting, ...lines.map(push), ...more), 'send');
  return { ...it, first };
}

/** A publication. @param {number} id @param {number} length */
const publication = (id, length) => `{"pub":"a","id":${id},"data":"${'x'.repeat(length)}"}`;

test('the session halves its bodies, streams included, after a proxy finds one too large', () => {
  const lines = Array.from({ length: 40 }, (_, n) => publication(n, 2000));
  const { take, first } = sending(lines, sendPing(1));
  // The first send carries one line; the lines that wait go with the next.
  const [full] = posts(take(answer(first, { received: 1 })), 'send');
  assert.ok(size(full) > 60_000, `${size(full)}`);
  const [half] = posts(take(requestFailed(1, 'send', 413)), 'send');
  assert.ok(size(half) <= 32_768, `${size(half)}`);
  take(legDied(1));
  const [again] = posts(take(openLeg('sse')), 'stream');
  assert.ok(size(again) <= 32_768, `${size(again)}`);
  take(requestFailed(2, 'stream', 413));
  const [less] = posts(take(openLeg('sse')), 'stream');
  assert.ok(size(less) <= 16_384, `${size(less)}`);
});

test('a body of several lines below 4 KB is not halved, and waits', () => {
  const lines = Array.from({ length: 4 }, (_, n) => publication(n, 1000));
  const { take, first } = sending(lines);
  const [three] = posts(take(answer(first, { received: 1 }), timeout), 'send');
  assert.deepEqual([three.lines.length, size(three) < 4096], [4, true]);
  assert.deepEqual(take(requestFailed(1, 'send', 413)), []);
});

test('a line that is too large alone goes again and again, and its leg stays', () => {
  const { take, wait } = sending([publication(1, 9000)]);
  for (let n = 0; n < 12; n++) {
    const outputs = take(requestFailed(1, 'send', 413));
    assert.deepEqual(outputs, [], 'a body that cannot be smaller does not go again at once');
    wait(3000);
    assert.equal(posts(take(timeout), 'send').length, 1);
  }
});
