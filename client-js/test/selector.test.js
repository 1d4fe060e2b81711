// @ts-check
import assert from 'node:assert/strict';
import test from 'node:test';
import { createSelector } from '../src/selector.js';
import { seeded } from './support.js';

/** @typedef {import('../src/types.js').Transport} Transport */

/** @type {Transport[]} */
const ALL = ['websocket', 'sse', 'poll'];

/** A selector under virtual time. @param {Transport[]} [order] @param {() => number} [random] */
function underTest(order = ALL, random = () => 0.5) {
  const session = {
    welcome: { heartbeat_ms: 15_000, hold_ms: 25_000 },
    kept: () => /** @type {Array<{at: number}>} */ ([]),
  };
  const selector = createSelector(order, random, session);
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
  assert.deepEqual(pass(1499), []);
  assert.deepEqual(pass(1), [{ open: 'poll', leg: 3 }]);
});

test('one that fails lets the next start at once', () => {
  const { take } = underTest();
  take({ go: true });
  assert.deepEqual(take({ closed: 1 }), [{ open: 'sse', leg: 2 }]);
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

test('a better one still running takes over when it is proven, and not before', () => {
  const { take, pass, proves } = underTest();
  take({ go: true });
  pass(1000);
  proves(2);
  assert.deepEqual(take({ usable: 1 }), [{ ping: 1 }]);
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
  take({ usable: 1 });
  take({ active: 1 });
  const out = pass(3000);
  assert.deepEqual(only(out, 'closed'), [1]);
  assert.deepEqual(only(out, 'transport'), [{ from: 'websocket', to: null, reason: 'mute' }]);
});

test('when all fail it waits with jitter, and asks whether anybody is there', () => {
  const { take, pass } = underTest(['sse']);
  take({ go: true });
  assert.deepEqual(take({ closed: 1 }), [{ check: true }]);
  assert.deepEqual(only(pass(250), 'open'), ['sse'], 'half of 0.5 s');
  take({ closed: 2 });
  assert.deepEqual(only(pass(499), 'open'), []);
  assert.deepEqual(only(pass(1), 'open'), ['sse'], 'half of 1 s');
});

test('offline, portal and reconnecting are what answers in our place; a portal is tried again in 5 s', () => {
  const { take, pass, selector, now } = underTest(['sse'], () => 0.99);
  take({ go: true });
  for (let n = 1; n < 8; n++) {
    take({ closed: n });
    pass(selector.pollTimeout() - now());
  }
  take({ closed: 8 });
  assert.deepEqual(take({ control: 'offline' }), [{ state: 'offline' }]);
  assert.deepEqual(take({ control: 'reconnecting' }), [{ state: 'reconnecting' }]);
  assert.deepEqual(take({ control: 'portal' }), [{ state: 'portal' }]);
  assert.deepEqual(only(pass(5000), 'open'), ['sse']);
  take({ usable: 9 });
  take({ active: 9 });
  assert.equal(selector.state, 'online');
});

test('a leg that was well and dies is replaced within 300 ms; one that lived 60 s makes up for failures before', () => {
  const { take, pass, proves } = underTest(ALL, () => 1);
  take({ go: true });
  proves(1);
  pass(3000);
  assert.deepEqual(take({ closed: 1 }), [
    { transport: { from: 'websocket', to: null, reason: 'closed' } },
    { state: 'reconnecting' },
  ]);
  assert.deepEqual(only(pass(300), 'open'), ['websocket']);
});

test('a transport that failed to prove itself is tried last for a minute', () => {
  const { take, pass, proves } = underTest();
  take({ go: true });
  take({ closed: 1 });
  proves(2);
  pass(3000);
  take({ closed: 2 });
  assert.deepEqual(only(pass(300), 'open'), ['sse']);
  proves(3);
  for (let n = 0; n < 6; n++) {
    pass(10_000);
    take({ line: 3 });
  }
  take({ closed: 3 });
  assert.deepEqual(only(pass(300), 'open'), ['websocket']);
});

test('a transport that opens and dies within 2 s is tried three times, then last', () => {
  const { take, pass, proves, selector, now } = underTest();
  const tried = only(take({ go: true }), 'open');
  for (let leg = 1; leg < 4; leg++) {
    proves(leg);
    take({ line: leg });
    pass(300);
    take({ closed: leg });
    tried.push(...only(pass(selector.pollTimeout() - now()), 'open'));
  }
  assert.deepEqual(tried, ['websocket', 'websocket', 'websocket', 'sse']);
});

test('when the active leg dies, one that is usable goes on', () => {
  const { take, pass, proves } = underTest();
  take({ go: true });
  pass(1000);
  proves(2);
  take({ usable: 1 });
  assert.deepEqual(only(take({ closed: 2 }), 'ask'), [1]);
});

test('a silent leg is pinged after heartbeat and 5 s, and dead 2 s later unless a pong comes', () => {
  const { take, pass, proves } = underTest();
  take({ go: true });
  proves(1);
  take({ line: 1 });
  assert.deepEqual(pass(20_000), [{ ping: 1 }]);
  take({ line: 1 });
  take({ pong: 1, rtt: 5 });
  assert.deepEqual(pass(20_000), [{ ping: 1 }]);
  const out = pass(2000);
  assert.deepEqual(only(out, 'closed'), [1]);
  assert.deepEqual(only(out, 'transport'), [{ from: 'websocket', to: null, reason: 'stalled' }]);
});

test('frames that wait 6 s for their acknowledgement are a reason to ask, whatever still comes down', () => {
  const { take, pass, proves, session, now } = underTest();
  take({ go: true });
  proves(1);
  take({ line: 1 });
  pass(5000);
  const since = now();
  session.kept = () => [{ at: since }];
  assert.deepEqual(pass(5000), []);
  take({ line: 1 });
  assert.deepEqual(pass(999), []);
  assert.deepEqual(pass(1), [{ ping: 1 }]);
});

test('a held poll may be silent for its hold and 10 s', () => {
  const { take, pass, proves } = underTest(['poll']);
  take({ go: true });
  proves(1);
  take({ answer: 1 });
  assert.deepEqual(pass(34_999), []);
  assert.deepEqual(pass(1), [{ ping: 1 }]);
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

test('gone and draining of legs that never were proven are failures: every race waits longer', () => {
  for (const reason of ['gone', 'draining']) {
    const { take, pass } = underTest(ALL, () => 1);
    take({ go: true });
    for (let leg = 1; leg < 9; leg++) {
      take({ usable: leg });
      take({ active: leg });
      assert.deepEqual(only(take({ close: leg, reason }), 'check'), [true]);
      const wait = Math.min(20_000, 500 * 2 ** (leg - 1));
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

test('a race that could not be started is one that failed', () => {
  const { take, pass } = underTest();
  assert.deepEqual(take({ go: false }), [{ check: true }]);
  assert.deepEqual(only(pass(250), 'open'), ['websocket']);
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

/**
 * A world of three transports whose behaviour changes, and in the end one of which works.
 * @param {number} seed
 */
function script(seed) {
  const random = seeded(seed);
  const pick = (/** @type {any[]} */ ...of) => of[Math.floor(random() * of.length)];
  const it = underTest(ALL, random);
  /** @type {{[transport: string]: string}} */
  const ways = {};
  const change = () => {
    for (const transport of ALL)
      ways[transport] = pick('works', 'slow', 'refused', 'hole', 'mute', 'short', 'stalls');
  };
  /** @type {Map<number, string>} */
  const open = new Map();
  /** @type {Array<{at: number, input: any}>} */
  let due = [];
  let active = 0;
  let asked = 0;
  const later = (/** @type {number} */ ms, /** @type {any} */ input) =>
    due.push({ at: it.now() + ms, input });
  /** @param {any[]} outputs */
  const carryOut = (outputs) => {
    for (const { open: transport, leg, ask, ping, closed } of outputs) {
      if (transport) {
        const way = /** @type {string} */ (ways[transport]);
        open.set(leg, way);
        if (way === 'refused') later(20, { closed: leg });
        else if (way !== 'hole') later(way === 'slow' ? 1500 : 60, { usable: leg });
      } else if (ask) {
        asked = ask;
        if (open.get(ask) !== 'hole') later(40, { active: ask });
      } else if (ping) {
        const way = open.get(ping);
        if (way !== 'mute' && !(way === 'stalls' && active === ping)) later(40, { pong: ping, rtt: 40 });
        if (way === 'short') later(300, { closed: ping });
      } else if (closed) open.delete(closed);
    }
    assert.ok(open.size <= 3, `seed ${seed}: ${open.size} legs at once`);
    const candidates = [...open.keys()].filter((leg) => leg !== active && leg !== asked);
    const held = open.has(active) || open.has(asked);
    assert.ok(candidates.length <= 2 || !held, `seed ${seed}: ${candidates.length} candidates`);
  };
  const run = (/** @type {number} */ ms) => {
    const end = it.now() + ms;
    for (;;) {
      due.sort((a, b) => a.at - b.at);
      const at = Math.min(due[0]?.at ?? Infinity, it.selector.pollTimeout());
      if (at > end) break;
      carryOut(it.pass(Math.max(0, at - it.now())));
      const [event] = due;
      if (!event || event.at > it.now()) continue;
      due = due.slice(1);
      const { input } = event;
      const leg = input.closed ?? input.usable ?? input.active ?? input.pong;
      if (!open.has(leg)) continue;
      if (input.closed) open.delete(leg);
      if (input.active) {
        if (active && active !== leg) open.delete(active);
        active = leg;
      } else carryOut(it.take({ line: leg }));
      carryOut(it.take(input));
    }
    carryOut(it.pass(end - it.now()));
  };
  change();
  carryOut(it.take({ go: true }));
  for (let n = 0; n < 8; n++) {
    run(random() * 30_000);
    change();
    if (random() < 0.3) carryOut(it.take({ want: pick(...ALL) }));
    if (random() < 0.3) carryOut(it.take({ control: pick('reconnecting', 'offline', 'portal') }));
    if (random() < 0.1) carryOut(it.take({ link: { goaway: { after_ms: 500, jitter_ms: 500 } } }));
  }
  for (const transport of ALL) ways[transport] = 'hole';
  ways[pick(...ALL)] = pick('works', 'slow');
  // The legs of before end, as they would.
  for (const leg of [...open.keys()]) {
    open.delete(leg);
    carryOut(it.take({ closed: leg }));
  }
  run(90_000);
  assert.equal(it.selector.state, 'online', `seed ${seed}: not online while ${JSON.stringify(ways)}`);
}

test('whatever happens, it is online in the end if one transport works, and never holds more than three legs', () => {
  for (let seed = 1; seed <= 3000; seed++) script(seed);
});
