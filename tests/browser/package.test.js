// @ts-check
/**
 * The packed npm package in a real page: in a Vite build, and by a script tag. The page uses the real gateway
 * under a content security policy.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { build } from 'vite';
import { packAndInstall } from '../../client-js/test/packed.js';
import { startGateway } from './gateway.js';
import { launch } from './launch.js';

/** The page's program, once it has `connect`. It puts its result into the document's title. */
const APP = `
  const connection = connect(new URLSearchParams(location.search).get('gateway'));
  const channel = connection.channel('package');
  channel.on('message', ({ data, at }) => {
    document.title = JSON.stringify({ data, at, transport: connection.transport });
  });
  channel.subscribed.then(() => channel.publish({ text: document.title }));
`;

const BUILT = `
  import { connect, ThroughlineError } from 'throughline';
  import { describe } from 'throughline/explain';
  ${APP}
  globalThis.names = [new ThroughlineError('closed').code, typeof describe];
`;

/** @param {string} title @param {string} scripts */
const html = (title, scripts) =>
  `<!doctype html><html lang="en"><title>${title}</title><body>${scripts}</body></html>`;

/** @type {Awaited<ReturnType<typeof startGateway>>} */
let gateway;
/** @type {Awaited<ReturnType<typeof launch>>} */
let browser;
/** @type {ReturnType<typeof packAndInstall>} */
let packed;
/** @type {Map<string, {type: string, body: string | Buffer}>} */
const files = new Map();
/**
 * The content security policies by a page's `policy` parameter. A page without the parameter has no policy.
 * @type {Map<string, string>}
 */
const policies = new Map();

const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://here');
  const file = files.get(pathname);
  if (!file) return response.writeHead(404).end();
  const allowed = policies.get(searchParams.get('policy') ?? 'all');
  response
    .writeHead(200, {
      'content-type': file.type,
      ...(allowed && {
        'content-security-policy': `default-src 'none'; script-src 'self'; connect-src ${allowed}`,
      }),
    })
    .end(file.body);
});

before(async () => {
  packed = packAndInstall();
  gateway = await startGateway();
  browser = await launch('chromium');
  policies.set('all', `${gateway.url} ${gateway.url.replace('http', 'ws')}`);
  policies.set('http', gateway.url);

  await writeFile(join(packed.project, 'main.js'), BUILT);
  await writeFile(
    join(packed.project, 'index.html'),
    html('built', '<script type="module" src="./main.js"></script>'),
  );
  await build({ root: packed.project, base: '/built/', configFile: false, logLevel: 'warn' });
  const built = join(packed.project, 'dist');
  files.set('/built/', { type: 'text/html', body: await readFile(join(built, 'index.html')) });
  for (const name of await readdir(join(built, 'assets')))
    files.set(`/built/assets/${name}`, {
      type: 'text/javascript',
      body: await readFile(join(built, 'assets', name)),
    });

  const bundle = await readFile(join(packed.installed, 'dist/throughline.min.js'));
  files.set('/throughline.min.js', { type: 'text/javascript', body: bundle });
  files.set('/app.js', { type: 'text/javascript', body: `{ const { connect } = throughline; ${APP} }` });
  const tags = '<script src="/throughline.min.js"></script><script src="/app.js"></script>';
  files.set('/script', { type: 'text/html', body: html('script', tags) });

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});

after(async () => {
  await browser?.close();
  await gateway?.stop();
  packed?.remove();
  server.close();
  server.closeAllConnections();
});

/**
 * Opens a page that publishes a message to itself, and waits for the result.
 * @param {string} path
 * @param {string} [policy]
 */
async function visit(path, policy = 'all') {
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  const page = await browser.newPage();
  await page.goto(
    `http://127.0.0.1:${port}${path}?policy=${policy}&gateway=${encodeURIComponent(`${gateway.url}/rt`)}`,
  );
  await page.waitForFunction(() => document.title.startsWith('{'), { timeout: 15_000 });
  const { data, at, transport } = JSON.parse(await page.title());
  return { page, text: data.text, at, transport };
}

test('a Vite build of an app that imports the package talks to the gateway', async () => {
  const { page, text, at, transport } = await visit('/built/');
  assert.deepEqual([text, typeof at, transport], ['built', 'number', 'websocket']);
  assert.deepEqual(await page.evaluate(() => Reflect.get(globalThis, 'names')), ['closed', 'function']);
});

test('a page with a script tag talks to the gateway', async () => {
  const { text, at, transport } = await visit('/script');
  assert.deepEqual([text, typeof at, transport], ['script', 'number', 'websocket']);
});

test('if the policy of a page lets only http through, the client works without WebSocket', async () => {
  const { text, transport } = await visit('/script', 'http');
  assert.deepEqual([text, transport], ['script', 'sse']);
});

test('unbuilt from the gateway, both entries can be imported by any page', async () => {
  const page = await browser.newPage();
  await page.goto(gateway.url);
  const names = await page.evaluate(async () => {
    const entries = ['/rt/client/index.js', '/rt/client/explain.js'];
    return (await Promise.all(entries.map((entry) => import(entry)))).flatMap(Object.keys);
  });
  assert.deepEqual(names, ['ThroughlineError', 'connect', 'describe']);
});

test("the first page of the repository's README, served from another origin on this machine, talks to the gateway", async () => {
  const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8');
  const [, example = ''] = readme.match(/```html\n(.+?)```/s) ?? [];
  // The README asks the reader to write the gateway's address before both, and to leave the cookies out.
  const cookies = ", { credentials: 'include' }";
  assert.ok(example.includes(cookies));
  const addresses = example.match(/'\/rt/g) ?? [];
  assert.equal(addresses.length, 2);
  files.set('/first.html', {
    type: 'text/html',
    body: example.replaceAll("'/rt", `'${gateway.url}/rt`).replace(cookies, ''),
  });
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  const page = await browser.newPage();
  await page.goto(`http://localhost:${port}/first.html?policy=none`);
  await page.type('[name=text]', 'hello');
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.querySelector('#messages li')?.textContent === 'hello');
});
