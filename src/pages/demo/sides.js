// @ts-check
/**
 * The two sides of the stage, with the same content: a line of state, the ring, and three counts. They show the values
 * that they receive, and decide nothing.
 */

import { find, write } from './dom.js';
import { drawRing } from './ring.js';

/** Fills the sides before the page asks the gateway for anything, so that the page does not grow once it answers. */
export function fillSides() {
  const { content } = /** @type {HTMLTemplateElement} */ (document.querySelector('[data-side-content]'));
  for (const side of document.querySelectorAll('[data-side]')) side.append(content.cloneNode(true));
}

/** @param {string} side @param {import('./ticks.js').Ticks} ticks @param {() => number} latest */
export function createPanel(side, ticks, latest) {
  const place = /** @type {HTMLElement} */ (document.querySelector(`[data-side="${side}"]`));
  const pill = find('pill', place);
  const flaws = /** @type {const} */ (['lost', 'duplicated', 'reordered']).map((of) => ({
    of,
    element: find(of, place),
  }));
  const draw = drawRing(find('ring', place), ticks, latest);
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
