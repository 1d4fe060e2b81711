// @ts-check
/**
 * The bad tokens of tests/vectors/tokens.json at each door of the real gateway: it refuses them with their code, and makes no
 * session. Unknown keys cost the key server nothing.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { WebSocket } from 'ws';
import { makeDirectory } from '../browser/directory.js';
import { startGateway } from '../browser/gateway.js';
import { metric as figureOf } from '../tokens.js';

/** @typedef {{ name: string, code: string, token?: string, repeat?: { text: string, times: number } }} Bad */
/** @typedef {{ code?: string, user?: string }} Outcome a refusal, or a welcome */

/** @type {{ audience: string, issuer: string, jwks: object, good: Array<{ token: string, user: string }>, bad: Bad[] }} */
const VECTORS = JSON.parse(readFileSync(new URL('../vectors/tokens.json', import.meta.url), 'utf8'));
const FORGED = 1_000;
const AT_ONCE = 50;
const MOST_FETCHES = 2;
const PATIENCE_MS = 10_000;

let fetches = 0;
const keyServer = createServer((_, response) => {
  fetches += 1;
  response.end(JSON.stringify(VECTORS.jwks));
});
/** @type {Awaited<ReturnType<typeof makeDirectory>>} */
let folder;
/** @type {Awaited<ReturnType<typeof startGateway>>} */
let gateway;

before(async () => {
  folder = await makeDirectory('tokens');
  keyServer.listen(0, '127.0.0.1');
  await once(keyServer, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (keyServer.address());
  const config = join(folder.path, 'gateway.toml');
  await writeFile(
    config,
    `inner.listen = "127.0.0.1:0"
[auth]
jwks_url = "http://127.0.0.1:${port}/jwks.json"
audience = "${VECTORS.audience}"
issuer = "${VECTORS.issuer}"
`,
  );
  gateway = await startGateway(['serve', '--listen', '127.0.0.1:0', '--config', config]);
});
after(async () => {
  await gateway?.stop();
  keyServer.close();
  await folder?.remove();
});

/** Returns the value of a metric. @param {string} name */
const metric = (name) => figureOf(gateway, name);

/** @param {string} token @param {string} secret */
const helloWith = (token, secret) =>
  JSON.stringify({
    hello: { v: 1, session: secret, leg: 1, turn: 1, received: 0, next: 1, nonce: randomUUID(), token },
  });

/** Returns the outcome that a frame states, if it states one. @param {string} line @returns {Outcome | undefined} */
function outcomeOf(line) {
  const { welcome, end, code } = JSON.parse(line);
  if (welcome) return { user: welcome.user };
  return end || code ? { code: end?.code ?? code } : undefined;
}

/** Reads an answer up to the first frame that states an outcome. @param {Response} answer @returns {Promise<Outcome | undefined>} */
async function read(answer) {
  let text = '';
  const decoder = new TextDecoder();
  for await (const piece of /** @type {AsyncIterable<Uint8Array>} */ (/** @type {unknown} */ (answer.body))) {
    text += decoder.decode(piece, { stream: true });
    const whole = answer.ok ? text.split('\n').slice(0, -1) : [text];
    const frames = whole.map((line) => line.replace(/^data: /, '')).filter((line) => line.startsWith('{'));
    const outcome = frames.map(outcomeOf).find((found) => found);
    if (outcome) return outcome;
  }
  return text.startsWith('{') ? outcomeOf(text.split('\n')[0]) : undefined;
}

/** @param {string} path @param {RequestInit} init */
const ask = (path, init) => fetch(gateway.url + path, { ...init, signal: AbortSignal.timeout(PATIENCE_MS) });

/** The doors of the gateway. Each returns what becomes of a token there. @type {Record<string, (token: string) => Promise<Outcome>>} */
const DOORS = {
  async WebSocket(token) {
    const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/rt/ws`, 'throughline.v1');
    try {
      await once(socket, 'open');
      socket.send(helloWith(token, randomUUID()));
      for await (const [message] of on(socket)) {
        const outcome = outcomeOf(`${message}`);
        if (outcome) return outcome;
      }
      throw new Error('the socket closed without a word');
    } finally {
      socket.terminate();
    }
  },
  async SSE(token) {
    const outcome = await read(
      await ask('/rt/stream', { method: 'POST', body: helloWith(token, randomUUID()) }),
    );
    assert.ok(outcome, 'the stream ended without a word');
    return outcome;
  },
  async 'long-poll'(token) {
    const secret = randomUUID();
    for (let polls = 0; polls < 3; polls += 1) {
      const outcome = await read(await ask('/rt/poll', { method: 'POST', body: helloWith(token, secret) }));
      if (outcome) return outcome;
    }
    throw new Error('the gateway does not decide');
  },
  async 'a plain stream'(token) {
    const answer = await ask('/rt/stream?channel=news', { headers: { authorization: `Bearer ${token}` } });
    if (!answer.ok) return /** @type {Outcome} */ (await read(answer));
    await answer.body?.cancel();
    return {};
  },
};

/** Returns the messages of a socket, until it closes. @param {WebSocket} socket @returns {AsyncIterable<[Buffer]>} */
async function* on(socket) {
  /** @type {Buffer[]} */
  const waiting = [];
  let wake = () => {};
  socket.on('message', (data) => {
    waiting.push(/** @type {Buffer} */ (data));
    wake();
  });
  socket.on('close', () => wake());
  while (socket.readyState !== WebSocket.CLOSED || waiting.length > 0) {
    const next = waiting.shift();
    if (next) yield [next];
    else await new Promise((/** @type {(value?: undefined) => void} */ resolve) => (wake = resolve));
  }
}

/** A header cannot carry each token. The gateway removes blanks before one, as RFC 9110 says. @param {string} token */
const fitsHeader = (token) => /^[\x21-\x7e]+$/.test(token);

for (const [door, enter] of Object.entries(DOORS)) {
  const isPlain = door === 'a plain stream';

  test(`each bad token is refused by ${door} with its code, and makes no session`, async () => {
    const before = await metric('throughline_sessions_created_total');
    let tried = 0;
    for (const { name, code, token, repeat } of VECTORS.bad) {
      const bad = token ?? /** @type {NonNullable<typeof repeat>} */ (repeat).text.repeat(repeat?.times ?? 0);
      if (isPlain && !fitsHeader(bad)) continue;
      assert.deepEqual(await enter(bad), { code }, name);
      tried += 1;
    }
    assert.ok(tried > 40, `${tried} tokens`);
    assert.equal(await metric('throughline_sessions_created_total'), before);
  });

  test(`each good token is let in by ${door}`, async () => {
    for (const { token, user } of VECTORS.good) assert.deepEqual(await enter(token), isPlain ? {} : { user });
  });
}

test('a thousand forged key ids cost the key server two fetches at most', async () => {
  const before = fetches;
  const [, claims, signature] = VECTORS.good[0].token.split('.');
  const forged = () => {
    const header = JSON.stringify({ alg: 'RS256', kid: randomUUID() });
    return `${Buffer.from(header).toString('base64url')}.${claims}.${signature}`;
  };
  for (let sent = 0; sent < FORGED; sent += AT_ONCE) {
    const outcomes = await Promise.all(
      Array.from({ length: AT_ONCE }, () => DOORS['a plain stream'](forged())),
    );
    assert.ok(
      outcomes.every(({ code }) => code === 'unauthorized'),
      JSON.stringify(outcomes),
    );
  }
  assert.ok(fetches - before <= MOST_FETCHES, `${fetches - before} fetches`);
});
