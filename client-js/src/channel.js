// @ts-check
/**
 * A channel as the application sees it. Listening subscribes, publishing does not; the last listener that goes
 * unsubscribes. It knows positions, but nothing of sessions and transports.
 *
 * @typedef {import('./types.js').Message} Message
 * @typedef {import('./types.js').Position} Position
 *
 * @callback Ask sends a numbered request
 * @param {'sub' | 'unsub' | 'pub'} verb
 * @param {string} channel
 * @param {object} fields
 * @param {(error?: ThroughlineError, ok?: any) => void} done called when the answer comes, before what follows it is read
 * @returns {number} the request's id
 */

import { createEmitter } from './emitter.js';
import { ThroughlineError } from './errors.js';
import { promise } from './promise.js';

/**
 * @param {string} name
 * @param {Ask} ask
 * @param {(event: any, value: any) => void} tell the connection's listeners: of an error, or a reset
 */
export function createChannel(name, ask, tell) {
  const emitter = createEmitter();
  /** Undos of those that listen. */
  const listeners = new Set();
  /** Of the last message; where there is none, we are not subscribed. @type {Position | undefined} */
  let position;
  /** The request for the subscription, while it is open. */
  let asked = 0;
  let ended = false;
  /** Settles the promise, once. @type {((error?: ThroughlineError) => void) | undefined} */
  let settle;
  /** @type {Promise<any>} */
  let subscribed;
  renew();

  function renew() {
    subscribed = promise((done) => {
      settle = done;
    });
    // Nobody has to look.
    subscribed.catch(() => {});
  }

  /** @param {string} [reason] */
  function subscribe(reason) {
    const since = position;
    if (!since && !settle) renew();
    let id = 0;
    id = asked = ask('sub', name, { since }, (error, { epoch, at, recovered } = {}) => {
      if (id !== asked && id) return;
      asked = 0;
      position = epoch && { epoch, at };
      settle?.(error);
      settle = undefined;
      if (error) tell('error', error);
      else if (since && !recovered) tell('reset', { reason, channel: name });
    });
  }

  /**
   * Listens, and so subscribes.
   * @param {'message'} event
   * @param {(message: Message) => void} f
   * @returns {() => void} its undo
   */
  function on(event, f) {
    const undo = emitter.on(event, f);
    listeners.add(undo);
    if (!position && !asked) subscribe();
    return () => {
      undo();
      if (!listeners.delete(undo) || listeners.size) return;
      asked = 0;
      position = undefined;
      ask('unsub', name, {}, () => {});
    };
  }

  return {
    on,

    /** Fulfilled when the gateway has subscribed us; rejects with a ThroughlineError. @returns {Promise<any>} */
    get subscribed() {
      return subscribed;
    },

    /**
     * Publishes JSON, or bytes as they are.
     * @param {any} data
     * @returns {Promise<{at: number}>} its offset
     */
    publish: (data) =>
      promise((done) => {
        // Bytes in one piece: a line is at most 64 KB.
        const fields =
          data instanceof Uint8Array ? { b64: btoa(String.fromCharCode(...data)) } : { data: data ?? null };
        ask('pub', name, fields, (error, ok) => done(error, { at: ok?.at }));
      }),

    /** The messages from now on. A loop that falls 10,000 behind ends with `queue_full`. */
    async *[Symbol.asyncIterator]() {
      /** @type {Message[]} */
      const waiting = [];
      let wake = (/** @type {any} */ _) => {};
      const undos = [
        on('message', (message) => wake(waiting.push(message))),
        emitter.on('end', (_) => wake(_)),
      ];
      try {
        while (waiting[0] || !ended) {
          if (waiting.length > 10_000) throw new ThroughlineError('queue_full');
          const message = waiting.shift();
          if (message) yield message;
          else
            await new Promise((resolve) => {
              wake = resolve;
            });
        }
      } finally {
        for (const undo of undos) undo();
      }
    },

    // ---- for the connection

    /** A publication came. What comes before the subscription is answered is older than it. @param {any} frame */
    deliver({ at, bytes, data }) {
      if (asked || !position || at <= position.at) return;
      position = { ...position, at };
      emitter.emit('message', { channel: name, data: bytes ?? data, ...position });
    },

    /**
     * The promise of the session ended: what was missed is asked for by position.
     * @param {string} reason
     * @param {Set<number>} kept requests that still wait to be sent
     */
    resume(reason, kept) {
      if (listeners.size && !kept.has(asked)) subscribe(reason);
    },

    /** The connection is closed. */
    end() {
      ended = true;
      emitter.emit('end', 0);
    },
  };
}

/** @typedef {ReturnType<typeof createChannel>} Channel */
