// @ts-check
/**
 * schemathesis on the API of the real gateway, by the gateway's own description: no failure of a route, and no answer that the
 * description does not state.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { makeDirectory } from '../browser/directory.js';
import { PROGRAM, startGateway } from '../browser/gateway.js';

const SCHEMATHESIS = fileURLToPath(new URL('../.python/bin/schemathesis', import.meta.url));
const SECONDS = process.env.THROUGHLINE_API_S ?? '30';
/** Each publication of a batch is answered separately, so a wrong one does not make the batch wrong. */
const SETTINGS = `[[operations]]
include-path = "/api/v1/publish/batch"

[operations.checks]
negative_data_rejection.enabled = false
`;

/** @type {Awaited<ReturnType<typeof makeDirectory>>} */
let folder;
/** @type {Awaited<ReturnType<typeof startGateway>>} */
let gateway;
/** @type {string} */
let key;

before(async () => {
  folder = await makeDirectory('api');
  const scopes = ['publish', 'read', 'manage'].flatMap((scope) => ['--scope', scope]);
  const made = await promisify(execFile)(PROGRAM, ['key', '--name', 'all', ...scopes, '--channel', '{*all}']);
  const [first = '', ...table] = made.stdout.split('\n');
  key = first;
  const secret = 'auth.secret = "0123456789abcdef0123456789abcdef"';
  const config = [secret, '[inner]', 'listen = "127.0.0.1:0"', ...table, 'rate = 1_000_000'].join('\n');
  await writeFile(join(folder.path, 'gateway.toml'), config);
  await writeFile(join(folder.path, 'schemathesis.toml'), SETTINGS);
  const file = join(folder.path, 'gateway.toml');
  gateway = await startGateway(['serve', '--listen', '127.0.0.1:0', '--config', file]);
});

after(async () => {
  await gateway?.stop();
  await folder?.remove();
});

test('the API answers as its description says, whatever it is asked', { timeout: 180_000 }, async () => {
  assert.ok(existsSync(SCHEMATHESIS), `${SCHEMATHESIS} is missing: run tests/setup.sh`);
  const url = await gateway.inner();
  const options = ['--max-time', SECONDS, '--no-color', '--url', url, '-H', `Authorization: Bearer ${key}`];
  // Fields may exclude each other, and the description does not state that.
  options.push('--exclude-checks', 'positive_data_acceptance');
  const settings = ['--config-file', join(folder.path, 'schemathesis.toml')];
  const run = promisify(execFile)(
    SCHEMATHESIS,
    [...settings, 'run', ...options, `${url}/api/v1/openapi.json`],
    {
      cwd: folder.path,
      maxBuffer: 1 << 26,
    },
  );
  const { stdout } = await run.catch((/** @type {{ stdout: string }} */ failed) => {
    throw new Error(`schemathesis found something:\n${failed.stdout.slice(-8_000)}`);
  });
  assert.match(stdout, /[1-9]\d* generated/, stdout.slice(-2_000));
  const answer = await fetch(`${url}/readyz`);
  assert.equal(await answer.text(), 'ok');
});
