// @ts-check
/**
 * Starts the real browsers, headless, each with a fresh profile that disappears at the end. They reach only
 * loopback: the browser's own traffic (updates, reports, lists) is off.
 */
import { existsSync } from 'node:fs';
import puppeteer from 'puppeteer-core';
import { makeDirectory } from './directory.js';

/**
 * @typedef {'chromium' | 'firefox'} BrowserName
 * @typedef {{ args?: string[], without?: string[], acceptsAnyCertificate?: boolean }} Extra for Chromium: additional arguments, and
 *   arguments of puppeteer to leave out
 * @typedef {{ name: BrowserName, version: string, newPage: (alone?: boolean) => Promise<import('puppeteer-core').Page>,
 *   pid: number, close: () => Promise<void> }} LaunchedBrowser `alone`: in its own context
 */

/** The browsers of the end-to-end tests. @type {readonly BrowserName[]} */
export const BROWSERS = ['chromium', 'firefox'];

/** The browsers' paths on Debian. The environment may override them. */
const PROGRAMS = {
  chromium: process.env.CHROMIUM_BIN ?? '/usr/bin/chromium',
  firefox: process.env.FIREFOX_BIN ?? '/usr/bin/firefox-esr',
};

const CHROMIUM_ARGS = [
  '--no-sandbox', // root, and containers without user namespaces
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-proxy-server',
];

const FIREFOX_PREFERENCES = {
  'network.proxy.type': 0,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'network.dns.disablePrefetch': true,
  'network.prefetch-next': false,
  'services.settings.server': 'data:,', // remote settings: no server
  'app.normandy.enabled': false,
  'browser.safebrowsing.malware.enabled': false,
  'browser.safebrowsing.phishing.enabled': false,
  'datareporting.healthreport.uploadEnabled': false,
  'toolkit.telemetry.enabled': false,
};

/**
 * Launches a browser. Close it in the test's `after`.
 *
 * @param {BrowserName} name
 * @param {Extra} [extra]
 * @returns {Promise<LaunchedBrowser>}
 */
export async function launch(name, extra = {}) {
  const program = PROGRAMS[name];
  if (!existsSync(program)) throw new Error(`${program} is missing: run tests/setup.sh`);
  const directory = await makeDirectory(name);
  try {
    const options = optionsFor(name, program, directory.path, extra);
    const browser = await twice(() => puppeteer.launch(options));
    return {
      name,
      version: await browser.version(),
      newPage: (alone = false) =>
        twice(async () => (alone ? await browser.createBrowserContext() : browser).newPage()),
      pid: /** @type {number} */ (browser.process()?.pid),
      close: async () => {
        await browser.close();
        await directory.remove();
      },
    };
  } catch (error) {
    await directory.remove();
    throw error;
  }
}

/**
 * Makes a second attempt after a failure. On a busy machine a browser sometimes does not start. Firefox
 * sometimes loses the window that it has just made: `no such frame`, once in some thousand windows.
 * @template T
 * @param {() => Promise<T>} make
 */
const twice = (make) => make().catch(make);

/**
 * @param {BrowserName} name
 * @param {string} program
 * @param {string} directory
 * @param {Extra} extra
 * @returns {import('puppeteer-core').LaunchOptions}
 */
function optionsFor(name, program, directory, { args = [], without = [], acceptsAnyCertificate = false }) {
  const shared = {
    executablePath: program,
    acceptInsecureCerts: acceptsAnyCertificate,
    headless: true,
    // Caches and crash reports follow HOME, and the profile is below it as well.
    env: { ...process.env, HOME: directory, XDG_CONFIG_HOME: directory, XDG_CACHE_HOME: directory },
    userDataDir: `${directory}/profile`,
    timeout: 60_000,
  };
  if (name === 'chromium')
    return {
      ...shared,
      browser: 'chrome',
      pipe: true,
      args: [...CHROMIUM_ARGS, ...args],
      ignoreDefaultArgs: without,
    };
  return { ...shared, browser: 'firefox', protocol: 'webDriverBiDi', extraPrefsFirefox: FIREFOX_PREFERENCES };
}
