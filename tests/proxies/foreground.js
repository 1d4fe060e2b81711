// @ts-check
/**
 * Starts a real proxy in the foreground, on a free loopback port, and waits for its answer. The proxy keeps its files
 * in a temporary directory, and ends with the test. This module knows no particular program: the caller passes the
 * configuration as data.
 */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { startChild } from '../browser/child.js';
import { makeDirectory } from '../browser/directory.js';

/** The number of attempts to start. If another process binds the port first, another attempt follows. */
const ATTEMPTS = 5;

/** The time within which a proxy must answer its first request. */
const PATIENCE_MS = 30_000;

/** The path at which the proxy itself answers with its token, instead of the server behind it. */
export const OWN_PATH = '/.proxy';

/**
 * @typedef {{ url: string, directory: string, stop: () => Promise<void> }} Proxy
 * @typedef {{ port: number, token: string, directory: string }} Place the contents of a configuration: the port to listen on, the
 *   answer at `OWN_PATH`, and the directory of its files
 * @typedef {{ name: string, args: (directory: string) => string[], configure: (place: Place) => string,
 *   env?: (directory: string) => Record<string, string> }} Program
 *   `configure` writes the one file, `<name>.conf`
 */

/**
 * Starts a proxy. Stop it in the test's `after`.
 * @param {Program} program
 * @returns {Promise<Proxy>}
 */
export async function startProxy(program) {
  let failure = '';
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const outcome = await attemptStart(program);
    if ('url' in outcome) return outcome;
    failure = outcome.failure;
    if (!/address already in use|cannot bind/i.test(failure)) break;
  }
  throw new Error(`${program.name} did not start: ${failure}`);
}

/** Returns the host and port of a URL, in the form that configurations need. @param {string} url */
export const hostOf = (url) => new URL(url).host;

/**
 * @param {Program} program
 * @returns {Promise<Proxy | { failure: string }>}
 */
async function attemptStart({ name, args, configure, env }) {
  const directory = await makeDirectory(name);
  const place = { port: await freePort(), token: randomUUID(), directory: directory.path };
  await writeFile(`${directory.path}/${name}.conf`, configure(place));
  const child = startChild(find(name), args(directory.path), {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env?.(directory.path) },
  });
  // The program's output: what it writes before it reads its configuration, or because it has no log.
  let said = '';
  const listen = (/** @type {string} */ text) => {
    said = (said + text).slice(-4_000);
  };
  child.child.stdout?.setEncoding('utf8').on('data', listen);
  child.child.stderr?.setEncoding('utf8').on('data', listen);
  const stop = async () => {
    await child.stop();
    await directory.remove();
  };
  const url = `http://127.0.0.1:${place.port}`;
  const end = await Promise.race([child.ended, answers(url, place.token)]);
  if (end === true) return { url, directory: directory.path, stop };
  await child.stop();
  const log = await readFile(`${directory.path}/error.log`, 'utf8').catch(() => '');
  await directory.remove();
  return { failure: `${end || 'it did not answer'}\n${said}${log}` };
}

/** Finds a program. Debian keeps servers in sbin, which is not on every user's path. @param {string} name */
function find(name) {
  const given = process.env[`${name.toUpperCase()}_BIN`];
  const path = `/usr/sbin/${name}`;
  return given ?? (existsSync(path) ? path : name);
}

/**
 * Resolves with true once this proxy, and no other program, answers on that port. Resolves with false after
 * the timeout.
 * @param {string} url
 * @param {string} token
 */
async function answers(url, token) {
  const deadline = Date.now() + PATIENCE_MS;
  while (Date.now() < deadline) {
    const body = await fetch(`${url}${OWN_PATH}`, { headers: { connection: 'close' } }).then(
      (answer) => answer.text(),
      () => '',
    );
    if (body.includes(token)) return true;
    await pause(20);
  }
  return false;
}

/** @returns {Promise<number>} */
export function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = /** @type {import('node:net').AddressInfo} */ (probe.address());
      probe.close(() => resolve(port));
    });
  });
}
