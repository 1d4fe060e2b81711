// @ts-check
/**
 * A program that a test starts, and that must not outlive the test. `stop()` ends it. If this process exits
 * first, it kills the program. This module knows nothing of the program's work.
 */
import { spawn } from 'node:child_process';

/** The time for a program to end after SIGTERM before it is killed, unless the caller gives another. */
const PATIENCE_MS = 5_000;

/** The characters of a program's output that are kept: enough for its first lines and its last complaint. */
const KEPT = 4_000;

/** @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set();

process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

// An interrupted run also ends through `exit`, so that it reaches the hook above.
for (const [signal, number] of /** @type {const} */ ([
  ['SIGINT', 2],
  ['SIGTERM', 15],
  ['SIGHUP', 1],
])) {
  process.once(signal, () => process.exit(128 + number));
}

/**
 * Starts a program.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {import('node:child_process').SpawnOptions} [options]
 */
export function startChild(command, args, options = {}) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
  running.add(child);
  /** @type {Promise<string>} says how the program ended; never rejects */
  const ended = new Promise((resolve) => {
    child.once('error', (error) => resolve(`could not be started: ${error.message}`));
    child.once('exit', (code, signal) =>
      resolve(signal ? `ended by ${signal}` : `ended with status ${code}`),
    );
  }).then((how) => {
    running.delete(child);
    return how;
  });
  return { child, ended, stop: (patienceMs = PATIENCE_MS) => stop(child, ended, patienceMs) };
}

/**
 * @param {import('node:child_process').ChildProcess} child
 * @param {Promise<string>} ended
 * @param {number} patienceMs
 * @returns {Promise<string>} how the program ended
 */
async function stop(child, ended, patienceMs) {
  child.kill('SIGTERM');
  const impatience = setTimeout(() => child.kill('SIGKILL'), patienceMs);
  const how = await ended;
  clearTimeout(impatience);
  return how;
}

/**
 * Resolves with the first match of `pattern` in the program's standard output. Rejects if the program ends
 * first.
 *
 * @param {ReturnType<typeof startChild>} program
 * @param {RegExp} pattern
 * @returns {Promise<RegExpMatchArray>}
 */
export async function printed({ child, ended }, pattern) {
  const { stdout, stderr } = child;
  if (!stdout || !stderr) throw new Error('the program was started without pipes');
  let seen = '';
  let complaint = '';
  stderr.setEncoding('utf8').on('data', (text) => {
    complaint = (complaint + text).slice(-KEPT);
  });
  const found = new Promise((resolve) => {
    // The listener stays after the match, because an unread pipe would stall the program.
    stdout.setEncoding('utf8').on('data', (text) => {
      seen = (seen + text).slice(-KEPT);
      const match = seen.match(pattern);
      if (match) resolve(match);
    });
  });
  const failed = ended.then((how) => {
    throw new Error(`${child.spawnfile} ${how} before it printed ${pattern}:\n${seen}${complaint}`);
  });
  failed.catch(() => {}); // the end of the program after the match is no failure
  return Promise.race([found, failed]);
}
