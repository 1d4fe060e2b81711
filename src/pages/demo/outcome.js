// @ts-check
/** The big card: the failure in the way, and the outcome. It shows a run; it decides nothing. */

import { compare } from './compare.js';
import { find, write } from './dom.js';
import { headline, obstacle, told, waitWords } from './outcome-words.js';
import { flaws, wait } from './run.js';
import { duration, reasonWords, times, transportName } from './words.js';

/** No one can read a faster change. */
const SHOW_MS = 200;

/** @typedef {import('/rt/client/types.js').Transport} Transport */
/** @typedef {import('./run.js').Run} Run */

/** The parts of the card by their names in the page. */
const NAMES = /** @type {const} */ ([
  'trial',
  'running',
  'trial-progress',
  'headline',
  'obstacle',
  'key-name',
  'key',
  'carried',
  'moves',
  'counted',
  'flaws',
  'wait',
  'wait-words',
  'try-now',
  'told',
  'path',
  'comparison',
]);

/** The big card of an outcome. */
export class OutcomeCard {
  /** @type {HTMLElement} */
  #card;
  /** @type {{[name in typeof NAMES[number]]: HTMLElement}} */
  #parts;
  #spoken = find('outcome-spoken');
  /** @type {import('./visit.js').Visits} */
  #visits;
  /** @type {() => number} */
  #plainLost;
  /** @type {Run | null} */
  #run = null;
  /** The messages that the plain WebSocket had lost before this run. */
  #lostBefore = 0;
  /** The last text that was spoken of this run, so that nothing is spoken twice. */
  #said = '';

  /**
   * @param {HTMLElement} card
   * @param {import('./visit.js').Visits} visits
   * @param {(transport: Transport) => void} tryNow
   * @param {() => number} plainLost messages that the plain WebSocket of this page has lost
   */
  constructor(card, visits, tryNow, plainLost) {
    this.#card = card;
    this.#visits = visits;
    this.#plainLost = plainLost;
    this.#parts = /** @type {any} */ (
      Object.fromEntries(NAMES.map((name) => [name, find(name, card)]))
    );
    const button = this.#parts['try-now'];
    button.addEventListener('click', () => tryNow(/** @type {Transport} */ (button.dataset.way)));
    setInterval(() => {
      if (this.#run && this.#run.phase !== 'over' && this.#run.phase !== 'abandoned') this.#draw(this.#run);
    }, SHOW_MS);
  }

  /** @param {Run} next */
  show(next) {
    const news = next !== this.#run || next.phase !== this.#card.dataset.phase;
    if (next !== this.#run || next.phase === 'preparing') this.#lostBefore = this.#plainLost();
    this.#run = next;
    if (news) this.#draw(next);
  }

  /** @param {Run} run */
  #draw(run) {
    const { trial, phase, transport, beganAt } = run;
    const busy = phase === 'preparing' || phase === 'running' || phase === 'counting';
    const card = this.#card;
    const parts = this.#parts;
    card.dataset.phase = phase;
    card.dataset.of = trial.id;
    card.classList.toggle('broken', Object.values(flaws(run)).some((flaw) => flaw > 0));
    card.style.setProperty('--carrier', transport ? `var(--${transport})` : 'var(--muted)');
    write(parts.trial, `${trial.fresh ? 'First visit' : 'In mid-session'}: ${trial.title}`);
    write(parts.headline, headline(run));
    write(parts.obstacle, obstacle(run));
    write(parts.told, told(run));
    const time = phase === 'counting' ? 'counting' : clock(performance.now() - beganAt);
    write(parts.running, busy ? time : '');
    parts['trial-progress'].classList.toggle('busy', busy);
    this.#drawFigures(run);
    drawPath(parts.path, run);
    compare(parts.comparison, run, this.#plainLost() - this.#lostBefore);
    this.#showWait(run);
    this.#speak(run);
  }

  /** @param {Run} run */
  #drawFigures(run) {
    const { trial, phase, first, transport, counts, moves, beganAt } = run;
    const parts = this.#parts;
    if (trial.fresh) {
      write(parts['key-name'], 'First message after');
      const waited = phase === 'running' ? duration(performance.now() - beganAt) : '–';
      write(parts.key, first ? duration(first.ms) : waited);
    } else {
      write(parts['key-name'], 'Longest silence');
      write(parts.key, counts ? duration(Math.max(counts.up.longestGapMs, counts.down.longestGapMs)) : '–');
    }
    write(parts.carried, phase === 'preparing' ? '–' : transportName(transport));
    write(parts.moves, phase === 'preparing' ? '–' : `${moves}`);
    write(parts.flaws, counts ? Object.values(flaws(run)).join(' / ') : '– / – / –');
    write(parts.counted, counts ? (counts.up.received + counts.down.received).toLocaleString('en') : '–');
  }

  /** Shows a wait. Its place is kept, so that nothing below it moves. @param {Run} run */
  #showWait(run) {
    const { paths } = this.#visits.current?.connection.explain() ?? { paths: [] };
    const retryAt = paths.find(({ transport }) => transport === 'websocket')?.retryAt ?? 0;
    const now = wait(run, performance.now(), retryAt);
    this.#parts.wait.classList.toggle('idle', !now);
    if (!now) return;
    write(this.#parts['wait-words'], waitWords(now));
    this.#parts['try-now'].dataset.way = now.for === 'websocket' ? 'websocket' : 'sse';
  }

  /** Speaks the beginning and the end of a run. Everything between them changes too fast. @param {Run} run */
  #speak(run) {
    const { trial, phase } = run;
    const begun = phase === 'abandoned' ? '' : `${trial.title}. ${obstacle(run)}`;
    const text = phase === 'over' ? `${headline(run)} ${told(run)}` : begun;
    if (text && text !== this.#said) write(this.#spoken, text);
    this.#said = text || this.#said;
  }
}

/** Writes whole seconds. @param {number} ms */
const clock = (ms) => `${Math.floor(ms / 1000)} s`;

/**
 * Draws the way so far, one stretch after the other, and the attempts under way.
 * @param {HTMLElement} list
 * @param {Run} run
 */
function drawPath(list, { path, trying: attempts, phase }) {
  // Once a trial is over, the card shows no attempts that go on.
  const trying = phase === 'over' ? [] : attempts;
  const key = JSON.stringify([path, trying]);
  if (list.dataset.key === key) return;
  list.dataset.key = key;
  list.replaceChildren(
    ...path.map((step) => stretch(step.transport, ...stepWords(step))),
    ...trying.map(({ transport, at }) =>
      stretch(transport, 'failed', `is being tried, ${at < 50 ? 'from the start' : `since ${duration(at)}`}`),
    ),
  );
}

/** @param {import('./run.js').Step} step @returns {[kind: string, words: string]} */
function stepWords({ how, at, reason, times: count }) {
  const often = count > 1 ? ` (${times(count)})` : '';
  if (how === 'failed') return ['failed', `${reasonWords(reason ?? '')}, after ${duration(at)}${often}`];
  if (reason)
    return [
      'past',
      `carried it${at < 1 ? '' : ` from ${duration(at)} on`}, until ${reasonWords(reason)}${often}`,
    ];
  return ['carries', `carries the session${at < 1 ? ', as before' : ` from ${duration(at)} on`}`];
}

/** @param {string} transport @param {string} kind @param {string} words */
function stretch(transport, kind, words) {
  const item = document.createElement('li');
  const name = document.createElement('b');
  item.className = kind;
  item.style.setProperty('--carrier', `var(--${transport})`);
  name.textContent = `${transportName(transport)}:`;
  item.append(name, ' ', Object.assign(document.createElement('span'), { textContent: words }));
  return item;
}
