// @ts-check
/**
 * The one error of this library, and how errors name a wrong value.
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

/** Names a wrong value without its content, which may be a secret, for example `a Map`. @param {unknown} value */
export function nameKind(value) {
  if (value === undefined || value === null || typeof value === 'number') return `${value}`;
  const { name } = (typeof value === 'object' && value.constructor) || { name: typeof value };
  return `${/^[aeio]/i.test(name) ? 'an' : 'a'} ${name}`;
}
