// @ts-check
/**
 * A real nginx in front of a test's server, as operators run it: with WebSocket allowed, with the upgrade stripped, and with
 * responses buffered as well. One process in the foreground, on a free loopback port, with all its files in a directory of its own.
 */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { startChild } from './child.js';
import { makeDirectory } from './directory.js';

/** @typedef {'websocket' | 'stripped' | 'buffered'} NginxMode */

/** Every mode, from the kindest to the harshest. @type {readonly NginxMode[]} */
export const NGINX_MODES = ['websocket', 'stripped', 'buffered'];

/** Debian keeps it in sbin, which is not on every user's path. */
const PROGRAM = process.env.NGINX_BIN ?? (existsSync('/usr/sbin/nginx') ? '/usr/sbin/nginx' : 'nginx');

/** Another process may take the port between our choosing it and nginx's binding it: then another is tried. */
const ATTEMPTS = 5;

/** What makes each mode what it is. */
const DIRECTIVES = {
  websocket: `
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_buffering off;`,
  stripped: `
      proxy_http_version 1.1;
      proxy_set_header Upgrade "";
      proxy_set_header Connection "";
      proxy_buffering off;`,
  buffered: `
      proxy_http_version 1.0;
      proxy_set_header Upgrade "";
      proxy_buffering on;
      proxy_ignore_headers X-Accel-Buffering;`,
};

/**
 * Starts nginx in front of `upstream`. Stop it in the test's `after`.
 *
 * @param {{ mode: NginxMode, upstream: string }} options `upstream` is the server's URL, such as `http://127.0.0.1:8080`
 * @returns {Promise<{ url: string, stop: () => Promise<void> }>}
 */
export async function startNginx({ mode, upstream }) {
  let failure = '';
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const outcome = await attemptStart(mode, new URL(upstream).host);
    if ('url' in outcome) return outcome;
    failure = outcome.failure;
    if (!failure.includes('Address already in use')) break;
  }
  throw new Error(`nginx did not start: ${failure}`);
}

/**
 * @param {NginxMode} mode
 * @param {string} upstream
 * @returns {Promise<{ url: string, stop: () => Promise<void> } | { failure: string }>}
 */
async function attemptStart(mode, upstream) {
  const directory = await makeDirectory(`nginx-${mode}`);
  const port = await freePort();
  const token = randomUUID();
  await writeFile(`${directory.path}/nginx.conf`, configuration({ mode, upstream, port, token }));
  // The prefix makes every relative path one of the directory's; -e is for what goes wrong before the configuration is read.
  const program = startChild(PROGRAM, ['-p', directory.path, '-c', 'nginx.conf', '-e', 'error.log'], {
    stdio: 'ignore',
  });
  const end = await Promise.race([program.ended, answering(`http://127.0.0.1:${port}`, token)]);
  if (end !== true) {
    await program.stop();
    const log = await readFile(`${directory.path}/error.log`, 'utf8').catch(() => '');
    await directory.remove();
    return { failure: `${end || 'it did not answer'}\n${log}` };
  }
  return {
    url: `http://127.0.0.1:${port}`,
    stop: async () => {
      await program.stop();
      await directory.remove();
    },
  };
}

/**
 * @param {{ mode: NginxMode, upstream: string, port: number, token: string }} values
 */
function configuration({ mode, upstream, port, token }) {
  // Without a master there is one process, and nothing is left when it is killed.
  return `
daemon off;
master_process off;
pid nginx.pid;
error_log error.log notice;
events { worker_connections 1024; }
http {
  access_log access.log;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
  server {
    listen 127.0.0.1:${port};
    location = /.nginx { return 200 "${token}"; }
    location / {
      proxy_pass http://${upstream};
      proxy_set_header Host $http_host;${DIRECTIVES[mode]}
    }
  }
}
`;
}

/**
 * Resolves with true once this nginx, and no other program on that port, answers; with false after ten seconds.
 *
 * @param {string} url
 * @param {string} token
 */
async function answering(url, token) {
  const deadline = Date.now() + 10_000;
  while (Date.now() < deadline) {
    const body = await fetch(`${url}/.nginx`, { headers: { connection: 'close' } }).then(
      (answer) => answer.text(),
      () => '',
    );
    if (body === token) return true;
    await pause(20);
  }
  return false;
}

/** @returns {Promise<number>} */
function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = /** @type {import('node:net').AddressInfo} */ (probe.address());
      probe.close(() => resolve(port));
    });
  });
}
