// @ts-check
/** The pages of a gateway that serves users only, in real Chromium: before sign-in, with a cookie, and with a bad one. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { faultsInBothSchemes } from './axe.js';
import { makeDirectory } from './directory.js';
import { PROGRAM, startGateway } from './gateway.js';
import { launch } from './launch.js';

const COOKIE = 'session';
const AUTH = `[auth]\nsecret = ["a secret of the tests, which is long enough"]\ncookie = "${COOKIE}"\n`;
/** The cookie needs a list of origins. Loopback is welcome beside it. */
const CONFIG = `[server]\norigins = ["https://example.org"]\n${AUTH}`;

const NOT_SIGNED_IN = 'Not signed in: this test needs no sign-in.';

describe('pages of a gateway that serves users only', { timeout: 240_000 }, () => {
  /** @type {Awaited<ReturnType<typeof makeDirectory>>} */
  let directory;
  /** @type {Awaited<ReturnType<typeof startGateway>>} */
  let gateway;
  /** @type {Awaited<ReturnType<typeof launch>>} */
  let browser;
  /** @type {string} */
  let config;
  /** The page of a client that stays silent for a minute, beside the other tests. @type {Awaited<ReturnType<typeof open>>} */
  let silent;
  before(async () => {
    directory = await makeDirectory('sign-in');
    config = `${directory.path}/gateway.toml`;
    await writeFile(config, CONFIG);
    gateway = await startGateway(['serve', '--config', config, '--listen', '127.0.0.1:0']);
    browser = await launch('chromium');
    silent = await open('/doctor?watch=120');
  });
  after(async () => {
    await browser?.close();
    await gateway?.stop();
    await directory?.remove();
  });

  /** Makes a token as an operator does. @param {string} user */
  const tokenOf = async (user) => {
    const options = ['token', '--config', config, '--user', user, '--channel', '{*all}=subscribe,publish'];
    return (await promisify(execFile)(PROGRAM, options)).stdout.trim();
  };
  /** Opens a page in a browser of its own, which may hold a token as the application's cookie. @param {string} path @param {string} [token] */
  const open = async (path, token) => {
    const page = await browser.newPage(true);
    /** @type {string[]} */
    const errors = [];
    page.on('pageerror', (error) => errors.push(`${error}`));
    if (token) await page.browserContext().setCookie({ ...cookie(gateway.url), value: token });
    await page.goto(gateway.url + path);
    return { page, errors };
  };
  /** Waits for the doctor's result. @param {import('puppeteer-core').Page} page */
  const examined = async (page) => {
    await page.waitForFunction(() => !document.querySelector('[data-result][data-level="running"]'), {
      timeout: 60_000,
    });
    return page.evaluate(() => {
      const text = (/** @type {string} */ name) => document.querySelector(`[data-${name}]`)?.textContent;
      const places = /** @type {HTMLElement[]} */ ([...document.querySelectorAll('[data-probe]')]);
      const report = /** @type {HTMLTextAreaElement} */ (document.querySelector('[data-report]')).value;
      return {
        result: text('result-title'),
        signIn: text('sign-in'),
        codes: Object.fromEntries(places.map(({ dataset }) => [dataset.probe, dataset.code])),
        report,
      };
    });
  };

  test('the doctor works before sign-in, and says that this test needs none', async () => {
    const { page, errors } = await open('/doctor?watch=2');
    const { result, signIn, codes, report } = await examined(page);
    assert.equal(signIn, NOT_SIGNED_IN);
    assert.match(`${result}`, /^(This network lets realtime through|Realtime works here), by WebSocket/);
    assert.deepEqual([codes.client, codes.size, codes['idle-poll']], ['guest', 'up_only', 'lived'], report);
    assert.ok(report.includes(`\n  ${NOT_SIGNED_IN}\n`), report);
    assert.deepEqual([errors, await faultsInBothSchemes(page)], [[], []]);
    await pictures(page, 'doctor-before-sign-in');
  });

  test('the doctor is signed in by the cookie, and tests messages too', async () => {
    const token = await tokenOf('ada');
    const { page, errors } = await open('/doctor?watch=2', token);
    const { signIn, codes, report } = await examined(page);
    assert.equal(signIn, 'Signed in as ada.');
    assert.deepEqual([codes.client, codes.size], ['works', 'works'], report);
    assert.ok(report.includes('\n  Signed in as ada.\n') && !report.includes(token), report);
    assert.deepEqual(errors, []);
    await pictures(page, 'doctor-signed-in');
  });

  test('the doctor does not blame the network for a token that the gateway refuses', async () => {
    const { page } = await open('/doctor?watch=2', 'not.a.token');
    const { result, signIn, codes, report } = await examined(page);
    assert.deepEqual(
      [result, signIn],
      ['The gateway refuses the token of this sign-in.', 'Not signed in: the token was refused.'],
      report,
    );
    assert.deepEqual(
      [codes.sse, codes.poll, codes.client],
      ['unauthorized', 'unauthorized', 'unauthorized'],
      report,
    );
    await pictures(page, 'doctor-refused');
  });

  test('the start page says how to sign in, and the chat leads there', async () => {
    const { page, errors } = await open('/chat');
    await page.waitForSelector('#users:not([hidden])');
    assert.equal(
      await page.$eval('#users', (place) => place.textContent?.replace('\n', ' ')),
      'This gateway serves users only. Its start page says how to sign in.',
    );
    assert.deepEqual(await faultsInBothSchemes(page), []);
    await pictures(page, 'chat-before-sign-in', false);
    await Promise.all([page.waitForNavigation(), page.click('#users a')]);
    const text = await page.$eval('main', (place) => place.textContent ?? '');
    assert.match(text, /This gateway serves users only: a client without a token reaches no channel\./);
    assert.match(text, /signed in by the cookie session,/);
    assert.match(text, /curl -N -H "Authorization: Bearer \$TOKEN" 'http:\/\/127/);
    assert.deepEqual([errors, await faultsInBothSchemes(page)], [[], []]);
    await pictures(page, 'start');
  });

  test('the chat names the user after sign-in', async () => {
    const { page, errors } = await open('/chat', await tokenOf('ada'));
    await page.waitForFunction(() =>
      document.querySelector('#state')?.textContent?.endsWith('signed in as ada'),
    );
    await page.type('[name=text]', 'hello');
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.querySelector('#messages li')?.textContent === 'hello');
    assert.equal(await page.$eval('#users', (place) => place.getAttribute('hidden')), '');
    assert.deepEqual(errors, []);
    await pictures(page, 'chat-signed-in');
  });

  test('a silent connection that the gateway ends for want of a sign-in was not cut by the network', async () => {
    const { page } = silent;
    await page.waitForSelector('[data-result]:not([data-level="running"])', { timeout: 100_000 });
    const { codes, report } = await examined(page);
    const idle = ['idle-websocket', 'idle-sse', 'idle-poll'].map((probe) => codes[probe]);
    assert.deepEqual(idle, ['ended', 'ended', 'ended'], report);
    await page.close();
  });
});

/** Returns what the application's cookie is. No script can read it. @param {string} url */
const cookie = (url) => ({
  name: COOKIE,
  domain: new URL(url).hostname,
  path: '/',
  httpOnly: true,
  secure: false,
  sameSite: /** @type {const} */ ('Lax'),
});

/** Takes pictures for a human to look at, if SCREENSHOTS names a folder. @param {import('puppeteer-core').Page} page @param {string} name @param {boolean} [isLast] */
async function pictures(page, name, isLast = true) {
  for (const [kind, width] of /** @type {const} */ ([
    ['wide', 1280],
    ['phone', 390],
  ])) {
    await page.setViewport({ width, height: 900 });
    const fits = await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth);
    assert.ok(fits, `${name} is too wide for ${kind}`);
    const path = `${process.env.SCREENSHOTS}/${name}-${kind}.png`;
    if (process.env.SCREENSHOTS)
      await page.screenshot({ path: /** @type {`${string}.png`} */ (path), fullPage: true });
  }
  if (isLast) await page.close();
}
