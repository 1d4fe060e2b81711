// @ts-check
/** Every page for people in real Chromium, by day and by night. axe-core finds no fault that hinders a user. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { faults, faultsInBothSchemes } from './axe.js';
import { printed, startChild } from './child.js';
import { PROGRAM, startGateway } from './gateway.js';
import { launch } from './launch.js';

describe('axe finds no fault', { timeout: 240_000 }, () => {
  /** @type {Awaited<ReturnType<typeof startGateway>>} */
  let demo;
  /** @type {Awaited<ReturnType<typeof startGateway>>} */
  let gateway;
  /** @type {Awaited<ReturnType<typeof launch>>} */
  let chromium;
  before(async () => {
    demo = await startGateway();
    gateway = await startGateway(['serve', '--listen', '127.0.0.1:0']);
    chromium = await launch('chromium');
  });
  after(async () => {
    await chromium?.close();
    await demo?.stop();
    await gateway?.stop();
  });

  /** @param {string} url @param {string} ready the selector of the element that appears last */
  async function open(url, ready) {
    const page = await chromium.newPage();
    await page.setViewport({ width: 1280, height: 900 });
    await page.goto(url);
    await page.waitForSelector(ready, { timeout: 60_000 });
    return page;
  }

  test('and it does find those of a page that has some', async () => {
    const page = await chromium.newPage();
    await page.setContent('<main><img src="data:,"><p style="color: #ccc">Faint</p></main>');
    const found = (await faults(page)).join('\n');
    for (const rule of ['critical: image-alt', 'serious: color-contrast', 'serious: html-has-lang'])
      assert.ok(found.includes(rule), `${rule} is not in\n${found}`);
    await page.close();
  });

  for (const [path, ready] of /** @type {const} */ ([
    ['/', '#curl'],
    ['/chat', '#state'],
    ['/nothing', 'main a'],
  ]))
    test(`on ${path} of a gateway`, async () => {
      const page = await open(gateway.url + path, ready);
      assert.deepEqual(await faultsInBothSchemes(page), []);
      await page.close();
    });

  test('on the doctor, while it examines and when it is done', async () => {
    const page = await open(`${gateway.url}/doctor?watch=1`, '[data-probe="control"][data-code]');
    assert.deepEqual(await faultsInBothSchemes(page), []);
    await page.waitForSelector('[data-result]:not([data-level="running"])', { timeout: 60_000 });
    assert.deepEqual(await faultsInBothSchemes(page), []);
    await page.close();
  });

  test('on the demo at rest, after one press, and after a trial, with all its folds open', async () => {
    const page = await open(demo.url, '[data-side="session"][data-moves="live"]');
    assert.deepEqual(await faultsInBothSchemes(page), []);
    await page.click('[data-break]');
    await page.waitForSelector('[data-side="plain"][data-moves="frozen"]', { timeout: 15_000 });
    assert.deepEqual(await faultsInBothSchemes(page), []);
    await page.$$eval('details', (folds) => {
      for (const fold of folds) fold.open = true;
    });
    await page.click('[data-start="refused"]');
    await page.waitForSelector('#outcome[data-of="refused"][data-phase="over"]', { timeout: 60_000 });
    assert.deepEqual(await faultsInBothSchemes(page), []);
    await page.close();
  });

  test('on the page of netlab', async () => {
    const options = ['--to', gateway.url, '--listen', '127.0.0.1:0', '--page', '127.0.0.1:0'];
    const netlab = startChild(PROGRAM, ['netlab', ...options]);
    const [, url = ''] = await printed(netlab, /^to switch the network open (http:\S+)$/m);
    const page = await open(url, 'fieldset :checked');
    assert.deepEqual(await faultsInBothSchemes(page), []);
    await page.close();
    await netlab.stop();
  });
});
