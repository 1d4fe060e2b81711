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

/** @typedef {import('./data.js').Bytes} Bytes */
/** @typedef {import('./types.js').Connection} Connection */
/** @typedef {import('./types.js').ConnectionEvents} ConnectionEvents */
/** @typedef {import('./types.js').ErrorCode} ErrorCode */
/** @typedef {import('./types.js').Explanation} Explanation */
/** @typedef {import('./types.js').LogEntry} LogEntry */
/** @typedef {import('./types.js').Options} Options */
/** @typedef {import('./data.js').PublishOptions} PublishOptions */
/** @typedef {import('./types.js').Reason} Reason */
/** @typedef {import('./types.js').Reset} Reset */
/** @typedef {import('./types.js').State} State */
/** @typedef {import('./types.js').Transport} Transport */
/** @typedef {import('./types.js').TransportChange} TransportChange */
/**
 * @template [Data=any]
 * @typedef {import('./types.js').Channel<Data>} Channel
 */
/**
 * @template [Data=any]
 * @typedef {import('./types.js').Message<Data>} Message
 */
/**
 * @template T
 * @typedef {import('./data.js').Publishable<T>} Publishable
 */
