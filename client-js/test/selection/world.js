// @ts-check
/**
 * A network in virtual time, as the selector meets it. Each of three transports behaves in one way until the test changes
 * that. The world plays the session and the connection: it answers each output of the selector. After each input it checks
 * the bounds that must never break.
 *
 * @import { Transport } from '../../src/types.js'
 * @import { LinkFrame } from '../../src/protocol/frames.js'
 * @import { SelectorInput, SelectorOutput } from '../../src/selector/events.js'
 *
 * @typedef {'works' | 'slow' | 'refused' | 'hole' | 'mute' | 'deaf' | 'short' | 'stalls' | 'cut' | 'aged' | 'narrow'} Way how a transport behaves.
 *   An `aged` leg ends at the world's `ageMs`. A `deaf` one brings its welcome and nothing after it. A `narrow` one passes what is
 *   short, and stalls with the first long ping, or with a long frame a while after it carries the session
 */

import assert from 'node:assert/strict';
import { Memory } from '../../src/selector/memory.js';
import { Selector } from '../../src/selector/selector.js';

/** @type {Transport[]} */
export const ALL = ['websocket', 'sse', 'poll'];

/** Round trips in milliseconds. */
const TRIP = { works: 40, slow: 2000 };
/** An idle connection is cut after this time. */
const CUT_AFTER = 8000;
/** A short-lived connection dies this long after its welcome. */
const SHORT = 300;

/**
 * @param {() => number} random
 * @param {{order?: Transport[], storage?: any, wallMs?: number, heartbeat?: number, lateMs?: () => number, opensAfter?: number}} [options]
 *   `wallMs`: the wall clock at the start. `lateMs`: by how much each answer of this network is late. `opensAfter`: how many round
 *   trips a WebSocket takes to open
 */
export function createWorld(
  random,
  { order = ALL, storage = null, wallMs = 1e12, heartbeat = 15_000, lateMs, opensAfter = 1 } = {},
) {
  let now = 0;
  let active = 0;
  /** The greatest turn that a leg has. */
  let turn = 0;
  let stalledAt = 0;
  /** A long frame was lost on a `narrow` leg, and did not pass since. */
  let isLongWaiting = false;
  /** The application was told since the client was last online. */
  let isTold = false;
  /** The last `keepAlive` of the selector. */
  let wish = { heartbeatMs: heartbeat, holdMs: 25_000 };
  /** While the application talks, a frame waits on the leg that stalls. @returns {boolean} */
  const waits = () => world.talks && active > 0 && wayOf(active) === 'stalls';
  const session = {
    welcome: /** @type {any} */ ({
      heartbeat_ms: heartbeat,
      hold_ms: 25_000,
      transports: order,
      network: 'here',
    }),
    get unacknowledgedFrames() {
      return waits() ? 1 : 0;
    },
    get oldestHandedAt() {
      return waits() ? stalledAt : Infinity;
    },
    get oldestHandedBytes() {
      return waits() ? 100 : 0;
    },
    acknowledgedAt: -Infinity,
    announcedBytes: 0,
  };
  const memory = new Memory(storage, 'k', () => wallMs + now);
  /** @type {Selector} */
  const selector = new Selector({ session, memory, now, random, order });
  /** @type {Map<number, {transport: Transport, way: Way, opened: number, moved: number, turn: number, usable: boolean, free: number}>} */
  const open = new Map();
  /** @type {Array<{at: number, leg: number, act: () => void}>} */
  let due = [];

  const world = {
    selector,
    session,
    /** @type {Record<string, Way>} */
    ways: Object.fromEntries(ALL.map((transport) => [transport, 'works'])),
    /** No server can be reached, and the control resource is out of reach too. */
    dead: false,
    /** The proxy in front of the server is gone: everything is refused at once, the control resource too. */
    gone: false,
    /** The application sends frames all the time. */
    talks: false,
    /** How long after it carries the session a long frame meets a `narrow` leg. */
    longAfterMs: () => 1000,
    /** The age at which an `aged` leg ends. */
    ageMs: 0,
    /** When an `aged` leg carried the session to its end. @type {number[]} */
    agedAt: [],
    /** The switches that ended: the reason, or nothing if it was made. @type {Array<string | undefined>} */
    ended: [],
    /** The legs that were opened, the changes of transport and the states. @type {Array<{at: number, open?: Transport, change?: any, state?: string}>} */
    log: [],
    turns: 0,
    /** When a long ping went. @type {number[]} */
    longPings: [],
    /** How often the control resource was asked. */
    probes: 0,
    /** How often the client told that nothing reaches the gateway. */
    notices: 0,
    now: () => now,
    open,
    /** @param {SelectorInput} input */
    take(input) {
      selector.handle(now, input);
      for (let output = selector.pollOutput(); output; output = selector.pollOutput()) act(output);
      checkBounds();
    },
    /** A `link` frame comes. The session takes its transports before the selector sees it. @param {LinkFrame} frame */
    link(frame) {
      if (frame.config?.transports && session.welcome) session.welcome.transports = frame.config.transports;
      world.take({ type: 'link', frame });
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
        } else world.take({ type: 'timeout' });
      }
      now = end;
    },
    /** A new leg meets these ways. An open leg meets the part that can befall an open leg. @param {Record<string, Way>} ways */
    change(ways) {
      Object.assign(world.ways, ways);
      stalledAt = now;
      if (world.gone) for (const n of [...open.keys()]) kill(n);
      for (const leg of open.values()) {
        const way = world.dead ? 'stalls' : world.ways[leg.transport];
        leg.way =
          way === 'works' || way === 'slow' || way === 'cut' || way === 'aged'
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
    if (!open.has(leg)) return;
    remove(leg);
    world.take({ type: 'legDied', leg });
  }

  /** The session requests the turn of a leg that is over on the newest one that is left. @param {number} leg */
  function remove(leg) {
    const hadTurn = open.get(leg)?.turn === turn;
    open.delete(leg);
    if (active === leg) active = 0;
    const heir = [...open].findLast(([, { usable }]) => usable);
    if (hadTurn && heir) requestTurn(heir[0]);
  }

  /** @param {number} n */
  function requestTurn(n) {
    const leg = open.get(n);
    if (!leg || leg.turn === turn) return;
    const requested = ++turn;
    leg.turn = requested;
    answer(n, () => requested === turn && confirm(n));
  }

  /** @param {number} leg */
  function confirm(leg) {
    if (active && active !== leg) open.delete(active);
    active = leg;
    world.take({ type: 'legActive', leg });
    // A leg takes the long frame over that the one before has lost.
    if (wayOf(leg) === 'narrow') later(isLongWaiting ? 0 : world.longAfterMs(), leg, () => narrows(leg));
    else isLongWaiting = false;
  }

  /** A long write is lost on a leg, and all behind it. @param {number} n */
  function narrows(n) {
    const leg = open.get(n);
    if (leg) leg.way = 'stalls';
    if (n !== active) return;
    stalledAt = now;
    isLongWaiting = true;
  }

  /** A frame arrives. @param {number} n @returns {boolean} true if the leg is still open */
  function deliver(n) {
    const leg = open.get(n);
    if (!leg) return false;
    leg.moved = now;
    world.take({ type: 'frameArrived', leg: n });
    return open.has(n);
  }

  /** Heartbeats keep a leg alive. The network cuts the leg if they come too rarely. @param {number} n */
  function beat(n) {
    const leg = open.get(n);
    if (!leg) return;
    const every = Math.max(1000, Math.min(heartbeat, wish.heartbeatMs));
    session.welcome.heartbeat_ms = every;
    session.welcome.hold_ms = Math.max(1000, Math.min(25_000, wish.holdMs));
    const rhythm = leg.transport === 'poll' ? session.welcome.hold_ms : every;
    if (leg.way === 'cut' && rhythm > CUT_AFTER) later(CUT_AFTER, n, () => kill(n));
    else
      later(rhythm, n, () => {
        if (leg.way !== 'stalls') deliver(n);
        beat(n);
      });
  }

  /** @param {SelectorOutput} output */
  function act(output) {
    switch (output.type) {
      case 'stateChanged':
        world.log.push({ at: now, state: output.state });
        if (output.state === 'online') isTold = false;
        break;
      case 'unreachable':
        assert.ok(!isTold && !selector.transport, 'the client tells once, and only while it is not online');
        isTold = true;
        world.notices++;
        break;
      case 'openLeg':
        opens(output.transport, output.leg);
        break;
      case 'transportChanged': {
        const { from, to, reason } = output;
        world.log.push({ at: now, change: { from, to, reason } });
        break;
      }
      case 'prepareRace':
        later(0, 0, () => world.take({ type: 'raceReady' }));
        break;
      case 'probeControl':
        world.probes++;
        probes(now);
        break;
      case 'switchEnded':
        world.ended.push(output.reason);
        break;
      case 'dropLeg':
        remove(output.leg);
        break;
      case 'keepAlive':
        wish = output;
        break;
      case 'requestTurn':
        requestTurn(output.leg);
        if (output.pings) ping(output.leg, now, output.isLong);
        break;
      case 'sendPing':
        ping(output.leg, now, output.isLong);
        break;
      default:
        assert.fail(`an unknown output: ${JSON.stringify(output)}`);
    }
  }

  /** @param {number} leg @param {number} sent @param {boolean} [isLong] */
  function ping(leg, sent, isLong) {
    if (isLong) world.longPings.push(now);
    if (isLong && wayOf(leg) === 'narrow') narrows(leg);
    answer(leg, () => world.take({ type: 'pong', leg, rtt: now - sent, isLong }));
  }

  /** The control resource answers, or does not within 10 s if it was out of reach when it was asked. @param {number} askedAt */
  function probes(askedAt) {
    const control = world.dead || world.gone ? 'offline' : 'ours';
    later(world.dead ? 10_000 : tripMs('works'), 0, () =>
      world.take({ type: 'controlAnswered', control, askedAt }),
    );
  }

  /** The gateway answers on a leg, after a round trip, if the leg lets that through. @param {number} n @param {() => void} then */
  function answer(n, then) {
    const leg = open.get(n);
    if (!leg || leg.way === 'stalls' || leg.way === 'mute' || leg.way === 'hole') return;
    // Answers on a leg keep their order.
    leg.free = Math.max(leg.free, now + tripMs(leg.way));
    later(leg.free - now, n, () => {
      if (leg.way !== 'stalls' && deliver(n)) then();
    });
  }

  /** @param {Transport} transport @param {number} n */
  function opens(transport, n) {
    const way = world.dead ? 'hole' : world.gone ? 'refused' : /** @type {Way} */ (world.ways[transport]);
    // While no open leg has a turn, a new one gets it.
    const isFirst = ![...open.values()].some((other) => other.turn > 0);
    const own = isFirst ? ++turn : 0;
    open.set(n, { transport, way, opened: now, moved: now, turn: own, usable: false, free: now });
    world.log.push({ at: now, open: transport });
    const firstMs = lateMs?.() ?? 20;
    let openedMs = tripMs(way);
    if (transport === 'websocket') for (let trip = 1; trip < opensAfter; trip++) openedMs += tripMs(way);
    if (way === 'refused') later(firstMs, n, () => kill(n));
    const opensSocket = () => transport === 'websocket' && world.take({ type: 'socketOpened', leg: n });
    if (way === 'mute') later(opensAfter > 1 ? openedMs : firstMs, n, opensSocket);
    if (way === 'refused' || way === 'hole' || way === 'mute') return;
    later(openedMs, n, opensSocket);
    const usableMs = lateMs && transport !== 'websocket' ? openedMs : openedMs + tripMs(way);
    later(usableMs, n, () => {
      const leg = open.get(n);
      if (leg && deliver(n)) {
        leg.usable = true;
        world.take({ type: 'legUsable', leg: n });
        if (own === turn) confirm(n);
        if (way === 'deaf') leg.way = 'stalls';
      }
      beat(n);
    });
    if (way === 'aged') later(world.ageMs, n, () => ages(n));
    if (way === 'short') later(usableMs + SHORT, n, () => kill(n));
  }

  /** @param {number} n */
  function ages(n) {
    if (active === n) world.agedAt.push(now);
    kill(n);
  }

  /** @param {Way} way */
  function tripMs(way) {
    return lateMs?.() ?? (way === 'slow' ? TRIP.slow : TRIP.works);
  }

  /** At most one leg carries the session, and at most two more want to. */
  function checkBounds() {
    const carriers = open.has(active) ? 1 : 0;
    const candidates = open.size - carriers;
    if (open.size <= 3 && (candidates <= 2 || !carriers)) return;
    const { attempts } = selector.explain(now);
    const seen = JSON.stringify([[...open], active, attempts.slice(-6), world.log.slice(-6)]);
    assert.fail(`${open.size} legs at once, ${candidates} of them candidates: ${seen}`);
  }

  return world;
}
