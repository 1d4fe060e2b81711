// @ts-check
/** Faults that axe-core finds on a page as it stands. It must not leave a rule out. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const SOURCE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Impacts below these are a matter of taste: axe calls them minor. */
const IMPACTS = ['moderate', 'serious', 'critical'];

/**
 * Each fault in a line: its impact, the rule, and the place.
 * @param {import('puppeteer-core').Page} page
 * @returns {Promise<string[]>}
 */
export async function faults(page) {
  // By the debugger, as the page's own rules may forbid scripts.
  await page.evaluate(SOURCE);
  const violations = await page.evaluate(async () => {
    const { axe } = /** @type {any} */ (window);
    return (await axe.run({ resultTypes: ['violations'] })).violations;
  });
  return violations
    .filter((/** @type {any} */ { impact }) => IMPACTS.includes(impact))
    .flatMap((/** @type {any} */ { impact, id, nodes }) =>
      nodes.map((/** @type {any} */ { target }) => `${impact}: ${id}: ${target.join(' ')}`),
    );
}

/**
 * The same by day and by night.
 * @param {import('puppeteer-core').Page} page
 */
export async function faultsInBothSchemes(page) {
  const found = [];
  for (const value of ['dark', 'light']) {
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value }]);
    for (const fault of await faults(page)) found.push(`${value}: ${fault}`);
  }
  return found;
}
