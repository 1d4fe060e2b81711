// @ts-check
/**
 * Builds what the npm package has beside the sources, into `dist`: types from the JSDoc, and minified bundles. Nothing in `src`
 * may need it: the gateway serves those files as they are.
 */

import { execFileSync } from 'node:child_process';
import { copyFileSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { build as rolldown } from 'rolldown';

/** @param {string} path below this folder */
const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** For a script tag: one global, `throughline`. @satisfies {import('rolldown').OutputOptions} */
export const SCRIPT = {
  format: 'iife',
  name: 'throughline',
  generatedCode: { symbols: false },
  strict: true,
};

/**
 * Bundles an entry, minified, to a file if one is named.
 * @param {'index' | 'explain'} entry
 * @param {import('rolldown').OutputOptions} output
 */
export async function bundle(entry, output) {
  const made = await rolldown({
    input: here(`src/${entry}.js`),
    transform: { target: 'es2022' },
    write: output.file !== undefined,
    output: { minify: true, comments: false, ...output },
  });
  return made.output[0].code;
}

async function build() {
  rmSync(here('dist'), { recursive: true, force: true });
  const typescript = createRequire(import.meta.url).resolve('typescript/bin/tsc');
  execFileSync(process.execPath, [typescript, '-p', here('tsconfig.build.json')], { stdio: 'inherit' });
  const { version, license } = JSON.parse(readFileSync(here('package.json'), 'utf8'));
  const shared = { sourcemap: true, postBanner: `/*! throughline ${version}, ${license} */` };
  await bundle('index', { ...SCRIPT, ...shared, file: here('dist/throughline.min.js') });
  await bundle('index', { ...shared, file: here('dist/throughline.esm.min.js') });
  // The texts are the repository's; the package has to bring them along.
  for (const name of ['LICENSE-MIT', 'LICENSE-APACHE']) copyFileSync(here(`../${name}`), here(name));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await build();
