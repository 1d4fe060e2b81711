// @ts-check
/**
 * Builds the parts of the npm package that are not sources, into `dist`: types and minified bundles. The files in `src` must
 * work without it, because the gateway serves them as they are.
 */

import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build as rolldown } from 'rolldown';

/** @param {string} path below this folder */
const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** The format for a script tag: one global, `throughline`. @satisfies {import('rolldown').OutputOptions} */
export const SCRIPT = {
  format: 'iife',
  name: 'throughline',
  generatedCode: { symbols: false },
  strict: true,
};

/**
 * Bundles and minifies an entry, and returns the code. Writes a file only if `output` names one.
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

/** Derives types from the JSDoc, and adds the declarations written by hand: tsc reads those but emits none of them. */
function declare() {
  const typescript = createRequire(import.meta.url).resolve('typescript/bin/tsc');
  execFileSync(process.execPath, [typescript, '-p', here('tsconfig.build.json')], { stdio: 'inherit' });
  for (const path of readdirSync(here('src'), { recursive: true, encoding: 'utf8' })) {
    if (!path.endsWith('.d.ts')) continue;
    const copy = here(`dist/types/${path}`);
    mkdirSync(dirname(copy), { recursive: true });
    copyFileSync(here(`src/${path}`), copy);
  }
}

/** What the gateway embeds, by file name. */
export const BUNDLES = {
  'throughline.min.js': () => bundle('index', SCRIPT),
  'throughline.esm.min.js': () => bundle('index', {}),
};

/** Writes what the gateway embeds. It is committed, because a build of the gateway needs no Node. */
async function embed() {
  mkdirSync(here('bundle'), { recursive: true });
  for (const [name, make] of Object.entries(BUNDLES)) writeFileSync(here(`bundle/${name}`), await make());
}

async function build() {
  rmSync(here('dist'), { recursive: true, force: true });
  declare();
  const { version, license } = JSON.parse(readFileSync(here('package.json'), 'utf8'));
  const shared = { sourcemap: true, postBanner: `/*! throughline ${version}, ${license} */` };
  await bundle('index', { ...SCRIPT, ...shared, file: here('dist/throughline.min.js') });
  await bundle('index', { ...shared, file: here('dist/throughline.esm.min.js') });
  // The licences are at the root of the repository. npm packs only files of this folder.
  for (const name of ['LICENSE-MIT', 'LICENSE-APACHE']) copyFileSync(here(`../${name}`), here(name));
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  await (process.argv[2] === '--embed' ? embed() : build());
