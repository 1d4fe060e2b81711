// @ts-check
/** Compression by a gateway with that option: every client receives the same data, and no client can exhaust the gateway's memory. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { WebSocket } from 'ws';
import { startGateway } from '../browser/gateway.js';
import { BROWSERS, launch } from '../browser/launch.js';
import { connectTo } from './lab.js';

const TRANSPORTS = /** @type {const} */ (['websocket', 'sse', 'poll']);
/** The number of messages each way. */
const MESSAGES = 50;

/** Returns some 2 KB that repeat themselves as JSON does, and differ by number. @param {number} number */
const order = (number) => ({
  number,
  positions: Array.from({ length: 20 }, (_, at) => ({
    article: `A-${(number * 7919 + at * 104729) % 100_000}`,
    text: `Grüße Nr. ${at} 🧵`,
    quantity: (number + at) % 9,
    price: ((number * 31 + at * 17) % 10_000) / 100,
  })),
});

const folder = mkdtempSync(join(tmpdir(), 'throughline-compression-'));
/** @type {Awaited<ReturnType<typeof startGateway>>} */
let gateway;
before(async () => {
  const config = join(folder, 'gateway.toml');
  writeFileSync(config, '[server]\nlisten = "127.0.0.1:0"\ncompression = true\n');
  gateway = await startGateway(['serve', '--config', config]);
});
after(async () => {
  await gateway?.stop();
  rmSync(folder, { recursive: true });
});

/** @param {string} url */
async function dial(url) {
  const socket = new WebSocket(url.replace('http', 'ws').concat('/rt/ws'), 'throughline.v1');
  await once(socket, 'open');
  return socket;
}

/** Returns the next publication on a socket. An acknowledgement may come before. @param {WebSocket} socket @returns {Promise<any>} */
async function published(socket) {
  const [text] = await once(socket, 'message');
  const frame = JSON.parse(String(text));
  return frame.pub ? frame : published(socket);
}

/** Opens a session on a raw socket, and subscribes it to a channel. @param {WebSocket} socket @param {string} secret */
async function listen(socket, secret) {
  const answers = new Promise((resolve) => {
    const take = (/** @type {Buffer} */ text) => {
      if (!String(text).includes('"ok":1')) return;
      socket.off('message', take);
      resolve(undefined);
    };
    socket.on('message', take);
  });
  for (const frame of [
    `{"hello":{"v":1,"session":"${secret.padEnd(22, '_')}","leg":1,"turn":1,"received":0,"next":1,"nonce":"n"}}`,
    '{"ack":0,"next":1}',
    '{"sub":"raw","id":1}',
  ])
    socket.send(frame);
  await answers;
}

test('a socket is compressed if both want it, and not by default', async () => {
  const plain = await startGateway(['serve', '--listen', '127.0.0.1:0']);
  try {
    const sockets = [await dial(plain.url), await dial(gateway.url)];
    assert.deepEqual(
      sockets.map((socket) => socket.extensions),
      ['', 'permessage-deflate'],
    );
    for (const socket of sockets) socket.terminate();
  } finally {
    await plain.stop();
  }
});

for (const transport of TRANSPORTS) {
  test(`data arrives unchanged, by ${transport} from Node`, async () => {
    const connection = connectTo(gateway.url, { transports: [transport] });
    try {
      assert.deepEqual(
        await echoes(connection),
        Array.from({ length: MESSAGES }, (_, at) => order(at)),
      );
      assert.equal(connection.transport, transport);
    } finally {
      connection.close();
    }
  });
}

/** @param {ReturnType<typeof connectTo>} connection */
function echoes(connection) {
  return new Promise((resolve) => {
    /** @type {unknown[]} */
    const seen = [];
    const channel = connection.channel(`node-${Math.random()}`.replace('.', '-'));
    channel.on('message', (/** @type {any} */ message) => {
      if (seen.push(message.data) === MESSAGES) resolve(seen);
    });
    // The last message may arrive before its answer, and then the connection is closed.
    for (let at = 0; at < MESSAGES; at++) channel.publish(order(at)).catch(() => {});
  });
}

for (const name of BROWSERS) {
  test(`data arrives unchanged, by each transport in ${name}`, { timeout: 120_000 }, async () => {
    const browser = await launch(name);
    try {
      const page = await browser.newPage();
      await page.goto(`${gateway.url}/doctor`);
      for (const transport of TRANSPORTS) {
        const seen = await page.evaluate(
          async (transport, texts) => {
            const { connect } = await import(/** @type {any} */ ('/rt/client/index.js'));
            const connection = connect('/rt', { transports: [transport] });
            const channel = connection.channel(`page-${transport}`);
            /** @type {unknown[]} */
            const seen = [];
            await new Promise((resolve) => {
              channel.on('message', (/** @type {any} */ message) => {
                if (seen.push(message.data) === texts.length) resolve(undefined);
              });
              for (const text of texts) channel.publish(JSON.parse(text)).catch(() => {});
            });
            connection.close();
            return seen;
          },
          transport,
          Array.from({ length: MESSAGES }, (_, at) => JSON.stringify(order(at))),
        );
        assert.deepEqual(
          seen,
          Array.from({ length: MESSAGES }, (_, at) => order(at)),
          transport,
        );
      }
    } finally {
      await browser.close();
    }
  });
}

test('a publication crosses a socket in under half its bytes', async () => {
  const socket = await dial(gateway.url);
  await listen(socket, 'raw');
  const { _socket: tcp } = /** @type {any} */ (socket);
  const before = tcp.bytesRead;
  const text = JSON.stringify(order(1));
  socket.send(`{"pub":"raw","data":${text}}`);
  assert.deepEqual((await published(socket)).data, order(1));
  assert.ok(tcp.bytesRead - before < text.length / 2, `${tcp.bytesRead - before} bytes for ${text.length}`);
  socket.terminate();
});

test('the answer to a poll is gzip above 1 KB for a client that accepts it', async () => {
  const session = 'poll'.padEnd(22, '_');
  let id = '';
  /** @param {number} received @param {string[]} lines @param {string} encoding */
  const poll = async (received, lines, encoding) => {
    const next = lines.length === 0 ? 3 : 1;
    const hello = { v: 1, session, id: id || undefined, leg: 1, turn: 1, received, next, nonce: 'n' };
    const response = await fetch(`${gateway.url}/rt/poll`, {
      method: 'POST',
      headers: { 'content-type': 'text/plain', 'accept-encoding': encoding },
      body: [JSON.stringify({ hello }), ...lines].join('\n'),
    });
    return {
      encoding: response.headers.get('content-encoding'),
      lines: (await response.text()).trim().split('\n'),
    };
  };
  id = JSON.parse((await poll(0, [], 'gzip')).lines[0] ?? '').welcome.id;
  const data = JSON.stringify(order(7));
  const up = ['{"sub":"zip","id":1}', `{"pub":"zip","data":${data}}`];
  const zipped = await poll(0, up, 'br, gzip');
  assert.equal(zipped.encoding, 'gzip');
  assert.deepEqual(JSON.parse(zipped.lines.at(-1) ?? '').data, order(7));
  for (const encoding of ['identity', 'gzip;q=0', 'br']) {
    const plain = await poll(0, [], encoding);
    assert.equal(plain.encoding, null, encoding);
    assert.deepEqual(plain.lines.slice(1), zipped.lines.slice(1));
  }
});

test('a message that inflates beyond the bound ends its own socket only', async () => {
  const [bomber, other] = [await dial(gateway.url), await dial(gateway.url)];
  await listen(other, 'other');
  bomber.send('x'.repeat(10_000_000));
  const [code] = await once(bomber, 'close');
  assert.equal(code, 1009);
  other.send('{"pub":"raw","data":1}');
  assert.equal((await published(other)).data, 1);
  other.terminate();
});
