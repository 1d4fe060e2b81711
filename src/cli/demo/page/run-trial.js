// @ts-check
/**
 * Carries out trials, one at a time; a new one takes the place of the one that runs. It owns their timer and their
 * messages; what a trial is stands in trials.js, when it is over in run.js.
 */

import { beginRun, createRun, follow, healsAt, isLate, isSettled } from './run.js';
import { createBurst } from './run-burst.js';
import { RATE } from './trials.js';

const TICK_MS = 50;
/** For a session on WebSocket on a clear network, before something is done to it. */
const READY_MS = 15_000;
/** How long a session that is well is shown before. */
const BEFORE_MS = 1000;

/** @typedef {import('./run.js').Run} Run */

/**
 * @param {object} parts
 * @param {import('./visit.js').Visits} parts.visits
 * @param {import('./front.js').Front} parts.front
 * @param {import('./offers.js').Offers} parts.offers
 * @param {any} parts.witness straight to the gateway
 * @param {string} parts.own the beginning of this tab's channels
 * @param {import('./totals.js').Totals} parts.totals
 * @param {import('./history.js').History} parts.history
 * @param {(text: string, kind?: 'event' | 'act' | 'bad') => void} parts.say
 * @param {(network: string | object, what: string) => void} parts.onNetwork `what` it does
 * @param {(run: Run) => void} parts.show called often
 */
export function createTrials({ visits, front, offers, witness, own, totals, history, say, onNetwork, show }) {
  /** @type {Run | null} */
  let running = null;
  /** @type {import('./run-burst.js').Burst | null} */
  let burst = null;

  visits.listen((event, visit) => {
    if (!running) return;
    if (event.kind === 'first' && running.trial.fresh) running.first = visit.first;
    follow(running, event);
    show(running);
  });

  /** Until a condition holds, the time is up (false), or the trial was replaced (an error). @param {Run} run @param {() => boolean} holds @param {number} ms */
  const until = (run, holds, ms) =>
    new Promise((resolve, reject) => {
      const end = performance.now() + ms;
      const timer = setInterval(() => {
        const over = performance.now() >= end;
        if (run === running && !holds() && !over) return;
        clearInterval(timer);
        if (run !== running) reject(new Replaced());
        else resolve(holds());
      }, TICK_MS);
    });

  /** @param {string | object} network */
  async function setNetwork(network) {
    await front.set(network);
    onNetwork(network, running?.trial.what.replace('{seconds}', `${running.seconds}`) ?? '');
  }

  /** @param {Run} run */
  async function prepare(run) {
    const { trial } = run;
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
      if (!(await until(run, well, READY_MS)))
        throw new Error('no session on WebSocket came about on a clear network');
    }
    return /** @type {import('./visit.js').Visit} */ (visits.current);
  }

  /** @param {Run} run */
  async function strike({ trial, seconds }) {
    history.mark(performance.now(), trial.title, true);
    if (trial.withdraws) await offers.withdraw();
    if (trial.network) await setNetwork(trial.network);
    if (trial.cut) await front.kill(trial.cut);
    say(trial.what.replace('{seconds}', `${seconds}`), 'act');
  }

  /** @param {Run} run */
  async function heal(run) {
    run.healedAt = performance.now();
    history.mark(run.healedAt, 'healed', true);
    say('The failure is over: the network is clear again.', 'act');
    if (run.trial.withdraws) await offers.restore();
    if (run.trial.network) await setNetwork('clear');
  }

  /** @param {Run} run */
  async function play(run) {
    const { trial, seconds } = run;
    if (trial.fresh) {
      history.mark(performance.now(), trial.title, true);
      say(`First visit: ${trial.title}. ${trial.what}`, 'act');
    }
    const visit = await prepare(run);
    if (run !== running) throw new Replaced();
    const { connection } = visit;
    if (trial.fresh) {
      beginRun(run, visit.startedAt, connection.transport, connection.state);
      run.first = visit.first;
    }
    const ends = {
      up: { from: connection.channel(`${own}/up`), to: witness.channel(`${own}/up`) },
      down: { from: witness.channel(`${own}/down`), to: connection.channel(`${own}/down`) },
    };
    const mine = createBurst({
      connection,
      witness,
      ends,
      messages: RATE * (trial.most + (trial.heals ? seconds : 0) + 10),
      rate: RATE,
      onArrival: (direction, outcome) => history.strips[direction].add(performance.now(), outcome !== 'new'),
    });
    burst = mine;
    history.count(true);
    const counted = mine.run();
    const count = () => {
      const { up, down } = mine.report();
      run.counts = { up, down };
      totals.set(mine, run.counts);
      show(run);
    };
    if (!trial.fresh) {
      await until(run, () => false, BEFORE_MS);
      beginRun(run, performance.now(), connection.transport, connection.state);
      await strike(run);
    }
    let healing = false;
    run.settled = await until(
      run,
      () => {
        const now = performance.now();
        count();
        if (!healing && now >= (healsAt(run) ?? Infinity)) {
          healing = true;
          heal(run).catch((error) => say(`It could not be healed: ${error.message}.`, 'bad'));
        }
        return isSettled(run, now) || isLate(run, now);
      },
      Infinity,
    ).then(() => isSettled(run, performance.now()));
    run.phase = 'counting';
    mine.stop();
    const { up, down } = await counted;
    if (run !== running) throw new Replaced();
    run.counts = { up, down };
    totals.set(mine, run.counts);
    run.phase = 'over';
  }

  return {
    get running() {
      return running;
    },

    /**
     * @param {import('./trials.js').Trial} trial
     * @param {number} seconds until it heals, of those that do
     */
    async start(trial, seconds) {
      if (running && running.phase !== 'over') running.phase = 'abandoned';
      burst?.abandon();
      const run = createRun(trial, seconds, performance.now());
      running = run;
      show(run);
      try {
        await play(run);
      } catch (error) {
        if (run === running) {
          run.phase = 'abandoned';
          say(`The trial ended: ${/** @type {Error} */ (error).message}.`, 'bad');
        }
      }
      if (run !== running) return run;
      history.count(false);
      show(run);
      return run;
    },

    /** Whatever runs is over. */
    abandon() {
      const run = running;
      running = null;
      burst?.abandon();
      history.count(false);
      if (!run || run.phase === 'over') return;
      run.phase = 'abandoned';
      show(run);
    },
  };
}

/** Another trial has begun. */
class Replaced extends Error {}
