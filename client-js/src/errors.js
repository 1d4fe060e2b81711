// @ts-check
/**
 * The one error of this library, and how errors name a wrong value. To name a value never throws, and never shows its content.
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

/** Returns the kind of a value, for example `Map`. It holds in every realm. @param {unknown} value */
export const kindOf = (value) => Object.prototype.toString.call(value).slice('[object '.length, -1);

/** Names a wrong value without its content, which may be a secret, for example `a Map`. @param {unknown} value */
export function nameKind(value) {
  if (value === undefined || value === null || typeof value === 'number') return `${value}`;
  const name = typeof value === 'object' ? classOf(value) : typeof value;
  return `${/^[aeio]/i.test(name) ? 'an' : 'a'} ${name}`;
}

/** Returns the name of an object's class, or its kind: a class may have no name, and `Math` has no class. @param {object} value */
function classOf(value) {
  try {
    const { constructor } = value;
    const name = typeof constructor === 'function' ? constructor.name : undefined;
    return name && name !== 'Object' ? `${name}` : kindOf(value);
  } catch {
    return 'Object';
  }
}

/** Returns the text of what the application threw: the message of an error. Anything else may be a secret. @param {unknown} thrown */
export function textOf(thrown) {
  try {
    if (thrown instanceof Error && thrown.message) return `${thrown.message}`;
  } catch {}
  return nameKind(thrown);
}
