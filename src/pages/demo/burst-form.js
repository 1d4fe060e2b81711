// @ts-check
/** Starts bursts, by the form or from a program, one at a time, and keeps the counters up to date while one runs. */

import { createCounters, verdict } from './burst-panel.js';
import { createCourse } from './disturb.js';
import { find, findAs } from './dom.js';
import { Burst } from './run-burst.js';

/**
 * @param {object} parts
 * @param {import('./visit.js').Visits} parts.visits behind the network
 * @param {import('/rt/client/types.js').Connection} parts.witness straight to the gateway
 * @param {string} parts.own the beginning of this tab's channels
 * @param {import('./disturb.js').Hands} parts.hands
 * @param {import('./history.js').History} parts.history
 * @param {(text: string, kind?: 'event' | 'act' | 'bad') => void} parts.say
 * @param {import('./totals.js').Totals} parts.totals
 * @param {(ms: number) => void} parts.onRoundTrip
 */
export function prepareBurst({ visits, witness, own, hands, history, totals, say, onRoundTrip }) {
  const form = findAs(HTMLFormElement, 'burst');
  const button = findAs(HTMLButtonElement, 'go');
  const progress = findAs(HTMLProgressElement, 'progress');
  const sentence = find('verdict');
  const counters = createCounters(find('counts'));
  // The witness subscribes once and for all: a burst may start when no connection can subscribe any more.
  witness.channel(`${own}/up`).on('message', () => {});
  visits.listen((event, { connection }) => {
    if (event.kind === 'began') connection.channel(`${own}/down`).on('message', () => {});
  });
  counters.show(null, null);
  /** @type {Burst | undefined} */
  let running;

  /** @param {string} text @param {string} [kind] */
  function tell(text, kind = '') {
    sentence.textContent = text;
    sentence.className = `verdict ${kind}`;
  }

  /**
   * Follows a burst while it runs, once a frame.
   * @param {Burst} burst
   * @param {{advance: (part: number) => unknown}} course
   */
  function follow(burst, course) {
    if (running !== burst) return;
    const { up, down } = burst.report();
    counters.show(up, down);
    totals.set(burst, { up, down });
    progress.value = burst.progress;
    course.advance(burst.progress);
    if (burst.progress >= 1) button.disabled = true;
    requestAnimationFrame(() => follow(burst, course));
  }

  async function start({ messages = 2000, rate = 200, course = 'none' } = {}) {
    if (running) throw new Error('a burst is running already');
    const connection = visits.current?.connection;
    if (!connection) throw new Error('there is no session');
    const burst = new Burst({
      connection,
      witness,
      own,
      messages,
      rate,
      onRoundTrip,
      onArrival: (direction, outcome) => history.strips[direction].add(performance.now(), outcome !== 'new'),
    });
    running = burst;
    button.textContent = 'Stop';
    tell(
      `Sending ${messages.toLocaleString('en')} messages each way. Anything missing 5 s after the last message counts as lost.`,
    );
    say(`A burst: ${messages.toLocaleString('en')} messages each way, ${rate} per second.`, 'act');
    history.count(true);
    follow(burst, createCourse(course, hands));
    const report = await burst.run();
    if (running !== burst) return report;
    running = undefined;
    totals.set(burst, report);
    history.count(false);
    counters.show(report.up, report.down, true);
    progress.value = 1;
    button.textContent = 'Start the burst';
    button.disabled = false;
    const { held, text } = verdict(report);
    tell(text, held ? 'held' : 'broken');
    say(text, held ? 'event' : 'bad');
    return report;
  }

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (running) running.stop();
    else
      start({
        messages: form.messages.valueAsNumber,
        rate: form.rate.valueAsNumber,
        course: form.course.value,
      });
  });

  return {
    start,

    /** Ends the burst that runs, without a verdict. */
    abandon() {
      if (!running) return;
      running.abandon();
      running = undefined;
      button.textContent = 'Start the burst';
      button.disabled = false;
      tell('This burst was ended: something else has begun.');
    },
  };
}
