// @ts-check
import assert from 'node:assert/strict';
import test from 'node:test';
import { createMemory } from '../src/memory.js';
import { createSelector } from '../src/selector.js';

/** @typedef {import('../src/types.js').Transport} Transport */

/** @type {Transport[]} */
const ALL = ['websocket', 'sse', 'poll'];

/** A selector under virtual time. @param {Transport[]} [order] @param {() => number} [random] */
function underTest(order = ALL, random = () => 0.5) {
  const session = {
    welcome: { heartbeat_ms: 15_000, hold_ms: 25_000, transports: order },
    kept: () => /** @type {Array<{at: number}>} */ ([]),
  };
  const memory = createMemory(null, 'test', () => 0);
  const selector = createSelector(session, memory, random, order);
  let now = 0;
  /** @param {any} input @returns {any[]} */
  const take = (input) => {
    selector.handle(now, input);
    const all = [];
    for (let output = selector.pollOutput(); output; output = selector.pollOutput()) {
      all.push(output);
      if (output.race) all.push(...take({ go: true }));
    }
    return all;
  };
  return {
    selector,
    session,
    take,
    now: () => now,
    /** Lets time pass, and gives what came of it. @param {number} ms */
    pass(ms) {
      const end = now + ms;
      const all = [];
      while (selector.pollTimeout() <= end) {
        now = Math.max(now, selector.pollTimeout());
        all.push(...take({ timeout: true }));
      }
      now = end;
      return all;
    },
    /** A leg that proves itself at once. @param {number} leg */
    proves: (leg) => [...take({ usable: leg }), ...take({ active: leg }), ...take({ pong: leg, rtt: 10 })],
  };
}

/** @param {any[]} outputs @param {string} verb */
const only = (outputs, verb) => outputs.filter((output) => verb in output).map((output) => output[verb]);

test('a race starts with the first of the order; the next follow 1000 ms and 1500 ms later', () => {
  const { take, pass } = underTest();
  assert.deepEqual(take({ go: true }), [{ open: 'websocket', leg: 1 }]);
  assert.deepEqual(pass(999), []);
  assert.deepEqual(pass(1), [{ open: 'sse', leg: 2 }]);
  assert.deepEqual(pass(1499), [{ check: true }], 'after 2 s it asks whether anybody is there');
  assert.deepEqual(pass(1), [{ open: 'poll', leg: 3 }]);
});

test('one that is refused lets the next start at once, and the others 300 ms apart; and it asks who is there', () => {
  const { take, pass } = underTest();
  take({ go: true });
  assert.deepEqual(take({ closed: 1 }), [
    { closed: 1, reason: 'refused' },
    { open: 'sse', leg: 2 },
    { check: true },
  ]);
  assert.deepEqual(pass(299), []);
  assert.deepEqual(pass(1), [{ open: 'poll', leg: 3 }]);
});

test('the first usable leg carries the session, and once it is proven the race is over', () => {
  const { take, pass, selector } = underTest();
  take({ go: true });
  assert.deepEqual(take({ usable: 1 }), [{ ping: 1 }, { ask: 1 }]);
  assert.deepEqual(take({ active: 1 }), [
    { transport: { from: null, to: 'websocket', reason: 'better' } },
    { state: 'online' },
  ]);
  take({ pong: 1, rtt: 20 });
  assert.deepEqual(pass(10_000), []);
  assert.equal(selector.transport, 'websocket');
});

test('a better one still running takes over when three pings in 1.4 s came back, and not before', () => {
  const { take, pass, proves } = underTest();
  take({ go: true });
  pass(1000);
  proves(2);
  assert.deepEqual(take({ usable: 1 }), [{ ping: 1 }]);
  for (const _ of [1, 2]) {
    assert.deepEqual(take({ pong: 1, rtt: 20 }), []);
    assert.deepEqual(pass(699), []);
    assert.deepEqual(pass(1), [{ ping: 1 }]);
  }
  assert.deepEqual(take({ pong: 1, rtt: 20 }), [{ ask: 1 }]);
  assert.deepEqual(take({ active: 1 }), [{ transport: { from: 'sse', to: 'websocket', reason: 'better' } }]);
});

test('a better one that does not prove itself in 10 s is given up, and the session stays', () => {
  const { take, pass, proves, selector } = underTest();
  take({ go: true });
  pass(1000);
  proves(2);
  assert.deepEqual(only(pass(9000), 'closed'), [1]);
  assert.equal(selector.transport, 'sse');
});

test('worse ones still running end when a leg is proven', () => {
  const { take, pass } = underTest();
  take({ go: true });
  pass(1000);
  take({ usable: 1 });
  take({ active: 1 });
  assert.deepEqual(take({ pong: 1, rtt: 5 }), [{ closed: 2, reason: 'better' }]);
});

test('no welcome in 2.5 s fails sse as buffered and poll as timeout', () => {
  const { take, pass, selector } = underTest(['sse', 'poll']);
  take({ go: true });
  pass(2500);
  pass(1000);
  assert.deepEqual(
    selector.attempts.map(({ transport, reason }) => [transport, reason]),
    [
      ['sse', 'buffered'],
      ['poll', 'timeout'],
    ],
  );
});

test('a usable leg without a pong is mute, even if it carries the session', () => {
  const { take, pass } = underTest();
  take({ go: true });
  take({ opened: 1 });
  take({ usable: 1 });
  take({ active: 1 });
  const out = pass(3000);
  assert.deepEqual(only(out, 'closed'), [1]);
  assert.deepEqual(only(out, 'transport'), [{ from: 'websocket', to: null, reason: 'mute' }]);
});

test('when all fail it waits with jitter, and asks whether anybody is there', () => {
  const { take, pass } = underTest(['sse']);
  take({ go: true });
  assert.deepEqual(take({ closed: 1 }), [
    { closed: 1, reason: 'refused' },
    { state: 'reconnecting' },
    { check: true },
  ]);
  assert.deepEqual(only(pass(150), 'open'), ['sse'], 'half of 0.3 s');
  take({ control: 'ours' });
  take({ closed: 2 });
  assert.deepEqual(only(pass(299), 'open'), []);
  assert.deepEqual(only(pass(1), 'open'), ['sse'], 'half of 0.6 s');
});

test('offline, portal and reconnecting (away) are what answers in our place; a portal is tried again in 5 s', () => {
  const { take, pass, selector, now } = underTest(['sse'], () => 0.99);
  take({ go: true });
  for (let n = 1; n < 8; n++) {
    take({ closed: n });
    while (selector.legs === n) pass(selector.pollTimeout() - now());
  }
  take({ closed: 8 });
  assert.deepEqual(take({ control: 'offline' }), [{ state: 'offline' }]);
  assert.deepEqual(take({ control: 'away' }), [{ state: 'reconnecting' }]);
  assert.deepEqual(take({ control: 'portal' }), [{ state: 'portal' }]);
  assert.deepEqual(only(pass(5000), 'open'), ['sse']);
  take({ usable: 9 });
  take({ active: 9 });
  assert.equal(selector.state, 'online');
});

test('a leg that was well and dies is replaced within 300 ms, and nobody is asked', () => {
  const { take, pass, proves } = underTest(ALL, () => 1);
  take({ go: true });
  proves(1);
  pass(16_000);
  take({ line: 1 });
  take({ pong: 1, rtt: 10 });
  pass(15_000);
  assert.deepEqual(take({ closed: 1 }), [
    { closed: 1, reason: 'closed' },
    { transport: { from: 'websocket', to: null, reason: 'closed' } },
    { state: 'reconnecting' },
  ]);
  assert.deepEqual(only(pass(300), 'open'), ['websocket']);
});

test('a transport that opens and dies at once is tried twice, then it is left alone for more than a minute', () => {
  const { take, pass, proves, selector, now } = underTest();
  const tried = only(take({ go: true }), 'open');
  for (let leg = 1; leg < 3; leg++) {
    proves(leg);
    pass(300);
    take({ closed: leg });
    take({ control: 'ours' });
    tried.push(...only(pass(selector.pollTimeout() - now()), 'open'));
  }
  assert.deepEqual(tried, ['websocket', 'websocket', 'sse']);
  proves(3);
  const rests = (selector.explain(0).ways[0]?.retryAt ?? 0) - now();
  assert.ok(rests > 60_000 && rests <= 90_000, `${rests}`);
});

test('if nobody can be reached, the blame is taken back', () => {
  for (const [answer, failures] of /** @type {const} */ ([
    ['ours', 1],
    ['offline', 0],
    ['portal', 0],
    ['away', 0],
  ])) {
    const { take, selector } = underTest(['poll']);
    take({ go: true });
    take({ closed: 1 });
    take({ control: answer });
    const { failures: counted, retryAt } = selector.explain(0).ways[0] ?? {};
    assert.deepEqual([counted, retryAt], [failures, failures ? 10_000 : 0], answer);
  }
});

test('when the active leg dies, one that is usable goes on', () => {
  const { take, pass, proves } = underTest();
  take({ go: true });
  pass(1000);
  proves(2);
  take({ usable: 1 });
  assert.deepEqual(only(take({ closed: 2 }), 'ask'), [1]);
});

test('a silent leg is suspect after heartbeat and 1.5 s, and dead 2 s later unless a pong comes', () => {
  const { take, pass, proves } = underTest();
  take({ go: true });
  proves(1);
  take({ line: 1 });
  assert.deepEqual(pass(16_500), [{ ping: 1 }, { check: true }]);
  take({ line: 1 });
  take({ pong: 1, rtt: 5 });
  take({ control: 'ours' });
  assert.deepEqual(pass(16_500), [{ ping: 1 }, { check: true }]);
  const out = pass(2000);
  assert.deepEqual(only(out, 'closed'), [1]);
  assert.deepEqual(only(out, 'transport'), [{ from: 'websocket', to: null, reason: 'stalled' }]);
});

test('frames that wait 2 s for their acknowledgement are a reason to ask, whatever still comes down', () => {
  const { take, pass, proves, session, now } = underTest();
  take({ go: true });
  proves(1);
  take({ line: 1 });
  pass(4000);
  const since = now();
  session.kept = () => [{ at: since }];
  assert.deepEqual(pass(1000), []);
  take({ line: 1 });
  assert.deepEqual(only(pass(999), 'check'), []);
  assert.deepEqual(only(pass(1), 'check'), [true]);
});

test('a held poll may be silent for its hold and 1.5 s', () => {
  const { take, pass, proves } = underTest(['poll']);
  take({ go: true });
  proves(1);
  take({ answer: 1, route: 'poll' });
  assert.deepEqual(pass(26_499), []);
  assert.deepEqual(pass(1), [{ ping: 1 }, { check: true }]);
});

test('gone and draining are no transport’s fault: from the top, and soon if the leg was proven', () => {
  for (const reason of ['gone', 'draining']) {
    const { take, pass, proves } = underTest(ALL, () => 1);
    take({ go: true });
    proves(1);
    assert.deepEqual(only(take({ close: 1, reason }), 'check'), []);
    assert.deepEqual(only(pass(300), 'open'), ['websocket']);
  }
});

test('gone and draining of legs that never were proven are failures: races wait longer, up to 2.4 s', () => {
  for (const reason of ['gone', 'draining']) {
    const { take, pass } = underTest(ALL, () => 1);
    take({ go: true });
    for (let leg = 1; leg < 8; leg++) {
      take({ usable: leg });
      take({ active: leg });
      assert.deepEqual(only(take({ close: leg, reason }), 'check'), [true]);
      take({ control: 'ours' });
      const wait = Math.min(2400, 300 * 2 ** (leg - 1));
      assert.deepEqual(only(pass(wait - 1), 'open'), []);
      assert.deepEqual(only(pass(1), 'open'), ['websocket'], 'no transport is to blame');
    }
  }
});

test('goaway: all legs are dropped after the delay and its jitter, then a race', () => {
  const { take, pass, proves } = underTest();
  take({ go: true });
  proves(1);
  take({ link: { goaway: { after_ms: 1000, jitter_ms: 2000 } } });
  assert.deepEqual(pass(1999), []);
  assert.deepEqual(pass(1), [
    { closed: 1, reason: 'server' },
    { transport: { from: 'websocket', to: null, reason: 'server' } },
    { state: 'reconnecting' },
    { race: true },
    { open: 'websocket', leg: 2 },
  ]);
});

test('a gateway that wants to be left alone is left alone', () => {
  const { take, pass } = underTest(['sse']);
  take({ go: true });
  take({ error: { wait: '7' } });
  // Neither of these takes it back.
  take({ error: {} });
  take({ error: { wait: null } });
  take({ closed: 1 });
  assert.deepEqual(only(pass(6999), 'open'), []);
  assert.deepEqual(only(pass(1), 'open'), ['sse']);
});

test('a switch asked for makes before it breaks; when it fails the session is where it was', () => {
  const { take, pass, proves, selector } = underTest();
  take({ go: true });
  proves(1);
  assert.deepEqual(take({ want: 'poll' }), [{ open: 'poll', leg: 2 }]);
  assert.deepEqual(take({ usable: 2 }), [{ ping: 2 }]);
  assert.deepEqual(take({ pong: 2, rtt: 1 }), [{ ask: 2 }]);
  assert.deepEqual(only(take({ active: 2 }), 'transport'), [
    { from: 'websocket', to: 'poll', reason: 'better' },
  ]);
  take({ want: 'sse' });
  take({ want: 'websocket' });
  assert.equal(selector.transport, 'poll');
  assert.deepEqual(only(pass(10_000), 'closed'), [4]);
  assert.equal(selector.transport, 'poll');
});

test('the pauses between races double from 0.3 s to 20 s', () => {
  const { take, selector, now } = underTest(ALL, () => 1);
  const pauses = Array.from({ length: 9 }, () => {
    take({ go: false });
    take({ control: 'ours' });
    const pause = selector.pollTimeout() - now();
    return pause;
  });
  assert.deepEqual(pauses, [300, 600, 1200, 2400, 4800, 9600, 19_200, 20_000, 20_000]);
});

test('a race that could not be started is one that failed', () => {
  const { take, pass } = underTest();
  assert.deepEqual(take({ go: false }), [{ state: 'reconnecting' }, { check: true }]);
  assert.deepEqual(only(pass(150), 'open'), ['websocket']);
});

test('once stopped it does nothing more', () => {
  const { take, proves, selector } = underTest();
  take({ go: true });
  proves(1);
  assert.deepEqual(take({ stop: true }), [
    { closed: 1, reason: 'closed' },
    { transport: { from: 'websocket', to: null, reason: 'closed' } },
    { state: 'closed' },
  ]);
  assert.deepEqual([take({ go: true }), take({ control: 'portal' })], [[], []]);
  assert.equal(selector.pollTimeout(), Infinity);
});

test('a leg that hears but is not heard does not live for ever', () => {
  const { take, pass } = underTest(['sse']);
  take({ go: true });
  // Every race that fails makes it more patient.
  take({ closed: 1 });
  take({ control: 'ours' });
  pass(500);
  take({ usable: 2 });
  take({ active: 2 });
  const out = [];
  for (let n = 0; n < 60; n++) {
    take({ line: 2 });
    out.push(...pass(500));
  }
  assert.deepEqual(only(out, 'closed').slice(0, 1), [2]);
});

test('one that lost its turn while nobody has it is replaced', () => {
  const { take, pass } = underTest(['poll', 'sse']);
  take({ go: true });
  pass(1000);
  take({ usable: 2 });
  take({ active: 2 });
  take({ closed: 2 });
  take({ control: 'ours' });
  take({ close: 1, reason: 'replaced' });
  assert.ok(only(pass(60_000), 'open').length > 0);
});

test('when the active leg dies while a better one is tried in the background, the others do not wait for that', () => {
  const { take, pass, proves, selector } = underTest();
  take({ go: true });
  take({ closed: 1 });
  take({ control: 'ours' });
  proves(2);
  const opened = only(pass(12_000), 'open');
  assert.deepEqual(opened, ['websocket']);
  assert.deepEqual(only(take({ closed: 2 }), 'open'), ['sse']);
  assert.equal(selector.state, 'reconnecting');
});

test('two network ids that take turns do not make the breaker forget', () => {
  const { take, pass, proves, session, selector } = underTest();
  const tried = only(take({ go: true }), 'open');
  for (let leg = 1; leg < 9; leg++) {
    Object.assign(session.welcome, { network: leg % 2 ? 'four' : 'six' });
    proves(leg);
    pass(300);
    take({ closed: leg });
    take({ control: 'ours' });
    while (selector.legs === leg) tried.push(...only(pass(100), 'open'));
  }
  assert.ok(tried.filter((transport) => transport === 'websocket').length <= 5, `${tried}`);
});

test('the leg in use does not compete with the one that was asked to take over, whatever it was opened for', () => {
  const { take, proves } = underTest(['websocket', 'poll']);
  take({ go: true });
  proves(1);
  take({ want: 'websocket' });
  take({ usable: 2 });
  take({ pong: 2, rtt: 10 });
  take({ active: 2 });
  take({ want: 'poll' });
  take({ usable: 3 });
  assert.deepEqual(only(take({ pong: 3, rtt: 10 }), 'ask'), [3]);
  assert.deepEqual(only(take({ pong: 2, rtt: 10 }), 'ask'), []);
  // Whatever becomes of it, it is told.
  assert.deepEqual(only(take({ close: 3, reason: 'replaced' }), 'closed'), [3]);
});

test('what goes up a socket keeps its way open too: the second cut teaches, though before the first something went', () => {
  const { take, pass, proves, session, selector } = underTest(['websocket']);
  take({ go: true });
  proves(1);
  pass(3000);
  take({ write: 1 });
  pass(4000);
  take({ closed: 1 });
  take({ control: 'ours' });
  while (selector.legs === 1) pass(100);
  proves(2);
  pass(4000);
  take({ closed: 2 });
  // The round trip that proved it is part of it.
  assert.deepEqual(/** @type {any} */ (session).wish, { heartbeat_ms: 2025, hold_ms: 2835 });
});

test('a path that forgets idle sockets in silence is learned from what came last, not from our asking', () => {
  const { take, pass, proves, session, selector } = underTest(['websocket']);
  take({ go: true });
  for (const leg of [1, 2]) {
    proves(leg);
    // Whatever is asked is written.
    while (selector.legs === leg) {
      for (const out of pass(100)) if ('ping' in out) take({ write: leg });
      take({ control: 'ours' });
    }
  }
  assert.equal(/** @type {any} */ (session).wish?.heartbeat_ms, 7500);
});

test('polls that are cut teach how long one may be held, though nothing is heard in between', () => {
  const { take, pass, proves, session } = underTest(['poll']);
  take({ go: true });
  proves(1);
  take({ answer: 1, route: 'poll' });
  for (const _ of [1, 2]) {
    pass(8000);
    take({ failed: 1, route: 'poll' });
  }
  assert.deepEqual(/** @type {any} */ (session).wish, { heartbeat_ms: 4000, hold_ms: 5600 });
});

test('parked it stays parked, whatever is answered late; woken it starts afresh', () => {
  const { take, pass, proves, selector } = underTest();
  take({ go: true });
  proves(1);
  take({ park: true });
  assert.deepEqual([...take({ control: 'offline' }), ...take({ go: true }), ...take({ go: false })], []);
  assert.deepEqual(pass(600_000), []);
  assert.equal(selector.state, 'parked');
  take({ wake: true });
  assert.equal(selector.state, 'reconnecting');
  assert.deepEqual(only(pass(1), 'open'), ['websocket']);
});

test('who is asked for a token and never answers is asked again', () => {
  const { selector } = underTest();
  selector.handle(0, { wake: true });
  selector.handle(0, { timeout: true });
  assert.deepEqual(selector.pollOutput(), { race: true });
  assert.equal(selector.pollTimeout(), 15_000);
});

test('whatever is stored, it is no more than a hint', () => {
  for (const stored of [
    '',
    '5',
    '[["here",null]]',
    '[["here",{"websocket":{"at":1e15,"rtt":1}}]]',
    '[["here",{"sse":{"at":1,"rtt":"x"}}]]',
  ]) {
    const storage = { getItem: () => stored, setItem() {}, removeItem() {} };
    const memory = createMemory(storage, 'k', () => 1000);
    for (const transport of ALL) assert.deepEqual(memory.recall(transport), NaN, stored);
    memory.enter('here');
    memory.note('sse', 5);
    memory.forget();
  }
});

test('what was opened while nobody could be reached is begun anew, as soon as a leg is proven', () => {
  const { take, pass } = underTest();
  take({ go: true });
  pass(2500);
  take({ control: 'offline' });
  take({ usable: 3 });
  take({ active: 3 });
  assert.deepEqual(only(take({ pong: 3, rtt: 10 }), 'closed'), [1, 2]);
  assert.deepEqual(only(pass(3000), 'open'), ['websocket']);
});
