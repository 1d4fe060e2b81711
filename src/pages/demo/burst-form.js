// @ts-check
/** Starts bursts, by the form or from a program, one at a time, and keeps the counters up to date while one runs. */

import { createCounters, verdict } from './burst-panel.js';
import { createCourse } from './disturb.js';
import { find, findAs } from './dom.js';
import { Burst } from './run-burst.js';

/**
 * @typedef {object} Parts
 * @property {import('./visit.js').Visits} visits behind the network
 * @property {import('/rt/client/types.js').Connection} witness straight to the gateway
 * @property {string} own the beginning of this tab's channels
 * @property {import('./disturb.js').Hands} hands
 * @property {import('./history.js').History} history
 * @property {(text: string, kind?: 'event' | 'act' | 'bad') => void} say
 * @property {import('./totals.js').Totals} totals
 * @property {(ms: number) => void} onRoundTrip
 */

/** The form of the bursts, and what it shows of the one that runs. */
export class BurstForm {
  #parts;
  #form = findAs(HTMLFormElement, 'burst');
  #button = findAs(HTMLButtonElement, 'go');
  #progress = findAs(HTMLProgressElement, 'progress');
  #sentence = find('verdict');
  #counters = createCounters(find('counts'));
  /** @type {Burst | undefined} */
  #running;

  /** @param {Parts} parts */
  constructor(parts) {
    const { visits, witness, own } = parts;
    this.#parts = parts;
    // The witness subscribes once and for all: a burst may start when no connection can subscribe any more.
    witness.channel(`${own}/up`).on('message', () => {});
    visits.listen((event, { connection }) => {
      if (event.kind === 'began') connection.channel(`${own}/down`).on('message', () => {});
    });
    this.#counters.show(null, null);
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      if (this.#running) this.#running.stop();
      else this.start(this.#wanted);
    });
  }

  /** The burst that the form describes. */
  get #wanted() {
    const { messages, rate, course } = this.#form;
    return { messages: messages.valueAsNumber, rate: rate.valueAsNumber, course: course.value };
  }

  /** Runs a burst, and resolves with its report. Rejects while one runs already, and without a session. */
  async start({ messages = 2000, rate = 200, course = 'none' } = {}) {
    if (this.#running) throw new Error('a burst is running already');
    const burst = this.#open(messages, rate);
    this.#running = burst;
    this.#showStart(messages, rate);
    this.#follow(burst, createCourse(course, this.#parts.hands));
    const report = await burst.run();
    if (this.#running === burst) this.#showEnd(burst, report);
    return report;
  }

  /** Ends the burst that runs, without a verdict. */
  abandon() {
    if (!this.#running) return;
    this.#running.abandon();
    this.#rest();
    this.#tell('This burst was ended: something else has begun.');
  }

  /** @param {number} messages @param {number} rate */
  #open(messages, rate) {
    const { visits, witness, own, history, onRoundTrip } = this.#parts;
    const connection = visits.current?.connection;
    if (!connection) throw new Error('there is no session');
    return new Burst({
      connection,
      witness,
      own,
      messages,
      rate,
      onRoundTrip,
      onArrival: (direction, outcome) => history.strips[direction].add(performance.now(), outcome !== 'new'),
    });
  }

  /**
   * Follows a burst while it runs, once a frame.
   * @param {Burst} burst
   * @param {{advance: (part: number) => unknown}} course
   */
  #follow(burst, course) {
    if (this.#running !== burst) return;
    const { up, down } = burst.report();
    this.#counters.show(up, down);
    this.#parts.totals.set(burst, { up, down });
    this.#progress.value = burst.progress;
    course.advance(burst.progress);
    if (burst.progress >= 1) this.#button.disabled = true;
    requestAnimationFrame(() => this.#follow(burst, course));
  }

  /** @param {number} messages @param {number} rate */
  #showStart(messages, rate) {
    const { history, say } = this.#parts;
    const count = messages.toLocaleString('en');
    this.#button.textContent = 'Stop';
    this.#tell(
      `Sending ${count} messages each way. Anything missing 5 s after the last message counts as lost.`,
    );
    say(`A burst: ${count} messages each way, ${rate} per second.`, 'act');
    history.count(true);
  }

  /** @param {Burst} burst @param {import('./run-burst.js').BurstReport} report */
  #showEnd(burst, report) {
    const { history, totals, say } = this.#parts;
    this.#rest();
    totals.set(burst, report);
    history.count(false);
    this.#counters.show(report.up, report.down, true);
    this.#progress.value = 1;
    const { held, text } = verdict(report);
    this.#tell(text, held ? 'held' : 'broken');
    say(text, held ? 'event' : 'bad');
  }

  /** No burst runs: the form can start another one. */
  #rest() {
    this.#running = undefined;
    this.#button.textContent = 'Start the burst';
    this.#button.disabled = false;
  }

  /** @param {string} text @param {string} [kind] */
  #tell(text, kind = '') {
    this.#sentence.textContent = text;
    this.#sentence.className = `verdict ${kind}`;
  }
}
