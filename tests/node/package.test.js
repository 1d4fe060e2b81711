// @ts-check
/** The packed npm package in Node: installed from the tarball without a network, at the real gateway. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { packAndInstall } from '../../client-js/test/packed.js';
import { printed, startChild } from '../browser/child.js';
import { startGateway } from '../browser/gateway.js';

const PROGRAM = `
  import { connect } from 'throughline';
  import { describe } from 'throughline/explain';

  const [, , url, ws] = process.argv;
  const connection = connect(url, ws ? { WebSocket: (await import(ws)).WebSocket } : {});
  const channel = connection.channel('package');
  const message = new Promise((resolve) => channel.on('message', resolve));
  await channel.subscribed;
  await channel.publish({ text: 'hello' });
  const { data } = await message;
  const { missing } = connection.explain();
  const why = describe(connection.explain());
  console.log(JSON.stringify({ text: data.text, transport: connection.transport, missing, why }));
  connection.close();
`;

/** An option that makes a newer Node behave like Node 20, which has no WebSocket. */
const AS_NODE_20 = 'WebSocket' in globalThis ? ['--no-experimental-websocket'] : [];

/** @type {Awaited<ReturnType<typeof startGateway>>} */
let gateway;
/** @type {ReturnType<typeof packAndInstall>} */
let packed;

before(async () => {
  packed = packAndInstall();
  gateway = await startGateway();
  await writeFile(join(packed.project, 'program.js'), PROGRAM);
});
after(async () => {
  await gateway?.stop();
  packed?.remove();
});

/** @param {string[]} args */
const start = (...args) => startChild(process.execPath, [...AS_NODE_20, ...args], { cwd: packed.project });

/** Runs the program to its end. @param {string[]} args */
async function run(...args) {
  const program = start('program.js', `${gateway.url}/rt`, ...args);
  const [line] = await printed(program, /^{.*}$/m);
  // A closed client keeps nothing open, so the program ends by itself.
  assert.equal(await program.ended, 'ended with status 0');
  return JSON.parse(line);
}

test('without a WebSocket the client starts on SSE', async () => {
  const { text, transport } = await run();
  assert.deepEqual([text, transport], ['hello', 'sse']);
});

test('without a WebSocket explain() says what the platform lacks', async () => {
  const { missing, why } = await run();
  assert.deepEqual(missing, ['websocket']);
  assert.match(why, /^online, by sse for .*\nThis platform lacks: websocket$/m);
  assert.match(why, /sse \(leg 1, race\): .*in use after/);
  assert.doesNotMatch(why, /undefined|null|NaN/);
});

test('given a WebSocket the client starts on it', async () => {
  const { text, transport } = await run(
    pathToFileURL(join(import.meta.dirname, '../node_modules/ws/wrapper.mjs')).href,
  );
  assert.deepEqual([text, transport], ['hello', 'websocket']);
});

test('the first example of the README has ten lines, and does what it says', async () => {
  const readme = await readFile(join(packed.installed, 'README.md'), 'utf8');
  const [, example = ''] = readme.match(/^```js\n(.*?)```$/ms) ?? [];
  assert.equal(example.split('\n').length - 1, 10);
  assert.match(example, /'https:\/\/example\.org\/rt'/);
  await writeFile(
    join(packed.project, 'example.js'),
    example.replace('https://example.org/rt', `${gateway.url}/rt`),
  );
  const program = start('example.js');
  await printed(program, /^null → sse .*\n(?:.*\n)*\d+ { text: 'hello' }$/m);
  await program.stop();
});
