// @ts-check
/** Real Apache in front of a server. Set-ups differ only in their list of directives. */
import { existsSync } from 'node:fs';
import { hostOf, OWN_PATH, startProxy } from './foreground.js';

/**
 * @typedef {{ upgrades?: boolean, directives?: string[] }} Setup `upgrades`: Apache passes WebSockets on, as its manual says
 */

/** Set-ups by name. @satisfies {Record<string, Setup>} */
export const APACHE = {
  upgrades: { upgrades: true },
  /** A plain `ProxyPass`, which strips the upgrade. */
  plain: {},
  zipped: { upgrades: false, directives: ['SetOutputFilter DEFLATE'] },
};

/** Debian's folder for modules, or the default of other builds. */
const MODULES = existsSync('/usr/lib/apache2/modules') ? '/usr/lib/apache2/modules' : 'modules';

const LOADED = ['mpm_event', 'authz_core', 'alias', 'proxy', 'proxy_http', 'filter', 'deflate'];

/**
 * Starts Apache. Stop it in the test's `after`.
 * @param {Setup & { upstream: string }} setup
 */
export function startApache({ upstream, upgrades = false, directives = [] }) {
  return startProxy({
    name: 'apache2',
    // Apache runs as one process in the foreground, so a kill leaves nothing behind.
    args: (directory) => ['-X', '-d', directory, '-f', `${directory}/apache2.conf`],
    configure: ({ port, token, directory }) => `
${LOADED.map((name) => `LoadModule ${name}_module ${MODULES}/mod_${name}.so`).join('\n')}
ServerName 127.0.0.1
Listen 127.0.0.1:${port}
PidFile ${directory}/apache2.pid
DefaultRuntimeDir ${directory}
ErrorLog ${directory}/error.log
ThreadsPerChild 64
MaxRequestWorkers 64
${process.getuid?.() === 0 ? 'User www-data\nGroup www-data' : ''}
ProxyPass ${OWN_PATH} !
Redirect gone ${OWN_PATH}
ErrorDocument 410 "${token}"
ProxyPass / http://${hostOf(upstream)}/${upgrades ? ' upgrade=websocket' : ''}
${directives.join('\n')}
`,
  });
}
