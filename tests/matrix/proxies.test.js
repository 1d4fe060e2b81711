// @ts-check
/** Real nginx, HAProxy and Apache, in common set-ups, and in set-ups that break a transport. */
import { rm, writeFile } from 'node:fs/promises';
import { APACHE, startApache } from '../proxies/apache.js';
import { HAPROXY, startHaproxy } from '../proxies/haproxy.js';
import { NGINX, startNginx } from '../proxies/nginx.js';
import { portal } from './portal.js';
import { matrix } from './stage.js';

/** @typedef {import('./stage.js').Row} Row */

const BOTH = /** @type {import('./stage.js').ClientName[]} */ (['node', 'chromium']);
const ALL = /** @type {import('./stage.js').ClientName[]} */ (['node', 'chromium', 'firefox']);
const STRAIGHT = 'connecting online';

const nginx =
  (/** @type {import('../proxies/nginx.js').Setup} */ setup) => (/** @type {string} */ upstream) =>
    startNginx({ ...setup, upstream });
const haproxy =
  (/** @type {import('../proxies/haproxy.js').Setup} */ setup) => (/** @type {string} */ upstream) =>
    startHaproxy({ ...setup, upstream });
const apache =
  (/** @type {import('../proxies/apache.js').Setup} */ setup) => (/** @type {string} */ upstream) =>
    startApache({ ...setup, upstream });

/** A network behind a proxy that passes WebSockets on. It refuses them, so that the row shows another transport. */
const REFUSED = { rules: [{ route: 'websocket', request: { answer: { status: 403 } } }] };

/** A file in nginx's directory. It exists once the user has signed in. */
const SIGNED_IN = 'signed-in';
const portalOf = (/** @type {string} */ answer) => ({
  server: [
    'root .;',
    'set $portal "";',
    `if (!-f $document_root/${SIGNED_IN}) { set $portal yes; }`,
    'location = /.sign-in { default_type text/html; return 200 "<!doctype html><title>Sign in</title>"; }',
  ],
  location: [
    'proxy_http_version 1.1;',
    'proxy_set_header Upgrade $http_upgrade;',
    'proxy_set_header Connection $connection_upgrade;',
    'default_type text/html;',
    `if ($portal) { return ${answer}; }`,
  ],
});

/** @param {string} condition @param {string} answer @returns {Row} */
const portalRow = (condition, answer) => ({
  row: 20,
  condition,
  clients: BOTH,
  expect: 'websocket',
  bound: 5_000,
  async proxy(upstream) {
    const proxy = await startNginx({ ...portalOf(answer), upstream });
    // The page loads before.
    await writeFile(`${proxy.directory}/${SIGNED_IN}`, '');
    return proxy;
  },
  turn: ({ proxy }) => rm(`${proxy?.directory}/${SIGNED_IN}`),
  run: portal(({ proxy }) => writeFile(`${proxy?.directory}/${SIGNED_IN}`, '')),
});

/** Runs longer than a proxy's buffer or flush could hide a fault. @param {import('./stage.js').Stage} stage */
async function stays(stage) {
  const ms = await stage.until({ state: 'online', transport: stage.expected });
  await stage.traffic(4_000);
  const { changes } = await stage.client.call('report', 0);
  return { ms, problems: changes.length === 1 ? [] : [`changes ${JSON.stringify(changes)}`] };
}

/** @type {Row[]} */
const ROWS = [
  ...Object.entries({
    'nginx, as its manual says': nginx(NGINX.websocket),
    'HAProxy, mode http': haproxy(HAPROXY.plain),
    'Apache, ProxyPass with upgrade=': apache(APACHE.upgrades),
  }).map(
    ([condition, proxy]) =>
      /** @type {Row} */ ({
        row: 1,
        condition: `clean: ${condition}`,
        clients: condition.startsWith('nginx') ? ALL : BOTH,
        expect: 'websocket',
        bound: 1_000,
        states: STRAIGHT,
        proxy,
      }),
  ),
  {
    row: 2,
    condition: 'upgrade stripped: Apache, plain ProxyPass',
    clients: BOTH,
    expect: 'sse',
    bound: 1_500,
    states: STRAIGHT,
    proxy: apache(APACHE.plain),
  },
  {
    row: 3,
    condition: 'upgrade stripped and streams buffered: nginx, HTTP/1.0, deaf to X-Accel-Buffering',
    clients: ALL,
    expect: 'poll',
    bound: 3_500,
    states: STRAIGHT,
    proxy: nginx(NGINX.buffered),
  },
  {
    row: 4,
    condition: 'upgrade stripped: nginx, nothing but proxy_pass',
    clients: ALL,
    expect: 'sse',
    bound: 1_500,
    states: STRAIGHT,
    proxy: nginx(NGINX.plain),
  },
  {
    row: 9,
    condition: 'WebSocket refused, streams buffered: nginx, gzip of every type, deaf to X-Accel-Buffering',
    clients: BOTH,
    expect: 'poll',
    bound: 3_500,
    states: STRAIGHT,
    proxy: nginx(NGINX.zipped),
  },
  ...Object.entries({
    'Apache, DEFLATE': apache(APACHE.zipped),
    'nginx, gzip and proxy_buffering off': nginx(NGINX.zippedAtOnce),
    'HAProxy, compression': haproxy(HAPROXY.zipped),
  }).map(
    ([condition, proxy]) =>
      /** @type {Row} */ ({
        row: 13,
        condition: `compression that flushes: ${condition}`,
        clients: BOTH,
        expect: 'sse',
        bound: 1_500,
        states: STRAIGHT,
        network: REFUSED,
        proxy,
        run: stays,
      }),
  ),
  portalRow('captive portal: nginx, 302 to a page', '302 /.sign-in'),
  portalRow('captive portal: nginx, 200 with a page', '200 "<!doctype html><title>Sign in</title>"'),
];

matrix(import.meta.url, 'real proxies', ROWS, { concurrency: 5 });
