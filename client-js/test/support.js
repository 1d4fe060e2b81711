// @ts-check
/** What several tests need: a session with known secrets, frames of a gateway, a clock that is turned by hand. */

import { createSession } from '../src/session.js';

export const LIMITS = {
  replay_frames: 4096,
  replay_bytes: 1 << 20,
  body_bytes: 65536,
  body_lines: 512,
  line_bytes: 65536,
};

/** A source of secrets that can be told apart. */
export function secrets() {
  let n = 0;
  return () => `${'abcdefghij'[n++]}`.repeat(22);
}

/** A generator of numbers from 0 to 1 that a seed repeats (mulberry32). @param {number} seed */
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

/** A session under test: inputs in, all outputs out. */
export function underTest() {
  const session = createSession(secrets());
  let now = 1000;
  return {
    session,
    /** @param {any[]} inputs @returns {any[]} */
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

/** The hello at the head of a request or a write. @param {any} output */
export const hello = (output) => JSON.parse(output.lines[0]).hello;

/** A clock and its timers, turned by hand. */
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
    /** Lets so much time pass, and everything that was promised for it happen. @param {number} ms */
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

/** Lets promises run their course. */
export const settle = () => new Promise((resolve) => setImmediate(resolve));
