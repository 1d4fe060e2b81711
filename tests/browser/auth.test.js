// @ts-check
/** The sign-in of docs/AUTH.md in real browsers: its page, its server and its gateway, on this test's ports. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort } from '../proxies/foreground.js';
import { startChild } from './child.js';
import { makeDirectory } from './directory.js';
import { startGateway } from './gateway.js';
import { BROWSERS, launch } from './launch.js';

const DOCUMENT = readFileSync(new URL('../../docs/AUTH.md', import.meta.url), 'utf8');
const PATIENCE_MS = 15_000;

/** @type {Awaited<ReturnType<typeof makeDirectory>>} */
let folder;
/** @type {Awaited<ReturnType<typeof startGateway>>} */
let gateway;
/** @type {ReturnType<typeof startChild>} */
let app;
/** @type {string} */
let url;

/** Saves a listing, with the values of this test. @param {string} name @param {Record<string, string>} values */
async function save(name, values) {
  let [, text] = DOCUMENT.match(new RegExp(`^\`\`\`\\w+ file=${name}\\n(.*?)^\`\`\`$`, 'ms')) ?? [];
  for (const [own, value] of Object.entries(values)) {
    assert.ok(text?.includes(own), `the listing ${name} does not hold ${own}`);
    text = text.replaceAll(own, value);
  }
  await writeFile(join(folder.path, name), text);
}

/** Waits until a server answers. @param {string} url */
async function answers(url) {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const answer = await fetch(url).catch(() => undefined);
    if (answer?.ok) return;
    assert.ok(performance.now() < deadline, `${url} does not answer`);
    await pause(20);
  }
}

before(async () => {
  folder = await makeDirectory('auth-page');
  const secrets = join(folder.path, 'secrets.txt');
  await writeFile(secrets, randomBytes(32).toString('hex'));
  await save('gateway.toml', { 'secrets.txt': secrets });
  gateway = await startGateway([
    'serve',
    '--listen',
    '127.0.0.1:0',
    '--config',
    join(folder.path, 'gateway.toml'),
  ]);
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  await save('app.mjs', { 'listen(3000,': `listen(${port},` });
  // The gateway serves its sources as they are. Its bundles may be older.
  await save('index.html', {
    'http://127.0.0.1:8080': gateway.url,
    'throughline.esm.min.js': 'index.js',
  });
  app = startChild(process.execPath, ['app.mjs'], { cwd: folder.path });
  await answers(url);
});
after(async () => {
  await app?.stop();
  await gateway?.stop();
  await folder?.remove();
});

for (const name of BROWSERS) {
  test(`the page of AUTH.md is signed out, and signs the user in by its cookie, in ${name}`, async () => {
    const browser = await launch(name);
    try {
      const page = await browser.newPage();
      const shows = (/** @type {string} */ text) =>
        page.waitForFunction(
          (/** @type {string} */ text) => document.querySelector('#news')?.textContent?.startsWith(text),
          { timeout: PATIENCE_MS },
          text,
        );
      await page.goto(url);
      await shows('signed out');
      await page.evaluate(() => {
        // biome-ignore lint/suspicious/noDocumentCookie: Firefox ESR may lack cookieStore
        document.cookie = 'user=ann';
      });
      await page.reload();
      await shows('signed in as ann');
    } finally {
      await browser.close();
    }
  });
}
