// @ts-check
import assert from 'node:assert/strict';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const LIMIT = 10 * 1024;

test('the whole client, minified and gzipped, is at most 10 KB', async (t) => {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('../src/index.js', import.meta.url))],
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    write: false,
  });
  const [file] = outputFiles;
  assert.ok(file);
  const size = gzipSync(file.contents, { level: 9 }).length;
  t.diagnostic(`${file.contents.length} bytes minified, ${size} gzipped, limit ${LIMIT}`);
  assert.ok(size <= LIMIT, `${size} > ${LIMIT}`);
});
