// @ts-check
/** Why this transport: what the connection explains, a row for each transport; and its own words where the client has them. */

import { readAttempts } from './attempts.js';
import { duration, reasonWords, transportName } from './words.js';

const LOOK_MS = 500;
const TRANSPORTS = ['websocket', 'sse', 'poll'];

/**
 * @param {object} parts
 * @param {import('./visit.js').Visits} parts.visits
 * @param {() => number | null} parts.trip what the page measured last itself, where the client does not say
 * @param {(rtts: {[transport: string]: number | null}) => void} parts.onRtts
 */
export function explainWhy({ visits, trip, onRtts }) {
  const body = /** @type {HTMLElement} */ (document.querySelector('[data-why]'));
  const account = /** @type {HTMLElement} */ (document.querySelector('[data-account]'));
  const text = /** @type {HTMLElement} */ (account.querySelector('pre'));
  /** @type {((data: any) => string) | null} */
  let describe = null;

  const rows = TRANSPORTS.map((transport) => {
    const row = document.createElement('tr');
    const name = document.createElement('th');
    const state = document.createElement('td');
    const rtt = document.createElement('td');
    name.scope = 'row';
    name.textContent = transportName(transport);
    row.style.setProperty('--carrier', `var(--${transport})`);
    row.append(name, state, rtt);
    body.append(row);
    return { transport, row, state, rtt };
  });

  function look() {
    const connection = visits.current?.connection;
    if (!connection || document.hidden) return;
    const told = connection.explain();
    const attempts = readAttempts(connection);
    /** @type {{[transport: string]: number | null}} */
    const rtts = {};
    for (const { transport, row, state, rtt } of rows) {
      const carries = connection.transport === transport;
      const known = told.transports?.[transport]?.rtt ?? (carries ? trip() : null);
      rtts[transport] = known;
      row.className = carries ? 'carries' : '';
      write(state, stateWords(transport, carries, told, attempts));
      write(rtt, known === null ? '–' : duration(known));
    }
    onRtts(rtts);
    if (describe && /** @type {HTMLDetailsElement} */ (account).open) write(text, describe(told));
  }

  account.addEventListener('toggle', look);
  setInterval(look, LOOK_MS);

  /** @param {(data: any) => string} words */
  return function useWords(words) {
    describe = words;
    account.hidden = false;
    look();
  };
}

/** @param {HTMLElement} element @param {string} text */
function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * @param {string} transport
 * @param {boolean} carries
 * @param {any} told
 * @param {import('./attempts.js').Attempt[]} attempts
 */
function stateWords(transport, carries, told, attempts) {
  const now = told.now ?? performance.now();
  const ago = (/** @type {number} */ at) => {
    const seconds = Math.max(0, Math.round((now - at) / 1000));
    return seconds < 2 ? 'just now' : `${seconds.toLocaleString('en')} s ago`;
  };
  const last = attempts.findLast((attempt) => attempt.transport === transport);
  const known = told.transports?.[transport] ?? {};
  if (carries)
    return known.suppressed ? 'Carries the session, though it failed often.' : 'Carries the session.';
  if (told.missing?.includes(transport)) return 'This browser has none.';
  if (told.offered && !told.offered.includes(transport)) return 'The gateway does not offer it now.';
  const next = known.retryAt > now ? ` Next try in ${Math.ceil((known.retryAt - now) / 1000)} s.` : '';
  const shy = known.suppressed ? ' It failed too often, and is left alone for a while.' : '';
  if (!last) return `Not tried: there was no need.${next}`;
  if (!last.reason) return 'Being tried, in the background.';
  if (last.reason === 'better') return `Not needed.${next}`;
  const why = reasonWords(last.reason);
  return `${why.charAt(0).toUpperCase()}${why.slice(1)} (${ago(last.to ?? last.at)}).${shy}${next}`;
}
