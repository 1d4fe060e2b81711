// @ts-check
/** Checks that the demo's comparison has the figures of the last run of `make bench-peers`. This needs no browser. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ms } from '../../benches/peers/words.mjs';
import { PEERS } from '../../src/pages/demo/peers.js';
import { TRIALS } from '../../src/pages/demo/trials.js';

/** The networks' names in the comparison, and in benches/peers/results.json. */
const NETWORKS = /** @type {const} */ ({
  clear: 'clear',
  refused: 'WebSocket refused',
  hole: 'black hole',
  mute: '101 then mute',
  killed: 'killed 300 ms after each open',
  both: 'refused + streams buffered',
});

/** The clients' names in the comparison, and in benches/peers/results.json. @type {{[client: string]: string}} */
const CLIENTS = {
  'Socket.IO, default': 'Socket.IO default',
  'Socket.IO, recovery on': 'Socket.IO with recovery',
  'Socket.IO, WebSocket first': 'Socket.IO websocket first',
  SockJS: 'SockJS',
  SignalR: 'SignalR',
  'centrifuge-js': 'centrifuge-js',
  AnyCable: 'AnyCable',
  'Phoenix, fallback on': 'Phoenix',
};

/** The transports' names in the comparison, by the names that their clients give them. @type {{[transport: string]: string}} */
const CARRIERS = {
  websocket: 'WebSocket',
  WebSocketTransport: 'WebSocket',
  ServerSentEventsTransport: 'SSE',
  http_stream: 'HTTP stream',
  'xhr-streaming': 'XHR stream',
  'xhr-polling': 'polling',
  polling: 'polling',
  longpoll: 'polling',
};

/**
 * Returns the words of the comparison for a client with this outcome.
 * @param {any} measured
 * @param {boolean} standIn
 * @returns {[first: string, then: string, failed: boolean]}
 */
function expected({ outcome, first, transport, losses }, standIn) {
  if (outcome === 'never') return ['never', 'nothing', true];
  if (outcome === 'closes') return [ms(first), 'nothing: it closes', true];
  const failed = outcome === 'flaps';
  const carrier = failed ? 'cut again and again' : CARRIERS[transport];
  if (standIn) return [ms(first), `${carrier} ¹`, failed];
  const { sent, lost, ...rest } = losses;
  assert.deepEqual(rest, { duplicated: 0, reordered: 0 }, 'the comparison has no words for these');
  const some = `${lost.toLocaleString('en')} of ${sent.toLocaleString('en')}`;
  return [ms(first), `${carrier}, ${lost ? some : 'none'} lost`, failed];
}

test('every first visit has a column of the comparison', () => {
  const columns = TRIALS.filter(({ fresh }) => fresh).map(({ column }) => column);
  assert.deepEqual(columns, Object.keys(NETWORKS));
});

test('the comparison has the figures of the last run of make bench-peers', () => {
  const { clients } = JSON.parse(
    readFileSync(new URL('../../benches/peers/results.json', import.meta.url), 'utf8'),
  );
  assert.deepEqual(
    PEERS.map(([client]) => client),
    Object.keys(CLIENTS),
  );
  for (const [client, figures] of PEERS) {
    const measured = clients.find((/** @type {any} */ { title }) => title === CLIENTS[client]);
    for (const [column, network] of Object.entries(NETWORKS)) {
      const { first, then, failed } = figures[/** @type {keyof typeof NETWORKS} */ (column)];
      const wanted = expected(measured.networks[network], measured.standIn);
      assert.deepEqual([first, then, failed], wanted, `${client}, ${network}`);
    }
  }
});
