// @ts-check
/**
 * Prints each fault of the English in the files and folders named: `node tests/language/check.js src/hub docs`.
 *
 * It reads the files in `not-yet.txt` too.
 */

import { existsSync } from 'node:fs';
import { argv, exit } from 'node:process';
import { aboutPeople, filesBelow, fromRoot, rootOf, sentencesIn } from './files.js';
import { faultsOf } from './rules.js';

const paths = argv.slice(2);
const missing = paths.find((path) => !existsSync(path));
if (paths.length === 0 || missing !== undefined) {
  console.error(
    missing === undefined ? 'usage: node tests/language/check.js PATH...' : `no such file: ${missing}`,
  );
  exit(2);
}
let faults = 0;
for (const path of paths) {
  const root = rootOf(path);
  const people = aboutPeople(root);
  for (const file of filesBelow(root, fromRoot(root, path)))
    for (const sentence of sentencesIn(root, file))
      for (const fault of faultsOf(sentence, people)) {
        console.log(`${file}:${sentence.line}: ${fault}: ${sentence.text}`);
        faults += 1;
      }
}
console.error(`${faults} faults`);
exit(faults > 0 ? 1 : 0);
