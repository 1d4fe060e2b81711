// @ts-check
/** Holds the English of the repository to plain sentences, except below the paths of `not-yet.txt`. */

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { aboutPeople, filesBelow, notYet, rootOf, sentencesIn } from './files.js';
import { faultsOf } from './rules.js';

const root = rootOf(fileURLToPath(import.meta.url));
const people = aboutPeople(root);
const waiting = notYet(root);
const files = new Map(filesBelow(root, '').map((path) => [path, sentencesIn(root, path)]));

/** @param {string} entry @param {string} path */
const holds = (entry, path) => (entry.endsWith('/') ? path.startsWith(entry) : path === entry);

/** @param {string} path */
const faultsIn = (path) =>
  (files.get(path) ?? []).flatMap((sentence) =>
    faultsOf(sentence, people).map((fault) => `${path}:${sentence.line}: ${fault}: ${sentence.text}`),
  );

test('each sentence is plain English', () => {
  const held = [...files.keys()].filter((path) => !waiting.some((entry) => holds(entry, path)));
  assert.equal(held.flatMap(faultsIn).join('\n'), '');
});

test('the list of paths that wait is sorted, and holds no clean path', () => {
  assert.deepEqual(waiting, [...waiting].sort());
  for (const entry of waiting) {
    assert.ok(existsSync(join(root, entry)), `tests/language/not-yet.txt: ${entry} does not exist`);
    const below = [...files.keys()].filter((path) => holds(entry, path));
    assert.ok(
      below.some((path) => faultsIn(path).length > 0),
      `${entry} is clean: remove it from tests/language/not-yet.txt`,
    );
  }
});

test('the lists of sentences about people hold only sentences that stand in a file', () => {
  const all = new Set([...files.values()].flat().map(({ text }) => text));
  for (const [text, list] of people) assert.ok(all.has(text), `tests/language/people/${list}: ${text}`);
});

test('the readers find the prose of the repository', () => {
  for (const [ending, kind, least] of /** @type {const} */ ([
    ['.rs', 'comment', 5000],
    ['.rs', 'name', 400],
    ['.rs', 'message', 400],
    ['.js', 'comment', 800],
    ['.js', 'name', 200],
    ['.js', 'message', 40],
    ['.md', 'text', 1500],
    ['.html', 'text', 30],
    ['.css', 'comment', 20],
    ['.toml', 'comment', 40],
    ['.sh', 'comment', 10],
    ['.json', 'text', 30],
  ])) {
    const read = [...files].filter(([path]) => path.endsWith(ending)).flatMap(([, sentences]) => sentences);
    const found = read.filter((sentence) => sentence.kind === kind).length;
    assert.ok(found >= least, `the test finds only ${found} of ${kind} in ${ending}`);
  }
});
