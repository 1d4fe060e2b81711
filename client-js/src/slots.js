// @ts-check
/**
 * Shares the connections of a browser among its tabs. Over HTTP/1.1 a browser opens six connections to a host, for all tabs
 * together. If each tab holds one for a stream or a poll, the seventh tab gets none. So four tabs hold one each, and two connections
 * stay free for the requests of all. It never decides which transport is used.
 *
 * Web Locks name the slots: the browser frees them when a tab goes, however it goes.
 */

const SLOTS = 4;

/**
 * Takes a slot, and gives it back when `signal` ends.
 * @param {LockManager | undefined} locks none: nothing is shared
 * @param {string} host
 * @param {(mayHold: boolean) => void} report called with false if all slots are taken, and with true once one is free
 * @param {AbortSignal} signal
 */
export const takeSlot = async (locks, host, report, signal) => {
  if (!locks) return;
  const names = Array.from({ length: SLOTS }, (_, slot) => `throughline ${host} ${slot}`);
  /** Resolves with whether the slot is ours; it is held until `signal` ends. @param {string} name @param {LockOptions} options */
  const request = (name, options) =>
    new Promise((/** @type {(isTaken: boolean) => void} */ resolve, reject) => {
      const held = locks.request(name, options, (lock) => {
        resolve(lock !== null);
        if (lock) return new Promise((free) => signal.addEventListener('abort', free));
      });
      held.catch(reject);
    });
  try {
    for (const name of names) if (await request(name, { ifAvailable: true })) return;
    report(false);
    const any = names[Math.floor(Math.random() * SLOTS)] ?? '';
    await request(any, { signal });
    report(true);
  } catch {
    // The page may not use locks, or the connection was closed.
  }
};
