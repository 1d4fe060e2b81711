// @ts-check
/** The big card: what stands in the way, and what came of it. It shows a run; it decides nothing. */

import { compare } from './compare.js';
import { headline, obstacle, told, waitWords } from './outcome-words.js';
import { flaws, wait } from './run.js';
import { duration, reasonWords, times, transportName } from './words.js';

/** Faster, nobody can read it. */
const SHOW_MS = 200;

/** @typedef {import('./run.js').Run} Run */

/**
 * @param {HTMLElement} card
 * @param {import('./visit.js').Visits} visits
 * @param {(transport: string) => void} tryNow
 * @param {() => number} plainLost messages that the plain WebSocket of this page has lost
 */
export function showOutcome(card, visits, tryNow, plainLost) {
  const find = (/** @type {string} */ name) =>
    /** @type {HTMLElement} */ (card.querySelector(`[data-${name}]`));
  const [trialName, big, what, words, path, bar, running, waiting, waitingWords, tryButton] = [
    'trial',
    'headline',
    'obstacle',
    'told',
    'path',
    'trial-progress',
    'running',
    'wait',
    'wait-words',
    'try-now',
  ].map(find);
  const comparison = /** @type {HTMLElement} */ (document.querySelector('[data-comparison]'));
  const spoken = /** @type {HTMLElement} */ (document.querySelector('[data-outcome-spoken]'));
  const keyFigure = { name: find('key-name'), value: find('key') };
  const figures = {
    carried: find('carried'),
    moves: find('moves'),
    counted: find('counted'),
    flaws: find('flaws'),
  };
  /** @type {Run | null} */
  let run = null;
  /** What the plain WebSocket had lost before this run. */
  let lostBefore = 0;
  /** What was said of this run already, so that nothing is said twice. */
  let said = '';

  /** Writing what is there already would cost a layout. @param {HTMLElement | undefined} element @param {string} text */
  const write = (element, text) => {
    if (element && element.textContent !== text) element.textContent = text;
  };

  function draw() {
    if (!run) return;
    const { trial, phase, first, transport, counts, moves, beganAt } = run;
    const busy = phase === 'preparing' || phase === 'running' || phase === 'counting';
    const wrong = Object.values(flaws(run)).some((flaw) => flaw > 0);
    card.dataset.phase = phase;
    card.dataset.of = trial.id;
    card.classList.toggle('broken', wrong);
    card.style.setProperty('--carrier', transport ? `var(--${transport})` : 'var(--muted)');
    write(trialName, `${trial.fresh ? 'First visit' : 'In mid-session'}: ${trial.title}`);
    write(big, headline(run));
    write(what, obstacle(run));
    write(words, told(run));
    if (trial.fresh) {
      write(keyFigure.name, 'First message after');
      const waited = phase === 'running' ? duration(performance.now() - beganAt) : '–';
      write(keyFigure.value, first ? duration(first.ms) : waited);
    } else {
      write(keyFigure.name, 'Longest silence');
      write(
        keyFigure.value,
        counts ? duration(Math.max(counts.up.longestGapMs, counts.down.longestGapMs)) : '–',
      );
    }
    write(figures.carried, phase === 'preparing' ? '–' : transportName(transport));
    write(figures.moves, phase === 'preparing' ? '–' : `${moves}`);
    write(figures.flaws, counts ? Object.values(flaws(run)).join(' / ') : '– / – / –');
    write(
      figures.counted,
      counts ? `${(counts.up.received + counts.down.received).toLocaleString('en')}` : '–',
    );
    write(
      running,
      busy ? (phase === 'counting' ? 'counting what is out' : clock(performance.now() - beganAt)) : '',
    );
    bar?.classList.toggle('busy', busy);
    if (path) drawPath(path, run);
    compare(comparison, run, plainLost() - lostBefore);
    showWait();
    speak();
  }

  /** Its place is kept, so that nothing below it moves. */
  function showWait() {
    if (!run) return;
    const { paths } = visits.current?.connection.explain() ?? { paths: [] };
    const retryAt = paths.find((/** @type {any} */ { transport }) => transport === 'websocket')?.retryAt ?? 0;
    const now = wait(run, performance.now(), retryAt);
    waiting?.classList.toggle('idle', !now);
    if (!now) return;
    write(waitingWords, waitWords(now));
    if (tryButton) tryButton.dataset.way = now.for === 'websocket' ? 'websocket' : 'sse';
  }
  tryButton?.addEventListener('click', () => tryNow(tryButton.dataset.way ?? ''));

  /** Its beginning and its end; what is between changes too fast. */
  function speak() {
    if (!run) return;
    const { trial, phase } = run;
    const text =
      phase === 'over'
        ? `${headline(run)} ${told(run)}`
        : phase === 'abandoned'
          ? ''
          : `${trial.title}. ${obstacle(run)}`;
    if (text && text !== said) write(spoken, text);
    said = text || said;
  }

  setInterval(() => {
    if (run && run.phase !== 'over' && run.phase !== 'abandoned') draw();
  }, SHOW_MS);

  /** @param {Run} next */
  return function show(next) {
    const news = next !== run || next.phase !== card.dataset.phase;
    if (next !== run || next.phase === 'preparing') lostBefore = plainLost();
    run = next;
    if (news) draw();
  };
}

/** Whole seconds. @param {number} ms */
const clock = (ms) => `${Math.floor(ms / 1000)} s`;

/**
 * The way so far, one stretch after the other, and what is being tried.
 * @param {HTMLElement} list
 * @param {Run} run
 */
function drawPath(list, { path, trying: attempts, phase }) {
  // Once a trial is over nothing is told of attempts that go on.
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
