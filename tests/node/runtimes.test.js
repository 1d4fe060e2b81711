// @ts-check
/**
 * The client, as npm packs it, in Bun and in Deno: every transport carries messages, every switch keeps their order, and a program
 * ends after close(). An import of the client needs no page.
 */
import assert from 'node:assert/strict';
import { copyFile, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { packAndInstall } from '../../client-js/test/packed.js';
import { printed, startChild } from '../browser/child.js';
import { startGateway } from '../browser/gateway.js';
import { PAIRS } from './lab.js';

const TRANSPORTS = /** @type {const} */ (['websocket', 'sse', 'poll']);

/** The program collects garbage where it can. */
const EXPOSE_GC = '--v8-flags=--expose-gc';

/** The command line of each runtime. Neither downloads anything. Deno asks nothing, and allows only these two things. */
const RUNTIMES = {
  bun: ['bun', 'run', '--no-install'],
  deno: ['deno', 'run', '--no-prompt', '--no-remote', '--allow-net=127.0.0.1', '--allow-read=.', EXPOSE_GC],
};

/** The time after which the test stops a program that does not end. */
const LONGEST_MS = 20_000;

/** The data and the offsets of all messages, in order. */
const NUMBERS = Array.from({ length: 100 }, (_, index) => index + 1);

/** @type {Awaited<ReturnType<typeof startGateway>>} */
let gateway;
/** @type {ReturnType<typeof packAndInstall>} */
let packed;

before(async () => {
  packed = packAndInstall();
  gateway = await startGateway();
  await copyFile(join(import.meta.dirname, 'runtime-program.js'), join(packed.project, 'program.js'));
});
after(async () => {
  await gateway?.stop();
  packed?.remove();
});

/** Each run of Deno gets a new folder for its caches and its localStorage, so it knows nothing of an earlier run. */
const environment = async () => ({
  ...process.env,
  DENO_DIR: await mkdtemp(join(packed.project, 'deno-')),
  DENO_NO_UPDATE_CHECK: '1',
  NO_COLOR: '1',
});

/**
 * Runs the program in a runtime, to its end.
 * @param {keyof typeof RUNTIMES} runtime
 * @param {import('./lab.js').Transport} from
 * @param {import('./lab.js').Transport} to
 */
async function run(runtime, from, to) {
  const [command = '', ...args] = RUNTIMES[runtime];
  const program = startChild(
    join(import.meta.dirname, '../node_modules/.bin', command),
    [...args, 'program.js', 'throughline', `${gateway.url}/rt`, from, to],
    { cwd: packed.project, env: await environment() },
  );
  const late = setTimeout(() => program.stop(), LONGEST_MS);
  try {
    const [line] = await printed(program, /^{.*}$/m);
    // A closed client keeps nothing open, so the program ends by itself.
    assert.equal(await program.ended, 'ended with status 0');
    return JSON.parse(line);
  } finally {
    clearTimeout(late);
  }
}

for (const runtime of /** @type {Array<keyof typeof RUNTIMES>} */ (Object.keys(RUNTIMES))) {
  for (const transport of TRANSPORTS)
    test(`${runtime}, ${transport}: 100 messages arrive in order while the session moves to a fresh leg, and the program ends`, async () => {
      assert.deepEqual(await run(runtime, transport, transport), {
        runtime,
        transport,
        carried: [transport, transport],
        received: NUMBERS,
        offsets: NUMBERS,
        problems: [],
      });
    });

  for (const { from, to } of PAIRS)
    test(`${runtime}, ${from} → ${to}: 100 messages arrive in order during the switch, and the program ends`, async () => {
      const { transport, carried, received, offsets, problems } = await run(runtime, from, to);
      assert.equal(transport, to);
      assert.deepEqual(carried.slice(-2), [from, to]);
      assert.deepEqual([received, offsets, problems], [NUMBERS, NUMBERS, []]);
    });
}

/** @param {string[]} args of Node */
async function inNode(...args) {
  const program = startChild(process.execPath, ['--input-type=module', '--eval', ...args], {
    cwd: packed.project,
  });
  const [line] = await printed(program, /^\[.*\]$/m);
  assert.equal(await program.ended, 'ended with status 0');
  return JSON.parse(line);
}

/** Imports both entries, and prints the names of their exports. */
const IMPORT = `
  const entries = [await import('throughline'), await import('throughline/explain')];
  console.log(JSON.stringify(entries.flatMap(Object.keys)));`;
const NAMES = ['ThroughlineError', 'connect', 'describe'];

test('the client can be imported where neither window nor document exists', async () => {
  const check = `
    for (const name of ['window', 'document']) if (name in globalThis) throw new Error(name + ' exists');`;
  assert.deepEqual(await inNode(`${check}${IMPORT}`), NAMES);
});

test('an import of the client reads neither window nor document', async () => {
  const guard = `
    for (const name of ['window', 'document'])
      Object.defineProperty(globalThis, name, {
        get() {
          throw new Error('the client read ' + name);
        },
      });`;
  assert.deepEqual(await inNode(`${guard}${IMPORT}`), NAMES);
});
