// @ts-check
/** Real HAProxy in front of a server. Set-ups differ only in their list of directives. */
import { createConnection } from 'node:net';
import { text } from 'node:stream/consumers';
import { hostOf, OWN_PATH, startProxy } from './foreground.js';

/**
 * @typedef {{ proxy?: string[] }} Setup `proxy`: directives of the one proxy section; they come after ours, so they win
 */

/** Set-ups by name. @satisfies {Record<string, Setup>} */
export const HAPROXY = {
  /** `mode http`, and nothing else. */
  plain: {},
  zipped: { proxy: ['compression algo gzip', 'compression type text/event-stream text/plain text/html'] },
};

/**
 * Sends a command to a running HAProxy, such as `set server gateway/s0 state maint`.
 * @param {import('./foreground.js').Proxy} proxy
 * @param {string} command
 * @returns {Promise<string>} its answer
 */
export async function tellHaproxy({ directory }, command) {
  const socket = createConnection(`${directory}/admin`);
  socket.end(`${command}\n`);
  return text(socket);
}

/**
 * Starts HAProxy. Stop it in the test's `after`.
 * @param {Setup & { upstream: string | string[] }} setup `upstream`: a server's URL, or a list of them, which get the names s0, s1, …
 */
export function startHaproxy({ upstream, proxy = [] }) {
  const servers = [upstream].flat().map((url, place) => `server s${place} ${hostOf(url)}`);
  return startProxy({
    name: 'haproxy',
    // HAProxy runs as one process in the foreground.
    args: (directory) => ['-db', '-f', `${directory}/haproxy.conf`],
    configure: ({ port, token, directory }) => `
global
  maxconn 2000
  stats socket ${directory}/admin level admin
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout tunnel 1h
listen gateway
  bind 127.0.0.1:${port}
  http-request return status 200 content-type text/plain string "${token}" if { path ${OWN_PATH} }
  ${proxy.join('\n  ')}
  ${servers.join('\n  ')}
`,
  });
}
