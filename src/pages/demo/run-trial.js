// @ts-check
/**
 * Runs trials, one at a time. A new trial replaces the one that runs. This module owns their timer and their messages.
 * trials.js describes a trial; run.js says when it is over.
 */

import { beginRun, createRun, follow, healsAt, isLate, isSettled } from './run.js';
import { Burst } from './run-burst.js';
import { RATE } from './trials.js';

const TICK_MS = 50;
/** How long a trial waits for a session to reach WebSocket on a clear network, before the trial breaks something. */
const READY_MS = 15_000;
/** How long the page shows a healthy session before the trial breaks something. */
const BEFORE_MS = 1000;

/** The error with which a trial ends because another one has begun. */
class Replaced extends Error {}

/** @typedef {import('./run.js').Run} Run */

/**
 * @typedef {object} Parts
 * @property {import('./visit.js').Visits} visits
 * @property {import('./front.js').Front} front
 * @property {import('./offers.js').Offers} offers
 * @property {import('/rt/client/types.js').Connection} witness a connection straight to the gateway
 * @property {string} own the prefix of this tab's channel names
 * @property {import('./totals.js').Totals} totals
 * @property {import('./history.js').History} history
 * @property {(text: string, kind?: 'event' | 'act' | 'bad') => void} say
 * @property {(network: string | object, what: string) => void} onNetwork `what` says what the network does
 * @property {(run: Run) => void} show called often
 */

/** Runs trials, one at a time. */
export class Trials {
  /** @type {Parts} */
  #parts;
  /** @type {Run | null} */
  #running = null;
  /** @type {Burst | null} */
  #burst = null;

  /** @param {Parts} parts */
  constructor(parts) {
    this.#parts = parts;
    parts.visits.listen((event, visit) => {
      const run = this.#running;
      if (!run) return;
      if (event.kind === 'first' && run.trial.fresh) run.first = visit.first;
      follow(run, event);
      parts.show(run);
    });
  }

  get running() {
    return this.#running;
  }

  /**
   * @param {import('./trials.js').Trial} trial
   * @param {number} seconds until the network heals, for a trial that heals it
   */
  async start(trial, seconds) {
    const { history, say, show } = this.#parts;
    if (this.#running && this.#running.phase !== 'over') this.#running.phase = 'abandoned';
    this.#burst?.abandon();
    const run = createRun(trial, seconds, performance.now());
    this.#running = run;
    show(run);
    try {
      await this.#play(run);
    } catch (error) {
      if (run === this.#running) {
        run.phase = 'abandoned';
        say(`The trial ended: ${/** @type {Error} */ (error).message}.`, 'bad');
      }
    }
    if (run !== this.#running) return run;
    history.count(false);
    show(run);
    return run;
  }

  /** Ends the trial that runs. */
  abandon() {
    const { history, show } = this.#parts;
    const run = this.#running;
    this.#running = null;
    this.#burst?.abandon();
    history.count(false);
    if (!run || run.phase === 'over') return;
    run.phase = 'abandoned';
    show(run);
  }

  /** @param {Run} run */
  async #play(run) {
    const { history, totals } = this.#parts;
    const visit = await this.#prepare(run);
    if (run !== this.#running) throw new Replaced();
    const { connection } = visit;
    if (run.trial.fresh) {
      beginRun(run, visit.startedAt, connection.transport, connection.state);
      run.first = visit.first;
    }
    const burst = this.#openBurst(run, connection);
    history.count(true);
    const counted = burst.run();
    if (!run.trial.fresh) {
      await this.#until(run, () => false, BEFORE_MS);
      beginRun(run, performance.now(), connection.transport, connection.state);
      await this.#strike(run);
    }
    await this.#watch(run, burst);
    run.phase = 'counting';
    burst.stop();
    const { up, down } = await counted;
    if (run !== this.#running) throw new Replaced();
    run.counts = { up, down };
    totals.set(burst, run.counts);
    run.phase = 'over';
  }

  /**
   * Prepares a session: a new one behind the trial's network, or one on WebSocket on a clear network.
   * @param {Run} run
   * @returns {Promise<import('./visit.js').Visit>}
   */
  async #prepare(run) {
    const { visits, front, offers, history, say, onNetwork } = this.#parts;
    const { trial } = run;
    if (trial.fresh) {
      history.mark(performance.now(), trial.title, true);
      say(`First visit: ${trial.title}. ${trial.what}`, 'act');
    }
    if (offers.withdrawn) await offers.restore();
    if (trial.fresh) {
      onNetwork(trial.network ?? 'clear', trial.what);
      return visits.begin(trial.network ?? 'clear');
    }
    const well = () =>
      front.network === 'clear' &&
      visits.current?.connection.state === 'online' &&
      visits.current.connection.transport === 'websocket';
    if (!well()) {
      onNetwork('clear', '');
      await visits.begin('clear');
      if (!(await this.#until(run, well, READY_MS)))
        throw new Error('no session reached WebSocket on a clear network');
    }
    return /** @type {import('./visit.js').Visit} */ (visits.current);
  }

  /** @param {Run} run @param {import('/rt/client/types.js').Connection} connection */
  #openBurst({ trial, seconds }, connection) {
    const { witness, own, history } = this.#parts;
    const burst = new Burst({
      connection,
      witness,
      own,
      messages: RATE * (trial.most + (trial.heals ? seconds : 0) + 10),
      rate: RATE,
      onArrival: (direction, outcome) => history.strips[direction].add(performance.now(), outcome !== 'new'),
    });
    this.#burst = burst;
    return burst;
  }

  /** Watches the run until it is at rest, or its time is up. @param {Run} run @param {Burst} burst */
  async #watch(run, burst) {
    const { totals, say, show } = this.#parts;
    let healing = false;
    const isOver = () => {
      const now = performance.now();
      const { up, down } = burst.report();
      run.counts = { up, down };
      totals.set(burst, run.counts);
      show(run);
      if (!healing && now >= (healsAt(run) ?? Infinity)) {
        healing = true;
        this.#heal(run).catch((error) => say(`The failure could not be undone: ${error.message}.`, 'bad'));
      }
      return isSettled(run, now) || isLate(run, now);
    };
    await this.#until(run, isOver, Infinity);
    run.settled = isSettled(run, performance.now());
  }

  /** @param {Run} run */
  async #strike({ trial, seconds }) {
    const { front, offers, history, say } = this.#parts;
    history.mark(performance.now(), trial.title, true);
    if (trial.withdraws) await offers.withdraw();
    if (trial.network) await this.#setNetwork(trial.network);
    if (trial.cut) await front.kill(trial.cut);
    say(trial.what.replace('{seconds}', `${seconds}`), 'act');
  }

  /** @param {Run} run */
  async #heal(run) {
    const { offers, history, say } = this.#parts;
    run.healedAt = performance.now();
    history.mark(run.healedAt, 'healed', true);
    say('The failure is over: the network is clear again.', 'act');
    if (run.trial.withdraws) await offers.restore();
    if (run.trial.network) await this.#setNetwork('clear');
  }

  /** @param {string | object} network */
  async #setNetwork(network) {
    const { front, onNetwork } = this.#parts;
    const run = this.#running;
    await front.set(network);
    onNetwork(network, run?.trial.what.replace('{seconds}', `${run.seconds}`) ?? '');
  }

  /**
   * Waits until a condition holds, the time is up, or another trial replaces this one.
   * Resolves with whether the condition holds, and rejects if the trial was replaced.
   * @param {Run} run
   * @param {() => boolean} holds
   * @param {number} ms
   * @returns {Promise<boolean>}
   */
  #until(run, holds, ms) {
    return new Promise((resolve, reject) => {
      const end = performance.now() + ms;
      const timer = setInterval(() => {
        const over = performance.now() >= end;
        if (run === this.#running && !holds() && !over) return;
        clearInterval(timer);
        if (run !== this.#running) reject(new Replaced());
        else resolve(holds());
      }, TICK_MS);
    });
  }
}
