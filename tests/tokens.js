// @ts-check
/** Tokens and a gateway that accepts them, for tests that are not about the tokens themselves. */
import { createHmac, randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeDirectory } from './browser/directory.js';
import { startGateway } from './browser/gateway.js';

/** @param {object} value */
const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

/**
 * Signs a token by HS256.
 * @param {string} secret
 * @param {string} sub
 * @param {number} [until] its `exp`, without it in an hour
 * @param {object} [claims] more claims
 */
export function signFor(secret, sub, until = Date.now() / 1_000 + 3_600, claims = {}) {
  const text = `${part({ alg: 'HS256' })}.${part({ sub, exp: Math.floor(until), ...claims })}`;
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
}

/**
 * Starts a gateway that accepts the tokens of a fresh secret. Stop it in the test's `after`.
 * @param {string} [config] more tables of its configuration
 * @param {string} [listen]
 */
export async function startSigned(config = '', listen = '127.0.0.1:0') {
  const folder = await makeDirectory('signed');
  const secret = randomBytes(32).toString('hex');
  const file = join(folder.path, 'gateway.toml');
  await writeFile(file, `inner.listen = "127.0.0.1:0"\n[auth]\nsecret = "${secret}"\n${config}`);
  const gateway = await startGateway(['serve', '--listen', listen, '--config', file]);
  const stop = async () => {
    await gateway.stop();
    await folder.remove();
  };
  return { ...gateway, secret, stop };
}

/**
 * Returns the value of a gateway's metric. The gateway needs an inner listener.
 * @param {{ inner: () => Promise<string> }} gateway
 * @param {string} name
 */
export async function metric(gateway, name) {
  const figures = await (await fetch(`${await gateway.inner()}/metrics`)).text();
  return Number(figures.match(new RegExp(`^${name} (\\d+)$`, 'm'))?.[1]);
}
