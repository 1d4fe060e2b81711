// @ts-check
/** The one error of this library. */

/** What a program branches on is `code`; the message is for people. */
export class ThroughlineError extends Error {
  /**
   * @param {string} code
   * @param {string} [message]
   * @param {any} [wait] for how many seconds the gateway wants to be left alone
   */
  constructor(code, message = code, wait) {
    super(message);
    this.code = code;
    this.wait = wait;
  }
}
