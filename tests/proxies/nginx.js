// @ts-check
/**
 * Real nginx in front of a server. What makes one set-up differ from another is a list of its own directives; those that
 * several tests stand behind have a name here.
 */
import { hostOf, OWN_PATH, startProxy } from './foreground.js';

/**
 * @typedef {object} Setup
 * @property {string[]} [location] directives for everything that goes to the upstream
 * @property {string[]} [server] directives beside that location, further locations among them
 * @property {string[]} [http] directives around the server
 */

/** To pass an upgrade on nginx must be told; without the first line it speaks HTTP/1.0 in the version of Debian 12. */
const UPGRADES = [
  'proxy_http_version 1.1;',
  'proxy_set_header Upgrade $http_upgrade;',
  'proxy_set_header Connection $connection_upgrade;',
];

/** Several more things go wrong with HTTP/1.0, so a set-up names the version it wants. */
const STRIPS = ['proxy_http_version 1.1;', 'proxy_set_header Upgrade "";', 'proxy_set_header Connection "";'];

/** Set-ups by name. @satisfies {Record<string, Setup>} */
export const NGINX = {
  /** As its manual says for WebSocket. */
  websocket: { location: [...UPGRADES, 'proxy_buffering off;'] },
  /** The upgrade is dropped, streams are passed on. */
  stripped: { location: [...STRIPS, 'proxy_buffering off;'] },
  /** Nothing but `proxy_pass`. */
  plain: { location: ['proxy_http_version 1.0;'] },
  /** The same, deaf to the header that would switch its buffering off. */
  buffered: { location: ['proxy_http_version 1.0;', 'proxy_ignore_headers X-Accel-Buffering;'] },
  /** Compression that holds a stream to its end, whatever `no-transform` says; hearing X-Accel-Buffering it would flush. */
  zipped: { location: [...STRIPS, 'proxy_ignore_headers X-Accel-Buffering;'], http: gzip() },
  /** Compression again, told not to buffer. */
  zippedAtOnce: { location: [...STRIPS, 'proxy_buffering off;'], http: gzip() },
};

function gzip() {
  return ['gzip on;', 'gzip_proxied any;', 'gzip_min_length 0;', 'gzip_types *;'];
}

/**
 * Starts nginx. Stop it in the test's `after`.
 * @param {Setup & { upstream: string | string[] }} setup `upstream` is a server's URL; a list is of nginx's own lines, `host:port` and
 *   what else they may say
 */
export function startNginx({ upstream, location = [], server = [], http = [] }) {
  const servers = Array.isArray(upstream) ? upstream : [hostOf(upstream)];
  return startProxy({
    name: 'nginx',
    // The prefix makes every relative path one of the directory's; -e is for what goes wrong before the file is read.
    args: (directory) => ['-p', directory, '-c', 'nginx.conf', '-e', 'error.log'],
    // Without a master there is one process, and nothing is left when it is killed.
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
