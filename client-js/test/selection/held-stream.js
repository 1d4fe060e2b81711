// @ts-check
/**
 * A proxy that begins to hold a stream back under a busy session: bytes pass in whole blocks only. WebSockets are refused, and polls
 * pass. This is the selector's view of a client and a gateway that send small messages all the time.
 *
 * @import { Transport } from '../../src/types.js'
 * @import { SelectorInput, SelectorOutput } from '../../src/selector/events.js'
 *
 * @typedef {object} Leg
 * @property {Transport} transport
 * @property {number} turn 0: none
 * @property {number} sent the bytes that the gateway wrote on it
 * @property {number} passed those that the proxy passed on
 * @property {Array<{end: number, act: () => void}>} kept what the proxy holds, and where each piece ends
 * @property {number} free when the stream has brought what it carries
 * @property {Array<() => void> | undefined} parked a poll that the gateway holds, and what its answer leads to
 */

import { Memory } from '../../src/selector/memory.js';
import { Selector } from '../../src/selector/selector.js';

const HEARTBEAT_MS = 15_000;
/** The client acknowledges what came at the latest after this time. */
const ACK_MS = 3000;
const WELCOME_BYTES = 500;
const LINK_BYTES = 30;

/**
 * @param {() => number} random
 * @param {object} network
 * @param {number} network.block how many bytes pass at once, once `hold` was called; 0: each piece passes when the next one comes
 * @param {number} network.bytes of each message that comes down
 * @param {number} network.down messages a second
 * @param {number} network.up messages a second
 * @param {() => number} network.tripMs
 * @param {() => number} [network.stallMs] for how long a piece of a stream holds up all that follows it
 */
export function createHeldStream(random, { block, bytes, down, up, tripMs, stallMs = () => 0 }) {
  let now = 0;
  let turn = 0;
  let active = 0;
  let isHolding = false;
  let isBusy = true;
  /** The messages that the gateway published, those that came down, and those of which it knows that they came. */
  let published = 0;
  let received = 0;
  let acknowledged = 0;
  let isAckDue = false;
  /** When the frame of ours was sent that waits for its acknowledgement. @type {number | undefined} */
  let sentAt;
  /** @type {Map<number, Leg>} */
  const legs = new Map();
  /** @type {Array<{at: number, act: () => void}>} */
  let due = [];
  const session = {
    welcome: /** @type {any} */ ({
      heartbeat_ms: HEARTBEAT_MS,
      hold_ms: 25_000,
      transports: ['websocket', 'sse', 'poll'],
    }),
    acknowledgedAt: -Infinity,
    announcedBytes: 0,
    get unacknowledgedFrames() {
      return sentAt === undefined ? 0 : 1;
    },
    get oldestHandedAt() {
      return sentAt ?? Infinity;
    },
    get oldestHandedBytes() {
      return sentAt === undefined ? 0 : 100;
    },
  };
  const selector = new Selector({
    session,
    memory: new Memory(null, 'k', () => now),
    now,
    random,
    order: ['websocket', 'sse', 'poll'],
  });
  const world = {
    selector,
    now: () => now,
    /** @type {Array<{at: number, from: Transport | null, to: Transport | null, reason: string}>} */
    changes: [],
    /** How old each message was when it came, and when. @type {Array<{at: number, ms: number}>} */
    deliveries: [],
    /** @returns {number} how many messages are on their way */
    waiting: () => published - received,
    hold() {
      isHolding = true;
    },
    quiet() {
      isBusy = false;
    },
    run,
  };
  /** When each message was published. @type {number[]} */
  const times = [];

  /** @param {number} ms @param {() => void} act */
  const later = (ms, act) => due.push({ at: now + ms, act });

  /** Something happens to a leg, if that is still open. @param {number} ms @param {number} n @param {(leg: Leg) => void} act */
  const on = (ms, n, act) =>
    later(ms, () => {
      const leg = legs.get(n);
      if (leg) act(leg);
    });

  /** @param {SelectorInput} input */
  function take(input) {
    selector.handle(now, input);
    for (let output = selector.pollOutput(); output; output = selector.pollOutput()) carryOut(output);
  }

  /** The gateway writes on a stream. @param {number} n @param {number} size @param {() => void} act */
  function write(n, size, act) {
    const leg = legs.get(n);
    if (!leg) return;
    leg.sent += size;
    leg.kept.push({ end: leg.sent, act });
    const rest = block === 0 ? size : leg.sent % block;
    const passes = isHolding ? leg.sent - rest : leg.sent;
    const part = passes - leg.passed;
    if (part <= 0) return;
    leg.passed = passes;
    const whole = leg.kept.filter(({ end }) => end <= passes);
    leg.kept = leg.kept.filter(({ end }) => end > passes);
    leg.free = Math.max(leg.free, now + tripMs() / 2 + stallMs());
    on(leg.free - now, n, () => {
      take({ type: 'bytesArrived', leg: n, route: 'stream', bytes: part });
      for (const { act } of whole) {
        if (!legs.has(n)) return;
        act();
        take({ type: 'frameArrived', leg: n });
      }
    });
  }

  /** A message comes, once only. @param {number} number */
  function receive(number) {
    if (number !== received + 1) return;
    received = number;
    world.deliveries.push({ at: now, ms: now - (times[number] ?? 0) });
    if (!isAckDue) later(ACK_MS, acknowledge);
    isAckDue = true;
  }

  /** A request of its own says what came. */
  function acknowledge() {
    if (!isAckDue || active === 0) return;
    if (legs.get(active)?.transport === 'sse') request(active, 'links', () => {});
  }

  /** A POST beside a stream or a poll. The gateway has it half a trip later. @param {number} n @param {'links' | 'send'} route @param {() => void} act */
  function request(n, route, act) {
    const has = received;
    isAckDue = false;
    const trip = tripMs();
    on(trip / 2, n, () => {
      acknowledged = Math.max(acknowledged, has);
      act();
      on(trip / 2, n, () => take({ type: 'answerArrived', leg: n, route }));
    });
  }

  /** The gateway gives a leg the messages of which it does not know that they came. @param {number} n */
  function replay(n) {
    for (let number = acknowledged + 1; number <= published; number++) pass(n, number);
  }

  /** @param {number} n @param {number} number */
  function pass(n, number) {
    if (legs.get(n)?.transport === 'sse') write(n, bytes, () => receive(number));
    else answer(n);
  }

  /** A poll goes up. It is answered at once if it brings something. @param {number} n @param {() => void} [act] */
  function poll(n, act) {
    const has = received;
    isAckDue = false;
    on(tripMs() / 2, n, (leg) => {
      acknowledged = Math.max(acknowledged, has);
      leg.parked = [...(leg.parked ?? []), ...(act ? [act] : [])];
      answer(n);
    });
  }

  /** @param {number} n */
  function answer(n) {
    const leg = legs.get(n);
    const last = leg?.turn === turn ? published : 0;
    if (!leg?.parked || (leg.parked.length === 0 && last <= acknowledged)) return;
    const acts = leg.parked;
    const first = acknowledged + 1;
    leg.parked = undefined;
    on(tripMs() / 2, n, () => {
      const size = LINK_BYTES + Math.max(0, last + 1 - first) * bytes;
      take({ type: 'bytesArrived', leg: n, route: 'poll', bytes: size });
      for (let number = first; number <= last; number++) receive(number);
      take({ type: 'answerArrived', leg: n, route: 'poll' });
      for (const act of acts) act();
      if (n === active) poll(n);
    });
  }

  /** The gateway answers with a link frame. @param {number} n @param {() => void} act */
  function exchange(n, act) {
    if (legs.get(n)?.transport === 'poll') poll(n, act);
    else request(n, 'links', () => write(n, LINK_BYTES, act));
  }

  /** @param {number} n */
  function ping(n) {
    const at = now;
    exchange(n, () => take({ type: 'pong', leg: n, rtt: now - at }));
  }

  /** @param {number} n */
  function requestTurn(n) {
    const leg = legs.get(n);
    if (!leg || leg.turn === turn) return;
    leg.turn = ++turn;
    const asked = turn;
    exchange(n, () => asked === turn && confirm(n));
    if (leg.transport === 'sse') on(tripMs() / 2, n, () => replay(n));
  }

  /** @param {number} n */
  function confirm(n) {
    if (active === n) return;
    active = n;
    take({ type: 'legActive', leg: n });
    // The loser is read for a while, and brings nothing.
    for (const other of [...legs.keys()]) if (other !== n && legs.get(other)?.turn) legs.delete(other);
    if (legs.get(n)?.transport === 'poll') poll(n);
  }

  /** @param {number} n @param {Transport} transport */
  function open(n, transport) {
    const isFirst = ![...legs.values()].some((other) => other.turn > 0);
    const own = isFirst && transport !== 'websocket' ? ++turn : 0;
    legs.set(n, { transport, turn: own, sent: 0, passed: 0, kept: [], free: now, parked: undefined });
    const usable = () => {
      take({ type: 'frameArrived', leg: n });
      take({ type: 'legUsable', leg: n });
      if (own > 0 && own === turn) confirm(n);
    };
    if (transport === 'websocket')
      on(tripMs(), n, () => {
        legs.delete(n);
        take({ type: 'legDied', leg: n });
      });
    else if (transport === 'poll') on(tripMs(), n, usable);
    else
      on(tripMs() / 2, n, () => {
        write(n, WELCOME_BYTES, usable);
        if (own > 0 && own === turn) replay(n);
      });
  }

  /** @param {number} n */
  function remove(n) {
    const hadTurn = legs.get(n)?.turn === turn;
    legs.delete(n);
    if (active === n) active = 0;
    const [heir] = [...legs.keys()].reverse();
    if (hadTurn && heir !== undefined) requestTurn(heir);
  }

  /** @param {SelectorOutput} output */
  function carryOut(output) {
    switch (output.type) {
      case 'prepareRace':
        return later(0, () => take({ type: 'raceReady' }));
      case 'probeControl': {
        const askedAt = now;
        return later(tripMs(), () => take({ type: 'controlAnswered', control: 'ours', askedAt }));
      }
      case 'openLeg':
        return open(output.leg, output.transport);
      case 'requestTurn':
        requestTurn(output.leg);
        return output.pings && ping(output.leg);
      case 'sendPing':
        return ping(output.leg);
      case 'dropLeg':
        return remove(output.leg);
      case 'transportChanged':
        world.changes.push({ at: now, from: output.from, to: output.to, reason: output.reason });
    }
  }

  function publish() {
    if (!isBusy) return;
    times[++published] = now;
    const [n] = [...legs].find(([, leg]) => leg.turn === turn && turn > 0) ?? [];
    if (n !== undefined) pass(n, published);
    later(1000 / down, publish);
  }

  function send() {
    if (!isBusy) return;
    if (active > 0 && sentAt === undefined) {
      sentAt = now;
      request(active, 'send', () => {
        sentAt = undefined;
        session.acknowledgedAt = now;
      });
    }
    later(1000 / up, send);
  }

  /** @param {number} ms */
  function run(ms) {
    const end = now + ms;
    for (;;) {
      due.sort((a, b) => a.at - b.at);
      const timer = selector.pollTimeout();
      const at = Math.min(due[0]?.at ?? Infinity, timer);
      if (at > end) break;
      now = Math.max(now, at);
      if (due[0] && due[0].at <= timer) due.shift()?.act();
      else take({ type: 'timeout' });
    }
    now = end;
  }

  take({ type: 'raceReady' });
  publish();
  if (up > 0) send();
  return world;
}
