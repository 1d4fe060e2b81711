// @ts-check
/** Which files hold prose, and which reader reads each. */

/** @import { Reader, Sentence } from './sentences.js' */

import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { readCss } from './readers/css.js';
import { readHash } from './readers/hash.js';
import { readHtml } from './readers/html.js';
import { readJavaScript } from './readers/javascript.js';
import { readJson } from './readers/json.js';
import { readMarkdown } from './readers/markdown.js';
import { readRust } from './readers/rust.js';
import { sentencesOf } from './sentences.js';

/** Folders of others' files, and of files that programs write. */
const FOREIGN_FOLDERS = new Set([
  '.git',
  '.out',
  '.python',
  'dist',
  'node_modules',
  'proptest-regressions',
  'target',
]);
/** Files that programs write. */
const WRITTEN = /^(?:client-js\/bundle\/.*|.*\/results\.md)$/;

/** @type {Array<[path: RegExp, reader: Reader]>} */
const READERS = [
  [/\.rs$/, readRust],
  [/\.[cm]?[jt]s$/, readJavaScript],
  [/\.md$/, readMarkdown],
  [/\.html$/, readHtml],
  [/\.css$/, readCss],
  [/\/words\.json$/, readJson],
  [
    /\.(?:cfg|conf|service|sh|toml)$|(?:^|\/)(?:Caddyfile|Makefile|\.gitattributes|\.gitignore)$|^\.ci\//,
    readHash,
  ],
];

/** Returns the root of the repository that a path lies in. @param {string} path */
export function rootOf(path) {
  for (let folder = resolve(path); folder !== dirname(folder); folder = dirname(folder))
    if (existsSync(join(folder, '.git')) || existsSync(join(folder, 'Cargo.lock'))) return folder;
  throw new Error(`no repository holds ${path}`);
}

/** @param {string} path from the root */
const readerOf = (path) =>
  WRITTEN.test(path) ? undefined : READERS.find(([pattern]) => pattern.test(path))?.[1];

/** Returns the files with prose at or below a path, sorted. @param {string} root @param {string} path from the root @returns {string[]} */
export function filesBelow(root, path) {
  if (!statSync(join(root, path)).isDirectory()) return readerOf(path) ? [path] : [];
  const entries = readdirSync(join(root, path), { withFileTypes: true });
  return entries
    .filter((entry) => (entry.isFile() || entry.isDirectory()) && !FOREIGN_FOLDERS.has(entry.name))
    .flatMap((entry) => filesBelow(root, path ? `${path}/${entry.name}` : entry.name))
    .sort();
}

/** Returns a path as the root's files have it. @param {string} root @param {string} path */
export const fromRoot = (root, path) => relative(root, resolve(path)).split(sep).join('/');

/** Returns the sentences of a file. @param {string} root @param {string} path from the root @returns {Sentence[]} */
export function sentencesIn(root, path) {
  const original = readFileSync(join(root, path), 'utf8');
  const reader = readerOf(path);
  return reader ? reader(original, path).flatMap((reading) => sentencesOf(reading, original)) : [];
}

/**
 * Returns the lines of a list, without its comments.
 * @param {string} file
 */
const linesOf = (file) =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line.trim() && !line.startsWith('#'));

/** Returns the paths that are not held to the rules yet. @param {string} root */
export const notYet = (root) => linesOf(join(root, 'tests/language/not-yet.txt'));

/** Returns the sentences about people, by the list that each stands in. @param {string} root */
export function aboutPeople(root) {
  const folder = join(root, 'tests/language/people');
  const lists = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.txt')) : [];
  return new Map(
    lists.flatMap((list) =>
      linesOf(join(folder, list)).map((text) => /** @type {const} */ ([text, basename(list)])),
    ),
  );
}
