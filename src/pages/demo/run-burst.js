// @ts-check
/**
 * Runs one burst: numbered messages both ways at once, between the connection behind the hostile network and a witness
 * that is not behind it. It owns the timer and the listeners. Burst.js decides what counts, and when the burst is over.
 */

import { createTally, due, isOver } from './burst.js';

/** Browsers do not go below 4 ms. Messages that are due between two ticks go together. */
const TICK_MS = 10;

/**
 * @import { Channel, Connection } from '/rt/client/types.js'
 * @typedef {import('./burst.js').Report} Report
 * @typedef {'up' | 'down'} Direction
 * @typedef {object} Ends where one direction is published and received
 * @property {Channel} from the publisher's channel object
 * @property {Channel} to the receiver's
 * @typedef {{at: number, from: string | null, to: string | null, reason: string}} Switch
 * @typedef {{up: Report, down: Report, switches: Switch[]}} BurstReport
 */

/**
 * @param {object} settings
 * @param {Connection} settings.connection behind the network
 * @param {Connection} settings.witness straight to the gateway
 * @param {{up: Ends, down: Ends}} settings.ends
 * @param {number} settings.messages each way
 * @param {number} settings.rate per second, each way
 * @param {(direction: Direction, outcome: 'new' | 'duplicated' | 'reordered') => void} [settings.onArrival]
 * @param {(ms: number) => void} [settings.onRoundTrip] an upward publish() was answered after so long
 */
export function createBurst({ connection, witness, ends, messages, rate, onArrival, onRoundTrip }) {
  const id = crypto.randomUUID();
  const tallies = { up: createTally(messages), down: createTally(messages) };
  /** @type {Switch[]} */
  const switches = [];
  let startedAt = 0;
  let sent = 0;
  let last = messages;
  let lastSentAt = 0;
  let quietSince = 0;
  let abandon = () => {};
  /** @type {Promise<void>} */
  const abandoned = new Promise((resolve) => {
    abandon = resolve;
  });

  /** @param {Direction} direction @param {number} n */
  async function publish(direction, n) {
    const sentAt = performance.now();
    tallies[direction].send(n, sentAt);
    try {
      await ends[direction].from.publish({ burst: id, n });
      if (direction === 'up') onRoundTrip?.(performance.now() - sentAt);
    } catch (error) {
      tallies[direction].reject(n, /** @type {any} */ (error).code ?? 'internal');
    }
    quietSince = performance.now();
  }

  /** @param {Direction} direction */
  function listen(direction) {
    return ends[direction].to.on('message', ({ data }) => {
      if (data?.burst !== id) return;
      quietSince = performance.now();
      const outcome = tallies[direction].receive(data.n, quietSince);
      if (outcome !== 'foreign') onArrival?.(direction, outcome);
    });
  }

  function tick() {
    const now = performance.now();
    for (const goal = due(now - startedAt, rate, last); sent < goal; lastSentAt = now) {
      sent += 1;
      publish('up', sent);
      publish('down', sent);
    }
    if (connection.state !== 'online' || witness.state !== 'online') quietSince = now;
    const settled = tallies.up.settled && tallies.down.settled;
    return sent >= last && isOver({ now, lastSentAt, quietSince, settled });
  }

  /** @param {boolean} [over] @returns {BurstReport} */
  function report(over) {
    const now = performance.now();
    return {
      up: tallies.up.report(now, over),
      down: tallies.down.report(now, over),
      switches: [...switches],
    };
  }

  return {
    messages,

    /** How much of the burst is out, from 0 to 1. */
    get progress() {
      return sent / last;
    },

    report: () => report(),

    /** Sends no more, but still waits for the messages that are out. */
    stop() {
      last = sent;
    },

    /** Ends the burst at once. Nothing that is out counts as lost, for the burst no longer waits for it. */
    abandon,

    /** Resolves when everything arrived, or when the rest counts as lost. @returns {Promise<BurstReport>} */
    async run() {
      const undos = [listen('up'), listen('down')];
      undos.push(
        connection.on('transport', (change) =>
          switches.push({ at: Math.round(performance.now() - startedAt), ...change }),
        ),
      );
      let given = false;
      abandoned.then(() => {
        given = true;
      });
      await Promise.race([abandoned, Promise.all([ends.up.to.subscribed, ends.down.to.subscribed])]);
      startedAt = performance.now();
      await new Promise((resolve) => {
        const timer = setInterval(() => {
          if (!given && !tick()) return;
          clearInterval(timer);
          resolve(undefined);
        }, TICK_MS);
      });
      for (const undo of undos) undo();
      return report(!given);
    },
  };
}

/** @typedef {ReturnType<typeof createBurst>} Burst */
