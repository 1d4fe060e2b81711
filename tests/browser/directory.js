// @ts-check
/** A temporary directory for one test: a browser's profile, or a proxy's configuration and logs. */
import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** @type {Set<string>} */
const present = new Set();

// An interrupted run removes its directories too, if it can: a browser may still be writing.
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
 * @param {string} purpose part of its name, which explains a directory left behind
 */
export async function makeDirectory(purpose) {
  const path = await mkdtemp(join(tmpdir(), `throughline-${purpose}-`));
  present.add(path);
  return {
    path,
    // A browser's last process may still write after its first has ended, so removal tries again.
    remove: async () => {
      await rm(path, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
      present.delete(path);
    },
  };
}
