// @ts-check
/**
 * The place where a session under test runs: this process, or a page of a real browser. Both have one
 * interface, so a row does not know which one it drives.
 */
import { readFileSync } from 'node:fs';
import { WebSocket } from 'ws';
import { connect } from '../../client-js/src/index.js';
import { launch } from '../browser/launch.js';
import { createCounter } from '../counting.js';
import { createSender, createSubject } from './subject.js';

/** @typedef {'node' | 'chromium' | 'firefox'} ClientName */
/** @typedef {Parameters<typeof createSubject>[1]} Setup */
/** @typedef {'until' | 'subscribed' | 'start' | 'burst' | 'publishAside' | 'stop' | 'received' | 'settled' | 'report' | 'close' | 'switchTo'} Method */

/**
 * @typedef {object} Client
 * @property {ClientName} name
 * @property {import('puppeteer-core').Page} [page] if the client is a browser's
 * @property {(setup: Setup) => Promise<unknown>} begin makes the session, and starts its clock
 * @property {(method: Method, ...args: any[]) => Promise<any>} call a method of the subject
 * @property {() => Promise<unknown>} close ends the session and its page
 */

/** @returns {Client} */
function inThisProcess() {
  /** @type {any} */
  let subject;
  return {
    name: 'node',
    async begin(setup) {
      const options = { WebSocket, ...setup.options };
      subject = createSubject({ connect, createCounter, createSender }, { ...setup, options });
    },
    call: async (method, ...args) => subject[method](...args),
    close: async () => subject?.close(),
  };
}

/** Returns a module as a URL, so that a page imports it without a request. @param {string} path */
const asModule = (path) =>
  `data:text/javascript,${encodeURIComponent(readFileSync(new URL(path, import.meta.url), 'utf8'))}`;

const MODULES = [asModule('../counting.js'), asModule('./subject.js')];

/**
 * @param {'chromium' | 'firefox'} name
 * @param {import('puppeteer-core').Page} page a page of the origin from which it must load the client
 * @param {() => Promise<unknown>} close
 * @returns {Promise<Client>}
 */
export async function inPage(name, page, close) {
  await page.evaluate(load, MODULES);
  return {
    name,
    page,
    begin: (setup) => page.evaluate((setup) => Reflect.get(window, 'begin')(setup), setup),
    call: (method, ...args) =>
      page.evaluate((method, args) => Reflect.get(window, 'subject')[method](...args), method, args),
    close,
  };
}

/** Loads everything in the page before its network turns hostile. @param {string[]} modules */
async function load([counting, subject]) {
  const [{ createCounter }, { createSender, createSubject }, { connect }] = await Promise.all([
    import(counting),
    import(subject),
    import(`${location.origin}/rt/client/index.js`),
  ]);
  const begin = (/** @type {Setup} */ setup) => {
    Reflect.set(window, 'subject', createSubject({ connect, createCounter, createSender }, setup));
  };
  Reflect.set(window, 'begin', begin);
}

/**
 * Creates the clients for a file of tests, which shares its browsers. Close the result in the file's `after`.
 * @param {import('../browser/launch.js').Extra} [extra] changes to the start of its browsers
 */
export function createClients(extra) {
  /** @type {Map<string, ReturnType<typeof launch>>} */
  const browsers = new Map();
  /** @type {Promise<unknown>} */
  let opening = Promise.resolve();
  const running = (/** @type {import('../browser/launch.js').BrowserName} */ name) => {
    const launching = browsers.get(name) ?? launch(name, extra);
    browsers.set(name, launching);
    launching.catch(() => browsers.delete(name));
    return launching;
  };
  return {
    /** Starts the browsers of those clients, one after the other. @param {ClientName[]} names */
    async warm(names) {
      for (const name of names) if (name !== 'node') await running(name);
    },

    /**
     * Opens a client. A browser's client has a page from `origin`, with its own window, storage and
     * connection pool.
     * @param {ClientName} name
     * @param {string} origin
     * @param {boolean} [alone] in a browser of its own
     * @returns {Promise<Client>}
     */
    async open(name, origin, alone = false) {
      if (name === 'node') return inThisProcess();
      const browser = await (alone ? launch(name, extra) : running(name));
      // The pages open one after the other, because Firefox loses windows that open at the same time.
      const page = opening.then(async () => {
        const page = await browser.newPage(true);
        await page.goto(`${origin}/healthz`);
        return page;
      });
      opening = page.catch(() => {});
      return inPage(name, await page, async () =>
        alone ? browser.close() : (await page).browserContext().close(),
      );
    },
    async close() {
      for (const browser of browsers.values()) await (await browser).close();
    },
  };
}

/** @typedef {ReturnType<typeof createClients>} Clients */
