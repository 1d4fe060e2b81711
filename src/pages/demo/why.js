// @ts-check
/**
 * The reasons for this transport: a row for each transport with the connection's explanation, and all of it in the
 * client's own words.
 */

import { describe } from '/rt/client/explain.js';
import { isOvertaken, readAttempts } from './attempts.js';
import { find, findAs, write } from './dom.js';
import { duration, reasonWords, transportName } from './words.js';

const LOOK_MS = 500;
const TRANSPORTS = ['websocket', 'sse', 'poll'];

/**
 * @param {object} parts
 * @param {import('./visit.js').Visits} parts.visits
 * @param {() => number | null} parts.trip the page's own last measurement, until the client has measured
 * @param {(rtts: {[transport: string]: number | null}) => void} parts.onRtts
 */
export function explainWhy({ visits, trip, onRtts }) {
  const body = find('why');
  const account = findAs(HTMLDetailsElement, 'account');
  const text = /** @type {HTMLElement} */ (account.querySelector('pre'));

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
      const path = told.paths.find((one) => one.transport === transport);
      const known = path?.rtt ?? (carries ? trip() : null);
      rtts[transport] = known;
      row.className = carries ? 'carries' : '';
      write(state, stateWords(transport, carries, told, path ?? {}, attempts));
      write(rtt, known === null ? '–' : duration(known));
    }
    onRtts(rtts);
    if (account.open) write(text, describe(told));
  }

  account.addEventListener('toggle', look);
  setInterval(look, LOOK_MS);
}

/**
 * @param {string} transport
 * @param {boolean} carries
 * @param {import('/rt/client/types.js').Explanation} told
 * @param {Partial<import('/rt/client/types.js').ExplainedPath>} path
 * @param {import('./attempts.js').Attempt[]} attempts
 */
function stateWords(
  transport,
  carries,
  { now, missing, transports },
  { retryAt = 0, failures = 0 },
  attempts,
) {
  const ago = (/** @type {number} */ at) => {
    const seconds = Math.max(0, Math.round((now - at) / 1000));
    return seconds < 2 ? 'just now' : `${seconds.toLocaleString('en')} s ago`;
  };
  const last = attempts.findLast((attempt) => attempt.transport === transport);
  if (carries) return 'Carries the session.';
  if (missing.some((one) => one === transport)) return 'This browser has none.';
  if (transports && !transports.some((one) => one === transport)) return 'The gateway does not offer it now.';
  const next = retryAt > now ? ` Next try in ${Math.ceil((retryAt - now) / 1000)} s.` : '';
  const shy = failures > 2 && next ? ' It fails too often, and is left alone for a while.' : '';
  if (!last) return `Not tried: there was no need.${next}`;
  if (!last.reason) return 'Being tried, in the background.';
  if (isOvertaken(last.reason)) return `Not needed.${next}`;
  const why = reasonWords(last.reason);
  return `${why.charAt(0).toUpperCase()}${why.slice(1)} (${ago(last.to ?? last.at)}).${shy}${next}`;
}
