// @ts-check
// The clients that are measured, the server of each, and the networks before them.

/**
 * @typedef {object} Peer
 * @property {string} title
 * @property {string} client its file in clients/
 * @property {string} server its file in servers/
 * @property {string[]} packages the packages whose versions the report gives
 * @property {boolean} [standIn] the server is a stand-in: it lacks the peer's own protection against loss
 * @property {boolean} [ours]
 */

/** @type {Peer[]} */
export const PEERS = [
  {
    title: 'Socket.IO default',
    client: 'socketio',
    server: 'socketio',
    packages: ['socket.io-client', 'socket.io'],
  },
  {
    title: 'Socket.IO with recovery',
    client: 'socketio',
    server: 'socketio-recovery',
    packages: [],
  },
  {
    title: 'Socket.IO websocket first',
    client: 'socketio-websocket-first',
    server: 'socketio',
    packages: [],
  },
  { title: '… and tryAllTransports', client: 'socketio-try-all', server: 'socketio', packages: [] },
  { title: 'SockJS', client: 'sockjs', server: 'sockjs', packages: ['sockjs-client', 'sockjs'] },
  { title: 'SignalR', client: 'signalr', server: 'signalr', packages: ['@microsoft/signalr'], standIn: true },
  {
    title: 'centrifuge-js',
    client: 'centrifuge',
    server: 'centrifugo',
    packages: ['centrifuge'],
    standIn: true,
  },
  { title: 'AnyCable', client: 'anycable', server: 'anycable', packages: ['@anycable/core'], standIn: true },
  { title: 'Phoenix', client: 'phoenix', server: 'phoenix', packages: ['phoenix'], standIn: true },
  { title: 'ours', client: 'throughline', server: 'throughline', packages: [], ours: true },
];

const refused = { route: 'websocket', request: { answer: { status: 403 } } };
// Every answer is held back until it ends: short ones pass, streams never do. The rule need not know which streams a
// client has.
const buffered = { route: 'any', buffer: { until: 'close', headers: 'held' } };

/**
 * `within`: ours may need so many ms for the first message. Without it, the bound is the best peer's time and
 * `SLACK_MS`.
 * @type {{ name: string, rules: object[], within?: number, bound?: false }[]}
 */
export const NETWORKS = [
  { name: 'clear', rules: [], bound: false },
  { name: 'WebSocket refused', rules: [refused] },
  { name: 'black hole', rules: [{ route: 'websocket', request: 'swallow' }], within: 1300 },
  { name: '101 then mute', rules: [{ route: 'websocket', mute: 'both' }], within: 1300 },
  { name: 'killed 300 ms after each open', rules: [{ route: 'websocket', kill_after_ms: 300 }] },
  { name: 'refused + streams buffered', rules: [refused, buffered], within: 700 },
];

export const SLACK_MS = 150;
/** The matrix's row of a WebSocket that dies after each open: ours settles within this time, and opens at most so many. */
export const KILLED = { network: 'killed 300 ms after each open', settledMs: 6000, opens: 3 };
