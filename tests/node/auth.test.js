// @ts-check
/**
 * The blocks of docs/AUTH.md, in order, in an empty folder: the real gateway, curl, Node and the files of the page. Ports and the
 * client's address are this test's own.
 *
 * The test runs each block `sh test=auth`. A block `text test=auth` is the last output, and `text log=auth` is in the log.
 * The test saves each block with `file=` under that name.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { printed, startChild } from '../browser/child.js';
import { makeDirectory } from '../browser/directory.js';
import { PROGRAM } from '../browser/gateway.js';
import { freePort } from '../proxies/foreground.js';
import { connectTo, until } from './lab.js';

/** @typedef {{ language: string, key: string | undefined, value: string | undefined, text: string }} Block */

const PAGE = readFileSync(new URL('../../docs/AUTH.md', import.meta.url), 'utf8');
const CLIENT = new URL('../../client-js/src/index.js', import.meta.url).href;
/** The most lines of each side of the sign-in. */
const MOST_LINES = 15;
const PATIENCE_MS = 15_000;

/** What the script of the page needs from a browser: an element, and requests with the cookie of the page. */
const BROWSER = `
  const [, , app, cookie] = process.argv;
  globalThis.document = { querySelector: () => ({ set textContent(text) { console.log(text); } }) };
  const real = fetch;
  globalThis.fetch = (url, init) =>
    url === '/token' ? real(app + url, { headers: cookie ? { cookie } : {} }) : real(url, init);
`;

/** @type {Record<'gateway' | 'app' | 'provider', string>} */
let places;
/** @type {Awaited<ReturnType<typeof makeDirectory>>} */
let folder;
/** The programs that run on, by the first words of their command. @type {Map<string, ReturnType<typeof startChild>>} */
const running = new Map();
/** What the gateway logs. */
let log = '';

before(async () => {
  folder = await makeDirectory('auth');
  const [gateway, app, provider] = [await freePort(), await freePort(), await freePort()];
  places = { gateway: `127.0.0.1:${gateway}`, app: `127.0.0.1:${app}`, provider: `127.0.0.1:${provider}` };
});
after(async () => {
  for (const program of running.values()) await program.stop();
  await folder?.remove();
});

/** Returns the blocks of a section, with the ports of this test. @param {string} section @returns {Block[]} */
function blocksOf(section) {
  const [, body] = PAGE.split(new RegExp(`^## ${section}$`, 'm'));
  assert.ok(body, `docs/AUTH.md has no section ${section}`);
  const blocks = body.split(/^## /m)[0].matchAll(/^```(\w+)(?: (\w+)=(\S+))?\n([\s\S]*?)^```$/gm);
  return Array.from(blocks, ([, language, key, value, text]) => ({ language, key, value, text: here(text) }));
}

/** @param {string} text */
const here = (text) =>
  text
    .replaceAll('127.0.0.1:8080', places.gateway)
    .replaceAll('127.0.0.1:9000', places.provider)
    .replaceAll(/listen\(3000,/g, `listen(${places.app.split(':')[1]},`)
    .replaceAll(/listen\(9000,/g, `listen(${places.provider.split(':')[1]},`);

const environment = () => ({
  ...process.env,
  PATH: `${dirname(PROGRAM)}:${process.env.PATH}`,
  RUST_LOG: 'throughline=debug',
});

/** Runs a command to its end, and returns its output. @param {string} command */
async function run(command) {
  const options = { cwd: folder.path, env: environment(), timeout: PATIENCE_MS };
  const { stdout } = await promisify(execFile)(
    'bash',
    ['-c', command.replace(/^curl /, 'curl -sS ')],
    options,
  );
  return stdout;
}

/** Starts a program that runs on, instead of the one of this kind before it. @param {string} command */
async function start(command) {
  const kind = command.split(' ').slice(0, 2).join(' ');
  await stop(kind);
  const [program, ...args] = command.split(' ');
  const isGateway = program === 'throughline';
  if (isGateway) args.push('--listen', places.gateway);
  const child = startChild(program, args, { cwd: folder.path, env: environment() });
  running.set(kind, child);
  child.child.stderr?.on('data', (text) => {
    log += text;
  });
  if (isGateway) await printed(child, /^listening on /m);
  else await answers(`http://${args[0] === 'app.mjs' ? places.app : places.provider}/`);
}

/** @param {string} kind */
async function stop(kind) {
  await running.get(kind)?.stop();
  running.delete(kind);
}

/** Waits until a server answers. @param {string} url */
async function answers(url) {
  await holds(() =>
    fetch(url).then(
      () => true,
      () => false,
    ),
  );
}

/** Waits for a condition that no event announces. @param {() => Promise<boolean> | boolean} condition */
async function holds(condition) {
  const deadline = performance.now() + PATIENCE_MS;
  while (!(await condition())) {
    assert.ok(performance.now() < deadline, `not within ${PATIENCE_MS} ms: ${condition}`);
    await pause(20);
  }
}

/** Opens a stream by curl, and waits for the position with which it begins. @param {string} command */
async function listens(command) {
  const curl = startChild('bash', ['-c', `exec ${command.replace('curl', 'curl -sS --fail')}`], {
    cwd: folder.path,
  });
  await printed(curl, /^id: /m);
  await curl.stop();
}

/** Saves and runs the blocks of a section. @param {string} section */
async function perform(section) {
  let output = '';
  for (const { language, key, value = '', text } of blocksOf(section)) {
    if (key === 'file') await writeFile(join(folder.path, value), text);
    if (key !== 'test') continue;
    if (language === 'text') {
      assert.equal(output.trim(), text.trim());
      continue;
    }
    assert.equal(language, 'sh');
    for (const command of text.trim().split('\n')) {
      if (/^(throughline serve|node) /.test(command)) await start(command);
      else if (command.startsWith('curl -N ')) await listens(command);
      else output = await run(command);
    }
  }
}

/** @param {string} name */
const saved = (name) => readFile(join(folder.path, name), 'utf8');

/** Returns the status of a plain stream with this token. @param {string} token @param {string} [channel] */
async function statusWith(token, channel = 'news') {
  const giveUp = new AbortController();
  const headers = { authorization: `Bearer ${token.trim()}` };
  const url = `http://${places.gateway}/rt/stream?channel=${channel}`;
  const { status } = await fetch(url, { headers, signal: giveUp.signal });
  giveUp.abort();
  return status;
}

/** Runs the script of the page, as a browser with this cookie does. @param {string} cookie */
async function openPage(cookie) {
  const [, script] = /** @type {RegExpMatchArray} */ (
    (await saved('index.html')).match(/<script type="module">\n([\s\S]*?)<\/script>/)
  );
  const client = `http://${places.gateway}/rt/client/throughline.esm.min.js`;
  assert.ok(script.includes(`'${client}'`), script);
  await writeFile(join(folder.path, 'browser.mjs'), BROWSER);
  await writeFile(
    join(folder.path, 'page.mjs'),
    `import './browser.mjs';\n${script.replace(client, CLIENT)}`,
  );
  return startChild(process.execPath, ['page.mjs', `http://${places.app}`, cookie], { cwd: folder.path });
}

/** @param {string} token @param {object} [options] */
const connectWith = (token, options = {}) =>
  connectTo(`http://${places.gateway}`, { token: token.trim(), storage: null, ...options });

test('each side of the sign-in has at most 15 lines', () => {
  const listings = blocksOf('A secret of your own').filter(({ value = '' }) =>
    ['app.mjs', 'index.html'].includes(value),
  );
  assert.equal(listings.length, 2);
  for (const { value, text } of listings) {
    const lines = text.trim().split('\n').length;
    assert.ok(lines <= MOST_LINES, `${value} has ${lines} lines`);
  }
});

test('the gateway has each message in the table of errors', () => {
  const [, table] = PAGE.split(/^## Errors$/m);
  const rows = Array.from(table.matchAll(/^\| `\w+`: (.*?) \|/gm), ([, message]) => message);
  assert.ok(rows.length > 10, `${rows.length} rows`);
  const files = ['bad_token.rs', 'mistake.rs', 'reason.rs'];
  const sources = files.map((file) =>
    readFileSync(new URL(`../../src/protocol/code/${file}`, import.meta.url), 'utf8'),
  );
  for (const message of rows)
    for (const part of message.split(' … '))
      assert.ok(
        sources.some((source) => source.includes(part)),
        part,
      );
});

test('a secret, a file and two listings sign a user in', async () => {
  await perform('A secret of your own');
  const stranger = await openPage('');
  await printed(stranger, /^signed out/m);
  assert.equal(await stranger.ended, 'ended with status 0');

  const page = await openPage('user=ann');
  await printed(page, /^signed in as ann$/m);
  const writer = connectWith(await saved('token.txt'));
  try {
    await writer.channel('news').publish({ text: 'hello, ann' });
    await printed(page, /^hello, ann$/m);
  } finally {
    writer.close();
    await page.stop();
  }
});

test('the listing in Python makes a token that the gateway accepts', async () => {
  const token = await run(`python3 -c 'from token_for import token_for; print(token_for("bob"))'`);
  const connection = connectWith(token);
  try {
    await until(connection, 'state', () => connection.state === 'online');
    assert.equal(connection.user, 'bob');
  } finally {
    connection.close();
  }
});

test('another secret signs no user out', async () => {
  const old = await saved('token.txt');
  const connection = connectWith(old);
  try {
    /** @type {string[]} */
    const errors = [];
    connection.on('error', ({ code }) => errors.push(code));
    await until(connection, 'state', () => connection.state === 'online');
    await perform('Another secret');
    await start('throughline serve --config gateway.toml');
    await until(connection, 'state', () => connection.state === 'online');
    await connection.channel('news').publish('with the old token');
    assert.deepEqual([connection.user, errors.filter((code) => code === 'unauthorized')], ['ann', []]);
  } finally {
    connection.close();
  }

  const [, second] = (await saved('secrets.txt')).split('\n');
  await writeFile(join(folder.path, 'second.txt'), second);
  const fresh = await run('throughline token --secret-file second.txt --user ann');
  assert.deepEqual([await statusWith(old), await statusWith(fresh)], [200, 200]);
  await rename(join(folder.path, 'second.txt'), join(folder.path, 'secrets.txt'));
  await start('throughline serve --config gateway.toml');
  assert.deepEqual([await statusWith(old), await statusWith(fresh)], [401, 200]);
});

test('a provider signs users in, also after it changed its key', async () => {
  await perform('An identity provider');
  const connection = connectWith(await saved('token.txt'));
  try {
    await until(connection, 'state', () => connection.state === 'online');
    assert.equal(connection.user, 'ann');
    await stop('node provider.mjs');
    assert.equal(await statusWith(await saved('token.txt')), 200, 'the gateway keeps the keys');
  } finally {
    connection.close();
  }
});

test('without its provider the gateway starts, refuses tokens for now, and recovers by itself', async () => {
  await start('throughline serve --config provider.toml');
  assert.equal(await statusWith(await saved('token.txt')), 503);
  await start('node provider.mjs');
  const token = await run(`curl http://${places.provider}/token`);
  await holds(async () => (await statusWith(token)) === 200);
});

test('rules decide by words, by the name of the user, and by the claim of the token', async () => {
  log = '';
  await perform('Rules of channels');
  const connection = connectWith(await saved('token.txt'));
  const visitor = connectTo(`http://${places.gateway}`, { storage: null });
  try {
    const denied = connection.channel('room/8');
    const ended = new Promise((resolve) => denied.on('end', ({ code }) => resolve(code)));
    denied.on('message', () => {});
    await assert.rejects(denied.subscribed, { code: 'forbidden' });
    assert.equal(await ended, 'forbidden');
    await assert.rejects(connection.channel('news').publish(1), { code: 'forbidden' });
    await assert.rejects(connection.channel('nothing').publish(1), { code: 'unknown_channel' });
    assert.equal((await connection.channel('room/7').publish(1)).at, 1);

    visitor.channel('news').on('message', () => {});
    await visitor.channel('news').subscribed;
    visitor.channel('inbox/ann').on('message', () => {});
    await assert.rejects(visitor.channel('inbox/ann').subscribed, { code: 'forbidden' });
  } finally {
    connection.close();
    visitor.close();
  }
  for (const { key, text } of blocksOf('Rules of channels'))
    if (key === 'log') assert.ok(log.includes(text.trim()), log);
});

/** Returns the user whom a page of this origin signs in by its cookie. @param {string} origin */
async function userByCookie(origin) {
  const cookie = `token=${(await run('throughline token --config cookie.toml --user ann')).trim()}`;
  const asBrowser = (/** @type {string} */ url, /** @type {RequestInit} */ init) =>
    fetch(url, { ...init, headers: { .../** @type {any} */ (init?.headers), cookie, origin } });
  const connection = connectTo(`http://${places.gateway}`, {
    storage: null,
    transports: ['poll'],
    fetch: asBrowser,
  });
  try {
    await until(connection, 'state', () => connection.state === 'online');
    return connection.user;
  } finally {
    connection.close();
  }
}

test('a cookie signs in from a listed origin', async () => {
  await perform('Cookies');
  await start('throughline serve --config cookie.toml');
  assert.equal(await userByCookie('https://example.org'), 'ann');
});

test('a cookie does not count from an origin that is not listed, also of this machine', async () => {
  assert.equal(await userByCookie('http://127.0.0.1:3000'), null);
});
