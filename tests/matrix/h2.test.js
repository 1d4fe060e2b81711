// @ts-check
/** A proxy that speaks TLS and HTTP/2 to browsers. A WebSocket shares the one connection, or has its own. */
import { execFileSync } from 'node:child_process';
import { makeDirectory } from '../browser/directory.js';
import { freePort } from '../proxies/foreground.js';
import { startHaproxy } from '../proxies/haproxy.js';
import { matrix } from './stage.js';

/** @typedef {import('./stage.js').Row} Row */

/** @param {string} upstream @param {string} alpn */
async function startTls(upstream, alpn) {
  const directory = await makeDirectory('tls');
  const certificate = `${directory.path}/site.pem`;
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  // HAProxy reads key and certificate from one file.
  const files = ['-keyout', certificate, '-out', `${directory.path}/certificate`];
  execFileSync('openssl', ['req', '-x509', '-days', '2', ...key, ...files, ...subject], { stdio: 'pipe' });
  execFileSync('sh', ['-c', `cat '${directory.path}/certificate' >> '${certificate}'`]);
  const port = await freePort();
  const bind = `bind 127.0.0.1:${port} ssl crt ${certificate} alpn ${alpn}`;
  const proxy = await startHaproxy({ upstream, proxy: [bind, 'option http-no-delay'] });
  const stop = async () => {
    await proxy.stop();
    await directory.remove();
  };
  return { ...proxy, url: `https://127.0.0.1:${port}`, stop };
}

/** @type {Row[]} */
const ROWS = [
  ...['h2,http/1.1', 'http/1.1'].map(
    (alpn) =>
      /** @type {Row} */ ({
        row: 38,
        condition: `HAProxy with TLS and alpn ${alpn}`,
        clients: ['chromium', 'firefox'],
        expect: 'websocket',
        bound: 1_500,
        states: 'connecting online',
        proxy: (upstream) => startTls(upstream, alpn),
      }),
  ),
  {
    row: 38,
    condition: 'HAProxy with TLS and alpn h2,http/1.1, WebSocket refused',
    clients: ['chromium', 'firefox'],
    expect: 'sse',
    bound: 1_500,
    states: 'connecting online',
    network: { rules: [{ route: 'websocket', request: { answer: { status: 403 } } }] },
    proxy: (upstream) => startTls(upstream, 'h2,http/1.1'),
  },
];

matrix(import.meta.url, 'TLS and HTTP/2', ROWS, { browser: { acceptsAnyCertificate: true } });
