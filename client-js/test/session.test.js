// @ts-check
/**
 * @import { RawFrame } from '../src/protocol/frames.js'
 * @import { Route, SessionInput } from '../src/session/events.js'
 * @import { Transport } from '../src/types.js'
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import { ThroughlineError } from '../src/errors.js';
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
/** @param {number} leg */
const requestTurn = (leg) => ({ type: /** @type {const} */ ('requestTurn'), leg, pings: false });
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

test('no line goes to a leg before its welcome, so a gateway that does not know the session gets none (rule 10)', () => {
  const it = online('websocket');
  it.take(push('"one"'), legDied(1), push('"two"'));
  const [stream] = it.take(openLeg('sse'));
  assert.equal(stream.lines.length, 1);
  assert.deepEqual([hello(stream).id, hello(stream).turn, hello(stream).next], ['one', 2, 1]);
  const [, , send] = it.take(frameArrived(2, welcome({ nonce: hello(stream).nonce, turn: 2 })));
  assert.deepEqual(send.lines.slice(1), ['"one"', '"two"']);
  it.take(dropLeg(2), openLeg('websocket'));
  const greeting = it.take(socketOpened(3));
  assert.deepEqual([greeting.length, hello(greeting[0]).id], [1, 'one']);
  assert.deepEqual(
    only(it.take(frameArrived(3, welcome({ nonce: hello(greeting[0]).nonce, turn: 3 }))), 'write'),
    [{ type: 'write', leg: 3, lines: ['{"ack":0,"next":1}', '"one"', '"two"'] }],
  );
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
    { type: 'legDropped', leg: 1, reason: 'draining', error: new ThroughlineError('draining') },
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
  const [send] = it.take({ ...requestTurn(2), pings: true });
  assert.deepEqual([send.leg, send.route, hello(send).turn, send.lines.length], [2, 'links', 2, 2]);
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
  it.take(requestFailed(1, 'links'));
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
  assert.deepEqual([send.leg, send.route, hello(send).turn], [2, 'links', 2]);
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

test('a line that no leg has can be recalled, and the lines behind it move up (rule 10)', () => {
  const { session, take } = underTest();
  take(push('"one"'), push('"two"'), push('"three"'));
  assert.deepEqual([session.recall('"two"'), session.recall('"two"')], [true, false]);
  assert.deepEqual([session.unacknowledgedFrames, session.unacknowledgedBytes], [2, 12]);
  const [greeting] = take(openLeg('websocket'), socketOpened(1));
  const [, , write] = take(frameArrived(1, welcome({ nonce: hello(greeting).nonce })));
  assert.deepEqual(write.lines, ['{"ack":0,"next":1}', '"one"', '"three"']);
  assert.equal(session.recall('"three"'), false, 'a leg has it');
  take(legDied(1), push('"four"'));
  assert.equal(session.recall('"three"'), false, 'a leg had it');
  assert.equal(session.recall('"four"'), true);
  assert.equal(session.unacknowledgedFrames, 2);
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
  assert.deepEqual([send.route, send.lines.length, hello(send).received], ['links', 1, 1]);
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

test('a body with lines is repeated with the same numbers, and its leg lives as long as what is small passes', () => {
  const it = online('sse');
  it.take(push('"1"'));
  for (const ms of [100, 300, 1100, 3000, 3000]) {
    const [links] = it.take(requestFailed(1, 'send'));
    assert.deepEqual([links.route, links.lines.length], ['links', 2], 'a ping goes without the line');
    it.take(answer(links));
    it.wait(ms);
    const [send] = it.take(timeout);
    assert.deepEqual([send.route, send.lines.slice(1), hello(send).next], ['send', ['"1"'], 1]);
  }
});

test('a request without lines is repeated after 100 ms and 300 ms, and then its leg is dropped', () => {
  const it = online('sse');
  it.take(push('"1"'), requestFailed(1, 'send'));
  for (const ms of [100, 300]) {
    assert.deepEqual(it.take(requestFailed(1, 'links')), []);
    it.wait(ms);
    assert.equal(posts(it.take(timeout), 'links').length, 1);
  }
  assert.deepEqual(it.take(requestFailed(1, 'links')), [{ type: 'legDropped', leg: 1, reason: 'failed' }]);
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

test('a candidate polls only to prove itself or to ask, and lines go beside the poll that asks', () => {
  const it = online('websocket');
  it.take(push('"1"'));
  const [first] = it.take(openLeg('poll'));
  assert.deepEqual(it.take(answer(first)), [{ type: 'legUsable', leg: 2 }]);
  const [ping] = it.take(sendPing(2));
  assert.deepEqual(ping.lines.slice(1), ['{"ping":1000}']);
  it.wait(30);
  assert.deepEqual(it.take(answer(ping, {}, ['{"pong":1000}'])), [
    { type: 'pong', leg: 2, rtt: 30, isLong: false },
  ]);
  const out = it.take(requestTurn(2));
  assert.deepEqual(
    out.map(({ route, lines }) => [route, lines.slice(1)]),
    [
      ['poll', []],
      ['send', ['"1"']],
    ],
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
  it.take(sendPing(1), requestFailed(1, 'links'));
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

test('the token goes with the hellos that attach a leg, and with no other', () => {
  const it = underTest();
  it.session.token = 'me';
  const token = (/** @type {any} */ output) => hello(output).token;
  const [poll] = it.take(openLeg('poll'));
  assert.equal(token(poll), 'me');
  const [next] = it
    .take(answerArrived(1, 'poll', [welcome({ nonce: hello(poll).nonce })]))
    .filter(({ type }) => type === 'post');
  assert.equal(token(next), undefined);
  const [send] = it.take(push('{"msg":1}')).filter(({ type }) => type === 'post');
  assert.equal(token(send), undefined);
  assert.equal(token(it.take(openLeg('sse'))[0]), 'me');
  it.take(openLeg('websocket'));
  assert.equal(token(it.take(socketOpened(3))[0]), 'me');
  it.take(push('{"msg":2}'));
  assert.equal(token(it.take({ type: 'park' })[0]), undefined);
});

test('a poll that the gateway decides about goes again with the token and a new nonce, and a leg has four waits', () => {
  const it = underTest();
  it.session.token = 'me';
  let [poll] = it.take(openLeg('poll'));
  for (let n = 1; n <= 4; n++) {
    const { nonce, turn } = hello(poll);
    const [wait, again] = it.take(answerArrived(1, 'poll', [JSON.stringify({ wait: { nonce, ms: 4000 } })]));
    assert.deepEqual(wait, { type: 'wait', leg: 1, ms: 4000 });
    assert.deepEqual([hello(again).token, hello(again).turn], ['me', turn]);
    assert.notEqual(hello(again).nonce, nonce);
    poll = again;
  }
  const { nonce } = hello(poll);
  assert.deepEqual(it.take(answerArrived(1, 'poll', [JSON.stringify({ wait: { nonce, ms: 4000 } })])), [
    { type: 'legDropped', leg: 1, reason: 'timeout' },
  ]);
});

test('a wait must echo the nonce, and its time is no part of the round trip', () => {
  const it = underTest();
  it.take(openLeg('sse'));
  assert.deepEqual(it.take(frameArrived(1, '{"wait":{"nonce":"other","ms":9}}')), [
    { type: 'legDropped', leg: 1, reason: 'foreign' },
  ]);
  const [{ leg, lines }] = it.take(openLeg('sse'));
  const { nonce } = hello({ lines });
  it.wait(40);
  it.take(frameArrived(leg, JSON.stringify({ wait: { nonce, ms: 4000 } })));
  it.wait(1900);
  it.take(frameArrived(leg, welcome({ nonce, leg })));
  // An answer has 3 s at least, and four round trips if those are longer.
  const [send] = it.take(push('{"msg":1}')).filter(({ type }) => type === 'post');
  assert.ok(send.timeoutMs < 3200, String(send.timeoutMs));
});

test('bye goes last: on a socket by itself, elsewhere in a send with what waits; the session then says nothing', () => {
  const socket = underTest();
  socket.take(openLeg('websocket'), socketOpened(1));
  assert.deepEqual(socket.take({ type: 'bye' }), [], 'no leg is usable');
  const it = online('websocket');
  it.take(push('{"msg":1}'));
  assert.deepEqual(it.take({ type: 'bye' }), [{ type: 'write', leg: 1, lines: ['{"bye":{}}'] }]);
  assert.deepEqual(it.take({ type: 'dropLeg', leg: 1 }, push('{"msg":2}'), { type: 'timeout' }), []);
  const poll = online('poll');
  poll.take(push('{"msg":1}'), push('{"msg":2}'));
  const [bye, ...more] = poll.take({ type: 'bye' });
  assert.deepEqual([bye.route, bye.leg, bye.outlivesPage, more.length], ['send', 1, true, 0]);
  assert.deepEqual(bye.lines.slice(1), ['{"msg":1}', '{"msg":2}', '{"bye":{}}']);
});

test('a bye leaves lines out that do not pass', () => {
  const it = online('poll');
  it.take(push('{"msg":1}'), requestFailed(1, 'send'));
  const [bye] = it.take({ type: 'bye' });
  assert.deepEqual(bye.lines.slice(1), ['{"bye":{}}']);
});

test('a page that is left says so by a request that outlives it, and one that is frozen does not', () => {
  const it = online('websocket');
  assert.deepEqual(it.take({ type: 'park' }), []);
  const [left] = it.take({ type: 'park', isLeft: true });
  assert.deepEqual([left.route, left.outlivesPage], ['send', true]);
  assert.deepEqual(left.lines.slice(1), ['{"bye":{"after_ms":3000}}']);
});

test('a leg that the gateway refuses for its token is dropped for that, by an end or by a status', () => {
  const it = underTest();
  it.take(openLeg('poll'));
  const error = new ThroughlineError('unauthorized', 'expired');
  assert.deepEqual(it.take({ type: 'requestFailed', leg: 1, route: 'poll', code: 'unauthorized', error }), [
    { type: 'legDropped', leg: 1, reason: 'unauthorized', error },
  ]);
});

test('a fresh token goes up the leg in use, and not twice with another leg', () => {
  const it = underTest();
  assert.deepEqual(it.take({ type: 'sendToken', token: 'two' }), [], 'no leg can carry it');
  it.take(openLeg('websocket'));
  const { nonce } = hello(it.take(socketOpened(1))[0]);
  it.take(frameArrived(1, welcome({ nonce })));
  assert.deepEqual(it.take({ type: 'sendToken', token: 'two' }), [
    { type: 'write', leg: 1, lines: ['{"token":"two"}'] },
  ]);
  assert.deepEqual(it.take(frameArrived(1, '{"token":{"expires_ms":60000}}')), [
    { type: 'tokenAnswered', expiresMs: 60_000 },
  ]);
  const [refused] = it.take(frameArrived(1, '{"token":{"code":"unauthorized","message":"another user"}}'));
  assert.deepEqual([refused.error.code, refused.error.message], ['unauthorized', 'another user']);
  it.take({ type: 'legDied', leg: 1 }, openLeg('websocket'));
  const [greeting] = it.take(socketOpened(2));
  assert.deepEqual(greeting.lines.length, 1);
});

test('the wished intervals go with every hello', () => {
  const it = underTest();
  it.session.wish = { heartbeat_ms: 20_000, hold_ms: 10_000 };
  const { heartbeat_ms, hold_ms } = hello(it.take(openLeg('sse'))[0]);
  assert.deepEqual([heartbeat_ms, hold_ms], [20_000, 10_000]);
});

test('a page whose leg ended before it was left says bye by a send of that leg', () => {
  const it = online('websocket');
  // The leg dies by itself, and then the selector drops it.
  it.take({ type: 'legDied', leg: 1 }, { type: 'dropLeg', leg: 1 });
  const [left] = it.take({ type: 'park', isLeft: true });
  assert.deepEqual([left.type, left.route, left.leg, left.outlivesPage], ['post', 'send', 1, true]);
  assert.deepEqual(left.lines.slice(1), ['{"bye":{"after_ms":3000}}']);
});

test('park sends the unacknowledged lines in a request that outlives the page', () => {
  const it = online('websocket');
  assert.deepEqual(it.take(park), [], 'nothing waits');
  const [write, post] = it.take(push('"1"'), park);
  assert.equal('outlivesPage' in write, false);
  assert.deepEqual([post.leg, post.route, post.outlivesPage], [1, 'send', true]);
  assert.deepEqual(post.lines.slice(1), ['"1"']);
});

test('a socket goes on as if nothing was after a request of park (rule 6)', () => {
  const it = online('websocket');
  const [, , post] = it.take(push('"1"'), push('"2"'), park);
  assert.deepEqual(it.take(answer(post, { received: 1 }), push('"3"')), [
    { type: 'write', leg: 1, lines: ['"3"'] },
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

/** The lines of a post without its hello. @param {any} post */
const carried = ({ lines }) => lines.slice(1);

test('bodies begin with 16 KB, grow with each that passes quickly, and are halved after a proxy finds one too large', () => {
  const lines = Array.from({ length: 60 }, (_, n) => publication(n, 2000));
  const { take, wait, first } = sending(lines);
  const [second] = posts(take(answer(first, { received: 1 })), 'send');
  assert.ok(size(second) > 14_000 && size(second) <= 16_384, `${size(second)}`);
  const [third] = posts(take(answer(second, { received: 8 })), 'send');
  assert.ok(size(third) > 24_000, `${size(third)}`);
  const [half] = posts(take(requestFailed(1, 'send', 413)), 'send');
  assert.ok(size(half) <= size(third) / 2, `${size(half)}`);
  // A slow body is no reason for a larger one.
  wait(5000);
  const [same] = posts(take(answer(half, { received: 10 })), 'send');
  assert.ok(size(same) <= size(third) / 2, `${size(same)}`);
});

test('a body that fails twice in any way goes in halves, down to one line, while what is small passes', () => {
  const lines = Array.from({ length: 8 }, (_, n) => publication(n, 1000));
  for (const smallPasses of [true, false]) {
    const { take, wait, first } = sending(lines);
    let [send] = posts(take(answer(first, { received: 1 })), 'send');
    const counts = [];
    for (let n = 0; n < 6; n++) {
      counts.push(carried(send).length);
      const [links] = posts(take(requestFailed(1, 'send', 403)), 'links');
      if (smallPasses) take(answer(links, { received: 1 }));
      wait(3000);
      [send] = posts(take(timeout), 'send');
    }
    assert.deepEqual(counts, smallPasses ? [7, 7, 3, 1, 1, 1] : [7, 7, 7, 7, 7, 7]);
  }
});

/** A session on sse whose long line fails alone, while pings pass, until it is stuck. */
function stuck() {
  const it = sending([publication(7, 9000), publication(8, 10)]);
  // The two lines fail together twice, then the long one alone.
  for (let n = 0; n < 5; n++) {
    const [links] = posts(it.take(requestFailed(1, 'send', 403)), 'links');
    it.take(answer(links));
    it.wait(3000);
    it.take(timeout);
  }
  assert.deepEqual(only(it.take(requestFailed(1, 'send', 403)), 'lineStuck'), [
    { type: 'lineStuck', leg: 1 },
  ]);
  return it;
}

test('a line that is withdrawn leaves a filler under its number, and the lines behind it go on (rule 10)', () => {
  const it = stuck();
  const [send] = posts(it.take({ type: 'withdrawLine' }), 'send');
  assert.equal(hello(send).next, 1);
  assert.deepEqual(carried(send), ['{"skip":"too_large","id":7}', publication(8, 10)]);
});

test('a line that is acknowledged meanwhile is not withdrawn, nor is any other', () => {
  const it = stuck();
  it.take(frameArrived(1, '{"ack":1,"next":1}'));
  const [send] = posts(it.take({ type: 'withdrawLine' }), 'send');
  assert.equal(send, undefined);
  assert.equal(it.session.unhandedLines()[0] ?? publication(8, 10), publication(8, 10));
});

test('a short line is never stuck: it passes wherever a hello does', () => {
  const it = sending([publication(7, 10)]);
  for (let n = 0; n < 9; n++) {
    const out = it.take(requestFailed(1, 'send', 403));
    assert.deepEqual(only(out, 'lineStuck'), []);
    it.take(answer(posts(out, 'links')[0]));
    it.wait(3000);
    assert.equal(posts(it.take(timeout), 'send').length, 1);
  }
});

test('a line that the gateway cannot read is withdrawn: alone at once, among others once it is alone', () => {
  const it = sending(['{"nonsense":1,"id":7}', publication(8, 10), publication(9, 10)]);
  it.take({ type: 'requestFailed', leg: 1, route: 'send', code: 'bad_frame' });
  it.wait(100);
  const [send] = posts(it.take(timeout), 'send');
  assert.equal(carried(send)[0], '{"skip":"bad_frame","id":7}');
  assert.equal(carried(send).length, 3);
});

test('a socket that ended for a line of ours: the next welcome shows which, and it is withdrawn', () => {
  const it = online('websocket');
  it.take(push(publication(1, 1)), push('{"nonsense":1,"id":2}'), push(publication(3, 1)));
  it.take(frameArrived(1, end('?', 'bad_frame')), openLeg('websocket'));
  const [greeting] = it.take(socketOpened(2));
  const [, , write] = it.take(
    frameArrived(2, welcome({ nonce: hello(greeting).nonce, turn: 2, received: 1 })),
  );
  assert.deepEqual(write.lines, ['{"ack":0,"next":2}', '{"skip":"bad_frame","id":2}', publication(3, 1)]);
});

test('a long line under which six sockets died goes on none: it is stuck', () => {
  const it = online('websocket');
  it.take(push(publication(1, 2000)));
  for (let leg = 2; leg <= 7; leg++) {
    const [greeting] = it.take(legDied(leg - 1), openLeg('websocket'), socketOpened(leg));
    const out = it.take(frameArrived(leg, welcome({ nonce: hello(greeting).nonce, turn: leg })));
    assert.equal(only(out, 'lineStuck').length, leg === 7 ? 1 : 0);
    assert.equal(only(out, 'write')[0].lines.length, leg === 7 ? 1 : 2);
  }
  assert.deepEqual(only(it.take({ type: 'withdrawLine' }), 'write')[0].lines, [
    '{"skip":"too_large","id":1}',
  ]);
});

test('an answer that is altered is no failure once an acknowledgement or a pong shows that the request arrived', () => {
  const { take, wait } = sending([publication(1, 10)]);
  const page = answerArrived(1, 'send', ['<html>']);
  const [links] = posts(take(page), 'links');
  const [ping] = carried(links);
  take(frameArrived(1, '{"ack":1,"next":1}'), frameArrived(1, ping.replace('ping', 'pong')));
  for (let n = 0; n < 5; n++) {
    take(answerArrived(1, 'links', ['<html>']));
    wait(1000);
    assert.deepEqual(take(timeout), [], 'nothing goes again');
  }
  assert.equal(posts(take(push(publication(2, 10))), 'send').length, 1);
});

// ---- one request at a time

test('a send that is refused twice beside a held poll goes by the poll from then on', () => {
  const it = online('poll');
  assert.equal(posts(it.take(push('"1"')), 'send').length, 1);
  assert.deepEqual(only(it.take(requestFailed(1, 'send', 503)), 'oneRequest'), []);
  it.wait(100);
  assert.equal(posts(it.take(timeout), 'send').length, 1);
  const out = it.take(requestFailed(1, 'send', 503));
  assert.deepEqual(only(out, 'oneRequest'), [{ type: 'oneRequest', leg: 1 }]);
  const [poll, ...more] = only(out, 'post');
  assert.deepEqual([poll.route, carried(poll), more], ['poll', ['"1"'], []]);
  it.take(answer(poll, { received: 1 }));
  const [next] = posts(it.take(push('"2"')), 'poll');
  assert.deepEqual(carried(next), ['"2"']);
  // The proxy has not noticed yet that the poll before is over.
  it.take(requestFailed(1, 'poll', 503));
  it.wait(100);
  assert.deepEqual(carried(posts(it.take(timeout), 'poll')[0]), ['"2"']);
});

test('a send that is refused beside another send waits for that one from then on', () => {
  const it = online('sse');
  it.take(push('"1"'), sendPing(1));
  assert.deepEqual(only(it.take(requestFailed(1, 'links', 503)), 'oneRequest'), []);
  it.wait(100);
  assert.deepEqual(posts(it.take(timeout), 'links'), []);
});

test('a send that waits for 1 s beside a held poll was queued behind it', () => {
  const it = online('poll');
  it.take(push('"1"'));
  assert.equal(it.session.pollTimeout(), it.now() + 1000);
  it.wait(1000);
  const out = it.take(timeout);
  assert.deepEqual(only(out, 'oneRequest').length, 1);
  assert.deepEqual(carried(posts(out, 'poll')[0]), ['"1"']);
});

test('a ping that is refused twice beside a stream, after a send was, ends the leg', () => {
  const it = online('sse');
  it.take(push('"1"'));
  it.take(requestFailed(1, 'send', 503));
  it.take(requestFailed(1, 'links', 503));
  it.wait(100);
  it.take(timeout);
  it.take(requestFailed(1, 'send', 503));
  assert.deepEqual(it.take(requestFailed(1, 'links', 503)), [
    { type: 'oneRequest', leg: 1 },
    { type: 'legDropped', leg: 1, reason: 'failed' },
  ]);
});

test('a poll that may not be held carries a ping, and the next one comes 600 ms later or with an answer to fetch', () => {
  const it = online('poll');
  it.session.mayHold = false;
  const [poll] = posts(it.take(sendPing(1)), 'poll');
  const [next] = posts(it.take(answer(poll)), 'poll');
  assert.equal(next, undefined, 'a poll was sent this moment');
  it.wait(600);
  const [later] = posts(it.take(timeout), 'poll');
  assert.deepEqual(carried(later), ['{"ping":1600}']);
  it.take(answer(later));
  const [send] = posts(it.take(push('"1"')), 'send');
  assert.equal(posts(it.take(answer(send, { received: 1 })), 'poll').length, 1);
});
