// @ts-check
/**
 * Holds the sources to the rules of the house: types, lengths, idioms, layers and events. Each rule is a function over the text
 * of a file, so a short bad example shows that the rule can fail.
 */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const MOST_ANYS = 5;
const MOST_LINES = 300;
const MOST_LINES_OF_A_FUNCTION = 50;

/**
 * The layers, from top to bottom: folders, and files without their endings. A file imports only from its own layer and from
 * those below it.
 * @type {string[][]}
 */
const LAYERS = [
  ['index', 'explain'],
  ['connection'],
  ['token'],
  ['channel', 'channels'],
  ['message-loop'],
  ['requests'],
  ['payload', 'options', 'address'],
  ['event-loop'],
  ['events'],
  ['page', 'platform', 'slots', 'reports', 'switches'],
  ['transports/'],
  ['selector/'],
  ['session/'],
  ['identity/'],
  ['protocol/'],
  ['deferred', 'errors', 'emitter', 'time', 'types', 'data', 'explanation'],
];

/**
 * The order allows these imports, but no file may have them: neither machine knows the network, nor the code of the other.
 * @type {Array<{from: string, to: string, evenTypes: boolean}>}
 */
const BANS = [
  { from: 'transports/', to: 'selector/', evenTypes: true },
  { from: 'transports/', to: 'session/', evenTypes: false },
  { from: 'selector/', to: 'session/', evenTypes: false },
  { from: 'session/', to: 'identity/', evenTypes: true },
  { from: 'selector/', to: 'identity/', evenTypes: true },
];

/** @typedef {{path: string, text: string}} Source */

const root = fileURLToPath(new URL('../src/', import.meta.url));
/** @type {Source[]} */
const sources = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .map((path) => path.replaceAll('\\', '/'))
  .filter((path) => /\.(js|ts)$/.test(path))
  .sort()
  .map((path) => ({ path, text: readFileSync(root + path, 'utf8') }));

/** @param {Source} source */
const parse = ({ path, text }) => ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, true);

/**
 * Visits a node and all below it, the JSDoc comments included.
 * @param {ts.Node} node
 * @param {(node: ts.Node) => void} visit
 */
function walk(node, visit) {
  visit(node);
  for (const comment of ownComments(node)) walk(comment, visit);
  ts.forEachChild(node, (child) => walk(child, visit));
}

/** Returns the JSDoc comments that stand directly before a node. @param {ts.Node} node */
const ownComments = (node) => /** @type {{jsDoc?: ts.JSDoc[]}} */ (/** @type {unknown} */ (node)).jsDoc ?? [];

/**
 * Returns what `find` says of each node, with its place.
 * @param {Source} source
 * @param {(node: ts.Node) => string | false | undefined} find
 */
function findings(source, find) {
  /** @type {string[]} */
  const found = [];
  const file = parse(source);
  walk(file, (node) => {
    const what = find(node);
    if (what) found.push(`${source.path}:${lineOf(file, node.getStart())}: ${what}`);
  });
  return found;
}

/** @param {ts.SourceFile} file @param {number} at */
const lineOf = (file, at) => file.getLineAndCharacterOfPosition(at).line + 1;

// ---- The rules

/** @param {Source} source */
const anys = (source) =>
  findings(
    source,
    ({ kind }) =>
      (kind === ts.SyntaxKind.AnyKeyword && 'any') || (kind === ts.SyntaxKind.JSDocAllType && 'any, as *'),
  );

/** @param {Source} source */
const silencers = ({ path, text }) =>
  [...text.matchAll(/@ts-(?:ignore|expect-error|nocheck)/g)].map(([directive]) => `${path}: ${directive}`);

/** Whether JSDoc makes a cast of these parentheses. @param {ts.ParenthesizedExpression} node */
const isCast = (node) => ownComments(node).some((comment) => comment.tags?.some(ts.isJSDocTypeTag));

/** @param {Source} source */
const doubleCasts = (source) =>
  findings(source, (node) => {
    if (!ts.isParenthesizedExpression(node) || !isCast(node)) return false;
    let inner = node.expression;
    while (ts.isParenthesizedExpression(inner)) {
      if (isCast(inner)) return 'a cast of a cast';
      inner = inner.expression;
    }
    return false;
  });

/** @param {string} text */
const countLines = (text) => text.replace(/\n$/, '').split('\n').length;

/** @param {Source} source */
const longFiles = ({ path, text }) =>
  countLines(text) > MOST_LINES ? [`${path}: ${countLines(text)} lines`] : [];

/** @param {Source} source */
const longFunctions = (source) =>
  findings(source, (node) => {
    if (!ts.isFunctionLike(node) || !('body' in node)) return false;
    const lines = countLines(node.getText());
    return lines > MOST_LINES_OF_A_FUNCTION && `a function of ${lines} lines`;
  });

/** @param {ts.Expression} node @returns {ts.Expression} */
const bare = (node) => (ts.isParenthesizedExpression(node) ? bare(node.expression) : node);

const { MinusToken, TildeToken, GreaterThanGreaterThanGreaterThanToken: Shift } = ts.SyntaxKind;
const { GreaterThanGreaterThanGreaterThanEqualsToken: ShiftAndAssign } = ts.SyntaxKind;

/** @param {ts.Node} node @param {ts.PrefixUnaryOperator} operator @returns {node is ts.PrefixUnaryExpression} */
const isPrefixed = (node, operator) => ts.isPrefixUnaryExpression(node) && node.operator === operator;

/** @param {Source} source */
const contortions = (source) =>
  findings(source, (node) => {
    if (isPrefixed(node, MinusToken) && isPrefixed(bare(node.operand), TildeToken)) return '-~';
    if (ts.isBinaryExpression(node) && [Shift, ShiftAndAssign].includes(node.operatorToken.kind))
      return bare(node.right).getText() === '0' && '>>> 0';
    if (ts.isIdentifier(node) && node.text === 'NaN') return 'NaN';
    if ((ts.isIdentifier(node) || ts.isStringLiteral(node)) && node.text === '__proto__') return '__proto__';
    if (ts.isIdentifier(node) && node.text === 'setPrototypeOf') return 'setPrototypeOf';
    const isMachine = /^(session|selector|identity)\//.test(source.path);
    return isMachine && ts.isRegularExpressionLiteral(node) && 'a regular expression';
  });

/** @param {Source} source @returns {Array<{to: string, isType: boolean, place: string}>} */
function imports(source) {
  /** @type {Array<{to: string, isType: boolean, place: string}>} */
  const found = [];
  const file = parse(source);
  walk(file, (node) => {
    const specifier = specifierOf(node);
    if (!specifier) return;
    found.push({
      to: posix.join(posix.dirname(source.path), specifier.text),
      isType: isTypeImport(node),
      place: `${source.path}:${lineOf(file, node.getStart())}`,
    });
  });
  return found;
}

/** @param {ts.Node} node @returns {ts.StringLiteral | undefined} */
function specifierOf(node) {
  const specifier =
    ts.isImportDeclaration(node) || ts.isExportDeclaration(node) || ts.isJSDocImportTag(node)
      ? node.moduleSpecifier
      : ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)
        ? node.argument.literal
        : ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword
          ? node.arguments[0]
          : undefined;
  return specifier && ts.isStringLiteral(specifier) ? specifier : undefined;
}

/** @param {ts.Node} node */
const isTypeImport = (node) =>
  ts.isJSDocImportTag(node) ||
  ts.isImportTypeNode(node) ||
  (ts.isImportDeclaration(node) && node.importClause?.isTypeOnly === true) ||
  (ts.isExportDeclaration(node) && node.isTypeOnly);

/** @param {string} path @param {string[][]} layers */
const layerOf = (path, layers) =>
  layers.findIndex((names) =>
    names.some((name) =>
      name.endsWith('/') ? path.startsWith(name) : path.replace(/\.(js|d\.ts)$/, '') === name,
    ),
  );

/** @param {Source} source @param {string[][]} layers @param {typeof BANS} bans */
function wrongImports(source, layers, bans) {
  const own = layerOf(source.path, layers);
  if (own < 0) return [`${source.path}: in no layer`];
  return imports(source).flatMap(({ to, isType, place }) => {
    const isBanned = bans.some(
      (ban) => source.path.startsWith(ban.from) && to.startsWith(ban.to) && (ban.evenTypes || !isType),
    );
    return layerOf(to, layers) < own || isBanned ? [`${place}: imports ${to}`] : [];
  });
}

/** Returns the word `type` of each member of a union. @param {Source} source @param {string} union */
function eventTypes(source, union) {
  /** @type {string[]} */
  const types = [];
  walk(parse(source), (node) => {
    if (!ts.isTypeAliasDeclaration(node) || node.name.text !== union) return;
    for (const member of ts.isUnionTypeNode(node.type) ? node.type.types : [node.type])
      types.push(eventType(member));
  });
  return types;
}

/** @param {ts.TypeNode} member */
function eventType(member) {
  const key = ts.isTypeLiteralNode(member) && member.members.find((key) => key.name?.getText() === 'type');
  const value = key && ts.isPropertySignature(key) && key.type;
  assert.ok(value && ts.isLiteralTypeNode(value) && ts.isStringLiteral(value.literal), member.getText());
  return value.literal.text;
}

/** @param {Source} source @param {string} machine */
function eventsInAndOut(source, machine) {
  const inputs = eventTypes(source, `${machine}Input`);
  const outputs = eventTypes(source, `${machine}Output`);
  assert.ok(inputs.length && outputs.length, `${source.path} has no events of a ${machine}`);
  return inputs.filter((type) => outputs.includes(type));
}

// ---- The sources keep the rules

/** @param {(source: Source) => string[]} rule */
const everywhere = (rule) => sources.flatMap(rule);

/** @param {string[]} faults */
const assertNone = (faults) => assert.equal(faults.join('\n'), '');

test('the test reads every source', () => {
  for (const path of ['index.js', 'types.d.ts', 'session/session.js', 'selector/selector.js'])
    assert.ok(
      sources.some((source) => source.path === path),
      path,
    );
});

test(`the sources say any at most ${MOST_ANYS} times`, (t) => {
  const found = everywhere(anys);
  t.diagnostic(`any: ${found.length} times, at most ${MOST_ANYS}`);
  for (const place of found) t.diagnostic(place);
  assert.ok(found.length <= MOST_ANYS, found.join('\n'));
});

test('the sources silence no type error', () => assertNone(everywhere(silencers)));

test('the sources cast nothing twice', () => assertNone(everywhere(doubleCasts)));

test(`no source has more than ${MOST_LINES} lines`, () => assertNone(everywhere(longFiles)));

test(`no function has more than ${MOST_LINES_OF_A_FUNCTION} lines`, () =>
  assertNone(everywhere(longFunctions)));

test('the sources contain no arithmetic trick, no NaN, no prototype set by hand, and the machines no regular expression', () =>
  assertNone(everywhere(contortions)));

test('imports run one way, from the top layer to the bottom', () => {
  assertNone(everywhere((source) => wrongImports(source, LAYERS, BANS)));
  assert.ok(sources.flatMap(imports).length > 40, 'the test finds too few imports');
});

for (const machine of ['Session', 'Selector', 'Identity'])
  test(`no event is both an input and an output of the ${machine.toLowerCase()}`, () => {
    const path = `${machine.toLowerCase()}/events.d.ts`;
    assertNone(eventsInAndOut({ path, text: readFileSync(root + path, 'utf8') }, machine));
  });

// ---- Each rule can fail

/**
 * A rule, and texts with the number of faults that it must find in each.
 * @param {string} name
 * @param {(source: Source) => string[]} rule
 * @param {Array<[faults: number, text: string, path?: string]>} examples
 */
const catches = (name, rule, examples) =>
  test(`the rule catches ${name}`, () => {
    for (const [faults, text, path = 'a.js'] of examples)
      assert.equal(rule({ path, text }).length, faults, text);
  });

catches('each any', anys, [
  [1, '/** @type {any} */ let a;'],
  [1, '/** @type {*} */ let a;'],
  [2, '/** @param {Map<string, any[]>} a @returns {any} */ function f(a) {}'],
  [1, 'const a = b(/** @type {any} */ (c));'],
  [1, '/** @typedef {object} A\n * @property {any} b\n */'],
  [1, '/**\n * @template [Data=any]\n * @typedef {Data[]} A\n */'],
  [1, '/** @callback F\n * @param {any} a\n */\nf();'],
  [2, 'export interface A<T = any> { a: any }', 'a.d.ts'],
  [0, '// any\n/** Takes any name. @type {unknown} */ let any = "any";'],
]);

catches('each silenced type error', silencers, [
  [1, '// @ts-ignore\nf();'],
  [1, '// @ts-expect-error wrong\nf();'],
  [1, '// @ts-nocheck'],
  [0, '// @ts-check'],
]);

catches('a cast of a cast', doubleCasts, [
  [1, 'const a = /** @type {A} */ (/** @type {unknown} */ (b));'],
  [1, 'const a = /** @type {A} */ ((/** @type {unknown} */ (b)));'],
  [0, 'const a = /** @type {A} */ (b(/** @type {unknown} */ (c)));'],
  [0, '/** @type {A} */ const a = (/** @type {B} */ (b));'],
  [0, 'const a = /** @satisfies {A} */ (/** @type {B} */ (b));'],
]);

catches('a long file', longFiles, [
  [1, '\n'.repeat(MOST_LINES + 1)],
  [0, '\n'.repeat(MOST_LINES)],
]);

const LONG = ';\n'.repeat(MOST_LINES_OF_A_FUNCTION);
catches('a long function', longFunctions, [
  [1, `function f() {\n${LONG}}`],
  [1, `const f = () => {\n${LONG}};`],
  [1, `const f = function () {\n${LONG}};`],
  [4, `class A {\nconstructor() {${LONG}}\na() {${LONG}}\nget b() {${LONG}}\nset b(_) {${LONG}} }`],
  [0, `class A {\n${LONG}}`],
  [0, `/**${LONG}*/\nfunction f() {}`],
  [0, `function f() {\n${';\n'.repeat(MOST_LINES_OF_A_FUNCTION - 2)}}`],
]);

catches('each contortion', contortions, [
  [1, 'a = -~a;'],
  [1, 'a = -(~a);'],
  [1, 'a = b.indexOf(c) >>> 0;'],
  [1, 'a >>>= 0;'],
  [1, 'let a = NaN;'],
  [1, 'let a = Number.NaN;'],
  [1, 'const a = { __proto__: b };'],
  [1, "const a = { '__proto__': b };"],
  [1, 'Object.setPrototypeOf(a, b);'],
  [1, 'a = /b/.test(c);', 'session/a.js'],
  [1, 'a = /b/.test(c);', 'selector/a.js'],
  [0, '// -~a, a >>> 0, NaN, __proto__\na = -b + ~c + (d >>> 1) + e / 2 / f; Number.isNaN(a); /b/.test(a);'],
]);

/** @param {Source} source */
const wrongWay = (source) =>
  wrongImports(
    source,
    [['top/'], ['middle/'], ['low/', 'low']],
    [{ from: 'middle/', to: 'low/', evenTypes: false }],
  );
catches('each import that runs the wrong way', wrongWay, [
  [1, "import { a } from '../top/a.js';", 'low/a.js'],
  [1, "export { a } from './top/a.js';", 'low.js'],
  [1, "const a = import('../top/a.js');", 'low/a.js'],
  [1, "/** @type {import('../top/a.js').A} */ let a;", 'low/a.js'],
  [1, "/** @import { A } from '../top/a.js' */", 'low/a.js'],
  [1, "import type { A } from '../top/a.d.ts';", 'low/a.d.ts'],
  [1, "import { a } from '../low/a.js';", 'middle/a.js'],
  [1, '', 'homeless.js'],
  [0, "/** @import { A } from '../low/a.js' */\nimport { b } from '../low.js';", 'middle/a.js'],
  [0, "import { b } from './b.js';\nimport { c } from '../low/c.js';", 'top/a.js'],
]);

catches('an event that goes both ways', (source) => eventsInAndOut(source, 'Toy'), [
  [1, "type ToyInput = { type: 'a' } | { type: 'b' }; type ToyOutput = { type: 'b'; c: 'a' };", 'a.d.ts'],
  [0, "type ToyInput = { type: 'a' } | { type: 'b' }; type ToyOutput = { type: 'c' };", 'a.d.ts'],
]);
