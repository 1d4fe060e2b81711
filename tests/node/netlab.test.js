// @ts-check
/**
 * `throughline netlab` before applications without our client: an echo over WebSocket, an event stream, a
 * page. Each network treats them as its meaning says. The API of netlab's page switches the network while
 * they run.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { EventSource } from 'eventsource';
import { WebSocket, WebSocketServer } from 'ws';
import { printed, startChild } from '../browser/child.js';
import { PROGRAM } from '../browser/gateway.js';
import { post } from './lab.js';

/** The time for which a test waits for a message that must not come. */
const QUIET_MS = 300;

const application = createServer((request, response) => {
  if (request.url === '/events') {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('data: first\n\n');
    return;
  }
  request.resume().on('end', () => response.end(`${request.method} ${request.url}`));
});
new WebSocketServer({ server: application }).on('connection', (socket) => {
  socket.on('message', (data) => socket.send(String(data)));
});

/** @type {string} */
let target;
/** @type {ReturnType<typeof startChild>} */
let program;
/** The application through the network. @type {string} */
let url;
/** The page's port. @type {string} */
let page;

before(async () => {
  await once(application.listen(0, '127.0.0.1'), 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (application.address());
  target = `http://127.0.0.1:${port}`;
});
beforeEach(async () => {
  program = startChild(PROGRAM, netlab());
  [, url = '', page = ''] = await printed(
    program,
    /^listening on (http:\S+)$[\s\S]*^to switch the network open (http:\S+)\/$/m,
  );
});
afterEach(async () => {
  await program.stop();
});
after(() => {
  application.closeAllConnections();
  application.close();
});

const netlab = () => ['netlab', '--to', target, '--listen', '127.0.0.1:0', '--page', '127.0.0.1:0'];

/** @param {string} named */
const choose = (named) => post(`${page}/network`, { named });

/** Sends a text over a WebSocket, and resolves with the outcome. */
async function echo() {
  const socket = new WebSocket(url.replace('http', 'ws'));
  try {
    return await new Promise((resolve) => {
      socket.on('open', () => socket.send('hello'));
      socket.on('message', (data) => resolve(`heard ${data}`));
      socket.on('unexpected-response', (_, { statusCode }) => resolve(`answered ${statusCode}`));
      socket.on('error', ({ message }) => resolve(message));
    });
  } finally {
    socket.on('error', () => {});
    socket.terminate();
  }
}

/** Opens an event stream, and resolves with its first event or its error, or with `fallback` if neither comes. */
async function firstEvent(fallback = '') {
  const source = new EventSource(`${url}/events`);
  try {
    return await new Promise((resolve) => {
      source.onmessage = ({ data }) => resolve(data);
      source.onerror = ({ code }) => resolve(`failed: ${code}`);
      if (fallback) setTimeout(() => resolve(fallback), QUIET_MS);
    });
  } finally {
    source.close();
  }
}

/** @param {string} [path] */
const ask = async (path = '/') => (await fetch(url + path, { headers: { connection: 'close' } })).text();

test('a clear network passes a WebSocket, an event stream and requests', async () => {
  assert.equal(await echo(), 'heard hello');
  assert.equal(await firstEvent(), 'first');
  assert.equal(await ask('/a?b=c'), 'GET /a?b=c');
});

test('a network that refuses WebSockets answers them 403 and passes all else', async () => {
  await choose('websocket-refused');
  assert.equal(await echo(), 'answered 403');
  assert.equal(await firstEvent(), 'first');
  assert.equal(await ask(), 'GET /');
});

test('a network that buffers streams holds an event stream back and passes all else', async () => {
  await choose('streams-buffered');
  assert.equal(await firstEvent('nothing came'), 'nothing came');
  assert.equal(await echo(), 'heard hello');
  assert.equal(await ask(), 'GET /');
});

test('a network that mutes WebSockets opens them, and nothing comes through', async () => {
  await choose('websocket-mute');
  const socket = new WebSocket(url.replace('http', 'ws'));
  await once(socket, 'open');
  socket.send('hello');
  const heard = once(socket, 'message').then(() => 'an echo');
  const quiet = new Promise((resolve) => setTimeout(resolve, QUIET_MS, 'nothing'));
  assert.equal(await Promise.race([heard, quiet]), 'nothing');
  socket.terminate();
});

test('an offline network resets everything, and its page still answers and heals it', async () => {
  await choose('offline');
  await assert.rejects(ask());
  assert.match(await echo(), /ECONNRESET|socket hang up/);
  const { name, meaning, to } = await (await fetch(`${page}/network`)).json();
  assert.deepEqual([name, meaning, to], ['offline', 'Every connection is reset.', `${target}/`]);
  await choose('clear');
  assert.equal(await ask(), 'GET /');
});

test('a WebSocket that is open is counted, and killed over HTTP', async () => {
  const socket = new WebSocket(url.replace('http', 'ws'));
  await once(socket, 'open');
  const { open } = await (await fetch(`${page}/network`)).json();
  assert.equal(open.websocket, 1);
  const closed = once(socket, 'close');
  socket.on('error', () => {});
  assert.deepEqual(await post(`${page}/kill`, { route: 'websocket' }), { killed: 1 });
  assert.equal((await closed)[0], 1006);
});

test('the page lists every network with its meaning, and can be given one that has no name', async () => {
  const networks = await (await fetch(`${page}/networks`)).json();
  const html = await (await fetch(`${page}/`)).text();
  assert.ok(networks.length > 12);
  for (const { name, meaning } of networks) assert.ok(html.includes(name) && html.includes(meaning), name);
  await post(`${page}/network`, { rules: [{ route: 'any', request: { answer: { status: 418 } } }] });
  assert.equal((await fetch(url)).status, 418);
  assert.equal((await (await fetch(`${page}/network`)).json()).name, null);
});

test('the page refuses pages of other origins, unknown names and wrong networks', async () => {
  const send = (/** @type {string} */ body, headers = {}) =>
    fetch(`${page}/network`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
    });
  const foreign = await send('{"named":"offline"}', { origin: 'https://example.org' });
  assert.equal(foreign.status, 403);
  for (const body of ['{"named":"perfect"}', '{"rulez":[]}', '7', '']) {
    const refused = await send(body);
    assert.equal(refused.status, 400, body);
    assert.ok((await refused.json()).message.length > 8, body);
  }
  const { name } = await (await fetch(`${page}/network`)).json();
  assert.equal(name, 'clear');
});

test('on a terminal a number, a name and a letter switch the network', async () => {
  // `script` gives the command a terminal, and its input is typed there.
  const command = [PROGRAM, ...netlab()].join(' ');
  const typed = spawn('script', ['--quiet', '--command', command, '/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let seen = '';
  let look = () => {};
  typed.stdout.setEncoding('utf8').on('data', (text) => {
    seen += text;
    look();
  });
  /** @param {string} text @returns {Promise<void>} resolves once this text is printed after the previous one */
  const shows = (text) =>
    new Promise((resolve) => {
      look = () => {
        const place = seen.indexOf(text);
        if (place < 0) return;
        seen = seen.slice(place + text.length);
        resolve();
      };
      look();
    });
  try {
    await shows('network: clear.');
    await shows('type a number or a name');
    for (const [line, answer] of [
      ['offline', 'network: offline.'],
      ['2', 'network: websocket-refused.'],
      ['k', '0 open connections were reset'],
      ['?', 'type a number or a name'],
    ]) {
      typed.stdin.write(`${line}\n`);
      await shows(answer);
    }
    const ended = once(typed, 'exit');
    typed.stdin.write('q\n');
    assert.equal((await ended)[0], 0);
  } finally {
    typed.kill();
  }
});
