// The CPU time of 20,000 publishes in Node, beside that of the same loop with only `JSON.stringify` and `socket.send`.
// `make bench` runs it against the release build. Rounds alternate; the bound holds for the median of their ratios.
//
// The plain loop gets no answers, so the bound compares the loops until the last line is written. The line `with
// answers` also counts the time in which the client reads 20,000 answers and settles as many promises.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import WebSocket, { WebSocketServer } from '../../client-js/node_modules/ws/wrapper.mjs';
import { connect } from '../../client-js/src/index.js';

const PUBLISHES = 20_000;
const ROUNDS = 9;
/** The first rounds are slower: the engine compiles. */
const WARMING = 3;
const BOUND = 3;

const message = (n) => ({ n, text: 'twenty characters...' });
const cpuMs = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

/** Starts the release build on a free port. */
async function startGateway() {
  const binary = process.env.THROUGHLINE_BIN ?? fileURLToPath(new URL('../../target/release/throughline', import.meta.url));
  const gateway = spawn(binary, ['serve', '--listen', '127.0.0.1:0'], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  const base = await new Promise((resolve, reject) => {
    gateway.on('error', reject);
    for (const stream of [gateway.stdout, gateway.stderr])
      stream.on('data', (text) => {
        said += text;
        const [url] = said.match(/http:\/\/[\d.]+:\d+/) ?? [];
        if (url) resolve(url);
      });
  });
  return { base, stop: () => gateway.kill() };
}

/** Starts a server in a process of its own, which reads and answers nothing: `node publish.mjs sink`. */
async function startSink() {
  const sink = spawn(process.execPath, [fileURLToPath(import.meta.url), 'sink'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [port] = await once(sink.stdout, 'data');
  return { url: `ws://127.0.0.1:${`${port}`.trim()}`, stop: () => sink.kill() };
}

async function throughClient(base) {
  const queue = { messages: PUBLISHES + 1, bytes: 1 << 26 };
  const connection = connect(`${base}/rt`, { WebSocket, storage: null, transports: ['websocket'], queue });
  await new Promise((resolve) => connection.on('state', (state) => state === 'online' && resolve()));
  const channel = connection.channel('bench');
  await channel.publish(0);
  const start = cpuMs();
  const answers = [];
  for (let n = 0; n < PUBLISHES; n++) answers.push(channel.publish(message(n)));
  const published = cpuMs() - start;
  await Promise.all(answers);
  const answered = cpuMs() - start;
  connection.close();
  return { published, answered };
}

async function throughSocket(url) {
  const socket = new WebSocket(url);
  await once(socket, 'open');
  const start = cpuMs();
  for (let n = 0; n < PUBLISHES; n++) socket.send(JSON.stringify({ pub: 'bench', data: message(n), id: n }));
  const published = cpuMs() - start;
  socket.close();
  await once(socket, 'close');
  return published;
}

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

async function run() {
  const gateway = await startGateway();
  const sink = await startSink();
  const ratios = [];
  const withAnswers = [];
  for (let round = 0; round < WARMING + ROUNDS; round++) {
    const plain = await throughSocket(sink.url);
    const { published, answered } = await throughClient(gateway.base);
    if (round < WARMING) continue;
    ratios.push(published / plain);
    withAnswers.push(answered / plain);
    console.log(`plain ${plain.toFixed(0)} ms, client ${published.toFixed(0)} ms, with answers ${answered.toFixed(0)} ms`);
  }
  gateway.stop();
  sink.stop();
  const ratio = median(ratios);
  const spread = `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`;
  console.log(`20,000 publishes: ${ratio.toFixed(2)} of a plain loop (${spread}), bound ${BOUND}; with answers ${median(withAnswers).toFixed(2)}`);
  if (ratio > BOUND) process.exitCode = 1;
}

if (process.argv[2] === 'sink') {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' }, () => console.log(server.address().port));
  server.on('connection', (socket) => socket.on('message', () => {}));
} else await run();
