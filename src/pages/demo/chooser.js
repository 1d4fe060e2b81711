// @ts-check
/** The buttons of the trials. It asks; the caller carries a trial out. */

import { find, findAs } from './dom.js';

/**
 * @param {object} parts
 * @param {import('./trials.js').Trial[]} parts.trials
 * @param {(trial: import('./trials.js').Trial, seconds: number) => unknown} parts.start
 */
export function offerTrials({ trials, start }) {
  const first = find('first-visits');
  const later = find('mid-session');
  const seconds = findAs(HTMLInputElement, 'seconds');
  /** @type {Map<string, HTMLButtonElement>} */
  const buttons = new Map();

  for (const trial of trials) {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'trial';
    button.dataset.start = trial.id;
    const name = document.createElement('b');
    name.textContent = trial.title;
    const note = document.createElement('small');
    note.textContent = trial.hint;
    button.append(name, note);
    button.addEventListener('click', () => {
      // The typed number is bounded, and an empty field means the least.
      const chosen = Math.min(60, Math.max(1, Math.round(seconds.valueAsNumber) || 1));
      seconds.value = `${chosen}`;
      start(trial, chosen);
    });
    (trial.fresh ? first : later).append(button);
    buttons.set(trial.id, button);
  }

  return {
    /** Marks the trial that runs, or ran last. @param {string} id */
    mark(id) {
      for (const [of, button] of buttons) {
        if (of === id) button.setAttribute('aria-current', 'true');
        else button.removeAttribute('aria-current');
      }
    },
  };
}
