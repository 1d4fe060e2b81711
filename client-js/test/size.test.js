// @ts-check
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import test from 'node:test';
import { bundle } from '../build.js';

/** Of the main entry, and of the same for a script tag. */
const LIMIT = 8 * 1024;
const EXPLAIN_LIMIT = 2048;

/**
 * @param {'index' | 'explain' | 'script'} entry
 * @param {import('esbuild').BuildOptions} options
 */
async function measure(entry, options) {
  const { outputFiles } = await bundle(entry, { ...options, write: false });
  const [file] = outputFiles ?? [];
  assert.ok(file);
  return {
    minified: file.contents.length,
    gzipped: execFileSync('gzip', ['-9'], { input: file.contents }).length,
  };
}

test('the whole main entry, minified and gzipped, is within its limit', async (t) => {
  const { minified, gzipped } = await measure('index', { format: 'esm' });
  t.diagnostic(`main entry: ${minified} bytes minified, ${gzipped} gzipped, limit ${LIMIT}`);
  assert.ok(gzipped <= LIMIT, `${gzipped} > ${LIMIT}`);
});

test('so is the bundle for a script tag, and the entry of explanations is small beside it', async (t) => {
  const script = await measure('script', { format: 'iife' });
  const explain = await measure('explain', { format: 'esm' });
  t.diagnostic(`script tag: ${script.minified} bytes minified, ${script.gzipped} gzipped, limit ${LIMIT}`);
  t.diagnostic(
    `explain: ${explain.minified} bytes minified, ${explain.gzipped} gzipped, limit ${EXPLAIN_LIMIT}`,
  );
  assert.ok(script.gzipped <= LIMIT, `${script.gzipped} > ${LIMIT}`);
  assert.ok(explain.gzipped <= EXPLAIN_LIMIT, `${explain.gzipped} > ${EXPLAIN_LIMIT}`);
});
