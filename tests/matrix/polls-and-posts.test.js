// @ts-check
/** Faults of single requests: cached polls, POSTs that are too big or delivered twice, lost answers. */

import { hostOf } from '../proxies/foreground.js';
import { NGINX, startNginx } from '../proxies/nginx.js';
import { matrix, RATE } from './stage.js';

/** @typedef {import('./stage.js').Row} Row */
/** @typedef {import('./stage.js').Stage} Stage */

const BOTH = /** @type {import('./stage.js').ClientName[]} */ (['node', 'chromium']);

/** A rule that leaves only the transports with requests. */
const NO_WEBSOCKET = { route: 'websocket', request: { answer: { status: 403 } } };
const NO_STREAM = { route: 'stream', buffer: { until: 'close', headers: 'held' } };

/** @param {Stage} stage */
async function traffic(stage) {
  const ms = await stage.until({ state: 'online', transport: stage.expected });
  await stage.traffic(4_000);
  return { ms };
}

/** Publishes more at once than the proxy accepts in one body. @param {Stage} stage */
async function tooBig(stage) {
  await stage.until({ state: 'online', transport: stage.expected });
  await stage.subscribed();
  stage.mark();
  await stage.client.call('burst', 20);
  const ms = await stage.arrived(20);
  await stage.traffic(1_000);
  return { ms };
}

/**
 * Measures how long messages wait behind a lost answer.
 * @param {object} network
 */
const loses = (network) => async (/** @type {Stage} */ stage) => {
  await stage.until({ state: 'online', transport: stage.expected });
  await stage.traffic();
  await stage.arrived(RATE);
  await stage.front.set(network);
  // The session sent some of these earlier, and sends the last of them only after the loss.
  await stage.arrived(3 * RATE);
  return { ms: stage.longestGap() };
};

const lost = (/** @type {string} */ how) => ({
  rules: [NO_WEBSOCKET, { route: 'send', request: { lose_response: how }, when: { first: 1 } }],
});

/** @type {Row[]} */
const ROWS = [
  {
    row: 16,
    condition: 'polls behind a cache: nginx proxy_cache, deaf to Cache-Control',
    clients: BOTH,
    expect: 'poll',
    bound: 3_500,
    network: { rules: [NO_WEBSOCKET, NO_STREAM] },
    proxy: (upstream) =>
      startNginx({
        upstream,
        http: ['proxy_cache_path cache keys_zone=all:1m;'],
        location: [
          'proxy_http_version 1.1;',
          'proxy_cache all;',
          'proxy_cache_valid any 1h;',
          'proxy_ignore_headers Cache-Control Expires Set-Cookie Vary;',
        ],
      }),
    run: traffic,
  },
  {
    row: 17,
    condition: 'POST too big: nginx client_max_body_size 8k, 20 messages of 1.5 KB at once',
    clients: BOTH,
    expect: 'sse',
    bound: 1_000,
    pad: 1_500,
    proxy: (upstream) => startNginx({ ...NGINX.stripped, upstream, server: ['client_max_body_size 8k;'] }),
    run: tooBig,
  },
  {
    row: 18,
    condition:
      'POST delivered twice: nginx proxy_next_upstream non_idempotent, answers of the first server lost',
    clients: BOTH,
    expect: 'poll',
    bound: 3_500,
    // The proxy would hold a stream back for the second server.
    options: { transports: ['poll'] },
    turn: ({ front }) =>
      front.set({
        rules: ['send', 'poll'].map((route) => ({
          route,
          request: { lose_response: 'reset' },
          when: { every: 2 },
        })),
      }),
    proxy: (upstream, gateway) =>
      startNginx({
        upstream: [`${hostOf(upstream)} max_fails=0`, `${hostOf(gateway)} max_fails=0`],
        location: ['proxy_http_version 1.1;', 'proxy_next_upstream error timeout non_idempotent;'],
      }),
    run: traffic,
  },
  {
    row: 18,
    condition: 'POST delivered twice: by the fault proxy, every one',
    clients: BOTH,
    expect: 'sse',
    bound: 1_500,
    network: { rules: [NO_WEBSOCKET, { route: 'send', request: 'twice' }] },
    run: traffic,
  },
  {
    row: 19,
    condition: 'POST delivered, its answer lost: reset after the body',
    clients: BOTH,
    expect: 'sse',
    bound: 10_000,
    network: { rules: [NO_WEBSOCKET] },
    run: loses(lost('reset')),
  },
  {
    row: 19,
    condition: 'POST delivered, its answer lost: swallowed',
    clients: BOTH,
    expect: 'sse',
    bound: 10_000,
    network: { rules: [NO_WEBSOCKET] },
    run: loses(lost('hang')),
  },
  {
    row: 19,
    condition: 'POST delivered, its answer lost: nginx says 502',
    clients: BOTH,
    expect: 'sse',
    bound: 10_000,
    network: { rules: [NO_WEBSOCKET] },
    proxy: (upstream) => startNginx({ ...NGINX.stripped, upstream }),
    run: loses(lost('reset')),
  },
];

matrix(import.meta.url, 'polls and POSTs', ROWS, { concurrency: 4 });
