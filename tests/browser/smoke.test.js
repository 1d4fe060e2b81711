// @ts-check
/**
 * The ground of the end-to-end tests. Each real browser loads a page through each real nginx. Each nginx
 * treats a stream and a WebSocket as its mode says.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { NGINX, startNginx } from '../proxies/nginx.js';
import { BROWSERS, launch } from './launch.js';
import { startOrigin } from './origin.js';

/** The modes, from the kindest to the harshest. */
const MODES = /** @type {const} */ (['websocket', 'stripped', 'buffered']);

/** The time for which a buffered stream must stay empty. An unbuffered one delivers within a few milliseconds. */
const HELD_MS = 500;

/** @type {Awaited<ReturnType<typeof startOrigin>>} */
let origin;
/** @type {Map<string, Awaited<ReturnType<typeof startNginx>>>} */
const proxies = new Map();

before(async () => {
  origin = await startOrigin();
  for (const mode of MODES) proxies.set(mode, await startNginx({ ...NGINX[mode], upstream: origin.url }));
});

after(async () => {
  for (const proxy of proxies.values()) await proxy.stop();
  await origin?.stop();
});

for (const name of BROWSERS) {
  describe(name, { timeout: 120_000 }, () => {
    /** @type {Awaited<ReturnType<typeof launch>>} */
    let browser;
    before(async () => {
      browser = await launch(name);
    });
    after(() => browser?.close());

    /** @param {string} mode */
    const openPage = async (mode) => {
      const page = await browser.newPage();
      await page.goto(`${proxies.get(mode)?.url}/`);
      return page;
    };

    for (const mode of MODES) {
      test(`a page loads through nginx, ${mode}`, async () => {
        const page = await openPage(mode);
        assert.equal(await page.title(), 'origin');
        await page.close();
      });
    }

    for (const mode of /** @type {const} */ (['websocket', 'stripped'])) {
      test(`events of a posted stream come one by one through nginx, ${mode}`, async () => {
        const page = await openPage(mode);
        await page.evaluate(readStream);
        const stream = await origin.stream();
        await page.waitForFunction(() => Reflect.get(window, 'text') === 'data: first\n\n');
        stream.write('data: second\n\n');
        await page.waitForFunction(() => Reflect.get(window, 'text').endsWith('data: second\n\n'));
        stream.end();
        await page.waitForFunction(() => Reflect.get(window, 'ended'));
        await page.close();
      });
    }

    test('events of a posted stream are held back to its end by nginx, buffered', async () => {
      const page = await openPage('buffered');
      await page.evaluate(readStream);
      const stream = await origin.stream();
      stream.write('data: second\n\n');
      await pause(HELD_MS);
      assert.equal(await page.evaluate(() => Reflect.get(window, 'text')), '');
      stream.end();
      await page.waitForFunction(() => Reflect.get(window, 'ended'));
      assert.equal(await page.evaluate(() => Reflect.get(window, 'text')), 'data: first\n\ndata: second\n\n');
      await page.close();
    });

    for (const [mode, outcome] of /** @type {const} */ ([
      ['websocket', 'echo'],
      ['stripped', 'refused'],
      ['buffered', 'refused'],
    ])) {
      test(`a WebSocket through nginx, ${mode}: ${outcome}`, async () => {
        const page = await openPage(mode);
        assert.equal(await page.evaluate(tryWebSocket), outcome);
        await page.close();
      });
    }
  });
}

/** Runs in the page: posts for a stream, and collects its text in `window.text`. Returns at once. */
function readStream() {
  const state = Object.assign(window, { text: '', ended: false });
  void (async () => {
    const answer = await fetch('/stream', { method: 'POST', body: 'hello' });
    const reader = /** @type {ReadableStream<Uint8Array>} */ (answer.body).getReader();
    const decoder = new TextDecoder();
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      state.text += decoder.decode(part.value, { stream: true });
    }
    state.ended = true;
  })();
}

/** Runs in the page: opens a WebSocket, and returns whether a message came back. @returns {Promise<string>} */
function tryWebSocket() {
  return new Promise((resolve) => {
    const socket = new WebSocket(`ws://${location.host}/ws`);
    socket.onopen = () => socket.send('echo');
    socket.onmessage = (event) => {
      socket.close();
      resolve(event.data);
    };
    socket.onerror = () => resolve('refused');
  });
}
