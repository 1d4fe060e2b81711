// @ts-check
/** The bytes of polls with a token and without one: a token must not ride on each poll. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, connect as dial } from 'node:net';
import { after, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { startGateway } from '../browser/gateway.js';
import { signFor, startSigned } from '../tokens.js';
import { connectTo } from './lab.js';

const TOKEN_BYTES = 700;
const MOST_MORE_BYTES = 20;
/** The polls after which the client has settled, and the polls that the test compares. */
const SETTLED = 5;
const COMPARED = 10;
const PATIENCE_MS = 10_000;

/** @type {Array<() => unknown>} */
const endings = [];
after(async () => {
  for (const end of endings.reverse()) await end();
});

/** Starts a proxy that keeps all that goes up on each connection. @param {string} upstream */
async function startMeter(upstream) {
  const { hostname, port } = new URL(upstream);
  /** @type {Buffer[][]} */
  const up = [];
  const server = createServer((socket) => {
    /** @type {Buffer[]} */
    const parts = [];
    up.push(parts);
    const far = dial(Number(port), hostname);
    socket.on('data', (part) => parts.push(/** @type {Buffer} */ (part)));
    socket.pipe(far).pipe(socket);
    for (const [one, other] of [
      [socket, far],
      [far, socket],
    ])
      one?.on('error', () => other?.destroy()).on('close', () => other?.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  endings.push(() => server.close());
  const address = /** @type {import('node:net').AddressInfo} */ (server.address());
  return {
    url: `http://127.0.0.1:${address.port}`,
    /** Returns the whole polls: head and body. */
    polls: () => up.flatMap((parts) => requestsOf(Buffer.concat(parts).toString('latin1'))).filter(isPoll),
  };
}

/** @param {string} request */
const isPoll = (request) => request.startsWith('POST /rt/poll ');

/** Splits what went up on a connection into its whole requests. @param {string} text */
function requestsOf(text) {
  const requests = [];
  for (let rest = text; ; ) {
    const head = rest.indexOf('\r\n\r\n') + 4;
    if (head < 4) return requests;
    const body = Number(/^content-length: (\d+)/im.exec(rest.slice(0, head))?.[1] ?? 0);
    if (rest.length < head + body) return requests;
    requests.push(rest.slice(0, head + body));
    rest = rest.slice(head + body);
  }
}

/** @param {() => boolean} condition */
async function holds(condition) {
  const deadline = performance.now() + PATIENCE_MS;
  while (!condition()) {
    assert.ok(performance.now() < deadline, `not within ${PATIENCE_MS} ms: ${condition}`);
    await pause(5);
  }
}

/** Returns the settled polls of a client. Each message from another client ends one. @param {string} url @param {string} [token] */
async function settledPolls(url, token) {
  const meter = await startMeter(url);
  const signedIn = token === undefined ? {} : { token };
  const main = connectTo(meter.url, { storage: null, transports: ['poll'], ...signedIn });
  const other = connectTo(url, { storage: null, transports: ['websocket'], ...signedIn });
  endings.push(() => {
    main.close();
    other.close();
  });
  let heard = 0;
  main.channel('news').on('message', () => {
    heard += 1;
  });
  await main.channel('news').subscribed;
  for (let message = 1; message <= SETTLED + COMPARED; message += 1) {
    const before = meter.polls().length;
    await other.channel('news').publish(message);
    await holds(() => heard === message && meter.polls().length > before);
  }
  return meter.polls().slice(-COMPARED);
}

/** @param {string[]} polls */
const mean = (polls) => polls.reduce((bytes, poll) => bytes + poll.length, 0) / polls.length;

test(`a settled poll with a token of ${TOKEN_BYTES} bytes is no longer than one without a token`, async () => {
  const open = await startGateway(['serve', '--listen', '127.0.0.1:0']);
  endings.push(open.stop);
  const signed = await startSigned();
  endings.push(signed.stop);
  const withPadding = (/** @type {number} */ bytes) =>
    signFor(signed.secret, 'ann', undefined, { padding: 'x'.repeat(bytes) });
  // Base64 makes 4 characters of 3 bytes.
  const missing = TOKEN_BYTES - withPadding(0).length;
  const token = withPadding(Math.floor((missing * 3) / 4));
  assert.ok(Math.abs(token.length - TOKEN_BYTES) <= 2, `the token has ${token.length} bytes`);

  const without = mean(await settledPolls(open.url));
  const polls = await settledPolls(signed.url, token);
  console.log(`a settled poll: ${without} bytes without a token, ${mean(polls)} bytes with one`);
  assert.equal(polls.length, COMPARED);
  assert.ok(!polls.some((poll) => poll.includes('"token"')), polls.at(-1));
  assert.ok(mean(polls) - without <= MOST_MORE_BYTES, `${mean(polls)} bytes instead of ${without}`);
});
