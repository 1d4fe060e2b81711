// @ts-check
/** The package as npm would publish it: packed, and installed into a folder of its own. It needs no network. */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The environment without the variables of an outer npm: one of them, for example, says where an inner npm must install. */
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name)));

/** @param {string[]} args @param {string} cwd */
const npm = (args, cwd) =>
  execFileSync('npm', args, { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

/**
 * Builds the package, packs it into a new temporary folder, and installs the tarball into a project there.
 * @returns {{tarball: string, files: string[], project: string, installed: string, remove: () => void}}
 */
export function packAndInstall() {
  const folder = mkdtempSync(join(tmpdir(), 'throughline-package-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  process.once('exit', remove);
  const source = fileURLToPath(new URL('..', import.meta.url));
  npm(['run', 'build', '--silent'], source);
  const [packed] = JSON.parse(
    npm(['pack', '--json', '--ignore-scripts', '--pack-destination', folder], source),
  );
  const tarball = join(folder, packed.filename);
  writeFileSync(join(folder, 'package.json'), '{"private":true,"type":"module"}');
  const alone = ['--offline', `--cache=${join(folder, '.cache')}`, '--registry=http://127.0.0.1:9/'];
  npm(['install', '--no-audit', '--no-fund', ...alone, tarball], folder);
  return {
    tarball,
    files: packed.files.map((/** @type {{path: string}} */ { path }) => path),
    project: folder,
    installed: join(folder, 'node_modules/throughline'),
    remove,
  };
}
