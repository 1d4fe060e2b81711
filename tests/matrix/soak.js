// @ts-check
/** What the soak needs: chances that a seed repeats, counts that keep nothing, and a platform that knows what is open on it. */
import { WebSocket } from 'ws';

/**
 * Numbers from 0 to 1, the same ones for the same seed (mulberry32).
 * @param {number} seed
 */
export function createRandom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Counts 1, 2, 3 …, and keeps only the last: what a heap that shall be flat can bear. */
export function createStrictCounter() {
  const seen = { last: 0, lost: 0, duplicated: 0, longestGapMs: 0 };
  let at = performance.now();
  return {
    seen,
    /** A number that goes back was duplicated, or comes late and was taken for lost before. @param {number} number */
    take(number) {
      const now = performance.now();
      seen.longestGapMs = Math.max(seen.longestGapMs, Math.round(now - at));
      at = now;
      if (number <= seen.last) seen.duplicated += 1;
      else {
        seen.lost += number - seen.last - 1;
        seen.last = number;
      }
    },
  };
}

/** What `connect` may be given in the platform's place, and how much of it is in use. */
export function createPlatform() {
  /** @type {Record<'timers' | 'requests' | 'sockets', number>} */
  const peak = { timers: 0, requests: 0, sockets: 0 };
  const timers = new Set();
  const requests = new Set();
  /** @type {Set<WebSocket>} */
  const sockets = new Set();
  const used = () => ({ timers: timers.size, requests: requests.size, sockets: sockets.size });
  const note = () => {
    const now = used();
    for (const kind of /** @type {const} */ (['timers', 'requests', 'sockets'])) {
      peak[kind] = Math.max(peak[kind], now[kind]);
    }
  };
  class CountedSocket extends WebSocket {
    /** @param {string} url @param {string | string[]} [protocols] */
    constructor(url, protocols) {
      super(url, protocols);
      sockets.add(this);
      note();
      this.once('close', () => sockets.delete(this));
    }
  }
  return {
    used,
    peak,
    options: {
      WebSocket: CountedSocket,
      /** @param {() => void} f @param {number} ms */
      setTimeout(f, ms) {
        const timer = setTimeout(() => {
          timers.delete(timer);
          f();
        }, ms);
        timers.add(timer);
        note();
        return timer;
      },
      /** @param {any} timer */
      clearTimeout(timer) {
        timers.delete(timer);
        clearTimeout(timer);
      },
      /** @param {Parameters<typeof fetch>} request */
      async fetch(...request) {
        requests.add(request);
        note();
        try {
          return await fetch(...request);
        } finally {
          requests.delete(request);
        }
      },
    },
  };
}
