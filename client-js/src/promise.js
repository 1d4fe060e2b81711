// @ts-check
/**
 * A promise from something that calls back.
 * @param {(done: (error?: Error, value?: any) => void) => void} start
 * @returns {Promise<any>}
 */
export const promise = (start) =>
  new Promise((resolve, reject) => start((error, value) => (error ? reject(error) : resolve(value))));
