// @ts-check
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { bundle, SCRIPT } from '../build.js';

/** The limit in bytes of the main entry, and of its bundle for a script tag: 24 KB. */
const LIMIT = 24 * 1024;
/** The limit in bytes of the entry `throughline/explain`. */
const EXPLAIN_LIMIT = 2048;

/**
 * @param {'index' | 'explain'} entry
 * @param {import('rolldown').OutputOptions} output
 */
async function measure(entry, output) {
  const code = await bundle(entry, output);
  return { minified: code.length, gzipped: execFileSync('gzip', ['-9'], { input: code }).length };
}

test('the main entry, minified and gzipped, is within its limit', async (t) => {
  const { minified, gzipped } = await measure('index', {});
  t.diagnostic(`main entry: ${minified} bytes minified, ${gzipped} gzipped, limit ${LIMIT}`);
  assert.ok(gzipped <= LIMIT, `${gzipped} > ${LIMIT}`);
});

test("the repository's README tells the size of the main entry, in kB", async () => {
  const { gzipped } = await measure('index', {});
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  const [, told] = readme.match(/^\| client, minified and gzipped \| (\d+) kB \|/m) ?? [];
  assert.equal(told, String(Math.round(gzipped / 1000)));
});

test('the bundle for a script tag and the entry of explanations are within their limits', async (t) => {
  const script = await measure('index', SCRIPT);
  const explain = await measure('explain', {});
  t.diagnostic(`script tag: ${script.minified} bytes minified, ${script.gzipped} gzipped, limit ${LIMIT}`);
  t.diagnostic(
    `explain: ${explain.minified} bytes minified, ${explain.gzipped} gzipped, limit ${EXPLAIN_LIMIT}`,
  );
  assert.ok(script.gzipped <= LIMIT, `${script.gzipped} > ${LIMIT}`);
  assert.ok(explain.gzipped <= EXPLAIN_LIMIT, `${explain.gzipped} > ${EXPLAIN_LIMIT}`);
});
