// @ts-check
/** The real gateway, as `throughline demo`, on a free loopback port. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { printed, startChild } from './child.js';

/** The program to test. The test command names its build. Without it, this is the release build. */
export const PROGRAM =
  process.env.THROUGHLINE_BIN ?? fileURLToPath(new URL('../../target/release/throughline', import.meta.url));

/**
 * Starts the gateway with its demo. Stop it in the test's `after`.
 *
 * @param {string[]} [args] arguments instead of the demo's
 * @returns {Promise<{ url: string, pid: number, inner: () => Promise<string>, stop: (patienceMs?: number) => Promise<string> }>}
 *   `inner` resolves with the URL of the inner listener, if the configuration has one. `stop` resolves with the program's end
 */
export async function startGateway(args = ['demo', '--listen', '127.0.0.1:0']) {
  if (!existsSync(PROGRAM)) throw new Error(`${PROGRAM} is missing: run cargo build --release`);
  const program = startChild(PROGRAM, args);
  const inside = printed(program, /^the inner listener is on (http:\/\/\S+)$/m);
  // Most gateways have none, and end without that line.
  inside.catch(() => {});
  const [, url] = await printed(program, /^listening on (http:\/\/\S+)$/m);
  const inner = async () => /** @type {string} */ ((await inside)[1]);
  return { url, pid: /** @type {number} */ (program.child.pid), inner, stop: program.stop };
}
