// @ts-check
/** The package that npm would publish, installed: its files, its entries and its types. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import test, { after, before } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createContext, runInContext } from 'node:vm';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import typescript from 'typescript';
import { packAndInstall } from './packed.js';

/** @param {string} path below this folder */
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const require = createRequire(import.meta.url);

/** @type {ReturnType<typeof packAndInstall>} */
let packed;

before(() => {
  packed = packAndInstall();
});
after(() => packed?.remove());

/** Runs a program with Node, in the project that has the package installed. @param {string[]} args */
const node = (...args) => spawnSync(process.execPath, args, { cwd: packed.project, encoding: 'utf8' });

/** @param {string} path a file of the package */
const read = (path) => readFileSync(join(packed.installed, path), 'utf8');

test('the package holds sources, types, bundles and licences, and nothing else', () => {
  const expected =
    /^(src\/.+(\.js|\.d\.ts)|dist\/types\/.+\.d\.ts(\.map)?|dist\/throughline(\.esm)?\.min\.js(\.map)?)$/;
  const others = packed.files.filter((path) => !expected.test(path)).sort();
  assert.deepEqual(others, ['LICENSE-APACHE', 'LICENSE-MIT', 'README.md', 'package.json']);
  const sources = readdirSync(here('../src'), { recursive: true, encoding: 'utf8' }).filter(
    (path) => path.endsWith('.ts') || path.endsWith('.js'),
  );
  for (const path of sources)
    assert.equal(read(`src/${path}`), readFileSync(here(`../src/${path}`), 'utf8'), path);
});

test('each declaration written by hand stands unchanged among the generated types', () => {
  const declarations = packed.files.filter((path) => /^src\/.+\.d\.ts$/.test(path));
  assert.ok(declarations.includes('src/types.d.ts'));
  for (const path of declarations) assert.equal(read(path.replace('src', 'dist/types')), read(path), path);
});

/** Returns every path below a value of package.json. @param {any} it @returns {string[]} */
const paths = (it) => (typeof it === 'string' ? [it] : Object.values(it).flatMap(paths));

test('the package holds every file that its package.json names', () => {
  const { exports, types, unpkg, jsdelivr } = JSON.parse(read('package.json'));
  const named = [exports, types, unpkg, jsdelivr].flatMap(paths);
  assert.ok(named.length >= 8);
  for (const path of named) assert.ok(existsSync(join(packed.installed, path)), path);
});

test('every source map leads to files of the package', () => {
  const maps = packed.files.filter((path) => path.endsWith('.map'));
  assert.ok(maps.length > 2);
  for (const path of maps) {
    const { sources } = JSON.parse(read(path));
    assert.ok(sources.length, path);
    for (const source of sources)
      assert.ok(existsSync(join(packed.installed, dirname(path), source)), `${path}: ${source}`);
    assert.match(read(path.slice(0, -4)), new RegExp(`sourceMappingURL=${path.split('/').at(-1)}\\s*$`));
  }
});

test('the sources need no build: each import names a file of the package', () => {
  const sources = packed.files.filter((path) => /^src\/.+\.js$/.test(path));
  let imports = 0;
  for (const path of sources)
    for (const [, from] of read(path).matchAll(/^(?:import|export)\b[^;]*?\bfrom '([^']+)';/gm)) {
      imports += 1;
      assert.match(/** @type {string} */ (from), /^\.\.?\/.+\.js$/, path);
      assert.ok(
        existsSync(join(packed.installed, dirname(path), /** @type {string} */ (from))),
        `${path}: ${from}`,
      );
    }
  assert.ok(imports > 10, 'the imports were not found');
});

test('publint finds no fault', async () => {
  const { messages, pkg } = await publint({ pkgDir: packed.installed, strict: true, pack: false });
  assert.deepEqual(
    messages.map((message) => formatMessage(message, pkg)),
    [],
  );
});

test('the types of each entry resolve for ES modules and bundlers', () => {
  const attw = join(dirname(require.resolve('@arethetypeswrong/cli/package.json')), 'dist/index.js');
  // The package has no CommonJS entry: Node 20.19 and newer can `require` an ES module.
  const { status, stdout } = node(attw, '--profile', 'esm-only', '--no-color', packed.tarball);
  assert.equal(status, 0, stdout);
  assert.match(stdout, /throughline\/explain/);
});

test('an editor explains each option, event, member and key that an application meets', () => {
  const path = join(packed.installed, 'dist/types/types.d.ts');
  const program = typescript.createProgram([path], { noLib: true });
  const checker = program.getTypeChecker();
  const module = checker.getSymbolAtLocation(/** @type {any} */ (program.getSourceFile(path)));
  /** @param {string} name */
  const properties = (name) => {
    const type = checker.getExportsOfModule(/** @type {any} */ (module)).find((type) => type.name === name);
    assert.ok(type, name);
    return checker.getDeclaredTypeOfSymbol(type).getProperties();
  };
  const names = ['Options', 'ConnectionEvents', 'Connection', 'Channel', 'Message'];
  for (const name of [...names, 'Explanation', 'ExplainedAttempt', 'ExplainedPath']) {
    assert.ok(properties(name).length >= 4, name);
    for (const property of properties(name))
      assert.ok(property.getDocumentationComment(checker).length, `${name}.${property.name} has no comment`);
  }
});

test('each entry exports exactly these names, types included', () => {
  /** @param {string} entry */
  const exported = (entry) => {
    const path = join(packed.installed, 'dist/types', entry);
    const program = typescript.createProgram([path], { noLib: true });
    const checker = program.getTypeChecker();
    const module = checker.getSymbolAtLocation(/** @type {any} */ (program.getSourceFile(path)));
    return checker.getExportsOfModule(/** @type {any} */ (module)).map(({ name }) => name);
  };
  // A new or lost name needs a line in CHANGELOG.md.
  assert.deepEqual(exported('index.d.ts').sort(), [
    'Bytes',
    'Channel',
    'Connection',
    'ConnectionEvents',
    'ErrorCode',
    'Explanation',
    'LogEntry',
    'Message',
    'Options',
    'PublishOptions',
    'Publishable',
    'Reason',
    'Reset',
    'State',
    'ThroughlineError',
    'Transport',
    'TransportChange',
    'connect',
  ]);
  assert.deepEqual(exported('explain.d.ts'), ['describe']);
});

const STRICT = { strict: true, exactOptionalPropertyTypes: true, noEmit: true, target: 'es2022' };

for (const [name, options] of /** @type {Array<[string, object]>} */ ([
  // This one has no DOM. It skips Node's own types: to check them would take seconds.
  [
    'Node',
    { module: 'nodenext', lib: ['es2023'], typeRoots: [here('../node_modules/@types')], skipLibCheck: true },
  ],
  // This one checks our own declarations too.
  [
    'a bundler',
    {
      module: 'esnext',
      moduleResolution: 'bundler',
      types: [],
      skipLibCheck: false,
      skipDefaultLibCheck: true,
    },
  ],
]))
  test(`right uses compile and wrong ones do not, for ${name}`, () => {
    const files = ['right.ts', 'wrong.ts', 'readme.ts'];
    for (const file of files.slice(0, 2)) copyFileSync(here(`types/${file}`), join(packed.project, file));
    const [, example] = read('README.md').match(/^```ts\n(.*?)^```$/ms) ?? [];
    writeFileSync(join(packed.project, 'readme.ts'), /** @type {string} */ (example));
    const config = join(packed.project, 'tsconfig.json');
    writeFileSync(config, JSON.stringify({ compilerOptions: { ...STRICT, ...options }, files }));
    const { status, stdout } = node(require.resolve('typescript/bin/tsc'), '-p', config);
    assert.equal(stdout, '');
    assert.equal(status, 0);
  });

test('the installed package brings no other, and a program can import its entries but no inner file', () => {
  assert.deepEqual(
    readdirSync(join(packed.project, 'node_modules')).filter((name) => !name.startsWith('.')),
    ['throughline'],
  );
  const program = `
    const [main, explain] = await Promise.all([import('throughline'), import('throughline/explain')]);
    const inner = await import('throughline/src/session/session.js').catch(({ code }) => code);
    console.log(JSON.stringify([Object.keys(main), Object.keys(explain), inner]));`;
  const { stdout } = node('--input-type=module', '--eval', program);
  assert.deepEqual(JSON.parse(stdout), [
    ['ThroughlineError', 'connect'],
    ['describe'],
    'ERR_PACKAGE_PATH_NOT_EXPORTED',
  ]);
});

test('the bundle for a script tag makes one global', () => {
  const page = createContext({});
  runInContext(read('dist/throughline.min.js'), page);
  assert.deepEqual(Object.keys(page), ['throughline']);
  assert.deepEqual(Object.keys(page.throughline).sort(), ['ThroughlineError', 'connect']);
});

test('the bundle for modules exports what the sources export', async () => {
  const bundle = await import(join(packed.installed, 'dist/throughline.esm.min.js'));
  const source = await import(join(packed.installed, 'src/index.js'));
  assert.deepEqual(Object.keys(bundle), Object.keys(source));
});
