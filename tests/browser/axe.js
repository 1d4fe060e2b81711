// @ts-check
/** Faults that axe-core finds on a page in its present state. This check must not omit a rule. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const SOURCE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** The impacts that count. axe calls the ones below minor, and they are a matter of taste. */
const IMPACTS = ['moderate', 'serious', 'critical'];

/**
 * Returns each fault as a line: its impact, the rule, and the place.
 * @param {import('puppeteer-core').Page} page
 * @returns {Promise<string[]>}
 */
export async function faults(page) {
  // The debugger runs the source, because the page's own policy may forbid scripts.
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
 * Returns the faults in the light scheme and in the dark scheme.
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
