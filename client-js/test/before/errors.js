// @ts-check
/** The one error of this library. */

/** What a program branches on is `code`; the message is for people. */
export class ThroughlineError extends Error {
  /**
   * @param {string} code
   * @param {string} [message]
   * @param {number} [wait]
   */
  constructor(code, message = code, wait) {
    super(message);
    /** What happened, in a word. @type {import('./types.js').ErrorCode} */
    this.code = code;
    /** For how many seconds the gateway wants to be left alone, where it says so. */
    this.wait = wait;
  }
}
