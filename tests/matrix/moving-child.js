// @ts-check
/**
 * The process of a session in a network namespace, started by `moving.js`: it does what it is asked to, and ends with who asks. It must not
 * judge, and does not know when its network changes.
 */
import dns from 'node:dns';
import { WebSocket } from 'ws';
import { connect } from '../../client-js/src/index.js';
import { createCounter } from '../counting.js';
import { createSender, createSubject } from './subject.js';

/**
 * @typedef {import('./clients.js').Setup} Setup
 * @typedef {{ id: number, method: string, args: any[] }} Question
 * @typedef {{ id: number, value?: any, error?: string }} Answer
 */

/** What the client takes for its page. It tells of nothing but what it is asked to. */
const page = new EventTarget();
Object.assign(globalThis, { window: page });

/** @type {any} */
let subject;

/** @type {Record<string, (...args: any[]) => unknown>} */
const own = {
  /** @param {Setup} setup @param {string} address to which every name leads */
  begin(setup, address) {
    const lookup = (
      /** @type {string} */ _,
      /** @type {{ all?: boolean }} */ { all },
      /** @type {any} */ done,
    ) => (all ? done(null, [{ address, family: 4 }]) : done(null, address, 4));
    Object.assign(dns, { lookup });
    const options = { WebSocket, ...setup.options };
    subject = createSubject({ connect, createCounter, createSender }, { ...setup, options });
  },

  /** @param {string} type of an event of the page */
  tell: (type) => page.dispatchEvent(new Event(type)),
};

process.on('message', async (/** @type {Question} */ { id, method, args }) => {
  /** @type {Answer} */
  const answer = { id };
  try {
    answer.value = await (own[method] ?? subject[method])(...args);
  } catch (error) {
    answer.error = error instanceof Error ? error.message : `${error}`;
  }
  if (process.connected) process.send?.(answer);
});
process.on('disconnect', () => process.exit());
console.log('ready');
