// @ts-check
/** What a script tag loads: the main entry as one global, `throughline`. (The bundler's own way to make one is 200 bytes longer.) */

import { connect, ThroughlineError } from './index.js';

/** @type {any} */ (globalThis).throughline = { connect, ThroughlineError };
