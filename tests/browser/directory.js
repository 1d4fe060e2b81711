// @ts-check
/** A temporary directory of a test's own: a browser's profile, a proxy's configuration and logs. */
import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** @type {Set<string>} */
const present = new Set();

// An interrupted run leaves nothing behind either, as far as it can: a browser may be writing still.
process.on('exit', () => {
  for (const path of present) {
    try {
      rmSync(path, { recursive: true, force: true });
    } catch {
      // it is below the system's temporary directory, which the system empties
    }
  }
});

/**
 * Makes an empty directory.
 *
 * @param {string} purpose part of its name, for whoever finds one left behind
 */
export async function makeDirectory(purpose) {
  const path = await mkdtemp(join(tmpdir(), `throughline-${purpose}-`));
  present.add(path);
  return {
    path,
    // A browser's last process may still be writing when its first has ended: hence the retries.
    remove: async () => {
      await rm(path, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
      present.delete(path);
    },
  };
}
