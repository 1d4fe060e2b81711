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

/** One burst. */
export class Burst {
  #id = crypto.randomUUID();
  #settings;
  /** @type {{up: Ends, down: Ends}} */
  #ends;
  #tallies;
  /** @type {Switch[]} */
  #switches = [];
  #startedAt = 0;
  #sent = 0;
  /** The number of the last message. */
  #last;
  #lastSentAt = 0;
  #quietSince = 0;
  #abandoning = new AbortController();

  /**
   * @param {object} settings
   * @param {Connection} settings.connection behind the network
   * @param {Connection} settings.witness straight to the gateway
   * @param {string} settings.own the beginning of this tab's channels
   * @param {number} settings.messages each way
   * @param {number} settings.rate per second, each way
   * @param {(direction: Direction, outcome: 'new' | 'duplicated' | 'reordered') => void} [settings.onArrival]
   * @param {(ms: number) => void} [settings.onRoundTrip] an upward publish() was answered after so long
   */
  constructor(settings) {
    const { connection, witness, own, messages } = settings;
    this.#settings = settings;
    this.#ends = {
      up: { from: connection.channel(`${own}/up`), to: witness.channel(`${own}/up`) },
      down: { from: witness.channel(`${own}/down`), to: connection.channel(`${own}/down`) },
    };
    this.#tallies = { up: createTally(messages), down: createTally(messages) };
    this.#last = messages;
  }

  /** How much of the burst is out, from 0 to 1. */
  get progress() {
    return this.#sent / this.#last;
  }

  /** Returns the counts so far. */
  report() {
    return this.#report(false);
  }

  /** Sends no more, but still waits for the messages that are out. */
  stop() {
    this.#last = this.#sent;
  }

  /** Ends the burst at once. Nothing that is out counts as lost, for the burst no longer waits for it. */
  abandon() {
    this.#abandoning.abort();
  }

  /** Resolves when everything arrived, or when the rest counts as lost. @returns {Promise<BurstReport>} */
  async run() {
    const { signal } = this.#abandoning;
    const { up, down } = this.#ends;
    const abandoned = new Promise((resolve) => {
      signal.addEventListener('abort', resolve);
      if (signal.aborted) resolve(undefined);
    });
    const undos = [this.#listen('up'), this.#listen('down'), this.#noteSwitches()];
    await Promise.race([abandoned, Promise.all([up.to.subscribed, down.to.subscribed])]);
    this.#startedAt = performance.now();
    await new Promise((resolve) => {
      const timer = setInterval(() => {
        if (!signal.aborted && !this.#tick()) return;
        clearInterval(timer);
        resolve(undefined);
      }, TICK_MS);
    });
    for (const undo of undos) undo();
    return this.#report(!signal.aborted);
  }

  /** Counts the arrivals of one direction. Returns a function that ends that. @param {Direction} direction */
  #listen(direction) {
    return this.#ends[direction].to.on('message', ({ data }) => {
      if (data?.burst !== this.#id) return;
      this.#quietSince = performance.now();
      const outcome = this.#tallies[direction].receive(data.n, this.#quietSince);
      if (outcome !== 'foreign') this.#settings.onArrival?.(direction, outcome);
    });
  }

  /** Notes the transports that take over. Returns a function that ends that. */
  #noteSwitches() {
    return this.#settings.connection.on('transport', (change) => {
      this.#switches.push({ at: Math.round(performance.now() - this.#startedAt), ...change });
    });
  }

  /** Sends the messages that are due. Returns whether the burst is over. */
  #tick() {
    const { connection, witness, rate } = this.#settings;
    const now = performance.now();
    const goal = due(now - this.#startedAt, rate, this.#last);
    while (this.#sent < goal) {
      this.#sent += 1;
      this.#lastSentAt = now;
      this.#publish('up', this.#sent);
      this.#publish('down', this.#sent);
    }
    if (connection.state !== 'online' || witness.state !== 'online') this.#quietSince = now;
    if (this.#sent < this.#last) return false;
    const settled = this.#tallies.up.settled && this.#tallies.down.settled;
    return isOver({ now, lastSentAt: this.#lastSentAt, quietSince: this.#quietSince, settled });
  }

  /** @param {Direction} direction @param {number} n */
  async #publish(direction, n) {
    const sentAt = performance.now();
    this.#tallies[direction].send(n, sentAt);
    try {
      await this.#ends[direction].from.publish({ burst: this.#id, n });
      if (direction === 'up') this.#settings.onRoundTrip?.(performance.now() - sentAt);
    } catch (error) {
      this.#tallies[direction].reject(n, /** @type {any} */ (error).code ?? 'internal');
    }
    this.#quietSince = performance.now();
  }

  /** @param {boolean} over @returns {BurstReport} */
  #report(over) {
    const now = performance.now();
    const { up, down } = this.#tallies;
    return { up: up.report(now, over), down: down.report(now, over), switches: [...this.#switches] };
  }
}
