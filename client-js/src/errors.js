// @ts-check
/**
 * The one error of this library.
 *
 * @import { ErrorCode } from './types.js'
 */

/** An error whose `code` a program can branch on. The message is for people. */
export class ThroughlineError extends Error {
  /**
   * @param {ErrorCode} code
   * @param {string} [message]
   * @param {number} [wait]
   */
  constructor(code, message = code, wait) {
    super(message);
    this.name = 'ThroughlineError';
    /** The kind of error. @type {ErrorCode} */
    this.code = code;
    /** For how many seconds the gateway wants no further attempt; undefined if it did not say. */
    this.wait = wait;
  }
}
