// @ts-check
/** The soak's parts: random numbers that a seed repeats, counters of constant size, and a platform that knows its open resources. */
import { WebSocket } from 'ws';

/**
 * Creates a source of numbers from 0 to 1, which a seed repeats (mulberry32).
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

/** Counts 1, 2, 3 …, and keeps only the last number, because the heap must stay flat. */
export function createStrictCounter() {
  const seen = { last: 0, lost: 0, duplicated: 0, longestGapMs: 0 };
  let at = performance.now();
  return {
    seen,
    /**
     * Counts a number. A lower number than the last is a duplicate, or a late one that counted as lost
     * before.
     * @param {number} number
     */
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

/** Creates a platform for `connect`, and counts the resources in use. */
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
