// @ts-check
/**
 * The gateway's chat in two tabs of real Chromium, and the page for an unknown address. Both READMEs show the
 * chat as the first example.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startGateway } from './gateway.js';
import { launch } from './launch.js';

/** A background tab does not draw, so the test polls it by time. */
const IN_BACKGROUND = { polling: 50 };

/** @type {Awaited<ReturnType<typeof startGateway>>} */
let gateway;
/** @type {Awaited<ReturnType<typeof launch>>} */
let browser;
before(async () => {
  gateway = await startGateway(['serve', '--listen', '127.0.0.1:0']);
  browser = await launch('chromium');
});
after(async () => {
  await browser?.close();
  await gateway?.stop();
});

/** Opens a page, and records its errors. @param {string} path */
async function open(path) {
  const page = await browser.newPage();
  /** @type {string[]} */
  const complaints = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  await page.goto(gateway.url + path);
  return { page, complaints };
}

test('a message typed in one tab of the chat appears in both, once, and the state line says how', async () => {
  const tabs = [await open('/chat'), await open('/chat')];
  for (const { page } of tabs)
    await page.waitForFunction(
      () => document.querySelector('#state')?.textContent === 'online websocket',
      IN_BACKGROUND,
    );
  const writer = tabs.at(-1);
  await writer?.page.type('[name=text]', 'grüße → <b>hello</b>');
  await writer?.page.keyboard.press('Enter');
  for (const { page, complaints } of tabs) {
    await page.waitForFunction(() => document.querySelector('#messages li'), IN_BACKGROUND);
    const messages = await page.$$eval('#messages li', (items) => items.map((item) => item.textContent));
    assert.deepEqual([messages, complaints], [['grüße → <b>hello</b>'], []]);
  }
  assert.equal(await writer?.page.$eval('[name=text]', (field) => /** @type {any} */ (field).value), '');
});

test('the start page leads to the chat, and an address where nothing is leads to the start page', async () => {
  const { page, complaints } = await open('/');
  assert.match(await page.$eval('#curl', (text) => text.textContent ?? ''), new RegExp(gateway.url));
  await Promise.all([page.waitForNavigation(), page.click('a[href=chat]')]);
  assert.equal(page.url(), `${gateway.url}/chat`);
  assert.deepEqual(complaints, []);
  await page.goto(`${gateway.url}/deep/nothing`);
  await Promise.all([page.waitForNavigation(), page.click('main a')]);
  assert.equal(page.url(), `${gateway.url}/`);
});
