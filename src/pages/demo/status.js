// @ts-check
/** The bar that is always in sight: the carrier of the session, its state, the round trip, and all counts; and the same, spoken. */

import { find, write } from './dom.js';
import { counted, duration, stateName, transportName } from './words.js';

/** How often a figure changes at most: no one can read a faster change. */
const SHOW_MS = 400;
/** A text is spoken only after it has stayed the same for so long. */
const SPEAK_MS = 1500;
/** The time between two messages that are published only for their answers. */
const PULSE_MS = 2000;

/**
 * @param {import('./visit.js').Visits} visits
 * @param {import('./totals.js').Totals} totals
 * @param {string} channel one without listeners: publishing there measures the round trip
 */
export function showStatus(visits, totals, channel) {
  const bar = /** @type {HTMLElement} */ (document.getElementById('status'));
  const [transport, state, trip, spoken] = [find('transport'), find('state'), find('trip'), find('spoken')];
  const [flaws, short, received] = [find('total-flaws'), find('total-short'), find('total-received')];
  /** @type {number | null} */
  let latest = null;
  let shownAt = 0;
  let measuredAt = 0;
  let said = '';
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let speaking;

  function update() {
    const connection = visits.current?.connection;
    if (!connection) return;
    const carrier = connection.transport;
    if (carrier) bar.style.setProperty('--carrier', `var(--${carrier})`);
    else bar.style.removeProperty('--carrier');
    write(transport, transportName(carrier));
    write(state, stateName(connection.state));
    if (!carrier) write(trip, '–');
    for (const button of document.querySelectorAll('[data-switch]')) {
      const name = /** @type {HTMLElement} */ (button).dataset.switch;
      button.setAttribute('aria-pressed', `${name === carrier}`);
      /** @type {HTMLElement} */ (button).style.setProperty('--carrier', `var(--${name})`);
    }
    clearTimeout(speaking);
    speaking = setTimeout(() => {
      const words = carrier
        ? `${stateName(connection.state)}, over ${transportName(carrier)}.`
        : `${stateName(connection.state)}.`;
      if (words !== said) write(spoken, words);
      said = words;
    }, SPEAK_MS);
  }

  /** @param {number} ms */
  function measured(ms) {
    measuredAt = performance.now();
    latest = ms;
    if (measuredAt - shownAt < SHOW_MS || !visits.current?.connection.transport) return;
    shownAt = measuredAt;
    write(trip, duration(ms));
  }

  async function pulse() {
    const connection = visits.current?.connection;
    const at = performance.now();
    setTimeout(pulse, PULSE_MS);
    if (!connection?.transport || at - measuredAt < PULSE_MS / 2) return;
    try {
      await connection.channel(channel).publish(0);
      if (connection === visits.current?.connection) measured(performance.now() - at);
    } catch {
      // A publish without an answer is no measurement.
    }
  }

  function sum() {
    const { received: all, lost, duplicated, reordered } = totals.sum();
    write(flaws, `${lost} / ${duplicated} / ${reordered}`);
    write(short, counted(lost + duplicated + reordered, 'flaw'));
    write(received, all.toLocaleString('en'));
    bar.classList.toggle('broken', lost + duplicated + reordered > 0);
  }

  visits.listen(({ kind }) => {
    if (kind === 'began' || kind === 'transport') latest = null;
    if (kind === 'began' || kind === 'state' || kind === 'transport') update();
  });
  setInterval(sum, SHOW_MS);
  sum();
  pulse();
  return { measured, trip: () => latest };
}
