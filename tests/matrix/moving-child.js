// @ts-check
/**
 * The process of a session in a network namespace. `moving.js` starts it and asks it to act, and it ends with
 * its parent. It must not judge, and does not know when its network changes.
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

/** The object that the client uses as its page. It has only the events that the test asks for. */
const page = new EventTarget();
Object.assign(globalThis, { window: page });

/** @type {any} */
let subject;

/** @type {Record<string, (...args: any[]) => unknown>} */
const own = {
  /** @param {Setup} setup @param {string} address the address to which every name resolves */
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

  /** @param {string} type the type of the page's event */
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
