// @ts-check
/**
 * Collects what the client uses of its platform: what a browser or Node brings, and the options in front of it. Nothing else in the
 * client touches a global that a platform may lack.
 *
 * @import { Options, StorageLike } from './types.js'
 * @import { Platform } from './transports/events.js'
 */

/**
 * Returns random words of 32 bits; 128 bits in all unless more are asked for. The numbers of 4 words take 22 characters or more, but
 * for one in 10^9.
 */
export const randomId = (words = 4) => crypto.getRandomValues(new Uint32Array(words)).join('-');

/** Returns the platform. An option that is given wins; one that is undefined counts as absent. @param {Options} options */
export const resolvePlatform = (options) => {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return /** @type {Platform} */ ({
    fetch: globalThis.fetch,
    WebSocket: globalThis.WebSocket,
    now: () => performance.now(),
    setTimeout: globalThis.setTimeout,
    clearTimeout: globalThis.clearTimeout,
    window: globalThis.window,
    ...Object.fromEntries(given),
  });
};

/**
 * The store that the options name, or the page's. A page may be denied its storage, and then even the question
 * throws.
 * @param {Platform} platform
 * @returns {StorageLike | null | undefined}
 */
export const storageOf = ({ storage, window }) => {
  try {
    return storage === undefined ? window?.localStorage : storage;
  } catch {}
};
