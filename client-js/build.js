// @ts-check
/**
 * Builds what the npm package has beside the sources, into `dist`: types from the JSDoc, and minified bundles. Nothing in `src`
 * may need it: the gateway serves those files as they are.
 */

import { execFileSync } from 'node:child_process';
import { copyFileSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import esbuild from 'esbuild';

/** @param {string} path below this folder */
const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/**
 * Bundles an entry, minified.
 * @param {'index' | 'explain' | 'script'} entry
 * @param {import('esbuild').BuildOptions} options
 */
export const bundle = (entry, options) =>
  esbuild.build({
    absWorkingDir: here('.'),
    entryPoints: [`src/${entry}.js`],
    bundle: true,
    minify: true,
    target: 'es2022',
    // What the type checker is told is no part of it.
    tsconfigRaw: {},
    ...options,
  });

async function build() {
  rmSync(here('dist'), { recursive: true, force: true });
  const typescript = createRequire(import.meta.url).resolve('typescript/bin/tsc');
  execFileSync(process.execPath, [typescript, '-p', here('tsconfig.build.json')], { stdio: 'inherit' });
  const { version, license } = JSON.parse(readFileSync(here('package.json'), 'utf8'));
  const shared = { sourcemap: true, banner: { js: `/*! throughline ${version}, ${license} */` } };
  await bundle('script', { format: 'iife', ...shared, outfile: 'dist/throughline.min.js' });
  await bundle('index', { format: 'esm', ...shared, outfile: 'dist/throughline.esm.min.js' });
  // The texts are the repository's; the package has to bring them along.
  for (const name of ['LICENSE-MIT', 'LICENSE-APACHE']) copyFileSync(here(`../${name}`), here(name));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await build();
