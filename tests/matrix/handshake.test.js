// @ts-check
/** Networks that are hostile from the first request on. The fault proxy simulates them. */
import { setTimeout as pause } from 'node:timers/promises';
import { portal } from './portal.js';
import { matrix } from './stage.js';

const BOTH = /** @type {const} */ (['node', 'chromium']);
const STRAIGHT = 'connecting online';

const refused = { route: 'websocket', request: { answer: { status: 403 } } };
const buffered = (/** @type {string} */ headers) => ({
  route: 'stream',
  buffer: { until: 'close', headers },
});

/** @typedef {import('./stage.js').Stage} Stage */

/**
 * Checks that the welcome passes and a pong does not, as with a proxy whose buffer the padding has filled.
 * @param {Pick<Stage, 'front'>} stage
 */
async function holdsBehindTheWelcome({ front }) {
  const LESS_THAN_A_PONG = 8;
  // This is as long as the client's nonces.
  const nonce = `${'n'.repeat(8)}.2`;
  const hello = { v: 1, session: 's'.repeat(26), leg: 1, turn: 1, received: 0, next: 1, nonce };
  const response = await fetch(`${front.url}/rt/stream`, { method: 'POST', body: JSON.stringify({ hello }) });
  const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
  let length = 0;
  for (let text = ''; !text.includes('}\n\n'); ) {
    const { value } = await reader.read();
    length += value?.length ?? 0;
    text += new TextDecoder().decode(value);
  }
  await reader.cancel();
  const buffer = { until: { close_after: length + LESS_THAN_A_PONG }, headers: 'passed' };
  await front.set({ rules: [refused, { route: 'stream', buffer }] });
}

/** @param {Stage} stage */
async function givenUp(stage) {
  await stage.until({ state: 'online', transport: 'sse' });
  while ((await stage.front.show()).open.websocket > 0 && stage.elapsed() < 20_000) await pause(50);
  return { ms: stage.elapsed() };
}

/** Opens a second tab. Firefox opens one socket at a time to an address, across all of its tabs. @param {Stage} stage */
async function secondTab(stage) {
  await stage.until({ state: 'online', transport: 'sse' });
  const clear = await stage.lab.front();
  const second = await stage.clients.open('firefox', clear.url);
  try {
    const begun = performance.now();
    await second.begin({ url: `${clear.url}/rt`, channel: 'second', options: {} });
    await second.call('until', { state: 'online' }, 15_000);
    const ms = Math.round(performance.now() - begun);
    const { transport } = await second.call('report', 0);
    return { ms, note: `the second tab on ${transport}` };
  } finally {
    await second.close();
  }
}

/** Measures when the session settles, how often it tries WebSocket, and how long it rests it. @param {Stage} stage */
async function settles(stage) {
  const WATCHED_MS = 10_000;
  const MOST_TRIES = 3;
  const LONGEST_REST_MS = 15 * 60_000;
  await stage.traffic(WATCHED_MS);
  const { begun } = await stage.front.show();
  const { changes, explain } = await stage.client.call('report', 0);
  const { retryAt } = explain.paths.find((/** @type {any} */ { transport }) => transport === 'websocket');
  const rest = Math.round(retryAt - explain.now);
  const problems = [];
  if (begun.websocket > MOST_TRIES) problems.push(`${begun.websocket} tries of WebSocket`);
  if (!(rest > 0 && rest <= LONGEST_REST_MS)) problems.push(`WebSocket rests for ${rest} ms`);
  const note = `${begun.websocket} tries of WebSocket, which then rests for ${rest} ms`;
  return { ms: changes.at(-1)?.at, note, problems };
}

/** @type {import('./stage.js').Row[]} */
const ROWS = [
  ...[403, 405, 502].map((status) => ({
    row: 5,
    condition: `upgrade refused with ${status}`,
    clients: [...BOTH],
    expect: /** @type {const} */ ('sse'),
    bound: 1_500,
    states: STRAIGHT,
    network: { rules: [{ route: 'websocket', request: { answer: { status } } }] },
  })),
  {
    row: 7,
    condition: 'WebSocket taken and never answered',
    clients: ['node', 'chromium', 'firefox'],
    expect: 'sse',
    bound: 2_000,
    states: STRAIGHT,
    network: { rules: [{ route: 'websocket', request: 'swallow' }] },
  },
  {
    row: 7,
    condition: 'the attempt that hangs is given up',
    clients: [...BOTH],
    expect: 'sse',
    bound: 10_500,
    network: { rules: [{ route: 'websocket', request: 'swallow' }] },
    run: givenUp,
  },
  {
    row: 7,
    condition: 'a second tab, while an attempt of the first hangs',
    clients: ['firefox'],
    expect: 'sse',
    bound: 2_000,
    network: { rules: [{ route: 'websocket', request: 'swallow' }] },
    run: secondTab,
  },
  ...['up', 'down', 'both'].map((mute) => ({
    row: 8,
    condition: `WebSocket open, then mute (${mute})`,
    clients: [...BOTH],
    expect: /** @type {const} */ ('sse'),
    bound: 2_000,
    states: STRAIGHT,
    network: { rules: [{ route: 'websocket', mute }] },
  })),
  {
    row: 6,
    // The fetch standard makes this a network error, in Node and in browsers. The client cannot distinguish
    // this portal from silence.
    condition: 'every request answered with 407, then no longer',
    clients: [...BOTH],
    expect: 'websocket',
    bound: 5_000,
    network: { rules: [{ route: 'any', request: { answer: { status: 407 } } }] },
    run: portal((stage) => stage.front.set({}), 'offline'),
  },
  {
    row: 10,
    condition: 'the beginning of a stream passes, the rest is held',
    clients: [...BOTH],
    expect: 'poll',
    bound: 3_500,
    states: STRAIGHT,
    turn: holdsBehindTheWelcome,
  },
  {
    row: 24,
    condition: 'WebSocket opens and dies after 300 ms, every time',
    clients: [...BOTH],
    expect: 'sse',
    bound: 6_000,
    network: { rules: [{ route: 'websocket', kill_after_ms: 300 }] },
    run: settles,
  },
  ...['held', 'passed'].map((headers) => ({
    row: 9,
    condition: `WebSocket refused, streams buffered to their end, their head ${headers}`,
    clients: [...BOTH],
    expect: /** @type {const} */ ('poll'),
    bound: 3_500,
    states: STRAIGHT,
    network: { rules: [refused, buffered(headers)] },
  })),
];

matrix(import.meta.url, 'hostile from the start', ROWS, { concurrency: 5 });
