// @ts-check
/**
 * One leg on a line that carries few bytes a second each way, and queues the rest where nothing sees it. This is the selector's view
 * of a client and a gateway that both have much to send.
 *
 * @import { Transport } from '../../src/types.js'
 * @import { SelectorInput, SelectorOutput } from '../../src/selector/events.js'
 */

import { Memory } from '../../src/selector/memory.js';
import { Selector } from '../../src/selector/selector.js';

const TRIP_MS = 20;
/** A link frame, a hello or a brief answer. */
const SMALL = 60;
/** A long ping, and its pong. */
const LONG = 3900;
/** The gateway acknowledges a frame with the next thing that it sends, a second later at most. */
const ACK_MS = 1000;
const HEARTBEAT_MS = 15_000;
/** A write of so many bytes is announced on a socket, and an answer to a poll has no more than the second. */
const ANNOUNCED_BYTES = 4096;
const ANSWER_BYTES = 65_536;
/** A reader of a stream gets so much at once. */
const CHUNK_BYTES = 1400;

/**
 * @param {() => number} random
 * @param {object} line
 * @param {number} line.rate bytes a second, each way
 * @param {Transport[]} line.order
 * @param {boolean} [line.isShared] the probes go over the same line
 */
export function createSlowLine(random, { rate, order, isShared = false }) {
  let now = 1;
  let leg = 0;
  /** @type {Transport} */
  let transport = 'websocket';
  /** The frames of ours that wait for their acknowledgement, and those that no request took. @type {Array<{bytes: number, at: number}>} */
  const waiting = [];
  /** The bytes of the request that carries frames of ours; 0 on a socket. */
  let sending = 0;
  /** The bytes of the gateway's frames that wait for a poll. @type {number[]} */
  const held = [];
  /** @type {Array<{at: number, act: () => void}>} */
  let due = [];
  const free = { up: 0, down: 0 };
  /** The legs beside the one in use. @type {Map<number, Transport>} */
  const candidates = new Map();
  const session = {
    welcome: /** @type {any} */ ({ heartbeat_ms: HEARTBEAT_MS, hold_ms: 25_000, transports: order }),
    acknowledgedAt: -Infinity,
    announcedBytes: 0,
    get unacknowledgedFrames() {
      return waiting.length;
    },
    get oldestHandedAt() {
      return waiting[0]?.at ?? Infinity;
    },
    get oldestHandedBytes() {
      const [oldest] = waiting;
      return oldest && oldest.at < Infinity ? Math.max(oldest.bytes, sending) : 0;
    },
  };
  const memory = new Memory(null, 'k', () => now);
  const selector = new Selector({ session, memory, now, random, order });
  const world = {
    selector,
    now: () => now,
    /** The bytes of the frames that came down, and of those that the gateway acknowledged. */
    arrived: 0,
    acknowledged: 0,
    /** The legs that carried the session. @type {number[]} */
    carriers: [],
    /** Nothing goes up any more. */
    isDeaf: false,
    /** The gateway sends frames at once. @param {number[]} frames */
    publish(frames) {
      if (transport === 'poll') {
        held.push(...frames);
        answerPoll();
        return;
      }
      let announced = 0;
      frames.forEach((bytes, place) => {
        if (transport === 'websocket' && announced <= 0) {
          announced = 0;
          for (const next of frames.slice(place)) if (announced < ANSWER_BYTES) announced += next;
          const total = announced;
          if (total >= ANNOUNCED_BYTES) arrives(SMALL, () => (session.announcedBytes += total));
        }
        announced -= bytes;
        arrives(bytes, () => {
          world.arrived += bytes;
          session.announcedBytes = Math.max(0, session.announcedBytes - bytes);
        });
      });
    },
    /** The application sends frames at once. @param {number[]} frames */
    send(frames) {
      waiting.push(...frames.map((bytes) => ({ bytes, at: Infinity })));
      handOut();
    },
    run,
  };

  /** @param {number} ms @param {() => void} act it happens only if this leg is still the one */
  const later = (ms, act) => {
    const own = leg;
    due.push({ at: now + ms, act: () => own === leg && act() });
  };

  /** The line carries bytes behind all that it carries already. @param {'up' | 'down'} way @param {number} bytes @param {() => void} act */
  const carry = (way, bytes, act) => {
    if (way === 'up' && world.isDeaf) return;
    free[way] = Math.max(free[way], now) + (1000 * bytes) / rate;
    later(free[way] - now + TRIP_MS / 2, act);
  };

  /** @param {SelectorInput} input */
  function take(input) {
    selector.handle(now, input);
    for (let output = selector.pollOutput(); output; output = selector.pollOutput()) carryOut(output);
  }

  /** A frame comes down a socket or a stream. @param {number} bytes @param {() => void} act */
  function arrives(bytes, act) {
    const chunk = transport === 'websocket' ? bytes : CHUNK_BYTES;
    for (let rest = bytes; rest > 0; rest -= chunk) {
      const part = Math.min(chunk, rest);
      carry('down', part, () => {
        if (transport === 'sse') take({ type: 'bytesArrived', leg, route: 'stream', bytes: part });
        if (part !== rest) return;
        act();
        take({ type: 'frameArrived', leg, frame: '.'.repeat(bytes) });
      });
    }
  }

  /** The answer of a poll comes, part by part. @param {number} bytes @param {() => void} act */
  function answers(bytes, act) {
    for (let rest = bytes; rest > 0; rest -= CHUNK_BYTES) {
      const part = Math.min(CHUNK_BYTES, rest);
      carry('down', part, () => {
        take({ type: 'bytesArrived', leg, route: 'poll', bytes: part });
        if (part !== rest) return;
        act();
        take({ type: 'answerArrived', leg, route: 'poll' });
      });
    }
  }

  /** The poll that the gateway holds, and what its answer leads to besides. @type {Array<() => void> | undefined} */
  let parked;

  /** A poll goes up. The gateway answers if it has something, or if the poll brought a ping. @param {(() => void)} [pong] */
  function poll(pong) {
    carry('up', SMALL, () => {
      parked = [...(parked ?? []), ...(pong ? [pong] : [])];
      answerPoll();
    });
  }

  function answerPoll() {
    if (!parked || (held.length === 0 && parked.length === 0)) return;
    const pongs = parked;
    parked = undefined;
    let bytes = SMALL;
    let frames = 0;
    while (held.length > 0 && bytes < ANSWER_BYTES) {
      bytes += held.shift() ?? 0;
      frames = bytes - SMALL;
    }
    answers(bytes, () => {
      world.arrived += frames;
      for (const pong of pongs) pong();
      poll();
    });
  }

  /** The frames of ours that the gateway has, though no acknowledgement says so. */
  let taken = 0;
  let isAckDue = false;

  function acknowledge() {
    world.acknowledged += waiting.splice(0, taken).reduce((sum, { bytes }) => sum + bytes, 0);
    if (taken > 0) session.acknowledgedAt = now;
    taken = 0;
  }

  /** Hands frames out: all to a socket, one request at a time else. */
  function handOut() {
    if (leg === 0) return;
    const fresh = waiting.filter(({ at }) => at === Infinity);
    if (transport === 'websocket')
      for (const frame of fresh) {
        frame.at = now;
        carry('up', frame.bytes, () => {
          taken++;
          if (!isAckDue) later(ACK_MS * random(), ackNow);
          isAckDue = true;
        });
      }
    else if (fresh.length === waiting.length && fresh[0]) {
      let body = 0;
      const own = fresh.filter((frame, place) => place === 0 || (body += frame.bytes) < 16_384);
      for (const frame of own) frame.at = now;
      sending = own.reduce((sum, frame) => sum + frame.bytes, SMALL);
      // The answer comes on a connection of its own, beside the stream or the poll.
      carry('up', sending, () =>
        later(TRIP_MS / 2, () => {
          taken = own.length;
          acknowledge();
          sending = 0;
          take({ type: 'answerArrived', leg, route: 'send' });
          handOut();
        }),
      );
    }
  }

  function ackNow() {
    isAckDue = false;
    arrives(SMALL, acknowledge);
  }

  /** @param {number} n @param {boolean} [isLong] */
  function ping(n, isLong) {
    const sent = now;
    const pong = () => take({ type: 'pong', leg: n, rtt: now - sent, isLong });
    const bytes = isLong ? LONG : SMALL;
    if (n !== leg) aside(n, pong);
    else if (transport === 'poll') poll(pong);
    else carry('up', bytes, () => arrives(bytes, pong));
  }

  /** @param {SelectorOutput} output */
  function carryOut(output) {
    switch (output.type) {
      case 'prepareRace':
        due.push({ at: now, act: () => take({ type: 'raceReady' }) });
        break;
      case 'probeControl':
        probe(now);
        break;
      case 'openLeg':
        if (selector.transport) candidate(output.leg, output.transport);
        else open(output.leg, output.transport);
        break;
      case 'requestTurn':
        if (output.leg === leg && output.pings) ping(leg, output.isLong);
        if (output.leg !== leg) open(output.leg, candidates.get(output.leg) ?? 'poll');
        break;
      case 'sendPing':
        ping(output.leg, output.isLong);
        break;
      case 'dropLeg':
        candidates.delete(output.leg);
        break;
    }
  }

  /** A leg opens beside the one in use, on a line of its own. @param {number} n @param {Transport} its */
  function candidate(n, its) {
    candidates.set(n, its);
    aside(n, () => {
      if (its === 'websocket') take({ type: 'socketOpened', leg: n });
      aside(n, () => {
        // Its welcome says how far the gateway has received.
        acknowledge();
        take({ type: 'legUsable', leg: n });
      });
    });
  }

  /** Something comes on a candidate, a round trip later. @param {number} n @param {() => void} act */
  const aside = (n, act) => due.push({ at: now + TRIP_MS, act: () => candidates.has(n) && act() });

  /** @param {number} askedAt */
  function probe(askedAt) {
    const answer = () => take({ type: 'controlAnswered', control: 'ours', askedAt });
    if (isShared) carry('up', 300, () => carry('down', 300, answer));
    else later(TRIP_MS, answer);
  }

  /**
   * A leg carries the session from its welcome on. All that was under way on the one before is lost.
   * @param {number} n
   * @param {Transport} its
   */
  function open(n, its) {
    const isOpen = candidates.delete(n);
    leg = n;
    transport = its;
    free.up = free.down = now;
    session.announcedBytes = 0;
    parked = undefined;
    isAckDue = false;
    sending = taken = 0;
    for (const frame of waiting) frame.at = Infinity;
    later(TRIP_MS, () => {
      if (transport === 'websocket' && !isOpen) take({ type: 'socketOpened', leg: n });
      later(TRIP_MS, () => {
        world.carriers.push(n);
        if (transport === 'poll') take({ type: 'answerArrived', leg: n, route: 'poll' });
        else take({ type: 'frameArrived', leg: n, frame: '.'.repeat(SMALL) });
        if (transport === 'poll') poll();
        handOut();
        if (!isOpen) take({ type: 'legUsable', leg: n });
        take({ type: 'legActive', leg: n });
        beat();
      });
    });
  }

  function beat() {
    later(HEARTBEAT_MS, () => {
      if (transport !== 'poll') arrives(SMALL, () => {});
      beat();
    });
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
  return world;
}
