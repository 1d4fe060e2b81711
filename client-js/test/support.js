// @ts-check
/**
 * Shared by several tests: a session with known secrets, the frames of a gateway, and a clock that the test moves.
 *
 * @import { SessionInput } from '../src/session/events.js'
 */

import { Session } from '../src/session/session.js';

export const LIMITS = {
  replay_frames: 4096,
  replay_bytes: 1 << 20,
  body_bytes: 65536,
  body_lines: 512,
  line_bytes: 65536,
};

/** A source of secrets that a test can tell apart. */
export function secrets() {
  let n = 0;
  return () => `${'abcdefghij'[n++]}`.repeat(22);
}

/** A generator of numbers from 0 to 1 (mulberry32). The same seed gives the same numbers. @param {number} seed */
export function seeded(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t ^= t + Math.imul(t ^ (t >>> 7), 61 | t);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** @param {any} fields */
export const welcome = (fields) =>
  JSON.stringify({
    welcome: {
      v: 1,
      id: 'one',
      leg: 1,
      turn: 1,
      received: 0,
      next: 1,
      heartbeat_ms: 15000,
      hold_ms: 25000,
      limits: LIMITS,
      ...fields,
    },
  });

/** @param {string} nonce @param {string} code */
export const end = (nonce, code) => JSON.stringify({ end: { v: 1, nonce, code } });

/** A session under test. `take` hands in inputs and returns all outputs. */
export function underTest() {
  const session = new Session({ randomId: secrets() });
  let now = 1000;
  return {
    session,
    /** @param {SessionInput[]} inputs @returns {any[]} */
    take(...inputs) {
      const all = [];
      for (const input of inputs) {
        session.handle(now, input);
        for (let output = session.pollOutput(); output; output = session.pollOutput()) all.push(output);
      }
      return all;
    },
    /** @param {number} ms */
    wait: (ms) => {
      now += ms;
    },
    now: () => now,
  };
}

/** The hello in the first line of a POST or a write. @param {any} output */
export const hello = (output) => JSON.parse(output.lines[0]).hello;

/** A clock and its timers. The test moves the clock. */
export function createClock() {
  let time = 0;
  let ids = 0;
  /** @type {Map<number, {at: number, f: () => void}>} */
  const timers = new Map();
  const clock = {
    now: () => time,
    setTimeout: (/** @type {() => void} */ f, /** @type {number} */ ms) => {
      timers.set(++ids, { at: time + Math.max(0, ms), f });
      return ids;
    },
    clearTimeout: (/** @type {any} */ id) => void timers.delete(id),
    timers,
    /** Moves the clock on by so many milliseconds, and runs each timer that is due. @param {number} ms */
    async pass(ms) {
      const end = time + ms;
      for (;;) {
        await settle();
        const [next] = [...timers].sort(([, a], [, b]) => a.at - b.at);
        if (!next || next[1].at > end) break;
        timers.delete(next[0]);
        time = next[1].at;
        next[1].f();
      }
      time = end;
      await settle();
    },
  };
  return clock;
}

/** Lets pending promises settle. */
export const settle = () => new Promise((resolve) => setImmediate(resolve));
