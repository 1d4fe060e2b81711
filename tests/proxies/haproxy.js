// @ts-check
/** Real HAProxy in front of a server. What makes one set-up differ from another is a list of its own directives. */
import { hostOf, OWN_PATH, startProxy } from './foreground.js';

/**
 * @typedef {{ proxy?: string[] }} Setup `proxy` are directives of the one proxy section: they come after ours, so they win
 */

/** Set-ups by name. @satisfies {Record<string, Setup>} */
export const HAPROXY = {
  /** `mode http`, and nothing else. */
  plain: {},
  zipped: { proxy: ['compression algo gzip', 'compression type text/event-stream text/plain text/html'] },
};

/**
 * Starts HAProxy. Stop it in the test's `after`.
 * @param {Setup & { upstream: string }} setup
 */
export function startHaproxy({ upstream, proxy = [] }) {
  return startProxy({
    name: 'haproxy',
    // In the foreground, one process.
    args: (directory) => ['-db', '-f', `${directory}/haproxy.conf`],
    configure: ({ port, token }) => `
global
  maxconn 512
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
  server gateway ${hostOf(upstream)}
`,
  });
}
