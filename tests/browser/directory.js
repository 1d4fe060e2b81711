// @ts-check
/** A temporary directory of a test's own: a browser's profile, a proxy's configuration and logs. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Makes an empty directory.
 *
 * @param {string} purpose part of its name, for whoever finds one left behind
 */
export async function makeDirectory(purpose) {
  const path = await mkdtemp(join(tmpdir(), `throughline-${purpose}-`));
  return {
    path,
    // A browser's last process may still be writing when its first has ended: hence the retries.
    remove: () => rm(path, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }),
  };
}
