// @ts-check
import assert from 'node:assert/strict';
import test from 'node:test';
import { Memory } from '../src/selector/memory.js';
import { Selector } from '../src/selector/selector.js';

/**
 * @import { Transport } from '../src/types.js'
 * @import { SelectorInput, SelectorOutput } from '../src/selector/events.js'
 */

/** @type {Transport[]} */
const ALL = ['websocket', 'sse', 'poll'];

/** A selector under virtual time. @param {Transport[]} [order] @param {() => number} [random] */
function underTest(order = ALL, random = () => 0.5) {
  const session = {
    welcome: /** @type {any} */ ({ heartbeat_ms: 15_000, hold_ms: 25_000, transports: order }),
    unacknowledgedFrames: 0,
    oldestHandedAt: Infinity,
  };
  const memory = new Memory(null, 'test', () => 0);
  const selector = new Selector({ session, memory, random, order });
  let now = 0;
  /** @param {SelectorInput} input @returns {SelectorOutput[]} */
  const take = (input) => {
    selector.handle(now, input);
    const all = [];
    for (let output = selector.pollOutput(); output; output = selector.pollOutput()) {
      all.push(output);
      if (output.type === 'prepareRace') all.push(...take({ type: 'raceReady' }));
    }
    return all;
  };
  return {
    selector,
    session,
    take,
    now: () => now,
    /** Lets time pass, and returns the outputs of that time. @param {number} ms */
    pass(ms) {
      const end = now + ms;
      const all = [];
      while (selector.pollTimeout() <= end) {
        now = Math.max(now, selector.pollTimeout());
        all.push(...take({ type: 'timeout' }));
      }
      now = end;
      return all;
    },
    /** The leg carries the session and proves itself at once. @param {number} leg */
    proves: (leg) => [
      ...take({ type: 'legUsable', leg }),
      ...take({ type: 'legActive', leg }),
      ...take({ type: 'pong', leg, rtt: 10 }),
    ],
  };
}

/**
 * The outputs of one type.
 * @template {SelectorOutput['type']} Type
 * @param {SelectorOutput[]} outputs
 * @param {Type} type
 */
const only = (outputs, type) =>
  outputs.filter(
    /** @returns {output is Extract<SelectorOutput, {type: Type}>} */ (output) => output.type === type,
  );

/** The transports of the legs that the selector opened. @param {SelectorOutput[]} outputs */
const opened = (outputs) => only(outputs, 'openLeg').map(({ transport }) => transport);

/** The legs that the selector dropped. @param {SelectorOutput[]} outputs */
const dropped = (outputs) => only(outputs, 'dropLeg').map(({ leg }) => leg);

/** The legs that the selector wants to carry the session. @param {SelectorOutput[]} outputs */
const requested = (outputs) => only(outputs, 'requestTurn').map(({ leg }) => leg);

test('a race starts with the first transport of the order; the next two follow 1000 ms and 1500 ms later', () => {
  const { take, pass } = underTest();
  assert.deepEqual(take({ type: 'raceReady' }), [{ type: 'openLeg', leg: 1, transport: 'websocket' }]);
  assert.deepEqual(pass(999), []);
  assert.deepEqual(pass(1), [{ type: 'openLeg', leg: 2, transport: 'sse' }]);
  assert.deepEqual(
    pass(1499),
    [{ type: 'probeControl' }],
    'after 2 s the selector probes the control resource',
  );
  assert.deepEqual(pass(1), [{ type: 'openLeg', leg: 3, transport: 'poll' }]);
});

test('a refused leg lets the next start at once and the others 300 ms apart, and starts a probe', () => {
  const { take, pass } = underTest();
  take({ type: 'raceReady' });
  assert.deepEqual(take({ type: 'legDied', leg: 1 }), [
    { type: 'dropLeg', leg: 1, reason: 'refused' },
    { type: 'openLeg', leg: 2, transport: 'sse' },
    { type: 'probeControl' },
  ]);
  assert.deepEqual(pass(299), []);
  assert.deepEqual(pass(1), [{ type: 'openLeg', leg: 3, transport: 'poll' }]);
});

test('the first usable leg carries the session, and its proof ends the race', () => {
  const { take, pass, selector } = underTest();
  take({ type: 'raceReady' });
  assert.deepEqual(take({ type: 'legUsable', leg: 1 }), [
    { type: 'sendPing', leg: 1 },
    { type: 'requestTurn', leg: 1 },
  ]);
  assert.deepEqual(take({ type: 'legActive', leg: 1 }), [
    { type: 'transportChanged', from: null, to: 'websocket', reason: 'better' },
    { type: 'stateChanged', state: 'online' },
  ]);
  take({ type: 'pong', leg: 1, rtt: 20 });
  assert.deepEqual(pass(10_000), []);
  assert.equal(selector.transport, 'websocket');
});

test('a better leg of the same race takes over after three pongs within 1.4 s, and not before', () => {
  const { take, pass, proves } = underTest();
  take({ type: 'raceReady' });
  pass(1000);
  proves(2);
  assert.deepEqual(take({ type: 'legUsable', leg: 1 }), [{ type: 'sendPing', leg: 1 }]);
  for (const _ of [1, 2]) {
    assert.deepEqual(take({ type: 'pong', leg: 1, rtt: 20 }), []);
    assert.deepEqual(pass(699), []);
    assert.deepEqual(pass(1), [{ type: 'sendPing', leg: 1 }]);
  }
  assert.deepEqual(take({ type: 'pong', leg: 1, rtt: 20 }), [{ type: 'requestTurn', leg: 1 }]);
  assert.deepEqual(take({ type: 'legActive', leg: 1 }), [
    { type: 'transportChanged', from: 'sse', to: 'websocket', reason: 'better' },
  ]);
});

test('the selector drops a better leg that does not prove itself within 10 s, and the session stays', () => {
  const { take, pass, proves, selector } = underTest();
  take({ type: 'raceReady' });
  pass(1000);
  proves(2);
  assert.deepEqual(dropped(pass(9000)), [1]);
  assert.equal(selector.transport, 'sse');
});

test('the proof of a leg ends the worse legs of its race', () => {
  const { take, pass } = underTest();
  take({ type: 'raceReady' });
  pass(1000);
  take({ type: 'legUsable', leg: 1 });
  take({ type: 'legActive', leg: 1 });
  assert.deepEqual(take({ type: 'pong', leg: 1, rtt: 5 }), [{ type: 'dropLeg', leg: 2, reason: 'better' }]);
});

test('without a welcome in 2.5 s, SSE fails as buffered and polling as timeout', () => {
  const { take, pass, selector, now } = underTest(['sse', 'poll']);
  take({ type: 'raceReady' });
  pass(2500);
  pass(1000);
  assert.deepEqual(
    selector.explain(now()).attempts.map(({ transport, reason }) => [transport, reason]),
    [
      ['sse', 'buffered'],
      ['poll', 'timeout'],
    ],
  );
});

test('a usable leg without a pong is mute, even if it carries the session', () => {
  const { take, pass } = underTest();
  take({ type: 'raceReady' });
  take({ type: 'socketOpened', leg: 1 });
  take({ type: 'legUsable', leg: 1 });
  take({ type: 'legActive', leg: 1 });
  const outputs = pass(3000);
  assert.deepEqual(dropped(outputs), [1]);
  assert.deepEqual(only(outputs, 'transportChanged'), [
    { type: 'transportChanged', from: 'websocket', to: null, reason: 'mute' },
  ]);
});

test('when all transports fail, the selector waits with jitter and probes the control resource', () => {
  const { take, pass } = underTest(['sse']);
  take({ type: 'raceReady' });
  assert.deepEqual(take({ type: 'legDied', leg: 1 }), [
    { type: 'dropLeg', leg: 1, reason: 'refused' },
    { type: 'stateChanged', state: 'reconnecting' },
    { type: 'probeControl' },
  ]);
  assert.deepEqual(opened(pass(150)), ['sse'], 'half of 0.3 s');
  take({ type: 'controlAnswered', control: 'ours' });
  take({ type: 'legDied', leg: 2 });
  assert.deepEqual(opened(pass(299)), []);
  assert.deepEqual(opened(pass(1)), ['sse'], 'half of 0.6 s');
});

test('the state tells apart no answer, a portal and a gateway that is away; behind a portal a race starts within 5 s', () => {
  const { take, pass, selector, now } = underTest(['sse'], () => 0.99);
  take({ type: 'raceReady' });
  for (let leg = 1; leg < 8; leg++) {
    take({ type: 'legDied', leg });
    while (selector.openedLegs === leg) pass(selector.pollTimeout() - now());
  }
  take({ type: 'legDied', leg: 8 });
  assert.deepEqual(take({ type: 'controlAnswered', control: 'offline' }), [
    { type: 'stateChanged', state: 'offline' },
  ]);
  assert.deepEqual(take({ type: 'controlAnswered', control: 'away' }), [
    { type: 'stateChanged', state: 'reconnecting' },
  ]);
  assert.deepEqual(take({ type: 'controlAnswered', control: 'portal' }), [
    { type: 'stateChanged', state: 'portal' },
  ]);
  assert.deepEqual(opened(pass(5000)), ['sse']);
  take({ type: 'legUsable', leg: 9 });
  take({ type: 'legActive', leg: 9 });
  assert.equal(selector.state, 'online');
});

test('if a leg that was well dies, the selector replaces it within 300 ms and does not probe the control resource', () => {
  const { take, pass, proves } = underTest(ALL, () => 1);
  take({ type: 'raceReady' });
  proves(1);
  pass(16_000);
  take({ type: 'frameArrived', leg: 1 });
  take({ type: 'pong', leg: 1, rtt: 10 });
  pass(15_000);
  assert.deepEqual(take({ type: 'legDied', leg: 1 }), [
    { type: 'dropLeg', leg: 1, reason: 'closed' },
    { type: 'transportChanged', from: 'websocket', to: null, reason: 'closed' },
    { type: 'stateChanged', state: 'reconnecting' },
  ]);
  assert.deepEqual(opened(pass(300)), ['websocket']);
});

test('the selector tries a transport that opens and dies at once twice, then rests it for more than a minute', () => {
  const { take, pass, proves, selector, now } = underTest();
  const tried = opened(take({ type: 'raceReady' }));
  for (let leg = 1; leg < 3; leg++) {
    proves(leg);
    pass(300);
    take({ type: 'legDied', leg });
    take({ type: 'controlAnswered', control: 'ours' });
    tried.push(...opened(pass(selector.pollTimeout() - now())));
  }
  assert.deepEqual(tried, ['websocket', 'websocket', 'sse']);
  proves(3);
  const rest = (selector.explain(0).paths[0]?.retryAt ?? 0) - now();
  assert.ok(rest > 60_000 && rest <= 90_000, `${rest}`);
});

test('if the gateway is out of reach, the selector blames no transport', () => {
  for (const [control, failures] of /** @type {const} */ ([
    ['ours', 1],
    ['offline', 0],
    ['portal', 0],
    ['away', 0],
  ])) {
    const { take, selector } = underTest(['poll']);
    take({ type: 'raceReady' });
    take({ type: 'legDied', leg: 1 });
    take({ type: 'controlAnswered', control });
    const { failures: counted, retryAt } = selector.explain(0).paths[0] ?? {};
    assert.deepEqual([counted, retryAt], [failures, failures ? 10_000 : 0], control);
  }
});

test('when the active leg dies, a usable leg goes on', () => {
  const { take, pass, proves } = underTest();
  take({ type: 'raceReady' });
  pass(1000);
  proves(2);
  take({ type: 'legUsable', leg: 1 });
  assert.deepEqual(requested(take({ type: 'legDied', leg: 2 })), [1]);
});

test('a silent leg is suspect 1.5 s after a heartbeat is due, and dead 2 s later unless a pong comes', () => {
  const { take, pass, proves } = underTest();
  take({ type: 'raceReady' });
  proves(1);
  take({ type: 'frameArrived', leg: 1 });
  assert.deepEqual(pass(16_500), [{ type: 'sendPing', leg: 1 }, { type: 'probeControl' }]);
  take({ type: 'frameArrived', leg: 1 });
  take({ type: 'pong', leg: 1, rtt: 5 });
  take({ type: 'controlAnswered', control: 'ours' });
  assert.deepEqual(pass(16_500), [{ type: 'sendPing', leg: 1 }, { type: 'probeControl' }]);
  const outputs = pass(2000);
  assert.deepEqual(dropped(outputs), [1]);
  assert.deepEqual(only(outputs, 'transportChanged'), [
    { type: 'transportChanged', from: 'websocket', to: null, reason: 'stalled' },
  ]);
});

test('a leg is suspect if frames wait 2 s for their acknowledgement, even while other frames come down', () => {
  const { take, pass, proves, session, now } = underTest();
  take({ type: 'raceReady' });
  proves(1);
  take({ type: 'frameArrived', leg: 1 });
  pass(4000);
  session.unacknowledgedFrames = 1;
  session.oldestHandedAt = now();
  assert.deepEqual(pass(1000), []);
  take({ type: 'frameArrived', leg: 1 });
  assert.deepEqual(only(pass(999), 'probeControl'), []);
  assert.deepEqual(only(pass(1), 'probeControl'), [{ type: 'probeControl' }]);
});

test('a held poll may be silent for its hold and 1.5 s', () => {
  const { take, pass, proves } = underTest(['poll']);
  take({ type: 'raceReady' });
  proves(1);
  take({ type: 'answerArrived', leg: 1, route: 'poll' });
  assert.deepEqual(pass(26_499), []);
  assert.deepEqual(pass(1), [{ type: 'sendPing', leg: 1 }, { type: 'probeControl' }]);
});

test('gone and draining blame no transport: a race starts from the top, and soon if the leg was proven', () => {
  for (const reason of ['gone', 'draining']) {
    const { take, pass, proves } = underTest(ALL, () => 1);
    take({ type: 'raceReady' });
    proves(1);
    assert.deepEqual(only(take({ type: 'legDropped', leg: 1, reason }), 'probeControl'), []);
    assert.deepEqual(opened(pass(300)), ['websocket']);
  }
});

test('gone and draining of legs that never were proven are failures: races wait longer, up to 2.4 s', () => {
  for (const reason of ['gone', 'draining']) {
    const { take, pass } = underTest(ALL, () => 1);
    take({ type: 'raceReady' });
    for (let leg = 1; leg < 8; leg++) {
      take({ type: 'legUsable', leg });
      take({ type: 'legActive', leg });
      assert.deepEqual(only(take({ type: 'legDropped', leg, reason }), 'probeControl'), [
        { type: 'probeControl' },
      ]);
      take({ type: 'controlAnswered', control: 'ours' });
      const wait = Math.min(2400, 300 * 2 ** (leg - 1));
      assert.deepEqual(opened(pass(wait - 1)), []);
      assert.deepEqual(opened(pass(1)), ['websocket'], 'no transport is to blame');
    }
  }
});

test('after a goaway, its delay and its jitter, the selector drops all legs and starts a race', () => {
  const { take, pass, proves } = underTest();
  take({ type: 'raceReady' });
  proves(1);
  take({ type: 'link', frame: { goaway: { after_ms: 1000, jitter_ms: 2000 } } });
  assert.deepEqual(pass(1999), []);
  assert.deepEqual(pass(1), [
    { type: 'dropLeg', leg: 1, reason: 'server' },
    { type: 'transportChanged', from: 'websocket', to: null, reason: 'server' },
    { type: 'stateChanged', state: 'reconnecting' },
    { type: 'prepareRace' },
    { type: 'openLeg', leg: 2, transport: 'websocket' },
  ]);
});

test('the selector makes no attempt for as long as the gateway wants none', () => {
  const { take, pass } = underTest(['sse']);
  take({ type: 'raceReady' });
  take({ type: 'gatewayRefused', wait: 7 });
  // A refusal without a wait leaves the earlier wait as it is.
  take({ type: 'gatewayRefused', wait: undefined });
  take({ type: 'gatewayRefused', wait: 0 });
  take({ type: 'legDied', leg: 1 });
  assert.deepEqual(opened(pass(6999)), []);
  assert.deepEqual(opened(pass(1)), ['sse']);
});

test('a switch makes before it breaks; if it fails, the session stays where it was', () => {
  const { take, pass, proves, selector } = underTest();
  take({ type: 'raceReady' });
  proves(1);
  assert.deepEqual(take({ type: 'switchTo', transport: 'poll' }), [
    { type: 'openLeg', leg: 2, transport: 'poll' },
  ]);
  assert.deepEqual(take({ type: 'legUsable', leg: 2 }), [{ type: 'sendPing', leg: 2 }]);
  assert.deepEqual(take({ type: 'pong', leg: 2, rtt: 1 }), [{ type: 'requestTurn', leg: 2 }]);
  assert.deepEqual(only(take({ type: 'legActive', leg: 2 }), 'transportChanged'), [
    { type: 'transportChanged', from: 'websocket', to: 'poll', reason: 'better' },
  ]);
  take({ type: 'switchTo', transport: 'sse' });
  take({ type: 'switchTo', transport: 'websocket' });
  assert.equal(selector.transport, 'poll');
  assert.deepEqual(dropped(pass(10_000)), [4]);
  assert.equal(selector.transport, 'poll');
});

test('the pauses between races grow from 0.3 s to 20 s, each twice as long as the one before', () => {
  const { take, selector, now } = underTest(ALL, () => 1);
  const pauses = Array.from({ length: 9 }, () => {
    take({ type: 'raceFailed' });
    take({ type: 'controlAnswered', control: 'ours' });
    const pause = selector.pollTimeout() - now();
    return pause;
  });
  assert.deepEqual(pauses, [300, 600, 1200, 2400, 4800, 9600, 19_200, 20_000, 20_000]);
});

test('a race without a token counts as a race that failed', () => {
  const { take, pass } = underTest();
  assert.deepEqual(take({ type: 'raceFailed' }), [
    { type: 'stateChanged', state: 'reconnecting' },
    { type: 'probeControl' },
  ]);
  assert.deepEqual(opened(pass(150)), ['websocket']);
});

test('a stopped selector does nothing more', () => {
  const { take, proves, selector } = underTest();
  take({ type: 'raceReady' });
  proves(1);
  assert.deepEqual(take({ type: 'stop' }), [
    { type: 'dropLeg', leg: 1, reason: 'closed' },
    { type: 'transportChanged', from: 'websocket', to: null, reason: 'closed' },
    { type: 'stateChanged', state: 'closed' },
  ]);
  assert.deepEqual(
    [take({ type: 'raceReady' }), take({ type: 'controlAnswered', control: 'portal' })],
    [[], []],
  );
  assert.equal(selector.pollTimeout(), Infinity);
});

test('the selector drops a leg on which frames come down but no pong does', () => {
  const { take, pass } = underTest(['sse']);
  take({ type: 'raceReady' });
  // A failed race makes the selector more patient.
  take({ type: 'legDied', leg: 1 });
  take({ type: 'controlAnswered', control: 'ours' });
  pass(500);
  take({ type: 'legUsable', leg: 2 });
  take({ type: 'legActive', leg: 2 });
  const outputs = [];
  for (let n = 0; n < 60; n++) {
    take({ type: 'frameArrived', leg: 2 });
    outputs.push(...pass(500));
  }
  assert.deepEqual(dropped(outputs).slice(0, 1), [2]);
});

test('the selector replaces a leg that lost its turn while no leg has it', () => {
  const { take, pass } = underTest(['poll', 'sse']);
  take({ type: 'raceReady' });
  pass(1000);
  take({ type: 'legUsable', leg: 2 });
  take({ type: 'legActive', leg: 2 });
  take({ type: 'legDied', leg: 2 });
  take({ type: 'controlAnswered', control: 'ours' });
  take({ type: 'legDropped', leg: 1, reason: 'replaced' });
  assert.ok(opened(pass(60_000)).length > 0);
});

test('when the active leg dies during an attempt in the background, the other transports do not wait for that attempt', () => {
  const { take, pass, proves, selector } = underTest();
  take({ type: 'raceReady' });
  take({ type: 'legDied', leg: 1 });
  take({ type: 'controlAnswered', control: 'ours' });
  proves(2);
  assert.deepEqual(opened(pass(12_000)), ['websocket']);
  assert.deepEqual(opened(take({ type: 'legDied', leg: 2 })), ['sse']);
  assert.equal(selector.state, 'reconnecting');
});

test('the selector remembers failures while two network ids take turns', () => {
  const { take, pass, proves, session, selector } = underTest();
  const tried = opened(take({ type: 'raceReady' }));
  for (let leg = 1; leg < 9; leg++) {
    session.welcome.network = leg % 2 ? 'four' : 'six';
    proves(leg);
    pass(300);
    take({ type: 'legDied', leg });
    take({ type: 'controlAnswered', control: 'ours' });
    while (selector.openedLegs === leg) tried.push(...opened(pass(100)));
  }
  assert.ok(tried.filter((transport) => transport === 'websocket').length <= 5, `${tried}`);
});

test('the leg in use does not compete with the leg that the selector asked to take over', () => {
  const { take, proves } = underTest(['websocket', 'poll']);
  take({ type: 'raceReady' });
  proves(1);
  // The leg in use was asked for too.
  take({ type: 'switchTo', transport: 'websocket' });
  take({ type: 'legUsable', leg: 2 });
  take({ type: 'pong', leg: 2, rtt: 10 });
  take({ type: 'legActive', leg: 2 });
  take({ type: 'switchTo', transport: 'poll' });
  take({ type: 'legUsable', leg: 3 });
  assert.deepEqual(requested(take({ type: 'pong', leg: 3, rtt: 10 })), [3]);
  assert.deepEqual(requested(take({ type: 'pong', leg: 2, rtt: 10 })), []);
  // The selector reports the loss of the new leg.
  assert.deepEqual(dropped(take({ type: 'legDropped', leg: 3, reason: 'replaced' })), [3]);
});

test('a write keeps the way of a socket open too, so the second cut teaches even if a write came before the first', () => {
  const { take, pass, proves, selector } = underTest(['websocket']);
  take({ type: 'raceReady' });
  proves(1);
  pass(3000);
  take({ type: 'write', leg: 1 });
  pass(4000);
  assert.deepEqual(only(take({ type: 'legDied', leg: 1 }), 'keepAlive'), []);
  take({ type: 'controlAnswered', control: 'ours' });
  while (selector.openedLegs === 1) pass(100);
  proves(2);
  pass(4000);
  // The round trip of the proof is part of the interval.
  assert.deepEqual(only(take({ type: 'legDied', leg: 2 }), 'keepAlive'), [
    { type: 'keepAlive', heartbeatMs: 2025, holdMs: 2835 },
  ]);
});

test('the selector learns when a silent path forgets sockets from the last frame that came, not from its own pings', () => {
  const { take, pass, proves, selector } = underTest(['websocket']);
  const wishes = [];
  take({ type: 'raceReady' });
  for (const leg of [1, 2]) {
    proves(leg);
    while (selector.openedLegs === leg) {
      const outputs = pass(100);
      wishes.push(...only(outputs, 'keepAlive'));
      // The session writes each ping.
      for (const _ of only(outputs, 'sendPing'))
        wishes.push(...only(take({ type: 'write', leg }), 'keepAlive'));
      wishes.push(...only(take({ type: 'controlAnswered', control: 'ours' }), 'keepAlive'));
    }
  }
  assert.equal(wishes.at(-1)?.heartbeatMs, 7500);
});

test('polls that are cut teach how long the gateway may hold one, though no frame comes in between', () => {
  const { take, pass, proves } = underTest(['poll']);
  take({ type: 'raceReady' });
  proves(1);
  take({ type: 'answerArrived', leg: 1, route: 'poll' });
  pass(8000);
  assert.deepEqual(take({ type: 'requestFailed', leg: 1, route: 'poll' }), []);
  pass(8000);
  assert.deepEqual(take({ type: 'requestFailed', leg: 1, route: 'poll' }), [
    { type: 'keepAlive', heartbeatMs: 4000, holdMs: 5600 },
  ]);
});

test('a parked selector stays parked while late answers come, and a wake starts it afresh', () => {
  const { take, pass, proves, selector } = underTest();
  take({ type: 'raceReady' });
  proves(1);
  take({ type: 'park' });
  assert.deepEqual(
    [
      ...take({ type: 'controlAnswered', control: 'offline' }),
      ...take({ type: 'raceReady' }),
      ...take({ type: 'raceFailed' }),
    ],
    [],
  );
  assert.deepEqual(pass(600_000), []);
  assert.equal(selector.state, 'parked');
  take({ type: 'wake', isVisible: true });
  assert.equal(selector.state, 'reconnecting');
  assert.deepEqual(opened(pass(1)), ['websocket']);
});

test('the selector asks again 15 s later if its request for a race gets no answer', () => {
  const { selector } = underTest();
  selector.handle(0, { type: 'wake', isVisible: true });
  selector.handle(0, { type: 'timeout' });
  assert.deepEqual(selector.pollOutput(), { type: 'prepareRace' });
  assert.equal(selector.pollTimeout(), 15_000);
});

test('the memory knows nothing if the store holds no facts that it can use', () => {
  for (const stored of [
    '',
    '5',
    '[["here",null]]',
    '[["here",{"websocket":{"at":1e15,"rtt":1}}]]',
    '[["here",{"sse":{"at":1,"rtt":"x"}}]]',
  ]) {
    const storage = { getItem: () => stored, setItem() {}, removeItem() {} };
    const memory = new Memory(storage, 'k', () => 1000);
    for (const transport of ALL) assert.equal(memory.recall(transport), undefined, stored);
    memory.enter('here');
    memory.note('sse', 5);
    memory.forget();
  }
});

test('the proof of a leg ends the legs that were opened while the gateway was out of reach, and a new attempt follows', () => {
  const { take, pass } = underTest();
  take({ type: 'raceReady' });
  pass(2500);
  take({ type: 'controlAnswered', control: 'offline' });
  take({ type: 'legUsable', leg: 3 });
  take({ type: 'legActive', leg: 3 });
  assert.deepEqual(dropped(take({ type: 'pong', leg: 3, rtt: 10 })), [1, 2]);
  assert.deepEqual(opened(pass(3000)), ['websocket']);
});
