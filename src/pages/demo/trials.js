// @ts-check
/**
 * The trials on offer, as plain data: each is one click. A first visit starts a session that remembers nothing behind
 * its network. The others begin with a session on WebSocket on a clear network, and do something to it.
 *
 * @typedef {object} Trial
 * @property {string} id
 * @property {string} title on its button
 * @property {string} hint beneath it
 * @property {string} what the network does, in one sentence
 * @property {boolean} fresh it is a first visit
 * @property {string | object} [network] a preset's name, or a whole network
 * @property {string} [cut] the route on which open connections are cut when it begins
 * @property {boolean} [heals] the network is clear again after the seconds that the visitor chose
 * @property {boolean} [withdraws] the gateway no longer offers WebSocket, until it heals
 * @property {'websocket' | 'other'} [until] the trial is over once this carries the session; without it, any transport
 * does
 * @property {number} most the most seconds that it may take, or, if it heals, may take from then on
 * @property {import('./peers.js').Column} [column] of the comparison
 */

/** Messages a second, each way, that are counted while a trial runs. */
export const RATE = 20;

const WEBSOCKET_RESET = { route: 'websocket', request: 'reset' };
/** A second each way, so a round trip takes two. */
const WEBSOCKET_SLOW = { route: 'websocket', delay_ms: 1000 };
const LOSSY = [
  WEBSOCKET_RESET,
  ...['send', 'poll'].map((route) => ({
    route,
    request: { lose_response: 'reset' },
    when: { chance: 1 / 3 },
  })),
];

/** @type {Trial[]} */
export const TRIALS = [
  {
    id: 'clear',
    title: 'No failure',
    hint: 'nothing is wrong',
    what: 'Nothing is wrong.',
    fresh: true,
    network: 'clear',
    most: 20,
    column: 'clear',
  },
  {
    id: 'refused',
    title: 'WebSocket refused',
    hint: 'a proxy answers: forbidden',
    what: 'A proxy refuses every WebSocket.',
    fresh: true,
    network: 'websocket-refused',
    most: 20,
    column: 'refused',
  },
  {
    id: 'hole',
    title: 'Black hole',
    hint: 'accepted, never answered',
    what: 'WebSocket requests are accepted, and never answered.',
    fresh: true,
    network: 'websocket-black-hole',
    most: 20,
    column: 'hole',
  },
  {
    id: 'mute',
    title: 'Opens, then mute',
    hint: 'it opens, then silence',
    what: 'WebSockets open, and then nothing comes through.',
    fresh: true,
    network: 'websocket-mute',
    most: 20,
    column: 'mute',
  },
  {
    id: 'killed',
    title: 'Killed after each open',
    hint: 'cut after 300 ms, every time',
    what: 'WebSockets open, work, and are cut after 300 ms, every time.',
    fresh: true,
    network: 'websocket-killed',
    most: 40,
    column: 'killed',
  },
  {
    id: 'both',
    title: 'Refused, streams held back',
    hint: 'only short requests pass',
    what: 'WebSocket is refused, and a proxy holds every stream back until it ends.',
    fresh: true,
    network: 'websocket-refused-and-streams-buffered',
    most: 20,
    column: 'both',
  },
  {
    id: 'cut',
    title: 'Cut it now',
    hint: 'cut the connection, once',
    what: 'The connection that carries the session is cut, once.',
    fresh: false,
    cut: 'any',
    most: 20,
  },
  {
    id: 'outage',
    title: 'WebSocket outage',
    hint: 'refused, then back',
    what: 'WebSocket is cut and refused for {seconds} s, then it works again.',
    fresh: false,
    network: { rules: [WEBSOCKET_RESET] },
    cut: 'websocket',
    heals: true,
    until: 'websocket',
    most: 75,
  },
  {
    id: 'slow',
    title: 'WebSocket slow',
    hint: 'round trips of 2 s',
    what: 'Every round trip over WebSocket takes 2 s from now on. The other ways stay fast.',
    fresh: false,
    network: { rules: [WEBSOCKET_SLOW] },
    until: 'other',
    most: 60,
  },
  {
    id: 'lossy',
    title: 'Lossy',
    hint: '1 answer in 3 is lost',
    what: 'For {seconds} s WebSocket is refused, and one request in three loses its answer.',
    fresh: false,
    network: { rules: LOSSY },
    cut: 'any',
    heals: true,
    most: 30,
  },
  {
    id: 'offline',
    title: 'Offline',
    hint: 'nothing gets out',
    what: 'Every connection is cut for {seconds} s.',
    fresh: false,
    network: 'offline',
    cut: 'any',
    heals: true,
    until: 'websocket',
    most: 60,
  },
  {
    id: 'portal',
    title: 'Sign-in page',
    hint: 'a hotel page answers',
    what: 'For {seconds} s a sign-in page, as in a hotel, answers every request.',
    fresh: false,
    network: 'portal',
    cut: 'any',
    heals: true,
    until: 'websocket',
    most: 60,
  },
  {
    id: 'withdrawn',
    title: 'Server withdraws WebSocket',
    hint: 'and offers it again',
    what: 'For {seconds} s the gateway does not offer WebSocket, as if its operator had switched it off.',
    fresh: false,
    withdraws: true,
    heals: true,
    until: 'websocket',
    most: 60,
  },
];
