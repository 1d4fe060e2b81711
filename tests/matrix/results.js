// @ts-check
/**
 * The observations of the rows: one line each on standard output, and a file for each file of tests.
 * `summary.js` makes the table from the files.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Whether the rows run in full, as in `make matrix`. Otherwise the long ones are scaled down. */
export const WHOLE = process.env.THROUGHLINE_MATRIX === 'whole';

/** @type {URL} */
export const DIRECTORY = new URL('../.out/matrix/', import.meta.url);

/**
 * @typedef {object} Result
 * @property {number} row the row's number in the matrix
 * @property {string} condition
 * @property {string} client
 * @property {string} expected
 * @property {string} observed
 * @property {number | null} ms
 * @property {number | null} bound
 * @property {boolean} ok
 * @property {boolean} whole
 * @property {string} note
 */

/**
 * @param {string} file the tests' `import.meta.url`
 */
export function createResults(file) {
  /** @type {Result[]} */
  const results = [];
  const name = basename(fileURLToPath(file), '.test.js');
  return {
    /** @param {Omit<Result, 'whole'> & { whole?: boolean }} result */
    add(result) {
      results.push({ whole: true, ...result });
      const { row, client, condition, observed, ms, bound, ok, note } = result;
      const time = ms === null ? '' : ` in ${ms} ms${bound === null ? '' : ` (bound ${bound})`}`;
      console.log(
        `${ok ? 'ok  ' : 'FAIL'} row ${row}, ${client}, ${condition}: ${observed}${time}${note && `; ${note}`}`,
      );
      // Each result goes to the file at once, so that an interrupted run keeps its results.
      mkdirSync(DIRECTORY, { recursive: true });
      writeFileSync(new URL(`${name}.json`, DIRECTORY), JSON.stringify(results, null, 1));
    },
  };
}

/** @typedef {ReturnType<typeof createResults>} Results */
