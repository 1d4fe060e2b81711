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

/** The bar, and what it knows of the round trip. */
export class StatusBar {
  /** The last round trip of the present transport in ms; null before the first. @type {number | null} */
  trip = null;
  #visits;
  #totals;
  #channel;
  #bar = /** @type {HTMLElement} */ (document.getElementById('status'));
  #parts = {
    transport: find('transport'),
    state: find('state'),
    trip: find('trip'),
    spoken: find('spoken'),
    flaws: find('total-flaws'),
    short: find('total-short'),
    received: find('total-received'),
  };
  #shownAt = 0;
  #measuredAt = 0;
  /** The last text that was spoken, so that nothing is spoken twice. */
  #said = '';
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #speaking;

  /**
   * @param {import('./visit.js').Visits} visits
   * @param {import('./totals.js').Totals} totals
   * @param {string} channel one without listeners: publishing there measures the round trip
   */
  constructor(visits, totals, channel) {
    this.#visits = visits;
    this.#totals = totals;
    this.#channel = channel;
    visits.listen(({ kind }) => {
      if (kind === 'began' || kind === 'transport') this.trip = null;
      if (kind === 'began' || kind === 'state' || kind === 'transport') this.#update();
    });
    setInterval(() => this.#sum(), SHOW_MS);
    this.#sum();
    this.#pulse();
  }

  /** Takes a round trip, and shows it unless the last one was shown just now. @param {number} ms */
  measured(ms) {
    this.#measuredAt = performance.now();
    this.trip = ms;
    if (this.#measuredAt - this.#shownAt < SHOW_MS || !this.#visits.current?.connection.transport) return;
    this.#shownAt = this.#measuredAt;
    write(this.#parts.trip, duration(ms));
  }

  /** Shows the carrier and the state, and speaks them once they stay. */
  #update() {
    const connection = this.#visits.current?.connection;
    if (!connection) return;
    const { transport } = connection;
    const parts = this.#parts;
    if (transport) this.#bar.style.setProperty('--carrier', `var(--${transport})`);
    else this.#bar.style.removeProperty('--carrier');
    write(parts.transport, transportName(transport));
    write(parts.state, stateName(connection.state));
    if (!transport) write(parts.trip, '–');
    markSwitch(transport);
    clearTimeout(this.#speaking);
    this.#speaking = setTimeout(() => {
      const state = stateName(connection.state);
      this.#speak(transport ? `${state}, over ${transportName(transport)}.` : `${state}.`);
    }, SPEAK_MS);
  }

  /** @param {string} words */
  #speak(words) {
    if (words !== this.#said) write(this.#parts.spoken, words);
    this.#said = words;
  }

  /** Measures a round trip now and then, unless something else has just measured one. */
  async #pulse() {
    const connection = this.#visits.current?.connection;
    const at = performance.now();
    setTimeout(() => this.#pulse(), PULSE_MS);
    if (!connection?.transport || at - this.#measuredAt < PULSE_MS / 2) return;
    try {
      await connection.channel(this.#channel).publish(0);
      if (connection === this.#visits.current?.connection) this.measured(performance.now() - at);
    } catch {
      // A publish without an answer is not a measurement.
    }
  }

  #sum() {
    const { flaws, short, received } = this.#parts;
    const { received: all, lost, duplicated, reordered } = this.#totals.sum();
    write(flaws, `${lost} / ${duplicated} / ${reordered}`);
    write(short, counted(lost + duplicated + reordered, 'flaw'));
    write(received, all.toLocaleString('en'));
    this.#bar.classList.toggle('broken', lost + duplicated + reordered > 0);
  }
}

/** Marks the button of the carrier among those that switch. @param {string | null} carrier */
function markSwitch(carrier) {
  for (const button of document.querySelectorAll('[data-switch]')) {
    const { dataset, style } = /** @type {HTMLElement} */ (button);
    button.setAttribute('aria-pressed', `${dataset.switch === carrier}`);
    style.setProperty('--carrier', `var(--${dataset.switch})`);
  }
}
