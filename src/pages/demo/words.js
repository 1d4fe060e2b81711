// @ts-check
/** The connection's codes in plain words. */

/** @type {{[transport: string]: string}} */
const TRANSPORTS = { websocket: 'WebSocket', sse: 'SSE', poll: 'Long-poll' };

/** @type {{[state: string]: string}} */
const STATES = {
  connecting: 'Connecting',
  online: 'Online',
  reconnecting: 'Reconnecting',
  offline: 'Offline',
  portal: 'Behind a sign-in page',
  parked: 'Asleep',
  closed: 'Closed',
};

/** Completes 'it ended because …'. @type {{[reason: string]: string}} */
const REASONS = {
  first: 'it was the first',
  refused: 'it was refused',
  timeout: 'no answer came in time',
  mute: 'it opened, then nothing came through',
  buffered: 'something on the way holds the stream back',
  closed: 'it was cut',
  stalled: 'it fell silent',
  slow: 'it is too slow',
  better: 'another one took over',
  asked: 'a switch was asked for',
  stuck: 'a message did not pass',
  overtaken: 'it had not answered when another was ready',
  server: 'the gateway asked it to go',
  offline: 'there is no network',
};

/** @type {{[code: string]: string}} */
const CODES = {
  queue_full: 'queue full',
  unknown_outcome: 'outcome unknown',
  rate_limited: 'rate limited',
  full: 'full',
  too_large: 'too large',
};

/** @param {string | null} transport */
export const transportName = (transport) => (transport ? (TRANSPORTS[transport] ?? transport) : 'Nothing');

/** @param {string} state */
export const stateName = (state) => STATES[state] ?? state;

/** @param {string} reason */
export const reasonWords = (reason) => REASONS[reason] ?? reason;

/** @param {string} code */
export const codeWords = (code) => CODES[code] ?? code.replaceAll('_', ' ');

/** `websocket-refused` → `WebSocket refused`. @param {string} name */
export const networkName = (name) => {
  const words = name.replaceAll('-', ' ').replace('websocket', 'WebSocket');
  return words.charAt(0).toUpperCase() + words.slice(1);
};

/** @param {string} state */
export function stateSentence(state) {
  if (state === 'online') return 'Online.';
  if (state === 'reconnecting')
    return 'Nothing carries the session. It is kept, and what you send is queued.';
  if (state === 'offline') return 'No answer comes. The session is kept, and what you send is queued.';
  if (state === 'portal') return "Something else answers in the gateway's place: a sign-in page, most likely.";
  return `${stateName(state)}.`;
}

/** @param {{from: string | null, to: string | null, reason: string}} change */
export function transportSentence({ from, to, reason }) {
  if (!to) return `${transportName(from)} is gone: ${reasonWords(reason)}.`;
  if (from === to) return `The session moved to a fresh ${transportName(to)}.`;
  if (from) return `The session moved from ${transportName(from)} to ${transportName(to)}, without a gap.`;
  return `${transportName(to)} carries the session${['first', 'asked'].includes(reason) ? '' : ` (before: ${reasonWords(reason)})`}.`;
}

/** Writes a duration for people. @param {number} ms */
export function duration(ms) {
  // A number and its unit stay on one line.
  if (ms < 10) return `${ms.toFixed(1)}\u00a0ms`;
  if (ms < 1000) return `${Math.round(ms)}\u00a0ms`;
  return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)}\u00a0s`;
}

/** @param {number} count */
export const times = (count) =>
  count === 1 ? 'once' : count === 2 ? 'twice' : `${count.toLocaleString('en')} times`;

/** @param {number} count @param {string} thing */
export const counted = (count, thing) => `${count.toLocaleString('en')} ${thing}${count === 1 ? '' : 's'}`;

const together = new Intl.ListFormat('en');

/** @param {string[]} transports @param {string} reason */
export const attemptsSentence = (transports, reason) =>
  `${together.format(transports.map(transportName))} failed: ${reasonWords(reason).replace(/^it was /, '')}.`;

/** @param {{reason: string, channel: string}} reset */
export const resetSentence = ({ reason, channel }) =>
  `Channel ${channel} may have missed messages (${reason === 'gone' ? 'the session had expired' : 'more waited than the gateway keeps'}). The client says so instead of hiding it.`;
