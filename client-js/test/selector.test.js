// @ts-check
import assert from 'node:assert/strict';
import test from 'node:test';
import { Deadlines } from '../src/selector/deadlines.js';
import { Memory } from '../src/selector/memory.js';
import { Paths } from '../src/selector/paths.js';
import { Selector } from '../src/selector/selector.js';

/**
 * @import { Control, Transport } from '../src/types.js'
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
    oldestHandedBytes: 0,
    acknowledgedAt: -Infinity,
    announcedBytes: 0,
  };
  const memory = new Memory(null, 'test', () => 0);
  const selector = new Selector({ session, memory, now: 0, random, order });
  let now = 0;
  let askedAt = 0;
  /**
   * An answer of the control resource is that to the last probe, unless it says more.
   * @param {SelectorInput | {type: 'controlAnswered', control: Control}} input
   * @returns {SelectorOutput[]}
   */
  const take = (input) => {
    selector.handle(now, input.type === 'controlAnswered' ? { askedAt, ...input } : input);
    const all = [];
    for (let output = selector.pollOutput(); output; output = selector.pollOutput()) {
      all.push(output);
      if (output.type === 'probeControl') askedAt = now;
      if (output.type === 'prepareRace') all.push(...take({ type: 'raceReady' }));
    }
    return all;
  };
  return {
    selector,
    session,
    take,
    now: () => now,
    /** The machine sleeps, and no timer fires. @param {number} ms */
    sleep(ms) {
      now += ms;
    },
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

test('a race starts with the first transport of the order; while no round trip is known, the next two follow 1000 ms and 1500 ms later', () => {
  const { take, pass } = underTest();
  assert.deepEqual(take({ type: 'raceReady' }), [{ type: 'openLeg', leg: 1, transport: 'websocket' }]);
  assert.deepEqual(pass(99), []);
  assert.deepEqual(
    pass(1),
    [{ type: 'probeControl' }],
    'the selector measures a network that it does not know',
  );
  assert.deepEqual(pass(899), []);
  assert.deepEqual(pass(1), [{ type: 'openLeg', leg: 2, transport: 'sse' }]);
  assert.deepEqual(pass(1499), []);
  assert.deepEqual(pass(1), [{ type: 'openLeg', leg: 3, transport: 'poll' }]);
});

test('the second transport starts after six round trips without progress, of 300 to 1400 ms, and the third 2.5 s after the first', () => {
  for (const [tripMs, secondMs] of /** @type {const} */ ([
    [5, 300],
    [50, 300],
    [100, 600],
    [300, 1400],
  ])) {
    const { take, pass, now } = underTest();
    take({ type: 'raceReady' });
    pass(100 + tripMs);
    take({ type: 'controlAnswered', control: 'ours' });
    assert.deepEqual(opened(pass(secondMs - 1 - now())), [], `${tripMs}`);
    assert.deepEqual(opened(pass(1)), ['sse'], `${tripMs}`);
    const thirdMs = Math.min(secondMs + 1500, 2500);
    assert.deepEqual(opened(pass(thirdMs - 1 - now())), [], `${tripMs}`);
    assert.deepEqual(opened(pass(1)), ['poll'], `${tripMs}`);
  }
});

test('a socket that opens has six round trips more before the second transport starts', () => {
  const { take, pass } = underTest();
  take({ type: 'raceReady' });
  pass(80);
  take({ type: 'socketOpened', leg: 1 });
  pass(60);
  take({ type: 'controlAnswered', control: 'ours' });
  assert.deepEqual(opened(pass(239)), []);
  assert.deepEqual(opened(pass(1)), ['sse'], '300 ms after the socket opened');
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
  assert.deepEqual(
    take({ type: 'legUsable', leg: 1 }),
    [{ type: 'requestTurn', leg: 1, pings: true }],
    'one request brings the turn and the ping',
  );
  assert.deepEqual(take({ type: 'legActive', leg: 1 }), [
    { type: 'transportChanged', from: null, to: 'websocket', reason: 'first' },
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
  pass(100);
  take({ type: 'controlAnswered', control: 'ours' });
  pass(2700);
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
  const outputs = pass(2500);
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
  assert.deepEqual(opened(pass(499)), []);
  assert.deepEqual(opened(pass(1)), ['sse'], 'half of 1 s');
  take({ type: 'controlAnswered', control: 'ours' });
  take({ type: 'legDied', leg: 2 });
  assert.deepEqual(opened(pass(499)), []);
  assert.deepEqual(opened(pass(1)), ['sse'], 'half of 1 s');
});

test('a refusal of the gateway is no portal: the state stays, and the pauses grow up to 20 s', () => {
  const { take, pass, selector, now } = underTest(['sse'], () => 0.99);
  take({ type: 'raceReady' });
  for (let leg = 1; leg < 8; leg++) {
    take({ type: 'legDied', leg });
    assert.deepEqual(take({ type: 'controlAnswered', control: 'refused' }), []);
    assert.equal(selector.state, 'reconnecting');
    while (selector.openedLegs === leg) pass(selector.pollTimeout() - now());
  }
  take({ type: 'legDied', leg: 8 });
  take({ type: 'controlAnswered', control: 'portal' });
  take({ type: 'controlAnswered', control: 'refused' });
  assert.equal(selector.state, 'reconnecting');
  assert.equal(selector.explain(0).control, 'refused');
});

test('if nothing carries the session for 5 s, the selector tells so once until the client was online', () => {
  const { take, pass, proves, selector } = underTest(['sse']);
  const told = (/** @type {SelectorOutput[]} */ outputs) => only(outputs, 'unreachable').length;
  take({ type: 'raceReady' });
  assert.equal(told(pass(4999)), 0);
  assert.equal(told(pass(1)), 1);
  assert.equal(told([...pass(60_000), ...take({ type: 'park' }), ...pass(60_000)]), 0);
  take({ type: 'wake', isVisible: true });
  assert.equal(told(pass(60_000)), 0);
  while (selector.state !== 'online') {
    pass(1000);
    proves(selector.openedLegs);
  }
  assert.equal(told(pass(4000)), 0);
  take({ type: 'legDied', leg: selector.openedLegs });
  assert.equal(told(pass(60_000)), 1);
});

test('a client that is online within 5 s tells nothing', () => {
  const { take, pass, proves } = underTest(['sse']);
  take({ type: 'raceReady' });
  pass(4999);
  proves(1);
  assert.deepEqual(only(pass(10_000), 'unreachable'), []);
});

test('an attempt within a measured limit puts the notice off until the limit, and one that began later does not', () => {
  const { take, pass } = underTest(['sse']);
  take({ type: 'raceReady' });
  pass(3000);
  // The network needs 3 s, so an attempt may take 10 s.
  take({ type: 'controlAnswered', control: 'ours', askedAt: 0 });
  assert.deepEqual(only(pass(6999), 'unreachable'), []);
  assert.equal(only(pass(1), 'unreachable').length, 1);
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

test('a leg that falls silent is dead 4 s after it was heard, or 3 s if the page says that the network changed', () => {
  for (const wakes of [false, true]) {
    const { session, take, pass, proves, now } = underTest(['websocket']);
    take({ type: 'raceReady' });
    proves(1);
    pass(10_000);
    take({ type: 'frameArrived', leg: 1 });
    take({ type: 'pong', leg: 1, rtt: 10 });
    Object.assign(session, { oldestHandedAt: now(), unacknowledgedFrames: 1 });
    if (wakes) take({ type: 'wake', isVisible: true });
    assert.deepEqual(dropped(pass(wakes ? 2999 : 3999)), []);
    assert.deepEqual(dropped(pass(1)), [1]);
  }
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
      const wait = leg < 4 ? 1000 : 2400;
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
    { type: 'transportChanged', from: 'websocket', to: 'poll', reason: 'asked' },
  ]);
  take({ type: 'switchTo', transport: 'sse' });
  take({ type: 'switchTo', transport: 'websocket' });
  assert.equal(selector.transport, 'poll');
  assert.deepEqual(dropped(pass(4000)), [4]);
  assert.equal(selector.transport, 'poll');
});

test('the pauses between races double from 0.3 s to 20 s; while the page is visible the first three are of 1 s at most', () => {
  for (const [isVisible, first] of /** @type {const} */ ([
    [false, [300, 600, 1200]],
    [true, [1000, 1000, 1000]],
  ])) {
    const { take, pass, selector, now } = underTest(ALL, () => 1);
    take({ type: 'wake', isVisible });
    const pauses = Array.from({ length: 9 }, () => {
      take({ type: 'raceFailed' });
      take({ type: 'controlAnswered', control: 'ours' });
      const from = now();
      if (selector.pollTimeout() === 5000) assert.deepEqual(pass(5000), [{ type: 'unreachable' }]);
      return selector.pollTimeout() - from;
    });
    assert.deepEqual(pauses, [...first, 2400, 4800, 9600, 19_200, 20_000, 20_000]);
  }
});

test('a race without a token counts as a race that failed', () => {
  const { take, pass } = underTest();
  assert.deepEqual(take({ type: 'raceFailed' }), [
    { type: 'stateChanged', state: 'reconnecting' },
    { type: 'probeControl' },
  ]);
  assert.deepEqual(opened(pass(500)), ['websocket']);
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
    for (const transport of ALL) assert.equal(memory.factOn(transport), undefined, stored);
    memory.enter('here');
    memory.note('sse', 5);
    memory.forget();
  }
});

test('the next page knows of a transport that was away for a minute, while this page still tries it soon', () => {
  const memory = new Memory(null, 'k', () => 1000);
  const deadlines = new Deadlines(0, () => 0.5);
  const session = /** @type {any} */ ({ welcome: { network: 'n' } });
  const paths = new Paths(['websocket', 'sse'], false, session, memory, deadlines);
  const [socket] = paths.all;
  assert.ok(socket);
  socket.rtt = 20;
  paths.proven(socket);
  const fails = () => {
    paths.failed(socket, 'refused', true, false);
    paths.confirm();
    deadlines.now = socket.retryAt;
  };
  while (deadlines.now < 55_000) fails();
  assert.equal(memory.factOn('websocket')?.rtt, 20);
  while (deadlines.now < 600_000) fails();
  assert.equal(memory.factOn('websocket')?.rtt, null);
  const failedAt = deadlines.now;
  fails();
  assert.ok(socket.retryAt - failedAt < 60_000);
  paths.proven(socket);
  assert.equal(memory.factOn('websocket')?.rtt, 20);
});

test('a page that connects a minute after its start still tries a transport last that was bad on the page before', () => {
  const memory = new Memory(null, 'k', () => 1000);
  memory.note('websocket', null, true);
  const { session } = underTest();
  const selector = new Selector({ session, memory, now: 60_000, random: () => 0.5, order: ALL });
  selector.handle(60_000, { type: 'raceReady' });
  assert.deepEqual(selector.pollOutput(), { type: 'openLeg', leg: 1, transport: 'sse' });
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

// ---- late networks

test('while no answer came on a network, SSE and polling have 10 s for their first answer', () => {
  const { take, pass, selector, now } = underTest(['sse', 'poll']);
  take({ type: 'raceReady' });
  assert.deepEqual(dropped(pass(9999)), []);
  assert.deepEqual(dropped(pass(1)), [1]);
  assert.equal(selector.explain(now()).attempts[0]?.reason, 'buffered');
});

test('once the control resource answered, an attempt has ten times as long as that took, and 2.5 s at least', () => {
  for (const [tripMs, limitMs] of /** @type {const} */ ([
    [40, 2500],
    [300, 3000],
    [700, 7000],
    [1500, 10_000],
    [6000, 15_000],
  ])) {
    const { take, pass, now } = underTest(['sse']);
    take({ type: 'raceReady' });
    pass(2000);
    assert.deepEqual(dropped(pass(tripMs)), []);
    take({ type: 'controlAnswered', control: 'ours', askedAt: 2000 });
    const rest = Math.max(0, limitMs - now());
    assert.deepEqual(dropped(pass(rest - 1)), [], `${tripMs}`);
    assert.deepEqual(dropped(pass(1)), [1], `${tripMs}`);
  }
});

test('a stream whose welcome took 6 s has 15 s for its pong', () => {
  const { take, pass } = underTest(['sse']);
  take({ type: 'raceReady' });
  pass(6000);
  take({ type: 'legUsable', leg: 1 });
  take({ type: 'legActive', leg: 1 });
  assert.deepEqual(dropped(pass(14_999)), []);
  assert.deepEqual(dropped(pass(1)), [1]);
});

test('a socket that opened while the machine slept makes the selector wait for 25 s at most', () => {
  const { take, pass, sleep } = underTest(['websocket']);
  take({ type: 'raceReady' });
  sleep(600_000);
  take({ type: 'socketOpened', leg: 1 });
  assert.deepEqual(dropped(pass(24_999)), []);
  assert.deepEqual(dropped(pass(1)), [1]);
});

test('the selector probes again every 2.5 s while attempts are open, and takes a late answer', () => {
  const { take, pass, selector } = underTest(['websocket']);
  take({ type: 'raceReady' });
  assert.equal(only(pass(9500), 'probeControl').length, 4);
  take({ type: 'controlAnswered', control: 'ours', askedAt: 2000 });
  assert.equal(selector.explain(0).control, 'ours');
});

test('an answer to a probe that was asked before the last news is no news', () => {
  const { take, pass, selector } = underTest(['websocket', 'sse', 'poll']);
  take({ type: 'raceReady' });
  pass(4500);
  take({ type: 'controlAnswered', control: 'ours', askedAt: 4500 });
  take({ type: 'controlAnswered', control: 'offline', askedAt: 2000 });
  assert.equal(selector.explain(0).control, 'ours');
  assert.equal(selector.state, 'connecting');
  pass(200);
  take({ type: 'legUsable', leg: 4 });
  take({ type: 'legActive', leg: 4 });
  take({ type: 'pong', leg: 4, rtt: 10 });
  take({ type: 'controlAnswered', control: 'offline', askedAt: 4600 });
  assert.equal(selector.explain(0).control, undefined, 'a pong is news too');
});

test('if a later probe is answered before an earlier one, attempts of before begin anew, and no path is to blame', () => {
  const { take, pass, selector } = underTest(['websocket', 'sse', 'poll']);
  take({ type: 'raceReady' });
  pass(5100);
  const outputs = take({ type: 'controlAnswered', control: 'ours' });
  assert.deepEqual(dropped(outputs), [1, 2, 3]);
  assert.deepEqual(opened([...outputs, ...pass(600)]), ['websocket', 'sse', 'poll']);
  for (const path of selector.explain(0).paths) assert.equal(path.failures, 0);
});

test('where answers are late, a probe that overtakes another one lets attempts go on', () => {
  const { take, pass } = underTest();
  take({ type: 'raceReady' });
  pass(6000);
  assert.deepEqual(dropped(take({ type: 'controlAnswered', control: 'ours', askedAt: 4500 })), []);
});

test('a path that failed in an outage is not to blame once a later probe is answered', () => {
  const { take, pass, selector } = underTest();
  take({ type: 'raceReady' });
  pass(2000);
  take({ type: 'legDied', leg: 1 });
  pass(2500);
  const outputs = take({ type: 'controlAnswered', control: 'ours' });
  assert.deepEqual(opened(outputs), ['websocket'], 'it is tried again too');
  assert.equal(selector.explain(0).paths[0]?.failures, 0);
});

test('attempts that begin anew after an outage are a race, though the application asked for one of them', () => {
  const { take, pass } = underTest();
  take({ type: 'raceReady' });
  take({ type: 'switchTo', transport: 'poll' });
  pass(5100);
  const outputs = [...take({ type: 'controlAnswered', control: 'ours' }), ...pass(600)];
  assert.deepEqual(opened(outputs), ['websocket', 'sse', 'poll']);
  assert.deepEqual(opened(take({ type: 'legDied', leg: 5 })), []);
  assert.deepEqual(opened(pass(1000)), []);
});

test('while nothing reaches the gateway, the pauses between races stay below 4 s', () => {
  const { take, selector, now } = underTest(ALL, () => 1);
  for (let n = 0; n < 9; n++) take({ type: 'raceFailed' });
  take({ type: 'controlAnswered', control: 'offline' });
  assert.equal(selector.pollTimeout() - now(), 4000);
  take({ type: 'raceFailed' });
  assert.equal(selector.pollTimeout() - now(), 4000);
});

test('answers that say offline do not put off the next race', () => {
  const { take, pass } = underTest(['sse']);
  for (let n = 0; n < 9; n++) take({ type: 'raceFailed' });
  take({ type: 'controlAnswered', control: 'offline' });
  pass(1500);
  take({ type: 'controlAnswered', control: 'offline', askedAt: 1 });
  assert.deepEqual(opened(pass(500)), ['sse']);
});

test('a proven leg takes over at once from one that owes its first pong for longer, and waits for one that does not', () => {
  const { take, pass } = underTest(['sse', 'poll']);
  take({ type: 'raceReady' });
  pass(1000);
  take({ type: 'legUsable', leg: 1 });
  take({ type: 'legActive', leg: 1 });
  take({ type: 'legUsable', leg: 2 });
  pass(90);
  assert.deepEqual(requested(take({ type: 'pong', leg: 2, rtt: 90 })), []);
  pass(700);
  pass(90);
  assert.deepEqual(requested(take({ type: 'pong', leg: 2, rtt: 90 })), [2]);
});

// ---- slow lines

/** A leg that carries the session, on which frames come all the time. @param {Transport} [transport] */
function underTraffic(transport = 'websocket') {
  const it = underTest([transport]);
  it.take({ type: 'raceReady' });
  it.proves(1);
  return {
    ...it,
    /** A frame of so many bytes comes each time. @param {number} times @param {number} everyMs @param {number} [bytes] */
    frames(times, everyMs, bytes = 10) {
      const all = [];
      for (let n = 0; n < times; n++) {
        all.push(...it.pass(everyMs));
        all.push(...it.take({ type: 'frameArrived', leg: 1, frame: '.'.repeat(bytes) }));
      }
      return all;
    },
  };
}

test('a frame of 50 KB may wait 27 s for its acknowledgement, and one that advances starts the wait anew', () => {
  const { frames, session, now } = underTraffic();
  frames(10, 100);
  Object.assign(session, { unacknowledgedFrames: 2, oldestHandedAt: now(), oldestHandedBytes: 50_000 });
  assert.deepEqual(only(frames(269, 100), 'probeControl'), []);
  session.acknowledgedAt = now();
  assert.deepEqual(only(frames(269, 100), 'probeControl'), []);
  assert.equal(only(frames(2, 100), 'probeControl').length, 1);
});

test('an unanswered ping makes a leg suspect 2 s after the last acknowledgement that advanced', () => {
  const { frames, take, session, now } = underTraffic();
  assert.deepEqual(only(frames(30, 100), 'sendPing').length, 1);
  frames(15, 100);
  session.acknowledgedAt = now();
  assert.deepEqual(only(frames(19, 100), 'probeControl'), []);
  assert.deepEqual(only(frames(2, 100), 'probeControl').length, 1);
  assert.deepEqual(take({ type: 'pong', leg: 1, rtt: 10 }), []);
});

test('a leg that waits for announced bytes may be silent for as long as the slowest line takes for them', () => {
  const { frames, pass, session } = underTraffic();
  frames(1, 1);
  session.announcedBytes = 50_000;
  assert.deepEqual(pass(16_500 + 24_999), []);
  assert.equal(only(pass(1), 'probeControl').length, 1);
  assert.deepEqual(dropped(pass(1999)), []);
  assert.deepEqual(dropped(pass(1)), [1]);
});

test('the pong of a suspect leg has the time that announced bytes take after the last frame', () => {
  const { frames, pass, take, session } = underTraffic();
  frames(60, 100);
  take({ type: 'pong', leg: 1, rtt: 10 });
  take({ type: 'wake', isVisible: true });
  session.announcedBytes = 20_000;
  frames(1, 1000);
  assert.deepEqual(dropped(pass(11_999)), []);
  assert.deepEqual(dropped(pass(2)), [1]);
});

test('the pong of a suspect leg has the time that a frame of ours before its ping takes', () => {
  const { pass, take, session, now } = underTraffic();
  pass(5001);
  Object.assign(session, { unacknowledgedFrames: 1, oldestHandedAt: now(), oldestHandedBytes: 20_000 });
  take({ type: 'wake', isVisible: true });
  assert.deepEqual(dropped(pass(11_999)), []);
  assert.deepEqual(dropped(pass(1)), [1]);
});

test('a frame of ours behind the ping excuses no missing pong', () => {
  const { pass, take, session, now } = underTraffic();
  pass(5001);
  take({ type: 'wake', isVisible: true });
  pass(1);
  Object.assign(session, { unacknowledgedFrames: 1, oldestHandedAt: now(), oldestHandedBytes: 20_000 });
  assert.deepEqual(dropped(pass(1999)), [1]);
});

test('while frames of 1 KB keep a slow line busy, a missing pong is no sign, up to 128 KB', () => {
  const { frames } = underTraffic();
  assert.deepEqual(dropped(frames(100, 400, 1000)), []);
  assert.deepEqual(only(frames(25, 400, 1000), 'probeControl'), []);
  assert.deepEqual(dropped(frames(45, 400, 1000)), [1]);
});

test('small frames hide no missing pong: the leg is dead 8 s after its ping', () => {
  const { frames } = underTraffic();
  assert.equal(only(frames(30, 100), 'sendPing').length, 1);
  assert.deepEqual(dropped(frames(79, 100)), []);
  assert.deepEqual(dropped(frames(20, 100)), [1]);
});

test('a fast burst hides a missing pong for no longer than it takes', () => {
  const { frames } = underTraffic();
  frames(30, 100);
  frames(10, 10, 20_000);
  assert.deepEqual(dropped(frames(90, 100)), [1]);
});

test('a pong that stood behind announced lines measures no round trip', () => {
  const { frames, take, selector, session, pass } = underTraffic();
  session.announcedBytes = 75_000;
  frames(75, 400, 1000);
  take({ type: 'pong', leg: 1, rtt: 27_010 });
  assert.ok((selector.explain(0).paths[0]?.rtt ?? 0) < 500, JSON.stringify(selector.explain(0).paths));
  pass(1);
});

test('frames without an announcement on a socket excuse no long round trip', () => {
  const { frames, take, selector } = underTraffic();
  frames(75, 400, 1000);
  take({ type: 'pong', leg: 1, rtt: 27_010 });
  assert.ok((selector.explain(0).paths[0]?.rtt ?? 0) > 2000, JSON.stringify(selector.explain(0).paths));
});

test('bytes of a stream are a sign of life, and no reason to measure', () => {
  const { take, pass } = underTraffic('sse');
  for (let n = 0; n < 30; n++) {
    assert.deepEqual(pass(1000), []);
    assert.deepEqual(take({ type: 'bytesArrived', leg: 1, route: 'stream', bytes: 2500 }), []);
  }
  pass(5000);
  take({ type: 'bytesArrived', leg: 1, route: 'send', bytes: 100 });
  assert.equal(only(pass(11_500), 'probeControl').length, 1, 'the answer of a send is none');
});

test('a leg that is not proven yet may owe its pong while the bytes before it come, and its acknowledgements', () => {
  const { take, pass, session, now } = underTest(['sse']);
  take({ type: 'raceReady' });
  take({ type: 'legUsable', leg: 1 });
  take({ type: 'legActive', leg: 1 });
  for (let n = 0; n < 20; n++) {
    assert.deepEqual(dropped(pass(1000)), []);
    take({ type: 'bytesArrived', leg: 1, route: 'stream', bytes: 2500 });
  }
  for (let n = 0; n < 20; n++) {
    assert.deepEqual(dropped(pass(1000)), []);
    session.acknowledgedAt = now();
  }
  assert.deepEqual(dropped(pass(3000)), [1]);
});

test('a leg that takes a large frame over has the time for it before its first pong', () => {
  const { take, pass, session, now } = underTest(['websocket']);
  take({ type: 'raceReady' });
  pass(5000);
  Object.assign(session, { unacknowledgedFrames: 1, oldestHandedAt: -60_000, oldestHandedBytes: 50_000 });
  take({ type: 'socketOpened', leg: 1 });
  take({ type: 'legUsable', leg: 1 });
  take({ type: 'legActive', leg: 1 });
  const since = now();
  assert.deepEqual(dropped(pass(25_000)), []);
  take({ type: 'pong', leg: 1, rtt: now() - since });
});

test('after 128 KB without a pong no bytes excuse a leg, not even those that are announced', () => {
  const { frames, take, pass, session } = underTraffic();
  frames(60, 100);
  take({ type: 'wake', isVisible: true });
  frames(10, 10, 14_000);
  session.announcedBytes = 50_000;
  assert.deepEqual(dropped(pass(7000)), [1]);
});

test('acknowledgements excuse the leg in use, and no attempt beside it', () => {
  const { take, pass, proves, session, now } = underTest();
  take({ type: 'raceReady' });
  proves(1);
  take({ type: 'switchTo', transport: 'poll' });
  take({ type: 'legUsable', leg: 2 });
  const gone = [];
  for (let n = 0; n < 40; n++) {
    gone.push(...dropped(pass(100)));
    session.acknowledgedAt = now();
  }
  assert.deepEqual(gone, [2]);
});

test('a suspect leg on which frames come has two timeouts to answer if those are long', () => {
  const { take, pass } = underTest(['websocket']);
  take({ type: 'raceReady' });
  pass(6000);
  take({ type: 'socketOpened', leg: 1 });
  take({ type: 'legUsable', leg: 1 });
  take({ type: 'legActive', leg: 1 });
  pass(6000);
  take({ type: 'pong', leg: 1, rtt: 6000 });
  take({ type: 'wake', isVisible: true });
  for (let n = 0; n < 19; n++) {
    assert.deepEqual(dropped(pass(1000)), []);
    take({ type: 'frameArrived', leg: 1 });
  }
  assert.deepEqual(dropped(pass(1000)), [1]);
});

test('one round trip that took very long makes a leg not slow: its ping may have stood behind much of ours', () => {
  const { take, pass, proves } = underTest(['websocket', 'sse']);
  take({ type: 'raceReady' });
  proves(1);
  pass(3000);
  take({ type: 'frameArrived', leg: 1 });
  take({ type: 'pong', leg: 1, rtt: 40_000 });
  assert.deepEqual(pass(2000), [{ type: 'sendPing', leg: 1 }]);
  take({ type: 'pong', leg: 1, rtt: 10 });
  assert.deepEqual(opened(pass(12_000)), []);
});

// ---- lines that are stuck, and paths for one request

test('a line that is stuck on a stream leads to a WebSocket, which takes over with its first pong', () => {
  const { take, proves, selector } = underTest(['sse', 'websocket', 'poll']);
  take({ type: 'raceReady' });
  proves(1);
  assert.deepEqual(take({ type: 'lineStuck', leg: 1 }), [
    { type: 'openLeg', leg: 2, transport: 'websocket' },
  ]);
  assert.deepEqual(take({ type: 'lineStuck', leg: 1 }), [], 'one attempt is enough');
  take({ type: 'socketOpened', leg: 2 });
  take({ type: 'legUsable', leg: 2 });
  assert.deepEqual(requested(take({ type: 'pong', leg: 2, rtt: 900 })), [2]);
  assert.deepEqual(only(take({ type: 'legActive', leg: 2 }), 'withdrawLine'), []);
  assert.equal(selector.explain(0).attempts[1]?.purpose, 'stuck');
});

test('a line that is stuck on a WebSocket leads to a stream, and is withdrawn if that fails', () => {
  const { take, proves, selector } = underTest();
  take({ type: 'raceReady' });
  proves(1);
  assert.deepEqual(opened(take({ type: 'lineStuck', leg: 1 })), ['sse']);
  assert.deepEqual(take({ type: 'legDied', leg: 2 }), [
    { type: 'withdrawLine' },
    { type: 'dropLeg', leg: 2, reason: 'refused' },
  ]);
  assert.equal(selector.transport, 'websocket');
});

test('a line is withdrawn at once if no transport of the other kind is offered, or if it rests after failures', () => {
  const { take, proves } = underTest(['sse', 'poll']);
  take({ type: 'raceReady' });
  proves(1);
  assert.deepEqual(take({ type: 'lineStuck', leg: 1 }), [{ type: 'withdrawLine' }]);
  const other = underTest();
  other.take({ type: 'raceReady' });
  other.take({ type: 'legDied', leg: 1 });
  other.take({ type: 'controlAnswered', control: 'ours' });
  other.proves(2);
  assert.deepEqual(other.take({ type: 'lineStuck', leg: 2 }), [{ type: 'withdrawLine' }]);
});

test('a line that is stuck waits for no pause but that after failures', () => {
  const { take, pass, proves } = underTest();
  take({ type: 'raceReady' });
  pass(1000);
  proves(2);
  assert.deepEqual(opened(take({ type: 'lineStuck', leg: 2 })), ['websocket']);
});

test('after a usable socket that brought no pong, only a long pong proves the next one', () => {
  const { take, pass, proves, selector } = underTest();
  take({ type: 'raceReady' });
  proves(1);
  take({ type: 'frameArrived', leg: 1 });
  assert.deepEqual(dropped(pass(18_500)), [1]);
  take({ type: 'controlAnswered', control: 'ours' });
  assert.deepEqual(opened(pass(1000)).slice(0, 2), ['websocket', 'sse']);
  take({ type: 'socketOpened', leg: 2 });
  // One silence alone is no reason for a long ping.
  assert.deepEqual(take({ type: 'legUsable', leg: 2 }), [{ type: 'requestTurn', leg: 2, pings: true }]);
  take({ type: 'legActive', leg: 2 });
  take({ type: 'legUsable', leg: 3 });
  pass(1000);
  assert.deepEqual(requested(take({ type: 'pong', leg: 3, rtt: 10 })), [3]);
  take({ type: 'legActive', leg: 3 });
  take({ type: 'legDropped', leg: 2, reason: 'replaced' });
  assert.equal(selector.transport, 'sse');
  const outputs = [];
  for (let n = 0; n < 20 && opened(outputs).length === 0; n++) {
    take({ type: 'frameArrived', leg: 3 });
    outputs.push(...pass(1000));
  }
  assert.deepEqual(opened(outputs), ['websocket']);
  const leg = selector.openedLegs;
  take({ type: 'socketOpened', leg });
  assert.deepEqual(take({ type: 'legUsable', leg }), [{ type: 'sendPing', leg, isLong: true }]);
  take({ type: 'pong', leg, rtt: 10, isLong: false });
  assert.equal(selector.explain(0).attempts.at(-1)?.proven, undefined, 'a short pong proves nothing here');
  take({ type: 'pong', leg, rtt: 10, isLong: true });
  assert.notEqual(selector.explain(0).attempts.at(-1)?.proven, undefined);
  assert.deepEqual(only(pass(700), 'sendPing'), [{ type: 'sendPing', leg }], 'one long pong is enough');
});

test('a stream whose first pong was late proves itself with a short one: a proxy may refuse long bodies', () => {
  const { take, pass, selector } = underTest(['sse', 'poll']);
  take({ type: 'raceReady' });
  take({ type: 'legUsable', leg: 1 });
  take({ type: 'legActive', leg: 1 });
  pass(1000);
  take({ type: 'legUsable', leg: 2 });
  assert.deepEqual(requested(take({ type: 'pong', leg: 2, rtt: 10 })), [2]);
  take({ type: 'legActive', leg: 2 });
  take({ type: 'legDropped', leg: 1, reason: 'replaced' });
  assert.deepEqual(opened(pass(7600)), ['sse']);
  const leg = selector.openedLegs;
  assert.deepEqual(take({ type: 'legUsable', leg }), [{ type: 'sendPing', leg }]);
});

test('a transport that a page before found bad proves itself with a long ping', () => {
  const { selector, session } = underTest();
  const items = new Map([['k', JSON.stringify([['here', { websocket: { at: 0, rtt: null } }]])]]);
  const store = /** @type {any} */ ({ getItem: (/** @type {string} */ key) => items.get(key), setItem() {} });
  session.welcome.network = 'here';
  const memory = new Memory(store, 'k', () => 1);
  const page = new Selector({ session, memory, now: 0, random: () => 0.5, order: ALL });
  const all = [];
  for (const input of /** @type {SelectorInput[]} */ ([
    { type: 'raceReady' },
    { type: 'switchTo', transport: 'websocket' },
    { type: 'legUsable', leg: 1 },
    { type: 'legActive', leg: 1 },
    { type: 'pong', leg: 1, rtt: 10 },
    { type: 'legUsable', leg: 2 },
  ])) {
    page.handle(1000, input);
    for (let output = page.pollOutput(); output; output = page.pollOutput()) all.push(output);
  }
  assert.deepEqual(opened(all), ['sse', 'websocket']);
  assert.deepEqual(only(all, 'sendPing'), [{ type: 'sendPing', leg: 2, isLong: true }]);
  assert.ok(!('isDoubtful' in (selector.explain(0).paths[0] ?? {})));
});

/** A socket on which frames come, and on which a frame of 3,000 bytes waits for its acknowledgement. */
function deafSocket() {
  const it = underTest();
  it.take({ type: 'raceReady' });
  it.proves(1);
  it.session.unacknowledgedFrames = 1;
  it.session.oldestHandedAt = it.now();
  it.session.oldestHandedBytes = 3000;
  const acknowledge = () => {
    it.session.acknowledgedAt = it.now();
    it.session.oldestHandedAt = Infinity;
    it.session.unacknowledgedFrames = it.session.oldestHandedBytes = 0;
  };
  return { ...it, acknowledge };
}

/** Frames come for a while. @param {ReturnType<typeof underTest>} it @param {number} ms */
function hears({ take, pass }, ms) {
  const all = [];
  for (let n = 0; n < ms / 50; n++) {
    // So many bytes that the pong may stand behind them.
    all.push(...take({ type: 'frameArrived', leg: 1, frame: '.'.repeat(200) }), ...pass(50));
  }
  return all;
}

test('a stream takes over from a socket on which frames come and a line of ours seems to be lost, and the socket must prove itself', () => {
  const it = deafSocket();
  const { take, pass, selector } = it;
  assert.deepEqual(opened(hears(it, 5450)), [], '1.5 s for its bytes, and two looks of 2 s');
  assert.deepEqual(opened(hears(it, 100)), ['sse']);
  take({ type: 'legUsable', leg: 2 });
  assert.deepEqual(requested(take({ type: 'pong', leg: 2, rtt: 10 })), [2]);
  // The end of the socket comes before the confirmation of the stream.
  take({ type: 'legDropped', leg: 1, reason: 'replaced' });
  assert.deepEqual(only(take({ type: 'legActive', leg: 2 }), 'transportChanged'), [
    { type: 'transportChanged', from: 'websocket', to: 'sse', reason: 'stuck' },
  ]);
  it.acknowledge();
  assert.deepEqual(opened(pass(7600)), ['websocket']);
  take({ type: 'socketOpened', leg: 3 });
  assert.deepEqual(take({ type: 'legUsable', leg: 3 }), [{ type: 'sendPing', leg: 3, isLong: true }]);
  take({ type: 'pong', leg: 3, rtt: 10 });
  assert.deepEqual(dropped(pass(5800)), [], 'a slow line has 3.9 s more for a long pong');
  assert.deepEqual(dropped(pass(200)), [3]);
  assert.equal(selector.transport, 'sse');
});

test('a socket is kept if the welcome of another leg shows that the gateway has the line', () => {
  const it = deafSocket();
  const { take, selector } = it;
  assert.deepEqual(opened(hears(it, 5550)), ['sse']);
  it.acknowledge();
  take({ type: 'legUsable', leg: 2 });
  const outputs = take({ type: 'pong', leg: 2, rtt: 10 });
  assert.deepEqual([dropped(outputs), requested(outputs)], [[2], []]);
  assert.equal(selector.transport, 'websocket');
});

test('a page that is left withdraws no line, nor does a leg in use that dies first', () => {
  for (const input of /** @type {const} */ ([{ type: 'park' }, { type: 'legDied', leg: 1 }])) {
    const { take, proves } = underTest();
    take({ type: 'raceReady' });
    proves(1);
    take({ type: 'lineStuck', leg: 1 });
    assert.deepEqual(only(take(input), 'withdrawLine'), []);
  }
});

test('if a path lets one request through, a poll goes on, and no stream is tried', () => {
  const { take, pass, proves } = underTest(['sse', 'poll']);
  take({ type: 'raceReady' });
  take({ type: 'legDied', leg: 1 });
  take({ type: 'controlAnswered', control: 'ours' });
  proves(2);
  assert.deepEqual(take({ type: 'oneRequest', leg: 2 }), []);
  assert.deepEqual(opened(pass(20_000)), [], 'nothing tries a stream in the background');
  take({ type: 'legDied', leg: 2 });
  assert.deepEqual(opened(pass(2000)), ['poll']);
});

test('a stream that lets no other request through ends', () => {
  const { take, proves } = underTest(['sse', 'poll']);
  take({ type: 'raceReady' });
  proves(1);
  const outputs = take({ type: 'oneRequest', leg: 1 });
  assert.deepEqual(dropped(outputs), [1]);
});

test('when a stream ends that was not proven, a poll that failed beside it is tried again in the same race', () => {
  const { take, pass } = underTest(['sse', 'poll']);
  take({ type: 'raceReady' });
  take({ type: 'legUsable', leg: 1 });
  take({ type: 'legActive', leg: 1 });
  assert.deepEqual(opened(pass(1000)), ['poll']);
  assert.deepEqual(dropped(take({ type: 'legDied', leg: 2 })), [2]);
  assert.deepEqual(pass(1499), []);
  const outputs = pass(1);
  assert.deepEqual(dropped(outputs), [1]);
  assert.deepEqual(opened(outputs), ['poll']);
});

test('when a stream ends that was not proven, a poll that hangs beside it has its time anew', () => {
  const { take, pass } = underTest(['sse', 'poll']);
  take({ type: 'raceReady' });
  take({ type: 'legUsable', leg: 1 });
  take({ type: 'legActive', leg: 1 });
  pass(1000);
  assert.deepEqual(dropped(pass(1500)), [1]);
  assert.deepEqual(dropped(pass(2499)), []);
  assert.deepEqual(dropped(pass(1)), [2]);
});

// ---- switches that the application asks for

/** The switches that ended: why, or nothing if one was made. @param {SelectorOutput[]} outputs */
const ended = (outputs) => only(outputs, 'switchEnded').map(({ reason }) => reason);

/** The reasons of the changes of transport. @param {SelectorOutput[]} outputs */
const reasons = (outputs) => only(outputs, 'transportChanged').map(({ reason }) => reason);

/** A switch that was asked for takes over. @param {ReturnType<typeof underTest>} it @param {number} leg */
const takesOver = ({ take }, leg) => [
  ...take({ type: 'legUsable', leg }),
  ...take({ type: 'pong', leg, rtt: 10 }),
  ...take({ type: 'legActive', leg }),
];

test('a switch that is asked for during the race begins once the leg in use is proven, and is made', () => {
  const it = underTest();
  const { take } = it;
  take({ type: 'raceReady' });
  assert.deepEqual(opened(take({ type: 'switchTo', transport: 'poll' })), []);
  take({ type: 'legUsable', leg: 1 });
  assert.deepEqual(opened(take({ type: 'legActive', leg: 1 })), []);
  assert.deepEqual(opened(take({ type: 'pong', leg: 1, rtt: 10 })), ['poll']);
  assert.deepEqual(ended(takesOver(it, 2)), [undefined]);
});

test('the proof of a better leg does not end a switch that was asked for', () => {
  const it = underTest();
  const { take, pass } = it;
  take({ type: 'raceReady' });
  pass(1000);
  it.proves(2);
  take({ type: 'legUsable', leg: 1 });
  assert.deepEqual(opened(take({ type: 'switchTo', transport: 'poll' })), ['poll']);
  // The stream in use dies, and a WebSocket proves itself first.
  take({ type: 'legDied', leg: 2 });
  pass(300);
  const outputs = [...it.proves(4), ...takesOver(it, 3)];
  assert.deepEqual(ended(outputs), [undefined]);
  assert.equal(it.selector.transport, 'poll');
});

test('a switch fails for what befell its own transport, and a later switch replaces it', () => {
  const it = underTest();
  const { take } = it;
  take({ type: 'raceReady' });
  it.proves(1);
  take({ type: 'switchTo', transport: 'sse' });
  const outputs = take({ type: 'switchTo', transport: 'poll' });
  assert.deepEqual([ended(outputs), dropped(outputs), opened(outputs)], [['asked'], [2], ['poll']]);
  assert.deepEqual(ended(take({ type: 'legDied', leg: 3 })), ['refused']);
  assert.equal(it.selector.transport, 'websocket');
});

test('a switch begins anew after the gateway asked all legs to go', () => {
  const it = underTest();
  const { take, pass, proves } = it;
  take({ type: 'raceReady' });
  proves(1);
  take({ type: 'switchTo', transport: 'poll' });
  take({ type: 'link', frame: { goaway: { after_ms: 0, jitter_ms: 0 } } });
  assert.deepEqual(ended(pass(100)), []);
  assert.deepEqual(opened(proves(3)), ['poll']);
  assert.deepEqual(ended(takesOver(it, 4)), [undefined]);
});

test('a gateway that stops refuses a switch once: it fails with `server`, and no leg follows', () => {
  for (const reason of ['draining', 'gone']) {
    const { selector, take, pass, proves } = underTest();
    take({ type: 'raceReady' });
    proves(1);
    take({ type: 'switchTo', transport: 'websocket' });
    const outputs = [...take({ type: 'legDropped', leg: 2, reason }), ...pass(100)];
    assert.deepEqual([ended(outputs), opened(outputs)], [['server'], []], reason);
    assert.equal(selector.transport, 'websocket');
  }
});

test('a switch fails with `server` if the gateway withdraws its transport', () => {
  const { take, proves } = underTest();
  take({ type: 'raceReady' });
  proves(1);
  take({ type: 'switchTo', transport: 'poll' });
  take({ type: 'legUsable', leg: 2 });
  assert.deepEqual(ended(take({ type: 'legDropped', leg: 2, reason: 'refused' })), ['server']);
});

test('a switch waits while the page is parked, and rejects once the connection is closed', () => {
  const { take, pass, proves } = underTest();
  take({ type: 'raceReady' });
  proves(1);
  take({ type: 'switchTo', transport: 'poll' });
  assert.deepEqual(ended([...take({ type: 'park' }), ...pass(60_000)]), []);
  assert.deepEqual(ended(take({ type: 'stop' })), ['closed']);
});

test('a switch does not end the attempt for a message that is stuck, and the other way round', () => {
  const it = underTest(['sse', 'websocket', 'poll']);
  const { take, proves } = it;
  take({ type: 'raceReady' });
  proves(1);
  take({ type: 'lineStuck', leg: 1 });
  assert.deepEqual(take({ type: 'switchTo', transport: 'poll' }), [], 'the switch waits');
  assert.deepEqual(opened(takesOver(it, 2)), ['poll']);
  assert.deepEqual(dropped(take({ type: 'lineStuck', leg: 2 })), []);
  assert.deepEqual(ended(takesOver(it, 3)), [undefined]);
});

// ---- reasons

test('the reason of the first connection is `first`, also after a refusal, and never again after the page was parked', () => {
  const { take, pass, proves } = underTest();
  take({ type: 'raceReady' });
  take({ type: 'legDied', leg: 1 });
  assert.deepEqual(reasons(proves(2)), ['first']);
  assert.deepEqual(reasons(take({ type: 'park' })), ['closed']);
  take({ type: 'wake', isVisible: true });
  pass(1);
  assert.deepEqual(reasons(proves(3)), ['closed']);
});

test('the reason to leave a transport that the gateway withdrew is `server`, whether a frame says so or an end', () => {
  const { take, pass, proves, session } = underTest();
  take({ type: 'raceReady' });
  proves(1);
  session.welcome.transports = ['sse', 'poll'];
  take({ type: 'link', frame: { config: { transports: ['sse', 'poll'], jitter_ms: 0 } } });
  assert.deepEqual(opened(pass(1)), ['sse']);
  take({ type: 'legUsable', leg: 2 });
  take({ type: 'pong', leg: 2, rtt: 10 });
  assert.deepEqual(reasons(take({ type: 'legActive', leg: 2 })), ['server']);
  session.welcome.transports = ['poll'];
  const outputs = take({ type: 'legDropped', leg: 2, reason: 'refused' });
  assert.deepEqual(reasons(outputs), ['server']);
  assert.deepEqual(opened(pass(300)), ['poll']);
});

test('a stream whose connection other tabs need ends before a poll begins, and the reason is not `server`', () => {
  const { take, proves } = underTest(['sse', 'poll']);
  take({ type: 'raceReady' });
  proves(1);
  const outputs = take({ type: 'holdingChanged', mayHold: false });
  assert.deepEqual(outputs, [
    { type: 'dropLeg', leg: 1, reason: 'better' },
    { type: 'transportChanged', from: 'sse', to: null, reason: 'better' },
    { type: 'stateChanged', state: 'reconnecting' },
    { type: 'openLeg', leg: 2, transport: 'poll' },
  ]);
  take({ type: 'legUsable', leg: 2 });
  take({ type: 'pong', leg: 2, rtt: 10 });
  assert.deepEqual(reasons(take({ type: 'legActive', leg: 2 })), ['better']);
});

test('a stream that only opens makes room for a poll too, and no other is opened later', () => {
  const { take, pass, proves } = underTest();
  take({ type: 'raceReady' });
  take({ type: 'legDropped', leg: 1, reason: 'refused' });
  assert.deepEqual(take({ type: 'holdingChanged', mayHold: false }), [
    { type: 'dropLeg', leg: 2, reason: 'better' },
    { type: 'openLeg', leg: 3, transport: 'poll' },
  ]);
  proves(3);
  assert.deepEqual(opened(pass(5000)).includes('sse'), false);
});

test('the reason of a detour is `stuck`, and that of a leg which owes its first pong is its own', () => {
  const it = underTest(['sse', 'websocket', 'poll']);
  it.take({ type: 'raceReady' });
  it.proves(1);
  it.take({ type: 'lineStuck', leg: 1 });
  assert.deepEqual(reasons(takesOver(it, 2)), ['stuck']);
  const other = underTest(['sse', 'poll']);
  other.take({ type: 'raceReady' });
  other.pass(1000);
  other.take({ type: 'legUsable', leg: 1 });
  other.take({ type: 'legActive', leg: 1 });
  other.take({ type: 'legUsable', leg: 2 });
  other.pass(1000);
  other.take({ type: 'pong', leg: 2, rtt: 90 });
  assert.deepEqual(reasons(other.take({ type: 'legActive', leg: 2 })), ['buffered']);
});

test('the session may tell that a leg lost its turn before the switch is confirmed: the reason stays', () => {
  const { take, proves } = underTest();
  take({ type: 'raceReady' });
  proves(1);
  take({ type: 'switchTo', transport: 'poll' });
  take({ type: 'legUsable', leg: 2 });
  take({ type: 'pong', leg: 2, rtt: 10 });
  take({ type: 'legDropped', leg: 1, reason: 'replaced' });
  assert.deepEqual(reasons(take({ type: 'legActive', leg: 2 })), ['asked']);
});

// ---- streams that are held back

/** A stream carries the session, and a poll is free. */
function onStream() {
  const test = underTest(['sse', 'poll']);
  test.take({ type: 'raceReady' });
  test.proves(1);
  /** The stream is measured, and brings the pong so long after the answer of the ping's request. @param {number} ms */
  const pongAfter = (ms) => {
    test.take({ type: 'answerArrived', leg: 1, route: 'links' });
    const outputs = test.pass(ms);
    test.take({ type: 'frameArrived', leg: 1 });
    return [...outputs, ...test.take({ type: 'pong', leg: 1, rtt: ms + 10 })];
  };
  /** Something comes, so the selector measures the stream. */
  const measures = () => {
    test.pass(3000);
    assert.deepEqual(test.take({ type: 'frameArrived', leg: 1 }), [{ type: 'sendPing', leg: 1 }]);
  };
  return { ...test, pongAfter, measures };
}

test('two pongs in a row behind a silence of more than 600 ms make a stream slow, and a poll with a shorter trip takes over', () => {
  const { take, pass, pongAfter, measures } = onStream();
  measures();
  assert.deepEqual(pongAfter(800), []);
  assert.deepEqual(pass(300), [{ type: 'sendPing', leg: 1 }], 'the next ping follows soon');
  pongAfter(800);
  assert.deepEqual(opened(pass(1)), ['poll']);
  take({ type: 'legUsable', leg: 2 });
  assert.deepEqual(requested(take({ type: 'pong', leg: 2, rtt: 20 })), [2]);
  take({ type: 'legActive', leg: 2 });
  assert.deepEqual(opened(pass(4900)), [], 'the stream rests');
});

test('one pong behind a long silence does not make a stream slow, nor do pongs behind bytes that come all the time', () => {
  const { take, pass, pongAfter, measures } = onStream();
  measures();
  pongAfter(800);
  pass(300);
  pongAfter(100);
  assert.deepEqual(opened(pass(2000)), []);
  for (let n = 0; n < 4; n++) {
    measures();
    take({ type: 'answerArrived', leg: 1, route: 'links' });
    for (let bytes = 0; bytes < 5; bytes++) {
      pass(400);
      take({ type: 'bytesArrived', leg: 1, route: 'stream', bytes: 1000 });
    }
    assert.deepEqual(opened(take({ type: 'pong', leg: 1, rtt: 1300 })), []);
  }
  assert.deepEqual(opened(pass(1000)), []);
});

test('acknowledgements that come beside a stream do not excuse a pong that is missing on it', () => {
  const { session, take, pass, now, measures } = onStream();
  measures();
  let outputs = take({ type: 'answerArrived', leg: 1, route: 'links' });
  for (let second = 0; second < 6; second++) {
    outputs = [...outputs, ...pass(1000)];
    session.acknowledgedAt = now();
    take({ type: 'answerArrived', leg: 1, route: 'send' });
  }
  assert.ok(dropped(outputs).includes(1));
});

test('a pong that comes with a block proves nothing if its ping went late in a silence: the next ping follows the block', () => {
  for (const [bytes, pings] of /** @type {const} */ ([
    [4096, 1],
    [100, 0],
  ])) {
    const { take, pass, pongAfter } = onStream();
    pass(3000);
    const outputs = take({ type: 'answerArrived', leg: 1, route: 'send' });
    assert.deepEqual(outputs, [{ type: 'sendPing', leg: 1 }]);
    take({ type: 'answerArrived', leg: 1, route: 'links' });
    pass(300);
    take({ type: 'bytesArrived', leg: 1, route: 'stream', bytes });
    take({ type: 'pong', leg: 1, rtt: 310 });
    assert.equal(only(pass(300), 'sendPing').length, pings, `${bytes} bytes`);
    if (pings === 0) continue;
    pongAfter(800);
    pass(300);
    pongAfter(800);
    assert.deepEqual(opened(pass(1)), ['poll']);
  }
});

/**
 * The stream is silent until it is suspect, and its second ping goes.
 * @param {boolean} [hasPing] the gateway has the first one
 */
function silentStream(hasPing = true) {
  const test = onStream();
  test.measures();
  if (hasPing) test.take({ type: 'answerArrived', leg: 1, route: 'links' });
  const outputs = test.pass(2000);
  assert.deepEqual(only(outputs, 'sendPing'), [{ type: 'sendPing', leg: 1 }]);
  assert.deepEqual(opened(outputs), hasPing ? ['poll'] : []);
  test.take({ type: 'legUsable', leg: 2 });
  return test;
}

test('a stream without pongs gives way to a poll while the gateway answers what goes up, and the session goes on all the time', () => {
  silentStream(false);
  const { take, pass } = silentStream();
  /** @type {SelectorOutput[]} */
  const outputs = [];
  for (let trip = 0; trip < 3; trip++) {
    outputs.push(...take({ type: 'pong', leg: 2, rtt: 20 }));
    if (trip < 2) outputs.push(...pass(700));
  }
  assert.deepEqual(requested(outputs), [2]);
  outputs.push(...take({ type: 'legActive', leg: 2 }));
  assert.deepEqual(
    only(outputs, 'transportChanged').map(({ to, reason }) => [to, reason]),
    [['poll', 'slow']],
  );
});

test('a stream that stalled once is kept: its pongs count as one, and the poll that was tried goes', () => {
  const { take, pass, pongAfter } = silentStream();
  take({ type: 'pong', leg: 2, rtt: 20 });
  take({ type: 'bytesArrived', leg: 1, route: 'stream', bytes: 4096 });
  take({ type: 'pong', leg: 1, rtt: 2010 });
  take({ type: 'pong', leg: 1, rtt: 10 });
  assert.deepEqual(only(pass(300), 'sendPing'), [{ type: 'sendPing', leg: 1 }]);
  pongAfter(10);
  pass(400);
  const outputs = take({ type: 'pong', leg: 2, rtt: 20 });
  assert.deepEqual([dropped(outputs), requested(outputs)], [[2], []]);
});

test('a silence counts in full though a second ping goes in it: the next one makes the stream slow', () => {
  const { take, pass } = silentStream();
  take({ type: 'pong', leg: 2, rtt: 20 });
  take({ type: 'bytesArrived', leg: 1, route: 'stream', bytes: 4096 });
  take({ type: 'pong', leg: 1, rtt: 2010 });
  assert.deepEqual(only(pass(300), 'sendPing'), [{ type: 'sendPing', leg: 1 }]);
  take({ type: 'answerArrived', leg: 1, route: 'links' });
  pass(700);
  assert.deepEqual(requested(take({ type: 'pong', leg: 2, rtt: 20 })), [2]);
});

test('if all that is left to try is a withdrawn stream, the race goes on, or another one begins', () => {
  const { take, pass, session } = underTest(['websocket', 'poll', 'sse']);
  take({ type: 'raceReady' });
  take({ type: 'legDropped', leg: 1, reason: 'refused' });
  session.welcome.transports = ['poll'];
  const outputs = [...take({ type: 'legDropped', leg: 2, reason: 'refused' }), ...pass(1000)];
  assert.ok(outputs.some(({ type }) => type === 'openLeg' || type === 'prepareRace'));
});

test('while the gateway decides about a leg, the client races nothing, probes nothing and blames nothing', () => {
  for (const transport of ALL) {
    const { take, pass, proves, selector } = underTest([
      transport,
      ...ALL.filter((other) => other !== transport),
    ]);
    take({ type: 'raceReady' });
    pass(20);
    if (transport === 'websocket') take({ type: 'socketOpened', leg: 1 });
    pass(20);
    take({ type: 'wait', leg: 1, ms: 4000 });
    take({ type: 'controlAnswered', control: 'ours' });
    assert.deepEqual(opened(pass(3900)), [], transport);
    proves(1);
    assert.deepEqual(opened(pass(4000)), [], transport);
    const { paths, attempts } = selector.explain(0);
    assert.deepEqual(
      [attempts.length, paths[0]?.failures, paths[0]?.rtt, paths[0]?.good],
      [1, 0, 10, true],
      'the decision is no part of the round trip',
    );
  }
});

test('a decision that does not come in its time is a failure, and a gateway that asks for more has a minute in all', () => {
  const { take, pass } = underTest(['sse', 'poll']);
  take({ type: 'raceReady' });
  pass(40);
  take({ type: 'wait', leg: 1, ms: 4000 });
  assert.deepEqual(dropped(pass(5900)), []);
  assert.deepEqual(only(pass(700), 'dropLeg').slice(0, 1), [{ type: 'dropLeg', leg: 1, reason: 'timeout' }]);
  const endless = underTest(['websocket']);
  endless.take({ type: 'raceReady' });
  endless.take({ type: 'socketOpened', leg: 1 });
  const drops = [];
  while (drops.length === 0 && endless.now() < 600_000) {
    endless.take({ type: 'wait', leg: 1, ms: 1e9 });
    drops.push(...dropped(endless.pass(1000)));
  }
  assert.ok(endless.now() > 60_000 && endless.now() < 75_000, String(endless.now()));
});

test('a path that fails beside a leg that is decided about starts no further one', () => {
  const { take, pass } = underTest();
  take({ type: 'raceReady' });
  assert.deepEqual(opened(pass(1000)), ['sse']);
  take({ type: 'socketOpened', leg: 1 });
  take({ type: 'wait', leg: 1, ms: 4000 });
  assert.deepEqual(opened(take({ type: 'legDied', leg: 2 })), []);
  assert.deepEqual(opened(pass(3900)), []);
  assert.deepEqual(opened(take({ type: 'legDied', leg: 1 })), ['poll']);
});

test('a leg that ends for its token is no fault of its transport: no other is tried, and the next race pauses longer and longer', () => {
  const { take, pass, proves, selector } = underTest();
  take({ type: 'raceReady' });
  proves(1);
  const lost = take({ type: 'legDropped', leg: 1, reason: 'unauthorized' });
  assert.deepEqual([opened(lost), only(lost, 'transportChanged')[0]?.reason], [[], 'server']);
  /** @type {number[]} */
  const pauses = [];
  for (let leg = 2; leg < 9; leg++) {
    const from = selector.explain(0).attempts.length;
    let ms = 0;
    while (selector.explain(0).attempts.length === from && ms < 60_000) {
      pass(50);
      ms += 50;
    }
    pauses.push(ms);
    take({ type: 'legDropped', leg, reason: 'unauthorized' });
  }
  assert.ok((pauses.at(-1) ?? 0) > 5000, pauses.join());
  assert.deepEqual(
    selector.explain(0).paths.map(({ failures }) => failures),
    [0, 0, 0],
  );
  assert.ok(selector.explain(0).attempts.every(({ transport }) => transport === 'websocket'));
});

test('beside a leg in use, a transport whose token is refused is tried again after 5 s or more', () => {
  const { take, pass, proves } = underTest(['websocket', 'poll']);
  take({ type: 'raceReady' });
  take({ type: 'legDied', leg: 1 });
  proves(2);
  take({ type: 'controlAnswered', control: 'ours' });
  pass(60_000);
  const from = only(pass(120_000), 'openLeg').length;
  assert.ok(from > 0);
  let attempts = 0;
  for (let leg = 3; leg < 400; leg++)
    attempts += opened(take({ type: 'legDropped', leg, reason: 'unauthorized' })).length;
  assert.ok(attempts < 3);
});
