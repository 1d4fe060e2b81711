// @ts-check
/**
 * Throughline: one session that holds while the network under it changes.
 *
 *     const connection = connect('https://example.org/rt');
 *     connection.channel('fleet/42').on('message', ({ data }) => console.log(data));
 *     await connection.channel('fleet/42').publish({ speed: 12 });
 */

export { connect } from './connection.js';
export { ThroughlineError } from './errors.js';
