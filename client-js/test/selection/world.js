// @ts-check
/**
 * A network in virtual time, as the selector meets it: three transports, each of which behaves in some way until that
 * changes. It plays session and shell: it answers what the selector puts out, and holds what must never happen on the way.
 *
 * @typedef {import('../../src/types.js').Transport} Transport
 * @typedef {'works' | 'slow' | 'refused' | 'hole' | 'mute' | 'short' | 'stalls' | 'cut'} Way
 */

import assert from 'node:assert/strict';
import { createMemory } from '../../src/memory.js';
import { createSelector } from '../../src/selector.js';

/** @type {Transport[]} */
export const ALL = ['websocket', 'sse', 'poll'];

/** Round trips, in ms. */
const TRIP = { works: 40, slow: 2000 };
/** When idle connections are cut, and short-lived ones die. */
const CUT_AFTER = 8000;
const SHORT = 300;

/**
 * @param {() => number} random
 * @param {{order?: Transport[], storage?: any, heartbeat?: number}} [options]
 */
export function createWorld(random, { order = ALL, storage = null, heartbeat = 15_000 } = {}) {
  let now = 0;
  let active = 0;
  let stalledAt = 0;
  const session = {
    welcome: /** @type {any} */ ({
      heartbeat_ms: heartbeat,
      hold_ms: 25_000,
      transports: order,
      network: 'here',
    }),
    wish: /** @type {any} */ ({}),
    report: /** @type {any} */ (undefined),
    /** Since when a frame waits for its acknowledgement, while the application talks. */
    kept: () => (world.talks && active && wayOf(active) === 'stalls' ? [{ at: stalledAt }] : []),
  };
  const selector = createSelector(
    session,
    createMemory(storage, 'k', () => 1e12 + now),
    random,
    order,
  );
  /** @type {Map<number, {transport: Transport, way: Way, opened: number, moved: number}>} */
  const open = new Map();
  /** @type {Array<{at: number, leg: number, act: () => void}>} */
  let due = [];

  const world = {
    selector,
    session,
    /** @type {Record<string, Way>} */
    ways: Object.fromEntries(ALL.map((transport) => [transport, 'works'])),
    /** Everything is gone, the control resource too. */
    dead: false,
    talks: false,
    /** What happened: opens, and changes of transport. @type {Array<{at: number, open?: Transport, change?: any, state?: string}>} */
    log: [],
    turns: 0,
    now: () => now,
    open,
    /** @param {any} input */
    take(input) {
      selector.handle(now, input);
      for (let output = selector.pollOutput(); output; output = selector.pollOutput()) act(output);
      hold();
    },
    /** @param {number} ms */
    run(ms) {
      const end = now + ms;
      for (;;) {
        due.sort((a, b) => a.at - b.at);
        const timer = selector.pollTimeout();
        assert.ok(!Number.isNaN(timer), 'a time is a number');
        const at = Math.min(due[0]?.at ?? Infinity, timer);
        if (at > end) break;
        now = Math.max(now, at);
        world.turns++;
        if (due[0] && due[0].at <= timer) {
          const [event] = due.splice(0, 1);
          if (event && (event.leg === 0 || open.has(event.leg))) event.act();
        } else world.take({ timeout: true });
      }
      now = end;
    },
    /** What stands stays as it is; what is opened from now on meets this. @param {Record<string, Way>} ways */
    change(ways) {
      Object.assign(world.ways, ways);
      stalledAt = now;
      for (const leg of open.values()) {
        const way = world.dead ? 'stalls' : world.ways[leg.transport];
        leg.way =
          way === 'works' || way === 'slow' || way === 'cut'
            ? way
            : way === 'short' || way === 'refused'
              ? leg.way
              : 'stalls';
      }
      if (world.ways.websocket === 'refused')
        for (const [n, leg] of [...open]) if (leg.transport === 'websocket') kill(n);
    },
    /** @param {number} since @returns {number} how often the transport changed */
    changes: (since = 0) => world.log.filter(({ at, change }) => change && at >= since).length,
    /** @param {Transport} transport @param {number} [since] */
    opened: (transport, since = 0) =>
      world.log.filter((entry) => entry.open === transport && entry.at >= since).length,
    kill,
  };

  /** @param {number} leg */
  const wayOf = (leg) => open.get(leg)?.way;

  /** @param {number} ms @param {number} leg @param {() => void} act */
  const later = (ms, leg, act) => due.push({ at: now + ms, leg, act });

  /** @param {number} leg */
  function kill(leg) {
    if (!open.delete(leg)) return;
    if (active === leg) active = 0;
    world.take({ closed: leg });
  }

  /** @param {number} n */
  function heard(n) {
    const leg = open.get(n);
    if (!leg) return false;
    leg.moved = now;
    world.take({ line: n });
    return open.has(n);
  }

  /** A leg that is cut when nothing moved, and is otherwise kept moving by heartbeats. @param {number} n */
  function beat(n) {
    const leg = open.get(n);
    if (!leg) return;
    const every = Math.max(1000, Math.min(heartbeat, session.wish.heartbeat_ms ?? heartbeat));
    session.welcome.heartbeat_ms = every;
    session.welcome.hold_ms = Math.max(1000, Math.min(25_000, session.wish.hold_ms ?? 25_000));
    const rhythm = leg.transport === 'poll' ? session.welcome.hold_ms : every;
    if (leg.way === 'cut' && rhythm > CUT_AFTER) later(CUT_AFTER, n, () => kill(n));
    else
      later(rhythm, n, () => {
        if (leg.way !== 'stalls') heard(n);
        beat(n);
      });
  }

  /** @param {any} output */
  function act(output) {
    const { open: transport, leg: number, ask, ping, closed, check, race, state, transport: change } = output;
    if (state) world.log.push({ at: now, state });
    else if (transport) opens(transport, number);
    else if (change) world.log.push({ at: now, change });
    else if (race) later(0, 0, () => world.take({ go: true }));
    else if (check)
      later(world.dead ? 3000 : 40, 0, () => world.take({ control: world.dead ? 'offline' : 'ours' }));
    else if (closed) {
      open.delete(closed);
      if (closed === active) active = 0;
    } else if (ask || ping) asked(ask, ping);
  }

  /** @param {number} ask @param {number} ping */
  function asked(ask, ping) {
    const n = ask || ping;
    const leg = open.get(n);
    if (!leg || leg.way === 'stalls' || leg.way === 'mute' || leg.way === 'hole') return;
    const trip = leg.way === 'slow' ? TRIP.slow : TRIP.works;
    const sent = now;
    later(trip, n, () => {
      if (leg.way === 'stalls' || !heard(n)) return;
      if (ask) {
        if (active && active !== n) open.delete(active);
        active = n;
        world.take({ active: n });
      } else world.take({ pong: n, rtt: now - sent });
    });
  }

  /** @param {Transport} transport @param {number} n */
  function opens(transport, n) {
    const way = world.dead ? 'hole' : /** @type {Way} */ (world.ways[transport]);
    open.set(n, { transport, way, opened: now, moved: now });
    world.log.push({ at: now, open: transport });
    if (way === 'refused') later(20, n, () => kill(n));
    if (way === 'mute' && transport === 'websocket') later(20, n, () => world.take({ opened: n }));
    if (way === 'refused' || way === 'hole' || way === 'mute') return;
    later(2 * (way === 'slow' ? TRIP.slow : TRIP.works), n, () => {
      if (transport === 'websocket') world.take({ opened: n });
      if (open.has(n) && heard(n)) world.take({ usable: n });
      beat(n);
    });
    if (way === 'short') later(2 * TRIP.works + SHORT, n, () => kill(n));
  }

  /** At most one leg that carries, and two that want to. */
  function hold() {
    const held = open.has(active) ? 1 : 0;
    assert.ok(
      open.size <= 3,
      `${open.size} legs at once: ${JSON.stringify([[...open], active, selector.attempts.slice(-6), world.log.slice(-6)])}`,
    );
    assert.ok(open.size - held <= 2 || !held, `${open.size - held} candidates`);
  }

  return world;
}
