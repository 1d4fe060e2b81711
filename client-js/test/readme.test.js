// @ts-check
/** Holds the tables of README.md to the comments of `src/types.d.ts`: the two documents say the same of each member. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import ts from 'typescript';

/** The interfaces of the types, and the heading above the table of each one. */
const TABLES = {
  Options: 'Options',
  Connection: 'Connection',
  ConnectionEvents: 'Events',
  Channel: 'Channel',
};

/** @typedef {[name: string, text: string]} Entry A member and its comment, or the two cells of a row. */

/** @param {string} path below the folder of the package */
const read = (path) => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');

/** @param {string} text */
const inOneLine = (text) => text.replace(/\s+/g, ' ').trim();

/**
 * Returns the members of an interface with their comments, in the order of the file.
 * @param {string} types
 * @param {string} name
 * @returns {Entry[]}
 */
function membersOf(types, name) {
  const file = ts.createSourceFile('types.d.ts', types, ts.ScriptTarget.ES2022, true);
  const found = file.statements.filter(ts.isInterfaceDeclaration).find((it) => it.name.text === name);
  assert.ok(found, `the types have no interface ${name}`);
  return found.members.map((member) => [member.name?.getText() ?? '', commentOf(member)]);
}

/** @param {ts.TypeElement} member */
function commentOf(member) {
  const comments = ts.getJSDocCommentsAndTags(member).filter(ts.isJSDoc);
  return inOneLine(comments.map(({ comment }) => ts.getTextOfJSDocComment(comment) ?? '').join(' '));
}

/**
 * Returns the rows of the table under a heading, in the order of the file. A method stands there with its parameters, which do
 * not belong to its name.
 * @param {string} readme
 * @param {string} heading
 * @returns {Entry[]}
 */
function rowsUnder(readme, heading) {
  const section = readme.split(/^## /m).find((text) => text.startsWith(`${heading}\n`));
  assert.ok(section, `the README has no section ${heading}`);
  const rows = section.match(/^\|.*\|$/gm) ?? [];
  return rows.slice(2).map((row) => {
    const [name = '', ...text] = row.slice(1, -1).split('|').map(inOneLine);
    return [name.replace(/^`([^`(]+)(?:\(.*\))?`$/, '$1'), text.join('|')];
  });
}

for (const [name, heading] of Object.entries(TABLES))
  test(`the table ${heading} of the README has one row for each member of ${name}, with its comment`, () => {
    const members = membersOf(read('src/types.d.ts'), name);
    for (const [member, comment] of members) assert.ok(comment, `${name}.${member} has no comment`);
    assert.deepEqual(rowsUnder(read('README.md'), heading), members);
  });

/**
 * Returns the strings of a union type, in the order of the file.
 * @param {string} types
 * @param {string} name
 */
function stringsOf(types, name) {
  const file = ts.createSourceFile('types.d.ts', types, ts.ScriptTarget.ES2022, true);
  const found = file.statements.filter(ts.isTypeAliasDeclaration).find((it) => it.name.text === name);
  assert.ok(found && ts.isUnionTypeNode(found.type), `the types have no union ${name}`);
  const literals = found.type.types.filter(ts.isLiteralTypeNode).map(({ literal }) => literal);
  return literals.filter(ts.isStringLiteral).map(({ text }) => text);
}

for (const [name, heading] of /** @type {const} */ ([
  ['ErrorCode', 'Errors'],
  ['Reason', 'Reasons'],
]))
  test(`the table ${heading} of the README tells cause and remedy of each ${name}, and of nothing else`, () => {
    const rows = rowsUnder(read('README.md'), heading);
    const told = rows.map(([code]) => code).sort();
    assert.deepEqual(told, stringsOf(read('src/types.d.ts'), name).sort());
    for (const [code, text] of rows) assert.match(text, /^[^|]+\|[^|]+$/, code);
  });

const TYPES = `
export interface Options {
  /** The first. */
  first?: string;
  /**
   * The second,
   * in two lines. With a \`code\`.
   */
  second(name: string): void;
}`;
const README = `
## Options

Text.

| option | meaning |
|---|---|
| \`first\` | The first. |
| \`second(name)\` | The second, in two lines. With a \`code\`. |

## Others
`;

test('the readers find each member with its comment, and each row with its text', () => {
  const entries = [
    ['first', 'The first.'],
    ['second', 'The second, in two lines. With a `code`.'],
  ];
  assert.deepEqual(membersOf(TYPES, 'Options'), entries);
  assert.deepEqual(rowsUnder(README, 'Options'), entries);
});

for (const [fault, readme] of /** @type {const} */ ([
  ['a row is missing', README.replace(/^\| `first`.*\n/m, '')],
  ['a row is there twice', README.replace(/^\| `first`.*\n/m, '$&$&')],
  ['a row stands for no member', README.replace(/^\| `first`.*\n/m, '$&| `third` | The third. |\n')],
  ['a text differs', README.replace('in two lines', 'in two rows')],
]))
  test(`the comparison fails if ${fault}`, () => {
    assert.notEqual(readme, README);
    assert.notDeepEqual(rowsUnder(readme, 'Options'), membersOf(TYPES, 'Options'));
  });
