// @ts-check
/** The bar that is always in sight: what carries the session, its state, the round trip; and the same, spoken. */

import { stateName, transportName } from './words.js';

/** How often the figure changes at most: faster, nobody can read it. */
const SHOW_MS = 400;
/** What is spoken waits until it has stayed the same for so long. */
const SPEAK_MS = 800;
/** Between two messages that are published only to be answered. */
const PULSE_MS = 2000;

/**
 * @param {any} connection
 * @param {string} channel one that nobody listens to: publishing there measures the round trip
 */
export function showStatus(connection, channel) {
  const bar = /** @type {HTMLElement} */ (document.getElementById('status'));
  const find = (/** @type {string} */ name) =>
    /** @type {HTMLElement} */ (document.querySelector(`[data-${name}]`));
  const transport = find('transport');
  const state = find('state');
  const trip = find('trip');
  const spoken = find('spoken');
  let shownAt = 0;
  let measuredAt = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let speaking;

  function update() {
    const carrier = connection.transport;
    bar.style.setProperty('--carrier', carrier ? `var(--${carrier})` : '');
    if (!carrier) bar.style.removeProperty('--carrier');
    transport.textContent = transportName(carrier);
    state.textContent = stateName(connection.state);
    if (!carrier) trip.textContent = '–';
    for (const button of document.querySelectorAll('[data-switch]')) {
      const name = /** @type {HTMLElement} */ (button).dataset.switch;
      button.setAttribute('aria-pressed', `${name === carrier}`);
      /** @type {HTMLElement} */ (button).style.setProperty('--carrier', `var(--${name})`);
    }
    clearTimeout(speaking);
    speaking = setTimeout(() => {
      spoken.textContent = carrier
        ? `${stateName(connection.state)}, over ${transportName(carrier)}.`
        : `${stateName(connection.state)}.`;
    }, SPEAK_MS);
  }

  /** @param {number} ms */
  function measured(ms) {
    measuredAt = performance.now();
    if (measuredAt - shownAt < SHOW_MS || !connection.transport) return;
    shownAt = measuredAt;
    trip.textContent = ms < 10 ? `${ms.toFixed(1)} ms` : `${Math.round(ms).toLocaleString('en')} ms`;
  }

  async function pulse() {
    const at = performance.now();
    if (connection.transport && at - measuredAt > PULSE_MS / 2) {
      try {
        await connection.channel(channel).publish(0);
        measured(performance.now() - at);
      } catch {
        // What is not answered is no measurement.
      }
    }
    setTimeout(pulse, PULSE_MS);
  }

  connection.on('state', update);
  connection.on('transport', update);
  update();
  pulse();
  return { measured };
}
