// @ts-check
/** The page of `throughline bench` in Chromium: complete labels on a phone, readable colours, and landmarks. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { faults } from './axe.js';
import { faint } from './contrast.js';
import { makeDirectory } from './directory.js';
import { PROGRAM } from './gateway.js';
import { launch } from './launch.js';

describe('the page of the bench in Chromium', { timeout: 120_000 }, () => {
  /** @type {Awaited<ReturnType<typeof launch>>} */
  let browser;
  let html = '';
  before(async () => {
    const directory = await makeDirectory('bench');
    const file = join(directory.path, 'bench.html');
    const options = ['--connections', '5', '--duration', '2', '--network', 'mobile', '--html', file];
    await promisify(execFile)(PROGRAM, ['bench', ...options]);
    html = await readFile(file, 'utf8');
    await directory.remove();
    browser = await launch('chromium');
  });
  after(() => browser?.close());

  for (const [width, scheme] of /** @type {const} */ ([
    [390, 'light'],
    [390, 'dark'],
    [1280, 'light'],
    [1280, 'dark'],
  ]))
    test(`its labels are whole and readable at ${width} px, ${scheme}`, async () => {
      const page = await browser.newPage();
      await page.setViewport({ width, height: 900 });
      await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
      await page.setContent(html);
      assert.deepEqual(await page.evaluate(cutLabels), []);
      assert.deepEqual(await faint(page), []);
      assert.deepEqual(await faults(page), []);
      const shape = await page.evaluate(() => ({
        fits: document.documentElement.scrollWidth <= innerWidth,
        mains: document.querySelectorAll('main').length,
        empty: [...document.querySelectorAll('th')].filter((cell) => !cell.textContent?.trim()).length,
        result: document.querySelector('h1 + .result')?.textContent ?? '',
      }));
      assert.deepEqual({ ...shape, result: '' }, { fits: true, mains: 1, empty: 0, result: '' });
      assert.match(shape.result, /^Half of all messages came within .+ by long-poll; .+\.$/);
      if (process.env.SCREENSHOTS)
        await page.screenshot({
          path: `${process.env.SCREENSHOTS}/bench-${width}-${scheme}.png`,
          fullPage: true,
        });
      await page.close();
    });
});

/** Returns the labels of charts that extend beyond their chart. Runs in the page. */
function cutLabels() {
  return [...document.querySelectorAll('svg text')]
    .filter((label) => {
      const [inner, outer] = [label, label.closest('svg')].map((place) => place?.getBoundingClientRect());
      return inner && outer && (inner.left < outer.left || inner.right > outer.right);
    })
    .map((label) => label.textContent?.trim());
}
