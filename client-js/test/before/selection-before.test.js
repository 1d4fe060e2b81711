// @ts-check
/**
 * Random networks and random inputs, through the selector as it was before its rewrite and the selector of today. The pair
 * throws at the first difference. `THROUGHLINE_BEFORE_SEEDS=n` sets the number of schedules, 10,000 by default.
 * `THROUGHLINE_SEED=n` replays one seed in each test.
 *
 * @import { Control, Transport } from '../../src/types.js'
 * @import { Route } from '../../src/session/events.js'
 * @import { SelectorInput } from '../../src/selector/events.js'
 * @import { Setup, Way } from '../selection/world.js'
 */

import assert from 'node:assert/strict';
import test from 'node:test';
import { throughStalls } from '../selection/stalls.js';
import { ALL, createWorld } from '../selection/world.js';
import { seeded } from '../support.js';
import { makePair, SelectorPair } from './selector-pair.js';

const one = process.env.THROUGHLINE_SEED;
const SCHEDULES = Number(process.env.THROUGHLINE_BEFORE_SEEDS ?? 10_000);
const MINUTE = 60_000;

/** @type {Way[]} */
const WAYS = ['works', 'slow', 'refused', 'hole', 'mute', 'short', 'stalls', 'cut'];
/** @type {Transport[][]} */
const ORDERS = [
  ALL,
  ALL,
  ALL,
  ['poll', 'sse', 'websocket'],
  ['sse', 'poll'],
  ['websocket', 'poll'],
  ['poll'],
];
const CHOSEN = [undefined, false, true];
const LATENCIES = [undefined, undefined, 200, 400, 10_000];
const HEARTBEATS = [15_000, 15_000, 2000, 60_000];
const NETWORKS = ['here', 'here', 'there', 'elsewhere', 'network 0', '', undefined];
const REASONS = ['gone', 'draining', 'replaced', 'failed', 'foreign', 'bad_frame', 'rate_limited'];
/** @type {Control[]} */
const CONTROLS = ['ours', 'away', 'offline', 'portal'];
/** @type {Route[]} */
const ROUTES = ['stream', 'send', 'poll'];
/** The old selector took a round trip of 0 ms for an unknown one. */
const ROUND_TRIPS = [1, 10, 40, 400, 1600, 3000];
const WAITS = [undefined, 0, 1, 5, 30];
/** Transports that a gateway may offer. Some offers name no transport that this client knows. */
const OFFERS = [
  ALL,
  ALL.slice(1),
  ALL.slice(2),
  ['websocket'],
  ['poll', 'websocket'],
  [],
  ['carrier pigeon'],
];
const STORED = [
  // One network more than a memory keeps.
  JSON.stringify(Array.from({ length: 9 }, (_, n) => [`network ${n}`, { sse: { at: 1e12, rtt: n + 1 } }])),
  null,
  '',
  '5',
  '[["here",null]]',
  '[["here",{"sse":{"at":1,"rtt":"x"}}]]',
  '[["there",{"poll":{"at":1e12,"rtt":9}}],["here",{"websocket":{"at":1e12,"rtt":30},"sse":{"at":999950000000,"rtt":5}}]]',
  '[["here",{"websocket":{"at":999900000000,"rtt":30},"sse":{"at":1e12,"rtt":70000},"poll":{"at":1e15,"rtt":1}}]]',
];

/** A source of chance that a seed repeats. @param {number} seed */
function createChance(seed) {
  const random = seeded(seed);
  return {
    random,
    /** @param {number} probability */
    happens: (probability) => random() < probability,
    /** @template T @param {readonly T[]} among @returns {T} */
    pick: (among) => /** @type {T} */ (among[Math.floor(random() * among.length)]),
  };
}

/** @typedef {ReturnType<typeof createChance>} Chance */

/** How many inputs and outputs of each type the schedules met. */
const met = { inputs: new Map(), outputs: new Map() };

/** @param {Map<string, number>} counts @param {string} type */
const count = (counts, type) => counts.set(type, (counts.get(type) ?? 0) + 1);

/** A store in memory. @param {string | null} stored */
function createStorage(stored) {
  const items = new Map([['k', stored]]);
  return {
    /** @param {string} key */
    getItem: (key) => items.get(key) ?? null,
    /** @param {string} key @param {string} value */
    setItem: (key, value) => void items.set(key, value),
    /** @param {string} key */
    removeItem: (key) => void items.delete(key),
  };
}

/**
 * A pair in a world that disturbs more than a network does: it changes inputs, adds inputs, and delays timers.
 * @param {Setup} setup
 * @param {Chance} chance
 * @param {number} rate how often, from 0 to 1
 */
function makeDisturbedPair(setup, { happens, pick, random }, rate) {
  const { session } = setup;
  const pair = makePair(setup);
  // A session has no welcome before the first.
  const welcome = session.welcome;
  Object.assign(session, { welcome: null });
  /** @type {Map<number, Transport>} */
  const transports = new Map();
  /** Legs that the session writes to. @type {number[]} */
  let writes = [];
  let now = 0;
  let lateBy = 0;

  /** @param {SelectorInput} input */
  const give = (input) => {
    count(met.inputs, input.type);
    pair.handle(now, input);
  };

  /** @param {SelectorInput} input @returns {SelectorInput} */
  const changed = (input) => {
    if (!happens(rate)) return input;
    switch (input.type) {
      case 'raceReady':
        return { type: 'raceFailed' };
      case 'legDied':
        return { type: 'legDropped', leg: input.leg, reason: pick(REASONS) };
      case 'controlAnswered':
        return { type: 'controlAnswered', control: pick(CONTROLS) };
      case 'pong':
        return { ...input, rtt: input.rtt * pick([0.1, 0.5, 3, 20, 60]) };
      case 'frameArrived':
        return transports.get(input.leg) === 'websocket'
          ? input
          : { type: 'answerArrived', leg: input.leg, route: pick(ROUTES) };
      default:
        return input;
    }
  };

  /** @param {SelectorInput} input */
  const addTo = (input) => {
    if (!happens(rate / 4)) return;
    if ('leg' in input) {
      const { leg } = input;
      if (transports.get(leg) !== 'websocket') give({ type: 'requestFailed', leg, route: pick(ROUTES) });
      else give({ type: 'write', leg });
    } else if (happens(0.3)) give({ type: 'gatewayRefused', wait: pick(WAITS) });
    else if (happens(0.3)) give({ type: 'wake', isVisible: happens(0.7) });
    else if (happens(0.1)) pair.forget();
    else give({ type: 'timeout' });
  };

  return {
    /** @param {number} time @param {SelectorInput} input */
    handle(time, input) {
      now = time;
      if (input.type === 'legUsable') Object.assign(session, { welcome });
      if (input.type === 'legDied' && happens(rate / 2)) give({ type: 'gatewayRefused', wait: pick(WAITS) });
      give(changed(input));
      addTo(input);
      lateBy = happens(rate / 10) ? pick([300, 1200, 5000, 40_000]) * random() : 0;
    },
    pollOutput() {
      for (;;) {
        const output = pair.pollOutput();
        if (output) {
          count(met.outputs, output.type);
          if (output.type === 'openLeg') transports.set(output.leg, output.transport);
          if (output.type === 'sendPing' && transports.get(output.leg) === 'websocket')
            writes.push(output.leg);
          return output;
        }
        const leg = writes.shift();
        if (leg === undefined) return undefined;
        give({ type: 'write', leg });
      }
    },
    pollTimeout: () => pair.pollTimeout() + lateBy,
    get state() {
      return pair.state;
    },
    get transport() {
      return pair.transport;
    },
    get openedLegs() {
      return pair.openedLegs;
    },
    /** @param {number} time */
    explain: (time) => pair.explain(time),
    /** @param {number} time */
    report: (time) => pair.report(time),
  };
}

/**
 * Some pages of one browser, one after the other, each in a world of its own. The store outlives the page.
 * @param {Chance} chance
 * @param {(world: ReturnType<typeof createWorld>, order: Transport[]) => void} script
 */
function withPages(chance, script) {
  const { random, happens, pick } = chance;
  const storage = happens(0.5) ? createStorage(pick(STORED)) : null;
  const order = pick(ORDERS);
  const isOrderChosen = pick(CHOSEN);
  const maxLatencyMs = pick(LATENCIES);
  const rate = pick([0, 0.02, 0.1, 0.3]);
  let wallMs = 0;
  for (let pages = storage ? 3 : 1; pages > 0; pages--) {
    const start = wallMs;
    const world = createWorld(random, {
      order,
      storage,
      heartbeat: pick(HEARTBEATS),
      make: (setup) =>
        makeDisturbedPair(
          { ...setup, isOrderChosen, maxLatencyMs, wallClock: () => setup.wallClock() + start },
          chance,
          rate,
        ),
    });
    script(world, order);
    if (happens(0.3)) world.take({ type: 'stop' });
    wallMs += world.now() + pick([0, 1000, 10 * MINUTE, 1500 * MINUTE, 2000 * MINUTE]);
  }
}

/** The networks of `disturbed` in selection.test.js, with more that may happen. @param {number} seed */
function disturbed(seed) {
  const chance = createChance(seed);
  const { random, happens, pick } = chance;
  withPages(chance, (world, order) => {
    const change = () => {
      world.dead = happens(0.15);
      world.talks = happens(0.5);
      world.change(Object.fromEntries(ALL.map((transport) => [transport, pick(WAYS)])));
      if (world.session.welcome && happens(0.3)) world.session.welcome.network = pick(NETWORKS);
    };
    change();
    // The old selector took the time 0 for no time.
    world.run(1);
    world.take({ type: 'raceReady' });
    for (let n = 0; n < 6; n++) {
      world.run(random() * 40_000);
      change();
      if (happens(0.2)) world.take({ type: 'switchTo', transport: pick(order) });
      if (happens(0.1)) world.link({ goaway: { after_ms: 500, jitter_ms: 500 } });
      if (happens(0.2))
        world.link({ config: { transports: /** @type {any} */ (pick(OFFERS)), jitter_ms: 1000 } });
      if (happens(0.05)) world.link({ config: { jitter_ms: 1000 } });
      if (happens(0.05))
        world.link({ goaway: { after_ms: 0, jitter_ms: 0 }, config: { transports: ALL, jitter_ms: 10 } });
      if (happens(0.2)) world.kill(pick([...world.open.keys()]) ?? 0);
      if (happens(0.2)) {
        world.take({ type: 'wake', isVisible: false });
        world.run(random() * 100_000);
        world.take({ type: 'wake', isVisible: true });
      }
      if (happens(0.1)) {
        world.take({ type: 'park' });
        world.run(random() * 100_000);
        world.take({ type: 'wake', isVisible: true });
      }
    }
    world.link({ config: { transports: ALL, jitter_ms: 1000 } });
    world.dead = false;
    const works = pick(ALL);
    world.change(
      Object.fromEntries(
        ALL.map((transport) => [
          transport,
          transport === works ? 'works' : pick(/** @type {Way[]} */ (['hole', 'refused', 'mute'])),
        ]),
      ),
    );
    world.run(MINUTE);
  });
}

/** The other networks of selection.test.js: one that stays for a while, then another. @param {number} seed */
function steady(seed) {
  const chance = createChance(seed);
  const { random, happens, pick } = chance;
  withPages(chance, (world) => {
    world.talks = happens(0.5);
    world.dead = happens(0.1);
    for (const transport of ALL) world.ways[transport] = pick(happens(0.5) ? WAYS : ['works', 'cut']);
    // The old selector took the time 0 for no time.
    world.run(1);
    world.take({ type: 'raceReady' });
    for (let n = 0; n < 3; n++) {
      world.run(random() * 5 * MINUTE);
      world.dead = false;
      const fault = pick(/** @type {Way[]} */ (['hole', 'refused', 'mute', 'slow', 'short', 'cut']));
      world.change(happens(0.5) ? { websocket: fault } : { websocket: fault, sse: fault, poll: fault });
      for (let second = 0; second < 20; second++) {
        world.run(1000);
        // Messages come all the time.
        for (const [leg, { moved }] of world.open)
          if (world.now() - moved > 500) world.take({ type: 'frameArrived', leg });
      }
      world.change({ [pick(ALL)]: 'works' });
    }
  });
}

/** The network of stalls.js, for a shorter time. @param {number} seed */
function stalls(seed) {
  const { random, pick } = createChance(seed);
  throughStalls(
    random,
    { chance: pick([1 / 500, 1 / 50]), stall: pick([500, 3000, 9000]), minutes: 0.3 },
    makePair,
  );
}

/**
 * Any input at any time, in each order that a session and a connection can produce, and in some that they cannot.
 * @param {number} seed
 */
function anyInput(seed) {
  const chance = createChance(seed);
  const { random, happens, pick } = chance;
  const session = { welcome: /** @type {any} */ (null), unacknowledgedFrames: 0, oldestHandedAt: Infinity };
  const order = pick(ORDERS);
  let now = pick([0.5, 1000]);
  const pair = new SelectorPair({
    session,
    storage: happens(0.5) ? createStorage(pick(STORED)) : null,
    key: 'k',
    wallClock: () => 1e12 + now,
    random,
    order,
    isOrderChosen: pick(CHOSEN),
    maxLatencyMs: pick(LATENCIES),
  });
  /** Each open leg, and whether its welcome came. @type {Map<number, boolean>} */
  const legs = new Map();
  let races = 1;
  let probes = 0;

  /** @param {SelectorInput} input */
  const give = (input) => {
    count(met.inputs, input.type);
    pair.handle(now, input);
    for (let output = pair.pollOutput(); output; output = pair.pollOutput()) {
      count(met.outputs, output.type);
      if (output.type === 'openLeg') legs.set(output.leg, false);
      if (output.type === 'dropLeg') legs.delete(output.leg);
      if (output.type === 'prepareRace') races++;
      if (output.type === 'probeControl') probes++;
      if (output.type === 'keepAlive' && session.welcome)
        Object.assign(session.welcome, { heartbeat_ms: output.heartbeatMs, hold_ms: output.holdMs });
    }
  };

  const aboutLeg = () => {
    const leg = pick([...legs.keys()]) ?? 1;
    const isUsable = legs.get(leg);
    if (!isUsable && happens(0.5)) {
      legs.set(leg, true);
      session.welcome = {
        ...(session.welcome ?? {
          heartbeat_ms: pick([...HEARTBEATS, 0]),
          hold_ms: pick([25_000, 0]),
          transports: ALL,
        }),
        network: happens(0.8) ? 'here' : pick(NETWORKS),
      };
      give({ type: 'legUsable', leg });
    } else if (isUsable && happens(0.3)) give({ type: 'legActive', leg });
    else if (isUsable && happens(0.5)) give({ type: 'pong', leg, rtt: pick(ROUND_TRIPS) * (1 + random()) });
    else
      give(
        pick(
          /** @type {SelectorInput[]} */ ([
            { type: 'socketOpened', leg },
            { type: 'frameArrived', leg },
            { type: 'frameArrived', leg },
            { type: 'answerArrived', leg, route: pick(ROUTES) },
            { type: 'requestFailed', leg, route: pick(ROUTES) },
            { type: 'write', leg },
            happens(0.5) ? { type: 'legDied', leg } : { type: 'legDropped', leg, reason: pick(REASONS) },
          ]),
        ),
      );
  };

  const aboutPage = () => {
    switch (pick(['link', 'refuse', 'wake', 'wake', 'park', 'switch', 'forget', 'send', 'send', 'probe'])) {
      case 'link': {
        // A gateway may leave out a number.
        const frame = pick(
          /** @type {any[]} */ ([
            { goaway: { after_ms: pick([0, 500]), jitter_ms: pick([0, 2000]) } },
            { goaway: pick([{}, { after_ms: 500 }, { jitter_ms: 500 }]) },
            { config: { jitter_ms: 1000 } },
            { config: { transports: pick(OFFERS), jitter_ms: pick([0, 3000]) } },
            { config: { transports: pick(OFFERS) } },
          ]),
        );
        if (frame.config?.transports && session.welcome)
          session.welcome = { ...session.welcome, transports: frame.config.transports };
        give({ type: 'link', frame });
        break;
      }
      case 'refuse':
        give({ type: 'gatewayRefused', wait: pick(WAITS) });
        break;
      case 'wake':
        give({ type: 'wake', isVisible: happens(0.7) });
        break;
      case 'park':
        give({ type: 'park' });
        break;
      case 'switch':
        give({ type: 'switchTo', transport: pick(order) });
        break;
      case 'forget':
        if (happens(0.2)) pair.forget();
        break;
      case 'send':
        session.unacknowledgedFrames = pick([0, 0, 1, 5]);
        session.oldestHandedAt = session.unacknowledgedFrames && happens(0.8) ? now : Infinity;
        break;
      case 'probe':
        give({ type: 'controlAnswered', control: pick(CONTROLS) });
        break;
    }
  };

  for (let step = 0; step < 300; step++) {
    now += happens(0.5) ? random() * 300 : pick([0, 1, 700, 2000, 10_000, 90_000]) * random();
    const timer = pair.pollTimeout();
    if (happens(0.35) && timer < Infinity) {
      now = Math.max(now, timer + (happens(0.1) ? random() * 10_000 : 0));
      give({ type: 'timeout' });
    } else if (now >= timer && happens(0.8)) give({ type: 'timeout' });
    else if (races && happens(0.5)) {
      races = 0;
      give({ type: happens(0.9) ? 'raceReady' : 'raceFailed' });
    } else if (probes && happens(0.3)) {
      probes = 0;
      give({ type: 'controlAnswered', control: pick(CONTROLS) });
    } else if (legs.size && happens(0.8)) aboutLeg();
    else aboutPage();
  }
  give({ type: 'stop' });
  give({ type: 'raceReady' });
}

/**
 * @param {string} sentence
 * @param {number} share of all schedules
 * @param {(seed: number) => void} script
 */
const holds = (sentence, share, script) =>
  test(sentence, () => {
    const seeds = one ? 1 : Math.ceil(SCHEDULES * share);
    for (let n = 1; n <= seeds; n++) {
      const seed = Number(one ?? n);
      try {
        script(seed);
      } catch (error) {
        throw new Error(`seed ${seed}: ${/** @type {Error} */ (error).message}`, { cause: error });
      }
    }
  });

holds('in disturbed networks the two selectors do the same', 0.55, disturbed);
holds('in steady networks the two selectors do the same', 0.14, steady);
holds('through stalls the two selectors do the same', 0.01, stalls);
holds('under any input the two selectors do the same', 0.3, anyInput);

test('the schedules meet each input and each output', () => {
  if (one) return;
  const inputs = [...met.inputs.keys()].sort();
  const outputs = [...met.outputs.keys()].sort();
  assert.deepEqual(inputs, [
    'answerArrived',
    'controlAnswered',
    'frameArrived',
    'gatewayRefused',
    'legActive',
    'legDied',
    'legDropped',
    'legUsable',
    'link',
    'park',
    'pong',
    'raceFailed',
    'raceReady',
    'requestFailed',
    'socketOpened',
    'stop',
    'switchTo',
    'timeout',
    'wake',
    'write',
  ]);
  assert.deepEqual(outputs, [
    'dropLeg',
    'keepAlive',
    'openLeg',
    'prepareRace',
    'probeControl',
    'requestTurn',
    'sendPing',
    'stateChanged',
    'transportChanged',
  ]);
});
