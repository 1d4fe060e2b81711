// @ts-check
/**
 * Real browsers behind real nginx: 2,000 numbered messages each way at 200 a second, with the leg killed
 * three times in the burst.
 *
 * The path is: browser → nginx → a netlab front, which kills → gateway. The page is the gateway's own, so the
 * calls through nginx come from another origin. A witness in this process is directly at the gateway, and
 * sees the other end of both directions.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { createCounter } from '../counting.js';
import { assertExactlyOnce, connectTo, pace, startLab } from '../node/lab.js';
import { NGINX, startNginx } from '../proxies/nginx.js';
import { BROWSERS, launch } from './launch.js';

const MESSAGES = 2000;
const RATE = 200;
/** The times of the kills, from the start of the burst. */
const KILLS_AT_MS = [2000, 4500, 7000];
/** The mode of nginx, and the transport that it leaves. */
const EXPECTED = /** @type {const} */ ({ websocket: 'websocket', stripped: 'sse', buffered: 'poll' });
const MODES = /** @type {const} */ (['websocket', 'stripped', 'buffered']);

/** @type {Awaited<ReturnType<typeof startLab>>} */
let lab;
before(async () => {
  lab = await startLab();
});
after(() => lab.gateway.stop());

for (const name of BROWSERS) {
  // The tests assert counts and no times, so the three modes run side by side.
  describe(name, { concurrency: true }, () => {
    for (const mode of MODES) {
      const transport = EXPECTED[mode];
      test(`${name} behind nginx (${mode}) is on ${transport} and loses nothing over three killed legs`, async () => {
        const front = await lab.front();
        const nginx = await startNginx({ ...NGINX[mode], upstream: front.url });
        const browser = await launch(name);
        const witness = connectTo(lab.gateway.url);
        try {
          const page = await browser.newPage();
          await page.goto(`${lab.gateway.url}/healthz`);
          const channel = `down/${name}/${mode}`;
          const reached = await page.evaluate(start, lab.gateway.url, `${nginx.url}/rt`, transport, channel);
          assert.equal(reached, transport);
          const up = createCounter();
          witness
            .channel('up')
            .on('message', ({ data }) => data.mode === `${name}/${mode}` && up.take(data.number));
          await witness.channel('up').subscribed;
          const kills = (async () => {
            const begun = performance.now();
            for (const at of KILLS_AT_MS) {
              await pause(begun + at - performance.now());
              // Between two polls there is a moment with nothing to kill.
              while ((await front.kill('any')).killed === 0);
            }
          })();
          await Promise.all([
            page.evaluate(publish, `${name}/${mode}`, MESSAGES, RATE),
            pace(MESSAGES, RATE, (number) => witness.channel(channel).publish(number)),
            kills,
          ]);
          await Promise.race([up.reached(MESSAGES), pause(15_000, undefined, { ref: false })]);
          const down = await page.evaluate(finish, MESSAGES);
          const counts = { up: up.report(MESSAGES), down: down.count };
          console.log(
            `${name}, ${mode}: longest gap up ${counts.up.longestGapMs} ms, down ${counts.down.longestGapMs} ms; ` +
              `${JSON.stringify(down.changes)}`,
          );
          assertExactlyOnce(counts);
          assert.deepEqual(down.resets, []);
        } finally {
          witness.close();
          await browser.close();
          await nginx.stop();
        }
      });
    }
  });
}

/**
 * Runs in the page: connects through nginx, and counts a channel's messages. Resolves with the transport once
 * it is the expected one, or after 10 s.
 * @param {string} gateway
 * @param {string} url
 * @param {string} expected
 * @param {string} channel
 */
async function start(gateway, url, expected, channel) {
  const { connect } = await import(`${gateway}/rt/client/index.js`);
  const connection = connect(url);
  /** @type {any} */
  const bench = { connection, resets: [], changes: [] };
  Object.assign(globalThis, { bench });
  connection.on('reset', (/** @type {any} */ reset) => bench.resets.push(reset));
  connection.on('transport', (/** @type {any} */ { to, reason }) =>
    bench.changes.push(`${to ?? 'none'} (${reason})`),
  );
  await new Promise((resolve) => {
    connection.on('transport', () => connection.transport === expected && resolve(undefined));
    setTimeout(resolve, 10_000);
  });
  const seen = new Set();
  bench.count = { received: 0, duplicated: 0, reordered: 0, longestGapMs: 0 };
  let highest = 0;
  let last = 0;
  connection.channel(channel).on('message', (/** @type {{ data: number }} */ { data }) => {
    const now = performance.now();
    if (last) bench.count.longestGapMs = Math.max(bench.count.longestGapMs, Math.round(now - last));
    last = now;
    if (seen.has(data)) bench.count.duplicated += 1;
    else if (data < highest) bench.count.reordered += 1;
    seen.add(data);
    bench.count.received = seen.size;
    highest = Math.max(highest, data);
  });
  await connection.channel(channel).subscribed;
  return connection.transport;
}

/**
 * Runs in the page: publishes 1 … `messages` at a rate.
 * @param {string} mode
 * @param {number} messages
 * @param {number} rate
 */
async function publish(mode, messages, rate) {
  const { bench } = /** @type {any} */ (globalThis);
  const begun = performance.now();
  /** @type {Promise<unknown>[]} */
  const answers = [];
  let number = 0;
  await new Promise((resolve) => {
    const timer = setInterval(() => {
      const due = Math.min(messages, Math.floor(((performance.now() - begun) * rate) / 1000));
      while (number < due) answers.push(bench.connection.channel('up').publish({ mode, number: ++number }));
      if (number < messages) return;
      clearInterval(timer);
      resolve(undefined);
    }, 5);
  });
  await Promise.all(answers);
}

/**
 * Runs in the page: waits for all messages, 15 s at most, and returns the counts.
 * @param {number} messages
 */
async function finish(messages) {
  const { bench } = /** @type {any} */ (globalThis);
  const deadline = performance.now() + 15_000;
  while (bench.count.received < messages && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const count = { sent: messages, lost: messages - bench.count.received, ...bench.count };
  return { count, resets: bench.resets, changes: bench.changes };
}
