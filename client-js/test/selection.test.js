// @ts-check
/**
 * Thousands of random networks in virtual time. While a transport works, the client is online again within a bounded time.
 * It makes a bounded number of attempts and switches. It comes to rest on the best transport that works.
 * `THROUGHLINE_SEED=n` replays one seed, and `THROUGHLINE_SEEDS=n` sets the number of seeds.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import { throughStalls } from './selection/stalls.js';
import { ALL, createWorld } from './selection/world.js';
import { seeded } from './support.js';

/** @import { Way } from './selection/world.js' */

const MINUTE = 60_000;
const one = process.env.THROUGHLINE_SEED;
const SEEDS = one ? 1 : Number(process.env.THROUGHLINE_SEEDS ?? 400);

/** @param {string} sentence @param {(seed: number) => void} script */
const holds = (sentence, script) =>
  test(sentence, () => {
    for (let n = 1; n <= SEEDS; n++) {
      const seed = Number(one ?? n);
      try {
        script(seed);
      } catch (error) {
        throw new Error(`seed ${seed}: ${/** @type {Error} */ (error).message}`, { cause: error });
      }
    }
  });

/** @type {Way[]} */
const WAYS = ['works', 'slow', 'refused', 'hole', 'mute', 'short', 'stalls', 'cut'];

/** @param {number} seed */
function disturbed(seed) {
  const random = seeded(seed);
  const pick = (/** @type {any[]} */ of) => of[Math.floor(random() * of.length)];
  const world = createWorld(random);
  const change = () => {
    world.dead = random() < 0.15;
    world.talks = random() < 0.5;
    world.change(Object.fromEntries(ALL.map((transport) => [transport, pick(WAYS)])));
  };
  change();
  world.take({ type: 'raceReady' });
  for (let n = 0; n < 6; n++) {
    world.run(random() * 40_000);
    change();
    if (random() < 0.2) world.take({ type: 'switchTo', transport: pick(ALL) });
    if (random() < 0.1) world.link({ goaway: { after_ms: 500, jitter_ms: 500 } });
    if (random() < 0.2)
      world.link({
        config: { transports: pick([ALL, ALL.slice(1), ALL.slice(2), ['websocket']]), jitter_ms: 1000 },
      });
    if (random() < 0.2) {
      world.take({ type: 'wake', isVisible: false });
      world.run(random() * 100_000);
      world.take({ type: 'wake', isVisible: true });
    }
    if (random() < 0.1) {
      world.take({ type: 'park' });
      world.run(random() * 100_000);
      world.take({ type: 'wake', isVisible: true });
    }
  }
  world.link({ config: { transports: ALL, jitter_ms: 1000 } });
  return { world, random, pick };
}

holds('after any disturbance the client is online within a minute of one transport working again', (seed) => {
  const { world, pick } = disturbed(seed);
  const works = pick(ALL);
  world.dead = false;
  world.change(
    Object.fromEntries(
      ALL.map((transport) => [transport, transport === works ? 'works' : pick(['hole', 'refused', 'mute'])]),
    ),
  );
  world.run(MINUTE);
  assert.equal(
    world.selector.state,
    'online',
    JSON.stringify([works, world.ways, world.log.slice(-25), world.selector.explain(0).paths]),
  );
});

holds(
  'in a network that stays as it is, the client comes to rest on the best transport that works',
  (seed) => {
    const random = seeded(seed);
    const pick = (/** @type {any[]} */ of) => of[Math.floor(random() * of.length)];
    const world = createWorld(random);
    world.talks = random() < 0.5;
    const well = pick(ALL);
    for (const transport of ALL)
      world.ways[transport] =
        transport === well
          ? pick(['works', 'cut'])
          : pick(['works', 'cut', 'refused', 'hole', 'mute', 'short']);
    world.take({ type: 'raceReady' });
    world.run(20 * MINUTE);
    const best = ALL.find((transport) => /works|cut/.test(world.ways[transport] ?? ''));
    assert.equal(world.selector.transport, best, JSON.stringify(world.ways));
    // The client finds it out early, with a handful of changes, and then makes few.
    const count = (/** @type {Way} */ way) =>
      Object.values(world.ways).filter((other) => other === way).length;
    const most = 4 + 6 * count('short') + 8 * Math.min(1, count('cut'));
    assert.ok(world.changes() <= most, `${world.changes()} changes with ${JSON.stringify(world.ways)}`);
    const settled = world.now();
    world.run(20 * MINUTE);
    assert.ok(world.changes(settled) <= 4, `${world.changes(settled)} changes after 20 minutes`);
    assert.ok(world.turns < 20_000, `${world.turns} turns in 40 minutes`);
  },
);

holds(
  'if nothing works, the client waits longer between races and stays below the browser’s limit on sockets',
  (seed) => {
    const random = seeded(seed);
    const world = createWorld(random);
    world.dead = random() < 0.5;
    for (const transport of ALL) world.ways[transport] = random() < 0.5 ? 'refused' : 'mute';
    world.take({ type: 'raceReady' });
    world.run(10 * MINUTE);
    for (const from of [0, 2, 4, 6, 8]) {
      const dials = world.log.filter(
        ({ open, at }) => open === 'websocket' && at >= from * MINUTE && at < (from + 2) * MINUTE,
      );
      assert.ok(dials.length <= 16, `${dials.length} sockets in two minutes`);
    }
    assert.equal(world.selector.state, world.dead ? 'offline' : 'reconnecting');
    if (world.dead)
      for (const path of world.selector.explain(0).paths)
        assert.equal(path.failures, 0, 'no transport is to blame');
  },
);

holds('the client is back on the WebSocket within 60 s of the end of an outage of up to 20 s', (seed) => {
  const random = seeded(seed);
  const world = createWorld(random);
  world.talks = random() < 0.5;
  world.take({ type: 'raceReady' });
  world.run(40_000 + random() * MINUTE);
  assert.equal(world.selector.transport, 'websocket');
  const fault = random() < 0.3 ? 'hole' : random() < 0.5 ? 'refused' : 'mute';
  world.change({ websocket: /** @type {Way} */ (fault) });
  world.run(random() * 20_000);
  world.change({ websocket: 'works' });
  const healed = world.now();
  world.run(MINUTE);
  assert.equal(
    world.selector.transport,
    'websocket',
    `${JSON.stringify(world.log.filter(({ at }) => at > healed - 25_000))}`,
  );
});

holds('the client tries a WebSocket that opens and dies at most three times, then settles on SSE', (seed) => {
  const world = createWorld(seeded(seed));
  world.ways.websocket = 'short';
  world.take({ type: 'raceReady' });
  world.run(6000);
  assert.equal(world.selector.transport, 'sse');
  assert.ok(world.opened('websocket') <= 3, `${world.opened('websocket')} tries`);
  const settled = world.now();
  world.run(30 * MINUTE);
  assert.equal(world.changes(settled), 0, 'the client stays');
  world.change({ websocket: 'works' });
  world.run(16 * MINUTE + 25 * MINUTE);
  assert.equal(world.selector.transport, 'websocket', 'the client comes back to the WebSocket');
});

holds(
  'the client leaves a leg that became slow for a faster one within 20 s, and stays if all are slow',
  (seed) => {
    const random = seeded(seed);
    const world = createWorld(random);
    world.take({ type: 'raceReady' });
    world.run(30_000);
    const all = random() < 0.5;
    world.change(all ? { websocket: 'slow', sse: 'slow', poll: 'slow' } : { websocket: 'slow' });
    for (let second = 0; second < 20; second++) {
      world.run(1000);
      // Messages come all the time.
      for (const [n, { moved }] of world.open)
        if (world.now() - moved > 500) world.take({ type: 'frameArrived', leg: n });
    }
    if (all) {
      world.run(10 * MINUTE);
      assert.equal(world.selector.transport, 'websocket');
      assert.equal(world.changes(), 1);
    } else {
      assert.equal(world.selector.transport, 'sse');
      world.change({ websocket: 'works' });
      world.run(30 * MINUTE);
      assert.equal(world.selector.transport, 'websocket');
    }
  },
);

holds('the client keeps idle connections alive after the network cut the second one', (seed) => {
  const random = seeded(seed);
  const world = createWorld(random);
  for (const transport of ALL) world.ways[transport] = 'cut';
  world.take({ type: 'raceReady' });
  world.run(MINUTE);
  const learned = world.now();
  world.run(10 * MINUTE);
  assert.ok(world.changes(learned) <= 2, `${world.changes(learned)} changes`);
  assert.equal(world.selector.transport, 'websocket');
});

test('the client keeps a leg that stalls for 3 s in 1 of 500 pieces and lives: it changes at most once in 10 minutes', () => {
  const network = { chance: 1 / 500, stall: 3000, minutes: 10 };
  let changes = 0;
  for (let seed = 1; seed <= 20; seed++) {
    const legs = throughStalls(seeded(seed), network);
    assert.ok(legs <= 2, `seed ${seed}: ${legs} legs`);
    changes += legs - 1;
  }
  assert.ok(changes <= 1, `${changes} changes in 20 runs`);
});
