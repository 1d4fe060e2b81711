// @ts-check
/**
 * The client's owner in a schedule. It opens legs, pings them and drops the dead ones. It knows nothing of turns.
 *
 * @import { Route, SessionInput } from '../../src/session/events.js'
 * @import { Transport } from '../../src/types.js'
 *
 * @typedef {{usable: boolean, transport: Transport, opened: number, heard: number, pinged?: number}} Owned `opened` is later by the time
 *   in which the gateway decides
 */

const PING_EVERY = 2_000;
const LONGEST_PONG = 3_500;
const LONGEST_WELCOME = 3_000;
/** The longest poll, which the gateway holds for 2 s. */
const LONGEST_POLL = 5_000;
const MOST_LEGS = 3;

/** @type {Transport[]} */
const TRANSPORTS = ['websocket', 'sse', 'poll'];

/**
 * @param {ReturnType<typeof import('./random.js').createRandom>} random
 * @param {object} world
 * @param {() => number} world.now
 * @param {(input: SessionInput) => void} world.say hands an input to the session
 * @param {(transport: Transport) => number} world.open
 * @param {(leg: number) => void} world.drop
 * @param {number} world.patience how much longer than usual an answer may take
 */
export function createOwner(random, { now, say, open, drop, patience }) {
  /** @type {Map<number, Owned>} */
  const legs = new Map();
  /** Requests under way, by leg and route. @type {Map<string, {leg: number, route: Route, request: number, until: number}>} */
  const requests = new Map();
  /** A socket fell silent: the next one must prove that long writes pass (P4). */
  let doubtsSockets = false;
  const isDoubtful = (/** @type {Owned} */ { transport }) => doubtsSockets && transport === 'websocket';
  /** In so many of a hundred looks, the owner opens another leg, or requests a turn for one. */
  const chaos = 5 + random.below(40);
  /** In some schedules one transport is all there is. */
  const transports = random.percent(25) ? [random.pick(TRANSPORTS)] : TRANSPORTS;

  function failLateRequests() {
    for (const [key, { leg, route, until }] of [...requests]) {
      if (route === 'stream' || now() <= until || !requests.delete(key)) continue;
      say({ type: 'requestFailed', leg, route });
    }
  }

  /** Only a pong proves both directions. Frames may still come down when nothing goes up any more. */
  function dropTheDead() {
    failLateRequests();
    for (const [n, leg] of [...legs]) {
      if (!legs.has(n)) continue;
      const mute = leg.pinged !== undefined && now() - leg.pinged > LONGEST_PONG + patience;
      const { usable, transport, pinged, heard } = leg;
      if (mute && transport === 'websocket') doubtsSockets = true;
      if (mute || (!usable && now() - leg.opened > LONGEST_WELCOME)) drop(n);
      else if (usable && transport !== 'poll' && pinged === undefined && now() - heard > PING_EVERY) {
        leg.pinged = now();
        say({ type: 'sendPing', leg: n, isLong: isDoubtful(leg) });
      }
    }
  }

  return {
    legs,

    /** Sockets are all there is. */
    hasSocketsOnly: transports.every((transport) => transport === 'websocket'),

    /**
     * Notes a request. It replaces an older one of this leg and route.
     * @param {number} leg
     * @param {Route} route
     * @param {number} request
     * @param {number} [timeoutMs]
     */
    issued: (leg, route, request, timeoutMs = LONGEST_POLL) =>
      void requests.set(`${leg} ${route}`, { leg, route, request, until: now() + timeoutMs }),

    /** True if the client waits for this answer. @param {number} leg @param {Route} route @param {number} request */
    awaits: (leg, route, request) =>
      requests.get(`${leg} ${route}`)?.request === request && requests.delete(`${leg} ${route}`),

    /** The gateway decides about a leg for so long. @param {number} leg @param {number} ms */
    waits(leg, ms) {
      const owned = legs.get(leg);
      if (owned) owned.opened = now() + ms;
    },

    /** @param {number} leg */
    forget(leg) {
      legs.delete(leg);
      for (const route of ['stream', 'send', 'links', 'poll']) requests.delete(`${leg} ${route}`);
    },

    /** A pong came. On a socket that must prove itself, only a long one counts. @param {number} leg @param {boolean} isLong */
    heard(leg, isLong) {
      const owned = legs.get(leg);
      if (isLong && owned?.transport === 'websocket') doubtsSockets = false;
      if (owned && (isLong || !isDoubtful(owned))) Object.assign(owned, { heard: now(), pinged: undefined });
    },

    /** Looks after the legs. @param {boolean} quiet true once the faults have stopped */
    look(quiet) {
      dropTheDead();
      const another = !quiet && legs.size < MOST_LEGS && random.percent(chaos);
      if (another || (legs.size === 0 && random.percent(60))) {
        const transport = random.pick(transports);
        const n = open(transport);
        const [opened, heard] = [now(), now()];
        legs.set(n, { usable: false, transport, opened, heard });
        say({ type: 'openLeg', transport });
      }
      const usable = [...legs].filter(([, leg]) => leg.usable).map(([n]) => n);
      if (!quiet && usable.length > 0 && random.percent(chaos))
        say({
          type: random.percent(70) ? 'requestTurn' : 'sendPing',
          leg: random.pick(usable),
          pings: random.percent(30),
          isLong: random.percent(30),
        });
    },
  };
}
