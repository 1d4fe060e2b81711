// Measures every peer behind every network, prints the table and the checks, and writes results.md. `make bench-peers`
// builds what it needs.
//
// A network is one column. Each client has a process, and five rounds give each process one connection through a front
// of its own. Within a round the clients begin one after another. Each begins when the one before has its first message
// (or after 400 ms), so no two of them compete for the machine while they are timed. What comes later (waiting,
// flapping) overlaps.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { startFronts } from './fronts.mjs';
import { NETWORKS, PEERS } from './peers.mjs';
import { check, decided, report } from './report.mjs';

const ROUNDS = 5;
const STAGGER_MS = 400;

const here = (file) => new URL(file, import.meta.url).href;
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Starts a process for one client, and warms it: it connects by each of its transports through a clear network. */
async function startClient(peer, clear) {
  const child = fork(new URL('child.mjs', import.meta.url), [here(`clients/${peer.client}.mjs`)]);
  const exit = once(child, 'exit').then(([code]) =>
    Promise.reject(new Error(`${peer.title} ended: ${code}`)),
  );
  exit.catch(() => {});
  const says = (key) =>
    Promise.race([
      exit,
      new Promise((resolve) => {
        child.on('message', function hear(message) {
          if (!(key in message)) return;
          child.off('message', hear);
          resolve(message[key]);
        });
      }),
    ]);
  await says('ready');
  child.send({ warm: clear.url });
  const warm = await says('warm');
  const mute = Object.keys(warm).find((transport) => warm[transport] === null);
  if (mute)
    throw new Error(`${peer.title} does not connect by ${mute} on a clear network: this bench is broken`);
  return { warm, says, send: (message) => child.send(message), stop: () => child.kill('SIGKILL') };
}

/** Begins one connection of one client. Resolves when the next one may begin; `done` resolves when all is known. */
async function begin(client, fronts, upstream, rules) {
  const front = await fronts.open(upstream, rules);
  const first = client.says('first');
  const done = client.says('done').then(async (verdict) => {
    // The client closes its connections first. The close resets the rest.
    await sleep(100);
    return { ...verdict, ...(await front.close()) };
  });
  client.send({ go: front.url });
  await Promise.race([first, done, sleep(STAGGER_MS)]);
  return { done };
}

/** Measures every client behind one network. Returns the runs of each, by its title. */
async function column(network, servers, clears, fronts) {
  const clients = await Promise.all(PEERS.map((peer) => startClient(peer, clears[peer.server])));
  /** @type {Record<string, any[]>} */
  const runs = Object.fromEntries(PEERS.map(({ title }) => [title, []]));
  for (let round = 0; round < ROUNDS; round++) {
    const under = [];
    for (let turn = 0; turn < PEERS.length; turn++) {
      const place = (turn + round) % PEERS.length;
      const peer = PEERS[place];
      if (decided(runs[peer.title])) continue;
      const { done } = await begin(clients[place], fronts, servers[peer.server].address, network.rules);
      under.push(done.then((run) => runs[peer.title].push(run)));
    }
    await Promise.all(under);
    process.stderr.write(`${network.name}: round ${round + 1} of ${ROUNDS}\n`);
  }
  for (const client of clients) client.stop();
  const warm = Object.fromEntries(PEERS.map(({ title }, place) => [title, clients[place].warm]));
  return { runs, warm };
}

async function main() {
  const fronts = startFronts();
  const names = [...new Set(PEERS.map(({ server }) => server))];
  const started = await Promise.all(
    names.map(async (name) => (await import(here(`servers/${name}.mjs`))).start()),
  );
  const servers = Object.fromEntries(names.map((name, place) => [name, started[place]]));
  const clears = {};
  for (const name of names) clears[name] = await fronts.open(servers[name].address, []);
  try {
    const columns = {};
    for (const network of NETWORKS) columns[network.name] = await column(network, servers, clears, fronts);
    const checks = check(columns);
    await report(columns, checks);
    return checks.every(({ holds }) => holds) ? 0 : 1;
  } finally {
    for (const server of started) server.close();
    fronts.stop();
  }
}

for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(2));

const status = await main().catch((error) => {
  console.error(error);
  return 2;
});
process.exit(status);
