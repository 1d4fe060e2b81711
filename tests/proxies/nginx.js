// @ts-check
/**
 * Real nginx in front of a server. Set-ups differ only in their list of directives. A set-up that several
 * tests use has a name here.
 */
import { hostOf, OWN_PATH, startProxy } from './foreground.js';

/**
 * @typedef {object} Setup
 * @property {string[]} [location] directives for everything that goes to the upstream
 * @property {string[]} [server] directives beside that location, further locations among them
 * @property {string[]} [http] directives around the server
 */

/** Directives that pass an upgrade on. Without the first line, nginx of Debian 12 speaks HTTP/1.0. */
const UPGRADES = [
  'proxy_http_version 1.1;',
  'proxy_set_header Upgrade $http_upgrade;',
  'proxy_set_header Connection $connection_upgrade;',
];

/** Directives that strip an upgrade. HTTP/1.0 causes other faults too, so a set-up names its version. */
const STRIPS = ['proxy_http_version 1.1;', 'proxy_set_header Upgrade "";', 'proxy_set_header Connection "";'];

/** Set-ups by name. @satisfies {Record<string, Setup>} */
export const NGINX = {
  /** The set-up for WebSocket in nginx's manual. */
  websocket: { location: [...UPGRADES, 'proxy_buffering off;'] },
  /** Drops the upgrade, and passes streams on. */
  stripped: { location: [...STRIPS, 'proxy_buffering off;'] },
  /** Nothing but `proxy_pass`. */
  plain: { location: ['proxy_http_version 1.0;'] },
  /** The same, but nginx ignores the header that would disable its buffering. */
  buffered: { location: ['proxy_http_version 1.0;', 'proxy_ignore_headers X-Accel-Buffering;'] },
  /** Compression that holds a stream to its end despite `no-transform`. With X-Accel-Buffering it would flush. */
  zipped: { location: [...STRIPS, 'proxy_ignore_headers X-Accel-Buffering;'], http: gzip() },
  /** Compression without buffering. */
  zippedAtOnce: { location: [...STRIPS, 'proxy_buffering off;'], http: gzip() },
};

function gzip() {
  return ['gzip on;', 'gzip_proxied any;', 'gzip_min_length 0;', 'gzip_types *;'];
}

/**
 * Starts nginx. Stop it in the test's `after`.
 * @param {Setup & { upstream: string | string[] }} setup `upstream`: a server's URL, or a list of nginx's own server lines, `host:port`
 *   and their parameters
 */
export function startNginx({ upstream, location = [], server = [], http = [] }) {
  const servers = Array.isArray(upstream) ? upstream : [hostOf(upstream)];
  return startProxy({
    name: 'nginx',
    // The prefix makes every relative path one of the directory's. The log of -e gets the errors before nginx
    // reads the file.
    args: (directory) => ['-p', directory, '-c', 'nginx.conf', '-e', 'error.log'],
    // Without a master there is one process, so a kill leaves nothing behind.
    configure: ({ port, token }) => `
daemon off;
master_process off;
pid nginx.pid;
error_log error.log notice;
worker_rlimit_nofile 4096;
events { worker_connections 2048; }
http {
  access_log access.log;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
  ${http.join('\n  ')}
  upstream gateway {
    ${servers.map((line) => `server ${line};`).join('\n    ')}
  }
  server {
    listen 127.0.0.1:${port};
    location = ${OWN_PATH} { return 200 "${token}"; }
    ${server.join('\n    ')}
    location / {
      proxy_pass http://gateway;
      proxy_set_header Host $http_host;
      ${location.join('\n      ')}
    }
  }
}
`,
  });
}
