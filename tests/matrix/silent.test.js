// @ts-check
/**
 * Thousands of connections that say nothing: half of them only connect, the others upgrade to a WebSocket and
 * send no hello. A client that comes after them must not wait.
 */
import assert from 'node:assert/strict';
import { connect as dial } from 'node:net';
import { after, before, test } from 'node:test';
import { connectTo, until } from '../node/lab.js';
import { metric, signFor, startSigned } from '../tokens.js';
import { createResults, WHOLE } from './results.js';

/** @typedef {import('node:net').Socket} Socket */

const SOCKETS = WHOLE ? 10_000 : 1_000;
const BOUND_MS = WHOLE ? 500 : 2_500;
/** The connections that are opened at once. The kernel's queue of a listener is bounded. */
const AT_ONCE = 250;

const results = createResults(import.meta.url);
/** @type {Awaited<ReturnType<typeof startSigned>>} */
let gateway;
/** @type {Socket[]} */
const sockets = [];
before(async () => {
  // All connections have the address of this machine.
  gateway = await startSigned('[limits]\nconnections = 15_000\nconnections_per_address = 0\n');
});
after(async () => {
  for (const socket of sockets) socket.destroy();
  await gateway?.stop();
});

/** Opens a connection. Resolves when it stands: for a WebSocket, with the answer to its upgrade. @param {boolean} upgrades @returns {Promise<void>} */
function open(upgrades) {
  const { hostname, port, host } = new URL(gateway.url);
  return new Promise((resolve, reject) => {
    const socket = dial(Number(port), hostname);
    sockets.push(socket);
    socket.on('error', reject);
    if (!upgrades) return void socket.once('connect', () => resolve());
    socket.once('data', (answer) => {
      if (`${answer}`.startsWith('HTTP/1.1 101 ')) resolve();
      else reject(new Error(`the upgrade was answered by ${answer}`));
    });
    const headers = [
      `Host: ${host}`,
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
      'Sec-WebSocket-Protocol: throughline.v1',
    ];
    socket.write(`GET /rt/ws HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`);
  });
}

test(`a client is online in time behind ${SOCKETS} connections that say nothing`, async () => {
  const begun = performance.now();
  while (sockets.length < SOCKETS)
    await Promise.all(Array.from({ length: AT_ONCE }, (_, place) => open(place % 2 === 1)));
  const openedMs = Math.round(performance.now() - begun);
  const silent = await metric(gateway, 'throughline_connections');

  const start = performance.now();
  const connection = connectTo(gateway.url, { storage: null, token: signFor(gateway.secret, 'ann') });
  try {
    await until(connection, 'state', () => connection.state === 'online');
    const ms = Math.round(performance.now() - start);
    const problems = [];
    if (ms > BOUND_MS) problems.push(`${ms} ms is above ${BOUND_MS}`);
    if (silent < SOCKETS) problems.push(`only ${silent} connections were still open`);
    results.add({
      row: 50,
      condition: `${SOCKETS} connections that say nothing, then a client`,
      client: 'node',
      expected: 'websocket',
      observed: `${connection.transport}`,
      ms,
      bound: BOUND_MS,
      ok: problems.length === 0,
      whole: WHOLE,
      note: [`opened in ${openedMs} ms`, `${silent} open connections`, ...problems].join('; '),
    });
    assert.deepEqual(problems, []);
  } finally {
    connection.close();
  }
});
