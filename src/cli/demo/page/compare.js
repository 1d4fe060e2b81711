// @ts-check
/** The comparison beneath an outcome: this page's figure, measured now, beside what other clients did when they were measured. */

import { PEERS, SOURCE } from './peers.js';
import { duration, transportName } from './words.js';

/**
 * @param {HTMLElement} place hidden where there is nothing to compare
 * @param {import('./run.js').Run} run
 */
export function compare(place, { trial, phase, first, transport, settled }) {
  const { column } = trial;
  const known = column && first ? [phase, first.ms, transport, settled] : [];
  const key = JSON.stringify([trial.id, transport, ...known]);
  if (place.dataset.key === key) return;
  place.dataset.key = key;
  place.style.setProperty('--carrier', transport ? `var(--${transport})` : 'var(--field)');
  place.hidden = !column;
  if (!column) return;
  const rows = PEERS.map(([client, figures]) => ({ client, ...figures[column], own: false }));
  // Where the others flap, it counts that the session came to rest.
  const rest = column === 'killed' && settled ? `, then at rest on ${transportName(transport)}` : '';
  const text = first ? `${duration(first.ms)}${rest}` : 'connecting …';
  rows.unshift({ client: 'This page, now', ms: first?.ms ?? 0, text, own: true });
  // A second at least: alone among those that failed, a short time is a short bar.
  const most = Math.max(1000, ...rows.map(({ ms }) => ms ?? 0));

  const table = document.createElement('table');
  const body = document.createElement('tbody');
  body.append(
    ...rows.map(({ client, ms, text, own }) => {
      const row = document.createElement('tr');
      const name = document.createElement('th');
      const cell = document.createElement('td');
      const bar = document.createElement('i');
      const value = document.createElement('span');
      name.scope = 'row';
      name.textContent = client;
      row.className = `${own ? 'own' : ''} ${ms === null ? 'failed' : ''}`;
      bar.setAttribute('aria-hidden', 'true');
      bar.style.setProperty('--part', ms === null ? '1' : `${ms / most}`);
      value.textContent = text;
      cell.append(bar, value);
      row.append(name, cell);
      return row;
    }),
  );
  table.append(body);
  const note = document.createElement('p');
  note.className = 'note';
  note.textContent = SOURCE;
  place.querySelector('[data-compared]')?.replaceChildren(table, note);
}
