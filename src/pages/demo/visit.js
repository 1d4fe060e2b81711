// @ts-check
/**
 * Visits: a visit is one connection of this tab behind its front, from `connect()` to `close()`. There is one at a
 * time. Each part that shows it listens here, once, and receives the events of every visit's connection. This module
 * shows nothing.
 *
 * @import { Connection } from '/rt/client/types.js'
 *
 * @typedef {object} Visit
 * @property {Connection} connection
 * @property {number} startedAt
 * @property {{ms: number, transport: string | null} | null} first the first message of this page that came down
 *
 * @typedef {{kind: 'began'}
 *   | {kind: 'first'}
 *   | {kind: 'state', state: string}
 *   | {kind: 'transport', from: string | null, to: string | null, reason: string}
 *   | {kind: 'failed', attempts: import('./attempts.js').Attempt[]}
 *   | {kind: 'trying', attempts: import('./attempts.js').Attempt[]}
 *   | {kind: 'reset', reason: string, channel: string}
 *   | {kind: 'error', code: string, message: string}} Event
 * @typedef {(event: Event & {at: number}, visit: Visit) => void} Listener
 */

import { watchAttempts } from './attempts.js';

/**
 * @param {object} parts
 * @param {(url: string, options: import('/rt/client/types.js').Options) => Connection} parts.connect
 * @param {import('./front.js').Front} parts.front
 * @param {string} parts.own the beginning of this tab's channels
 */
export function createVisits({ connect, front, own }) {
  /** @type {Listener[]} */
  const listeners = [];
  /** @type {Visit | null} */
  let current = null;
  let unwatch = () => {};

  /** @param {Visit} visit @param {Event} event */
  function tell(visit, event) {
    if (visit !== current) return;
    for (const listener of listeners) listener({ ...event, at: performance.now() }, visit);
  }

  /** Says something, and waits until it comes back: both directions work then. @param {Visit} visit */
  async function greet(visit) {
    const { connection } = visit;
    const channel = connection.channel(`${own}/first`);
    const id = crypto.randomUUID();
    const undo = channel.on('message', ({ data }) => {
      if (data !== id || visit.first) return;
      visit.first = { ms: performance.now() - visit.startedAt, transport: connection.transport };
      undo();
      tell(visit, { kind: 'first' });
    });
    // If its outcome is unknown, it is said again: the first that comes counts.
    while (!visit.first && visit === current) {
      try {
        await channel.publish(id);
        return;
      } catch (error) {
        if (/** @type {any} */ (error).code === 'closed') return;
      }
    }
  }

  function end() {
    unwatch();
    // A connection that the page closes itself is no news.
    const over = current;
    current = null;
    over?.connection.close();
  }

  return {
    get current() {
      return current;
    },

    /** @param {Listener} listener */
    listen(listener) {
      listeners.push(listener);
    },

    end,

    /**
     * Ends the current visit, and starts one behind a network. The new visit remembers nothing of earlier ones.
     * @param {string | object} network
     * @returns {Promise<Visit>}
     */
    async begin(network) {
      end();
      await front.set(network);
      await front.kill('any');
      // Another one may have begun meanwhile.
      end();
      const startedAt = performance.now();
      const connection = connect(`${front.url}/rt`, { storage: null });
      /** @type {Visit} */
      const visit = { connection, startedAt, first: null };
      current = visit;
      tell(visit, { kind: 'began' });
      connection.on('state', (state) => tell(visit, { kind: 'state', state }));
      unwatch = watchAttempts(connection, {
        onFailed: (attempts) => tell(visit, { kind: 'failed', attempts }),
        onTrying: (attempts) => tell(visit, { kind: 'trying', attempts }),
      });
      connection.on('transport', (change) => tell(visit, { kind: 'transport', ...change }));
      connection.on('reset', (reset) => tell(visit, { kind: 'reset', ...reset }));
      connection.on('error', ({ code, message }) => tell(visit, { kind: 'error', code, message }));
      greet(visit);
      return visit;
    },
  };
}

/** @typedef {ReturnType<typeof createVisits>} Visits */
