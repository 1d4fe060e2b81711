// @ts-check
/** A small chat over one channel. A message shows at once, and counts as said when it comes back from the channel. */

import { find } from './dom.js';
import { codeWords } from './words.js';

const CHANNEL = 'demo/chat';
const KEPT = 200;
const FIRST = [
  'Amber',
  'Brisk',
  'Calm',
  'Dusky',
  'Early',
  'Fern',
  'Grey',
  'Hazel',
  'Ivory',
  'Jolly',
  'Keen',
  'Lucky',
];
const SECOND = [
  'Auk',
  'Badger',
  'Crane',
  'Dormouse',
  'Egret',
  'Finch',
  'Gannet',
  'Heron',
  'Ibex',
  'Jackdaw',
  'Kestrel',
  'Lynx',
];

/** @param {string[]} list */
const one = (list) => list[Math.floor(Math.random() * list.length)];

/** @param {import('./visit.js').Visits} visits */
export function openChat(visits) {
  const said = find('said');
  const me = `${one(FIRST)} ${one(SECOND)}`;
  /** The messages of this tab, by id. @type {Map<string, HTMLElement>} */
  const own = new Map();
  for (const place of document.querySelectorAll('[data-me]')) place.textContent = me;

  /** @param {{from: string, text: string}} message */
  function show({ from, text }) {
    document.querySelector('[data-empty]')?.remove();
    const line = document.createElement('p');
    const name = document.createElement('b');
    name.textContent = `${from}: `;
    line.append(name, text);
    const atEnd = said.scrollHeight - said.scrollTop - said.clientHeight < 40;
    said.append(line);
    if (said.childElementCount > KEPT) said.firstElementChild?.remove();
    if (atEnd) said.scrollTop = said.scrollHeight;
    return line;
  }

  /** @param {HTMLElement} line @param {string} state @param {string} [words] */
  function mark(line, state, words) {
    line.className = `own ${state}`;
    line.querySelector('small')?.remove();
    if (!words) return;
    const note = document.createElement('small');
    note.textContent = ` ${words}`;
    line.append(note);
  }

  /** @param {{data: any}} message */
  function hear({ data }) {
    const line = own.get(data?.id);
    if (line) mark(line, 'arrived');
    else show({ from: `${data?.from}`, text: `${data?.text}` });
    own.delete(data?.id);
  }

  visits.listen((event, { connection }) => {
    if (event.kind === 'began') connection.channel(CHANNEL).on('message', hear);
  });

  find('say').addEventListener('submit', async (event) => {
    event.preventDefault();
    const input = /** @type {HTMLInputElement} */ (document.getElementById('words'));
    const text = input.value.trim();
    if (!text) return;
    input.value = '';
    const { connection } = visits.current ?? {};
    if (!connection) return;
    const id = crypto.randomUUID();
    const line = show({ from: me, text });
    said.scrollTop = said.scrollHeight;
    own.set(id, line);
    // On a good connection it is back before anyone reads this.
    mark(line, 'waiting', connection.transport ? '' : 'waits for a connection');
    try {
      await connection.channel(CHANNEL).publish({ id, from: me, text });
    } catch (error) {
      if (own.has(id)) mark(line, 'failed', `not sent: ${codeWords(/** @type {any} */ (error).code)}`);
    }
  });
}
