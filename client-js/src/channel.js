// @ts-check
/**
 * A channel as the application sees it. Listening subscribes, publishing does not; the last listener that goes
 * unsubscribes. It knows positions, but nothing of sessions and transports.
 */

/**
 * @typedef {import('./types.js').Message} Message
 * @typedef {import('./types.js').Position} Position
 *
 * @callback Ask sends a request, and numbers it
 * @param {{sub: string, since?: Position} | {unsub: string} | {pub: string, data?: any, b64?: string}} request
 * @param {(error?: ThroughlineError, ok?: any) => void} done called when the answer comes, before what follows it is read
 * @returns {number | undefined} the request's id; none where it is refused here
 */

import { createEmitter } from './emitter.js';
import { ThroughlineError } from './errors.js';
import { promise } from './promise.js';

/**
 * @param {string} name
 * @param {Ask} ask
 * @param {(event: any, value: any) => void} tell the connection's listeners: of an error, or a reset
 */
export const createChannel = (name, ask, tell) => {
  const [listen, emit, all] = createEmitter();
  /** Of the last message; where there is none, we are not subscribed. @type {Position | undefined} */
  let position;
  /** The request for the subscription, while it is open. @type {number | undefined} */
  let asked;
  /** @type {Promise<any>} */
  let subscribed;
  /** Settles the promise, once. @type {((error?: ThroughlineError) => void) | undefined} */
  let settle;

  const renew = () => {
    // Nobody has to look.
    (subscribed = promise((done) => (settle = done))).catch(() => {});
  };

  /** @param {string} [reason] */
  const subscribe = (reason) => {
    const since = position;
    if (!since && !settle) renew();
    /** @type {number | undefined} */
    let id;
    id = asked = ask({ sub: name, since }, (error, { epoch, at, recovered } = /** @type {any} */ ({})) => {
      if (id !== asked && id) return;
      asked = undefined;
      position = epoch && { epoch, at };
      settle?.(error);
      settle = undefined;
      if (error) {
        // Who closes the connection knows.
        if (error.code !== 'closed') tell('error', error);
        emit('end', error);
      } else if (since && !recovered) tell('reset', { reason, channel: name });
    });
  };

  /**
   * Listens, and so subscribes.
   * @param {'message'} event
   * @param {(message: Message) => void} f
   * @returns {() => void} its undo
   */
  const on = (event, f) => {
    const undo = listen(event, f);
    if (!position && !asked) subscribe();
    return () => {
      if (!undo() || all.size) return;
      asked = position = undefined;
      ask({ unsub: name }, () => {});
    };
  };

  renew();
  return {
    name,
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
        // Bytes in one piece: what is cut off here is too large without it.
        const bytes = data instanceof Uint8Array && data.slice(0, 60_000);
        ask(
          bytes ? { pub: name, b64: btoa(String.fromCharCode(...bytes)) } : { pub: name, data: data ?? null },
          (error, { at } = /** @type {any} */ ({})) => done(error, { at }),
        );
      }),

    /** The messages from now on. A loop that falls 10,000 behind ends with `queue_full`. */
    async *[Symbol.asyncIterator]() {
      /** Messages, and behind them the error after which no more will come. @type {any[]} */
      const waiting = [];
      let wake = (/** @type {any} */ _) => {};
      const take = (/** @type {any} */ item) => wake(waiting.push(item));
      // The end first, since the answer may be there at once.
      const undos = [listen('end', take), on('message', take)];
      try {
        for (;;) {
          if (waiting.length > 10_000) throw new ThroughlineError('queue_full');
          const item = waiting.shift();
          if (item?.code === 'closed') return;
          if (item?.code) throw item;
          if (item) yield item;
          else await new Promise((resolve) => (wake = resolve));
        }
      } finally {
        for (const undo of undos) undo();
      }
    },

    // ---- for the connection

    /** A publication came. What comes before the subscription is answered is older than it. @param {any} frame */
    deliver({ at, bytes, data }) {
      if (!asked && position && at > position.at) {
        position.at = at;
        emit('message', { channel: name, data: bytes ?? data, ...position });
      }
    },

    /**
     * The promise of the session ended: what was missed is asked for by position.
     * @param {string} reason
     * @param {unknown[]} kept ids of the requests that still wait to be sent
     * (Once the connection is closed, asking is answered with that at once, and this ends the channel.)
     */
    resume(reason, kept) {
      if (all.size && !kept.includes(asked)) subscribe(reason);
    },
  };
};

/** @typedef {ReturnType<typeof createChannel>} Channel */
