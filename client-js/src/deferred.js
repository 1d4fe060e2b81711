// @ts-check
/**
 * A promise and its two ends. The application itself closes a connection, so a rejection by `closed` never ends its process: nothing
 * needs to handle that one. It knows nothing of requests and channels.
 */

import { ThroughlineError } from './errors.js';

/**
 * @template Value
 * @typedef {object} Deferred
 * @property {Promise<Value>} promise
 * @property {(value: Value) => void} resolve
 * @property {(reason: unknown) => void} reject
 */

/** @template Value @returns {Deferred<Value>} */
export function createDeferred() {
  /** @type {(value: Value) => void} */
  let resolve = () => {};
  /** @type {(reason: unknown) => void} */
  let fail = () => {};
  const promise = new Promise((/** @type {(value: Value) => void} */ onValue, onError) => {
    resolve = onValue;
    fail = onError;
  });
  const reject = (/** @type {unknown} */ reason) => {
    if (reason instanceof ThroughlineError && reason.code === 'closed') promise.catch(() => {});
    fail(reason);
  };
  return { promise, resolve, reject };
}

/** Returns a promise that has failed. @param {ThroughlineError} error @returns {Promise<void>} */
export function rejected(error) {
  const { promise, reject } = createDeferred();
  reject(error);
  return promise;
}
