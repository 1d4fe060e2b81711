// @ts-check
/**
 * The two sides of the stage, with the same content: a line of state, the ring, and three counts. They show the values
 * that they receive, and decide nothing.
 */

import { drawRing } from './ring.js';

/** Writes a text. To write the same text again would cost a layout. @param {HTMLElement} element @param {string} text */
export const write = (element, text) => {
  if (element.textContent !== text) element.textContent = text;
};

/** Fills the sides before the page asks the gateway for anything, so that the page does not grow once it answers. */
export function fillSides() {
  const { content } = /** @type {HTMLTemplateElement} */ (document.querySelector('[data-side-content]'));
  for (const side of document.querySelectorAll('[data-side]')) side.append(content.cloneNode(true));
}

/** @param {string} side @param {import('./ticks.js').Ticks} ticks @param {() => number} latest */
export function createPanel(side, ticks, latest) {
  const place = /** @type {HTMLElement} */ (document.querySelector(`[data-side="${side}"]`));
  const part = (/** @type {string} */ name) =>
    /** @type {HTMLElement} */ (place.querySelector(`[data-${name}]`));
  const pill = part('pill');
  const flaws = /** @type {const} */ (['lost', 'duplicated', 'reordered']).map((of) => ({
    of,
    element: part(of),
  }));
  const draw = drawRing(part('ring'), ticks, latest);
  const frame = () => {
    draw();
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);

  return {
    /** @param {string} moves @param {string} text @param {import('./ticks.js').Count} count */
    show(moves, text, count) {
      place.dataset.moves = moves;
      write(pill, text);
      for (const { element, of } of flaws) {
        write(element, count[of].toLocaleString('en'));
        element.classList.toggle('wrong', count[of] > 0);
      }
    },
  };
}
