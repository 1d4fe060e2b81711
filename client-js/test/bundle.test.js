// @ts-check
/** Holds the bundles that the gateway embeds to the sources, and shows that each of them is the client. */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import test from 'node:test';
import vm from 'node:vm';
import { BUNDLES } from '../build.js';
import * as client from '../src/index.js';

const folder = new URL('../bundle/', import.meta.url);

test('the folder of the bundles holds them and nothing else', () => {
  assert.deepEqual(readdirSync(folder).sort(), Object.keys(BUNDLES).sort());
});

for (const [name, make] of Object.entries(BUNDLES))
  test(`the bundle ${name} is what the sources give`, async () => {
    const committed = readFileSync(new URL(name, folder), 'utf8');
    assert.ok(committed === (await make()), `${name} is of other sources: npm --prefix client-js run bundle`);
  });

test('the bundle for a script tag makes one global with the exports of the client', () => {
  const page = vm.createContext({});
  vm.runInContext(readFileSync(new URL('throughline.min.js', folder), 'utf8'), page);
  assert.deepEqual(Object.keys(page), ['throughline']);
  assert.deepEqual(Object.keys(page['throughline']).sort(), Object.keys(client).sort());
});

test('the bundle for a module has the exports of the client', async () => {
  const bundle = await import(new URL('throughline.esm.min.js', folder).href);
  assert.deepEqual(Object.keys(bundle), Object.keys(client));
});
