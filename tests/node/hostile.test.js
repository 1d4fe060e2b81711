// @ts-check
/** Each fault of the hostile proxy and of the line does what its name says, and no more. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { createConnection, createServer } from 'node:net';
import { after, before, beforeEach, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { WebSocket, WebSocketServer } from 'ws';
import { startHostile } from '../proxies/hostile.js';
import { startLine } from '../proxies/line.js';

/**
 * The server behind the proxy. It records each request, and echoes it. For `/held` it sends a first line, and
 * a second one when the test asks.
 */
const server = http.createServer(async (request, response) => {
  let body = '';
  for await (const chunk of request.setEncoding('utf8')) body += chunk;
  seen.push({ method: request.method, url: request.url, body });
  if (request.url !== '/held') return response.end(body);
  response.write('first\n');
  held.push(() => response.end('second\n'));
  response.once('close', () => closed.push(request.url));
});
/** @type {Array<{ method?: string, url?: string, body: string }>} */
let seen = [];
/** @type {Array<() => void>} */
let held = [];
/** @type {unknown[]} */
let closed = [];
let upstream = '';

before(async () => {
  new WebSocketServer({ server }).on('connection', (socket) =>
    socket.on('message', (data) => socket.send(`${data}`)),
  );
  upstream = await listen(server);
});
after(() => {
  server.close();
  server.closeAllConnections();
});
beforeEach(() => {
  seen = [];
  held = [];
  closed = [];
});

/** @param {http.Server | import('node:net').Server} server */
async function listen(server) {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return `http://127.0.0.1:${port}`;
}

/** Waits for a condition that no event announces. @param {() => boolean} holds */
async function until(holds) {
  const deadline = performance.now() + 5_000;
  while (!holds()) {
    assert.ok(performance.now() < deadline, `not within 5 s: ${holds}`);
    await pause(5);
  }
}

/** @param {string} url @param {string} body */
const post = (url, body, signal = AbortSignal.timeout(5_000)) => fetch(url, { method: 'POST', body, signal });

/** @param {import('../proxies/hostile.js').Faults} faults @param {(proxy: import('../proxies/hostile.js').Hostile) => Promise<void>} run */
async function behind(faults, run) {
  const proxy = await startHostile({ ...faults, upstream });
  try {
    await run(proxy);
  } finally {
    await proxy.stop();
  }
}

/** Opens a WebSocket through the proxy. @param {string} url @returns {Promise<WebSocket | number>} or its status */
const dial = (url) =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(url.replace('http', 'ws'));
    socket.once('open', () => resolve(socket));
    socket.once('unexpected-response', (_, { statusCode = 0 }) => resolve(statusCode));
    socket.once('error', reject);
  });

test('the proxy without a fault passes requests, streams as they come, and WebSockets', () =>
  behind({}, async ({ url }) => {
    assert.equal(await (await post(`${url}/any?query`, 'x'.repeat(60_000))).text(), 'x'.repeat(60_000));
    assert.equal(seen[0].url, '/any?query');

    const answer = await fetch(`${url}/held`);
    const reader = /** @type {ReadableStream<Uint8Array>} */ (answer.body).getReader();
    assert.equal(new TextDecoder().decode((await reader.read()).value), 'first\n');
    held[0]();
    assert.equal(new TextDecoder().decode((await reader.read()).value), 'second\n');

    const socket = await dial(url);
    assert.ok(socket instanceof WebSocket);
    socket.send('hello');
    const [echo] = await once(socket, 'message');
    assert.equal(`${echo}`, 'hello');
    socket.close();
  }));

test('the server notices when the client gives up a request', () =>
  behind({}, async ({ url }) => {
    const giveUp = new AbortController();
    await post(`${url}/held`, '', giveUp.signal);
    giveUp.abort();
    await until(() => closed.length === 1);
  }));

test('the proxy answers an upgrade with 403 where it refuses WebSocket', () =>
  behind({ websocket: 'refused' }, async ({ url }) => {
    assert.equal(await dial(url), 403);
    assert.equal((await post(url, 'x')).status, 200);
  }));

for (const status of /** @type {const} */ (['413', '403', '400', '200'])) {
  test(`the proxy answers a body above the limit with ${status} and a page, and the server never sees it`, () =>
    behind({ bodyLimit: { bytes: 1_000, how: status } }, async ({ url, tally }) => {
      const answer = await post(url, 'x'.repeat(1_001));
      assert.equal(answer.status, Number(status));
      assert.match(await answer.text(), /^<!doctype html>/);
      assert.deepEqual(seen, []);
      assert.equal((await post(url, 'x'.repeat(1_000))).status, 200);
      assert.equal(seen.length, 1);
      assert.equal(tally.limited, 1);
    }));
}

test('the proxy resets the connection of a body above the limit, and the server never sees it', () =>
  behind({ bodyLimit: { bytes: 1_000, how: 'reset' } }, async ({ url, tally }) => {
    const failure = await post(url, 'x'.repeat(1_001)).catch(({ cause }) => cause.code);
    assert.ok(['ECONNRESET', 'UND_ERR_SOCKET', 'EPIPE'].includes(failure), `${failure}`);
    assert.deepEqual(seen, []);
    assert.equal((await post(url, 'x')).status, 200);
    assert.equal(tally.limited, 1);
  }));

test('the proxy reads a body above the limit and never answers it, and the server never sees it', () =>
  behind({ bodyLimit: { bytes: 1_000, how: 'silence' } }, async ({ url, tally }) => {
    const failure = await post(url, 'x'.repeat(60_000), AbortSignal.timeout(300)).catch(({ name }) => name);
    assert.equal(failure, 'TimeoutError');
    assert.deepEqual(seen, []);
    assert.equal((await post(url, 'x')).status, 200);
    assert.equal(tally.limited, 1);
  }));

test('the proxy answers a request above the number at once with 503, until one ends', () =>
  behind({ requestsAtOnce: { most: 1, how: 'refused' } }, async ({ url }) => {
    const first = post(`${url}/held`, '');
    await until(() => held.length === 1);
    assert.equal((await post(url, 'x')).status, 503);
    assert.equal(await dial(url), 503);
    held[0]();
    await (await first).text();
    await until(() => closed.length === 1);
    assert.equal((await post(url, 'x')).status, 200);
  }));

test('a request above the number at once waits until one ends, and leaves the queue with its client', () =>
  behind({ requestsAtOnce: { most: 1, how: 'queued' } }, async ({ url, tally }) => {
    const first = post(`${url}/held`, '');
    await until(() => held.length === 1);
    const impatient = new AbortController();
    const second = post(`${url}/second`, 'x'.repeat(60_000), impatient.signal).catch(({ name }) => name);
    await until(() => tally.waited === 1);
    const third = post(`${url}/third`, 'third');
    await until(() => tally.waited === 2);
    impatient.abort();
    assert.equal(await second, 'AbortError');
    await until(() => tally.left === 1);
    held[0]();
    assert.equal(await (await third).text(), 'third');
    await (await first).text();
    assert.deepEqual(
      seen.map(({ url }) => url),
      ['/held', '/third'],
    );
  }));

test('a client makes room when it gives up a held request, and when it closes a WebSocket', () =>
  behind({ requestsAtOnce: { most: 1, how: 'queued' } }, async ({ url }) => {
    const giveUp = new AbortController();
    await post(`${url}/held`, '', giveUp.signal);
    giveUp.abort();
    const socket = await dial(url);
    assert.ok(socket instanceof WebSocket);
    const waiting = post(url, 'x');
    socket.close();
    assert.equal((await waiting).status, 200);
  }));

test('the server gets an altered send, and the client gets a page', () =>
  behind({ alteredSends: true }, async ({ url, tally }) => {
    const answer = await post(`${url}/rt/send`, 'line');
    assert.equal(answer.status, 200);
    assert.match(await answer.text(), /^<!doctype html>/);
    assert.deepEqual(seen, [{ method: 'POST', url: '/rt/send', body: 'line' }]);
    assert.equal(await (await post(`${url}/rt/poll`, 'line')).text(), 'line');
    assert.equal(tally.altered, 1);
  }));

test('a cut proxy resets what is open and what comes, and serves again once it is mended', () =>
  behind({}, async ({ url, cut, mend }) => {
    const answer = await post(`${url}/held`, '');
    cut();
    await assert.rejects(answer.text());
    await assert.rejects(post(url, 'x'));
    mend();
    assert.equal((await post(url, 'x')).status, 200);
  }));

/**
 * Sends bytes through a line, and records the time of each piece.
 * @param {'up' | 'down'} direction
 * @param {import('../proxies/line.js').Faults} faults
 * @param {Buffer[]} pieces
 */
async function through(direction, faults, pieces) {
  /** @type {import('node:net').Socket | undefined} */
  let atServer;
  const server = createServer((socket) => {
    atServer = socket;
  });
  const line = await startLine({ ...faults, upstream: await listen(server) });
  const atClient = createConnection(Number(new URL(line.url).port), '127.0.0.1');
  await until(() => atServer !== undefined);
  const ends = [atClient, /** @type {import('node:net').Socket} */ (atServer)];
  const [from, to] = direction === 'up' ? ends : ends.reverse();
  /** @type {Array<{ at: number, length: number }>} */
  const arrivals = [];
  /** @type {Buffer[]} */
  const received = [];
  to.on('data', (chunk) => {
    arrivals.push({ at: performance.now() - begun, length: chunk.length });
    received.push(chunk);
  });
  const begun = performance.now();
  for (const piece of pieces) from.write(piece);
  from.end();
  await once(to, 'end');
  const ms = performance.now() - begun;
  for (const end of ends) end.destroy();
  await line.stop();
  server.close();
  return { ms, arrivals, received: Buffer.concat(received) };
}

const numbered = (/** @type {number} */ length) => Buffer.from(Array.from({ length }, (_, at) => at % 251));

for (const direction of /** @type {const} */ (['up', 'down'])) {
  test(`a slow line passes the same bytes ${direction}, evenly, at its rate`, async () => {
    const bytes = numbered(8_000);
    const { ms, arrivals, received } = await through(direction, { rate: { [direction]: 10_000 } }, [bytes]);
    assert.ok(received.equals(bytes));
    assert.ok(ms > 700 && ms < 1_200, `${ms} ms`);
    const half = arrivals.filter(({ at }) => at < ms / 2).reduce((sum, { length }) => sum + length, 0);
    assert.ok(half > 3_000 && half < 5_000, `${half} bytes in the first half of the time`);
  });
}

test('a slow line passes many small pieces at the same rate', async () => {
  const pieces = Array.from({ length: 400 }, () => numbered(20));
  const { ms } = await through('up', { rate: { up: 10_000 } }, pieces);
  assert.ok(ms > 700 && ms < 1_200, `${ms} ms`);
});

test('a line that is slow one way passes the other way at once', async () => {
  const { ms } = await through('down', { rate: { up: 1_000 } }, [numbered(8_000)]);
  assert.ok(ms < 500, `${ms} ms`);
});

test('a late line holds what comes from the server, in order up to its end, and passes what goes there at once', async () => {
  const bytes = numbered(100_000);
  const late = await through('down', { lateMs: 400 }, [bytes]);
  assert.ok(late.received.equals(bytes));
  assert.ok(late.arrivals[0].at >= 395, `the first after ${late.arrivals[0].at} ms`);
  assert.ok(late.ms < 900, `${late.ms} ms`);
  const soon = await through('up', { lateMs: 400 }, [bytes]);
  assert.ok(soon.arrivals[0].at < 200, `the first after ${soon.arrivals[0].at} ms`);
});
