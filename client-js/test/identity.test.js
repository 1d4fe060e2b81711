// @ts-check
/** Tests of the identity under virtual time: the application's function and the gateway are the test. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { ThroughlineError } from '../src/errors.js';
import { Identity } from '../src/identity/identity.js';
import { seeded } from './support.js';

/**
 * @import { IdentityInput } from '../src/identity/events.js'
 * @import { Transport } from '../src/types.js'
 */

/** @param {'none' | 'fixed' | 'function'} [source] @param {() => number} [random] */
function underTest(source = 'function', random = () => 0.5) {
  const session = { welcome: /** @type {{user?: string, expires_ms?: number} | null} */ (null) };
  const identity = new Identity({ source, session, random });
  let now = 0;
  let call = 0;
  /** @param {IdentityInput[]} inputs @returns {any[]} */
  const take = (...inputs) => {
    const all = [];
    for (const input of inputs) {
      identity.handle(now, input);
      for (let output = identity.pollOutput(); output; output = identity.pollOutput()) {
        if (output.type === 'askToken') call = output.call;
        all.push(output);
      }
    }
    return all;
  };
  const give = (/** @type {string | null} */ token) => take({ type: 'tokenGiven', call, token });
  /** A leg is welcome and carries the session. @param {number} leg @param {number} [expires_ms] @param {Transport} [to] */
  const online = (leg, expires_ms, to = 'websocket') => {
    session.welcome = { user: '42', expires_ms };
    return take(
      { type: 'openLeg', leg },
      { type: 'legUsable', leg },
      { type: 'legActive', leg },
      { type: 'transportChanged', to },
    );
  };
  return {
    identity,
    session,
    take,
    give,
    online,
    now: () => now,
    fail: () => take({ type: 'tokenFailed', call, error: new ThroughlineError('unauthorized', 'away') }),
    /** @param {number} leg */
    refuse: (leg) =>
      take({
        type: 'legDropped',
        leg,
        reason: 'unauthorized',
        error: new ThroughlineError('unauthorized', 'expired'),
      }),
    offline: () => take({ type: 'transportChanged', to: null }),
    /** Signs in with a first token, and goes online. @param {number} [expires_ms] @param {Transport} [to] */
    signIn(expires_ms, to) {
      take({ type: 'prepareRace' });
      give('one');
      online(1, expires_ms, to);
    },
    /** Lets time pass, and returns the outputs of that time with the times. @param {number} ms */
    pass(ms) {
      const end = now + ms;
      const all = [];
      while (identity.pollTimeout() <= end) {
        now = Math.max(now, identity.pollTimeout());
        for (const output of take({ type: 'timeout' })) all.push({ at: now, ...output });
      }
      now = end;
      return all;
    },
  };
}

/** @param {any[]} outputs */
const types = (outputs) => outputs.map(({ type }) => type);

test('without a function each race is ready at once, and nothing is refreshed', () => {
  for (const source of /** @type {const} */ (['none', 'fixed'])) {
    const { take, online, pass } = underTest(source);
    assert.deepEqual(take({ type: 'prepareRace' }), [{ type: 'raceReady' }]);
    online(1, 1000);
    assert.deepEqual(pass(10_000), []);
  }
});

test('a function is asked before the first race only; the next race has its token', () => {
  const { take, give, online, offline, identity } = underTest();
  assert.equal(identity.user, null);
  assert.deepEqual(take({ type: 'prepareRace' }), [{ type: 'askToken', call: 1 }]);
  assert.deepEqual(take({ type: 'prepareRace' }), [], 'the call is under way');
  assert.deepEqual(give('one'), [{ type: 'useToken', token: 'one' }, { type: 'raceReady' }]);
  online(1, 60_000);
  assert.equal(identity.user, '42');
  offline();
  assert.deepEqual(take({ type: 'prepareRace' }), [{ type: 'raceReady' }]);
});

test('a token is refreshed between 60 % and 90 % of its time, at a random point, and again from the answer on', () => {
  for (const [chance, at] of [
    [0, 36_000],
    [0.5, 45_000],
    [1, 54_000],
  ]) {
    const { signIn, pass, give, take, now } = underTest('function', () => chance ?? 0);
    signIn(60_000);
    const [asked, ...more] = pass(at ?? 0);
    assert.deepEqual([asked.at, asked.type, more], [at, 'askToken', []]);
    assert.deepEqual(give('two'), [{ type: 'sendToken', token: 'two' }]);
    assert.deepEqual(take({ type: 'tokenAnswered', expiresMs: 100_000 }), [
      { type: 'useToken', token: 'two' },
    ]);
    const accepted = now();
    const [again] = pass(100_000);
    assert.equal(again.at - accepted, ((at ?? 0) / 60_000) * 100_000);
  }
});

test('a thousand tokens of one moment are not refreshed together', () => {
  const random = seeded(1);
  const seconds = new Map();
  for (let n = 0; n < 1000; n++) {
    const { signIn, pass } = underTest('function', random);
    signIn(60_000);
    const second = Math.floor(pass(60_000)[0].at / 1000);
    seconds.set(second, (seconds.get(second) ?? 0) + 1);
  }
  assert.ok(Math.max(...seconds.values()) < 3 * (1000 / 18), [...seconds].join());
  assert.ok(Math.min(...seconds.keys()) >= 36 && Math.max(...seconds.keys()) <= 54);
});

test('a refresh that fails or is refused is told and tried again with growing pauses, until the token expires', () => {
  const { signIn, pass, fail, give, take, now } = underTest();
  signIn(60_000);
  pass(45_000);
  /** @type {number[]} */
  const pauses = [];
  for (let n = 0; n < 4; n++) {
    const told =
      n % 2
        ? fail()
        : [
            ...give('two').slice(1),
            ...take({ type: 'tokenAnswered', error: new ThroughlineError('unauthorized') }),
          ];
    assert.deepEqual(types(told), ['tokenError']);
    const from = now();
    const [asked] = pass(10_000).slice(0, 1);
    if (!asked) break;
    assert.equal(asked.type, 'askToken');
    pauses.push(asked.at - from);
  }
  assert.deepEqual(pauses, [750, 1500]);
  assert.deepEqual(pass(60_000), [], 'the gateway ends the leg, and the next race asks');
});

test('no refresh goes while nothing carries the session, and the next welcome says what is left', () => {
  const { signIn, offline, pass, online, take } = underTest();
  signIn(60_000);
  offline();
  assert.deepEqual(pass(50_000), []);
  assert.deepEqual(take({ type: 'prepareRace' }), [{ type: 'raceReady' }], 'the token is still good');
  online(2, 10_000);
  assert.deepEqual(pass(10_000), [{ at: 57_500, type: 'askToken', call: 2 }]);
});

test('after its time a token is not tried again: the race asks first', () => {
  const { signIn, offline, pass, take } = underTest();
  signIn(60_000);
  offline();
  pass(60_000);
  assert.deepEqual(types(take({ type: 'prepareRace' })), ['askToken']);
});

test('a function that never answers has failed after 15 s, and its late answer is not taken', () => {
  const { take, pass, give } = underTest();
  take({ type: 'prepareRace' });
  const [failed] = pass(20_000);
  assert.deepEqual([failed.at, failed.type, failed.error.code], [15_000, 'raceFailed', 'unauthorized']);
  assert.deepEqual(give('late'), []);
  assert.deepEqual(types(take({ type: 'prepareRace' })), ['askToken']);
  assert.deepEqual(take({ type: 'tokenGiven', call: 1, token: 'late' }), []);
  assert.deepEqual(types(give('two')), ['useToken', 'raceReady']);
});

test('an expired token is replaced without a word; a fresh one that is refused is told', () => {
  const { signIn, refuse, offline, take, give, online } = underTest();
  signIn(60_000);
  assert.deepEqual(refuse(1), []);
  assert.deepEqual(refuse(1), []);
  offline();
  assert.deepEqual(types(take({ type: 'prepareRace' })), ['askToken']);
  give('two');
  take({ type: 'openLeg', leg: 2 });
  assert.deepEqual(types(refuse(2)), ['tokenError']);
  assert.deepEqual(types(take({ type: 'prepareRace' })), ['askToken']);
  give('three');
  assert.deepEqual(online(3, 1000), []);
});

test('legs that end for a token that was replaced meanwhile do not spend the new one, and all share one call', () => {
  const { signIn, take, refuse, offline, give } = underTest();
  signIn(60_000);
  take({ type: 'openLeg', leg: 2 }, { type: 'openLeg', leg: 3 });
  refuse(3);
  refuse(1);
  offline();
  assert.deepEqual(types(take({ type: 'prepareRace' })), ['askToken']);
  assert.deepEqual(types(give('two')), ['useToken', 'raceReady']);
  assert.deepEqual(refuse(2), []);
  assert.deepEqual(take({ type: 'prepareRace' }), [{ type: 'raceReady' }]);
});

test('beside a leg in use, a refused token is replaced on that leg after a pause', () => {
  const { signIn, take, refuse, pass, give } = underTest();
  signIn(60_000);
  take({ type: 'openLeg', leg: 2 });
  assert.deepEqual(refuse(2), []);
  assert.deepEqual(types(pass(1000)), ['askToken']);
  assert.deepEqual(types(give('two')), ['sendToken']);
  assert.deepEqual(types(take({ type: 'tokenAnswered', expiresMs: 60_000 })), ['useToken']);
});

test('a fresh token whose answer was lost is asked for again; if the leg ended first, the next hello brings it', () => {
  const { signIn, pass, give, refuse, offline, take } = underTest();
  signIn(60_000);
  pass(45_000);
  give('two');
  assert.deepEqual(types(pass(11_000)), ['askToken']);
  give('three');
  refuse(1);
  offline();
  assert.deepEqual(take({ type: 'prepareRace' }), [
    { type: 'useToken', token: 'three' },
    { type: 'raceReady' },
  ]);
});

test('a refresh that falls due while the function is asked waits for its answer, and spins in no loop', () => {
  const { signIn, take, refuse, pass, give, identity, now } = underTest();
  signIn(60_000);
  pass(45_000);
  take({ type: 'openLeg', leg: 2 });
  refuse(2);
  assert.deepEqual(pass(5000), []);
  assert.ok(identity.pollTimeout() > now());
  assert.deepEqual(types(give('two')), ['sendToken']);
});

test('null signs out, before the first race and on a refresh', () => {
  for (const isFirst of [true, false]) {
    const { take, signIn, pass, give } = underTest();
    if (isFirst) take({ type: 'prepareRace' });
    else signIn(60_000);
    pass(isFirst ? 0 : 50_000);
    const [out, ...more] = give(null);
    assert.deepEqual([out.type, out.error.code, more], ['signedOut', 'unauthorized', []]);
  }
});

test('a token of another user ends the connection: the application connects again to change the user', () => {
  const { session, take, signIn, offline, give } = underTest();
  signIn(60_000);
  offline();
  take({ type: 'prepareRace' });
  give('two');
  session.welcome = { user: '43', expires_ms: 60_000 };
  const [out, ...more] = take({ type: 'openLeg', leg: 2 }, { type: 'legUsable', leg: 2 });
  assert.deepEqual([out.type, out.error.code, more], ['signedOut', 'unauthorized', []]);
});

test('a fixed token that is refused ends the connection, but not a leg of polls that the gateway forgot', () => {
  const first = underTest('fixed');
  first.take({ type: 'prepareRace' }, { type: 'openLeg', leg: 1 });
  assert.deepEqual(types(first.refuse(1)), ['signedOut']);
  const socket = underTest('fixed');
  socket.online(1, 60_000);
  assert.deepEqual(types(socket.refuse(1)), ['signedOut'], 'revoked');
  const poll = underTest('fixed');
  poll.online(1, 60_000, 'poll');
  poll.pass(10_000);
  assert.deepEqual(poll.refuse(1), []);
  poll.offline();
  poll.take({ type: 'openLeg', leg: 2 });
  assert.deepEqual(types(poll.refuse(2)), ['signedOut']);
  const expired = underTest('fixed');
  expired.online(1, 60_000, 'poll');
  expired.pass(59_000);
  assert.deepEqual(types(expired.refuse(1)), ['signedOut']);
});

test('without a token the application is told, and the client goes on', () => {
  const { take, refuse } = underTest('none');
  assert.deepEqual(types(refuse(1)), ['tokenError']);
  assert.deepEqual(take({ type: 'prepareRace' }), [{ type: 'raceReady' }]);
});

test('a token that lives for a moment makes the function be called at most once a second', () => {
  for (const ms of [0, -5, 1, 999]) {
    const { signIn, pass, give, take } = underTest('function', () => 0);
    signIn(ms);
    let calls = 0;
    for (let n = 0; n < 100; n++)
      for (const { type } of pass(100)) {
        if (type !== 'askToken') continue;
        calls++;
        give('next');
        take({ type: 'tokenAnswered', expiresMs: ms });
      }
    assert.ok(calls <= 10, `${calls} calls in 10 s for ${ms} ms`);
  }
});
