// @ts-check
/**
 * Shows findings as a list on the page. It writes text only, never markup.
 *
 * @typedef {ReturnType<typeof createFindings>} FindingList
 */

import { explain } from './verdict.js';

/** @param {string} name @param {string} className @param {string} [text] */
function element(name, className, text = '') {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}

/**
 * Returns a list with a place for each probe, in the order of the words.
 * @param {HTMLElement} list
 * @param {any} words
 */
export function createFindings(list, words) {
  /** @type {Map<string, HTMLElement>} */
  const places = new Map();
  /** @param {string} probe @param {string} level @param {string} label */
  const fill = (probe, level, label) => {
    const place = places.get(probe);
    if (!place) throw new Error(`no place for ${probe}`);
    const head = element('div', 'head');
    head.append(element('h3', '', words.titles[probe]), element('span', 'badge', label));
    place.replaceChildren(head);
    place.dataset.level = level;
    return place;
  };
  return {
    /** Empties the list: no question has been asked yet. */
    clear() {
      list.replaceChildren();
      for (const probe of Object.keys(words.titles)) {
        const place = element('li', 'finding');
        place.dataset.probe = probe;
        places.set(probe, place);
        list.append(place);
        fill(probe, 'waiting', 'waiting').append(element('p', 'about', words.about[probe]));
      }
    },
    /** @param {string} probe */
    begin(probe) {
      fill(probe, 'running', 'testing …').append(element('p', 'about', words.about[probe]));
    },
    /** @param {import('./verdict.js').Finding} finding @param {import('./verdict.js').Finding[]} findings so far */
    show(finding, findings) {
      const { level, says, means, change } = explain(words, finding, findings);
      const place = fill(finding.probe, level, words.levels[level]);
      place.dataset.code = finding.code;
      place.append(element('p', 'says', says));
      if (means) place.append(element('p', 'means', means));
      if (change) {
        const advice = element('p', 'change');
        advice.append(element('b', '', 'The network’s administrator: '), change);
        place.append(advice);
      }
    },
    /** Removes the questions that were never asked: they have no place in the result. */
    finish() {
      for (const place of places.values())
        if (place.dataset.level === 'waiting' || place.dataset.level === 'running') place.remove();
    },
    get count() {
      return places.size;
    },
  };
}
