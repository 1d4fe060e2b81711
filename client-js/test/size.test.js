// @ts-check
import assert from 'node:assert/strict';
import test from 'node:test';
import { gzipSync } from 'node:zlib';
import { bundle, SCRIPT } from '../build.js';

/** Of the main entry. */
const LIMIT = 8 * 1024;
/** Of the same as one global: inside a function the bundler's names compress less well. */
const SCRIPT_LIMIT = 8.5 * 1024;
const EXPLAIN_LIMIT = 2048;

/**
 * @param {'index' | 'explain'} entry
 * @param {import('esbuild').BuildOptions} options
 */
async function measure(entry, options) {
  const { outputFiles } = await bundle(entry, { ...options, write: false });
  const [file] = outputFiles ?? [];
  assert.ok(file);
  return { minified: file.contents.length, gzipped: gzipSync(file.contents, { level: 9 }).length };
}

test('the whole main entry, minified and gzipped, is within its limit', async (t) => {
  const { minified, gzipped } = await measure('index', { format: 'esm' });
  t.diagnostic(`main entry: ${minified} bytes minified, ${gzipped} gzipped, limit ${LIMIT}`);
  assert.ok(gzipped <= LIMIT, `${gzipped} > ${LIMIT}`);
});

test('so is the bundle for a script tag, and the entry of explanations is small beside it', async (t) => {
  const script = await measure('index', SCRIPT);
  const explain = await measure('explain', { format: 'esm' });
  t.diagnostic(
    `script tag: ${script.minified} bytes minified, ${script.gzipped} gzipped, limit ${SCRIPT_LIMIT}`,
  );
  t.diagnostic(
    `explain: ${explain.minified} bytes minified, ${explain.gzipped} gzipped, limit ${EXPLAIN_LIMIT}`,
  );
  assert.ok(script.gzipped <= SCRIPT_LIMIT, `${script.gzipped} > ${SCRIPT_LIMIT}`);
  assert.ok(explain.gzipped <= EXPLAIN_LIMIT, `${explain.gzipped} > ${EXPLAIN_LIMIT}`);
});
