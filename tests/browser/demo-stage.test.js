// @ts-check
/**
 * The first screen of the demo in a real browser. One press breaks the network, the plain WebSocket freezes,
 * and Throughline continues without a flaw.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startGateway } from './gateway.js';
import { launch } from './launch.js';

/** @typedef {import('puppeteer-core').Page} Page */

/** @type {Awaited<ReturnType<typeof startGateway>>} */
let gateway;
/** @type {Awaited<ReturnType<typeof launch>>} */
let chromium;
before(async () => {
  gateway = await startGateway();
  chromium = await launch('chromium');
});
after(async () => {
  await chromium?.close();
  await gateway?.stop();
});

/**
 * Opens the page and waits until both sides move.
 * @param {{viewport?: import('puppeteer-core').Viewport, prepare?: (page: Page) => Promise<unknown>}} [options]
 */
async function open({ viewport = { width: 1280, height: 720 }, prepare } = {}) {
  // A page behind another one in the same window does not draw.
  const page = await chromium.newPage(true);
  await page.setViewport(viewport);
  await prepare?.(page);
  await page.goto(gateway.url);
  for (const side of ['plain', 'session'])
    await page.waitForSelector(`[data-side="${side}"][data-moves="live"]`, { timeout: 15_000 });
  return page;
}

/** Presses a button by keyboard. @param {Page} page @param {string} button */
async function press(page, button) {
  await page.focus(`[data-${button}]`);
  await page.keyboard.press('Enter');
}

/** Reads one side of the screen. @param {Page} page @param {'plain' | 'session'} side */
const read = (page, side) =>
  page.$eval(`[data-side="${side}"]`, (place) => {
    const text = (/** @type {string} */ selector) => place.querySelector(selector)?.textContent ?? '';
    const [lost, duplicated, reordered] = [...place.querySelectorAll('.counts dd')].map(({ textContent }) =>
      Number(textContent?.replaceAll(',', '')),
    );
    return {
      pill: text('[data-pill]'),
      last: Number(text('.number').replaceAll(',', '')),
      lost: lost ?? -1,
      duplicated: duplicated ?? -1,
      reordered: reordered ?? -1,
    };
  });

/** Waits until Throughline has brought this many more messages. @param {Page} page @param {number} more */
async function advance(page, more) {
  const { last } = await read(page, 'session');
  await page.waitForFunction(
    (to) => {
      const text = document.querySelector('[data-side="session"] .number')?.textContent ?? '';
      return Number(text.replaceAll(',', '')) >= to;
    },
    { timeout: 30_000 },
    last + more,
  );
}

/** @param {Page} page @param {string} name */
const textOf = (page, name) => page.$eval(`[data-${name}]`, ({ textContent }) => textContent ?? '');

test('one press freezes the plain WebSocket, and Throughline continues without a flaw', async () => {
  const page = await open();
  await press(page, 'break');
  await page.waitForSelector('[data-side="plain"][data-moves="frozen"]', { timeout: 10_000 });
  const stood = await read(page, 'plain');
  await advance(page, 60);
  const [plain, session] = [await read(page, 'plain'), await read(page, 'session')];
  assert.equal(plain.last, stood.last, 'the plain WebSocket stands still');
  assert.match(plain.pill, /^Frozen for \d+ s$/);
  assert.ok(plain.lost >= 50, `it lost ${plain.lost}`);
  assert.match(session.pill, /^Live, by (SSE|Long-poll)$/);
  assert.deepEqual([session.lost, session.duplicated, session.reordered], [0, 0, 0]);
  assert.match(await textOf(page, 'situation'), /^Broken: .*a proxy refuses each new WebSocket\.$/);
  assert.match(
    await textOf(page, 'result'),
    /^The plain WebSocket is frozen: \d+ messages lost\. Throughline goes on by \S+: nothing lost\.$/,
  );
  await page.close();
});

test('after the repair the plain WebSocket is back with a hole, and the outcome is spoken', async () => {
  const page = await open();
  await press(page, 'break');
  await page.waitForSelector('[data-side="plain"][data-moves="frozen"]', { timeout: 10_000 });
  assert.equal(await textOf(page, 'break'), 'Repair the network');
  await press(page, 'break');
  await page.waitForSelector('[data-side="plain"][data-moves="live"]', { timeout: 10_000 });
  await page.waitForFunction(
    () => document.querySelector('[data-stage-spoken]')?.textContent?.startsWith('Repaired'),
    { timeout: 10_000 },
  );
  assert.match(
    await textOf(page, 'stage-spoken'),
    /The plain WebSocket is back: \d+ messages lost\. Throughline goes on by \S+: nothing lost\.$/,
  );
  const { lost, duplicated, reordered } = await read(page, 'session');
  assert.deepEqual([lost, duplicated, reordered], [0, 0, 0]);
  await page.close();
});

/** @typedef {[file: string, from: string, to: string]} Mutation a change to the client that the page loads */

/** Makes the client understate its count, so that the gateway resends messages. @type {Mutation[]} */
const FORGETS = [
  ['session/send.js', 'this.#acknowledgements.received', 'Math.max(0, this.#acknowledgements.received - 5)'],
];
/** @type {Mutation[]} */
const DELIVERS_AGAIN = [
  [
    'session/acknowledgements.js',
    'if (number <= this.received) return false;',
    'if (number <= this.received) return true;',
  ],
  ['channel.js', '|| at <= this.#position.at', ''],
];
/** @type {Mutation[]} */
const DROPS_SOME = [
  [
    'channel.js',
    'const { at = 0 } = publication;',
    'const { at = 0 } = publication;\nif (at % 10 === 0) return;',
  ],
];

/** @param {Mutation[]} mutations @returns {(page: Page) => Promise<void>} */
const mutate = (mutations) => async (page) => {
  await page.setRequestInterception(true);
  page.on('request', async (request) => {
    const mutation = mutations.find(([file]) => request.url().endsWith(`/rt/client/${file}`));
    if (!mutation) return request.continue();
    const [file, from, to] = mutation;
    const source = await (await fetch(request.url())).text();
    const body = source.replaceAll(from, () => to);
    return request.respond({
      contentType: 'text/javascript',
      body: body === source ? `no ${from} in ${file}` : body,
    });
  });
};

/** Moves the session back and forth. @param {Page} page */
async function moveAround(page) {
  for (const transport of ['sse', 'websocket', 'sse', 'websocket']) {
    await page.evaluate(
      // If a switch fails, the session stays on its transport, and the next switch follows.
      (to) => /** @type {any} */ (window).demo.visits.current.connection.switchTo(to).catch(() => {}),
      transport,
    );
    await advance(page, 4);
  }
}

test('the counters show what a client does that deduplicates, and what one does that does not', async () => {
  const counts = [];
  for (const mutations of [FORGETS, [...FORGETS, ...DELIVERS_AGAIN]]) {
    const page = await open({ prepare: mutate(mutations) });
    await moveAround(page);
    counts.push(await read(page, 'session'));
    if (counts.length > 1) assert.match(await textOf(page, 'result'), /Throughline did not hold/);
    await page.close();
  }
  const [deduplicating, without] = counts;
  assert.deepEqual([deduplicating?.lost, deduplicating?.duplicated, deduplicating?.reordered], [0, 0, 0]);
  assert.ok((without?.duplicated ?? 0) > 0, 'without deduplication the counter of duplicates is not 0');
});

test('if the client drops messages, the counter of losses and the sentence say so', async () => {
  const page = await open({ prepare: mutate(DROPS_SOME) });
  await advance(page, 30);
  assert.ok((await read(page, 'session')).lost > 0);
  assert.match(await textOf(page, 'result'), /Throughline did not hold: \d+ lost/);
  await page.close();
});

test('the tour breaks the network five ways in half a minute, says which moves are its own, and Throughline has no flaw', async () => {
  const page = await open();
  await press(page, 'tour');
  /** @type {Set<string>} */
  const seen = new Set();
  let asked = false;
  const label = () => textOf(page, 'tour');
  await page.waitForFunction(() => document.querySelector('[data-tour]')?.textContent?.includes('1 of 5'));
  const startedAt = performance.now();
  while ((await label()).includes('of 5')) {
    const situation = await textOf(page, 'situation');
    if (situation.startsWith('Broken')) seen.add(situation);
    if (situation.startsWith('Repaired. For the next failure this page asks Throughline back')) asked = true;
    assert.ok(performance.now() - startedAt < 90_000, 'the tour does not end');
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(resolve)));
  }
  assert.equal(seen.size, 5, [...seen].join('\n'));
  assert.ok(asked, 'the page says that it asks Throughline back to WebSocket');
  const switches = await page.$$eval(
    '[data-log] .act span',
    (lines) => lines.filter(({ textContent }) => textContent === 'Switching to WebSocket.').length,
  );
  assert.equal(switches, 4, 'the log shows a switch before each failure except the first');
  assert.equal(await textOf(page, 'situation'), 'Repaired: the network carries everything again.');
  const [plain, session] = [await read(page, 'plain'), await read(page, 'session')];
  assert.ok(plain.lost > 100, `the plain WebSocket lost ${plain.lost}`);
  assert.deepEqual([session.lost, session.duplicated, session.reordered], [0, 0, 0]);
  await page.close();
});

for (const [width, height] of /** @type {const} */ ([
  [1280, 720],
  [390, 844],
])) {
  test(`at ${width} × ${height} the first screen after one press says what broke and that nothing was lost`, async () => {
    const page = await open({ viewport: { width, height, isMobile: width < 500, hasTouch: width < 500 } });
    await press(page, 'break');
    await page.waitForSelector('[data-side="plain"][data-moves="frozen"]', { timeout: 10_000 });
    const hidden = await page.evaluate(() => {
      const wanted = ['h1', '[data-break]', '[data-situation]', '[data-result]', '.ring', '.counts'];
      return wanted
        .flatMap((selector) => [...document.querySelectorAll(selector)])
        .filter((element) => {
          const { top, bottom, left, right } = element.getBoundingClientRect();
          return top < 0 || left < 0 || bottom > innerHeight || right > innerWidth;
        })
        .map(({ tagName, className }) => `${tagName} ${className}`);
    });
    assert.deepEqual(hidden, []);
    await page.close();
  });
}

describe('layouts, side by side', { concurrency: true }, () => {
  for (const width of [320, 390, 860, 1280, 1920]) {
    test(`at ${width} pixels no card changes its height, and no text is cut`, async () => {
      const page = await open({ viewport: { width, height: 900 } });
      const measure = () =>
        page.evaluate(() => {
          const cards = [...document.querySelectorAll('.stage, .side, .card')];
          const cut = [
            ...document.querySelectorAll('button, dt, dd, h1, h2, h3, th, .pill, .status span'),
          ].filter((element) => element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 1);
          return {
            heights: cards.map((card) => Math.round(card.getBoundingClientRect().height)),
            cut: cut.map(({ tagName, textContent }) => `${tagName} ${textContent}`),
            hidden: [...document.querySelectorAll('[data-compared]')].some(
              (place) => place.scrollHeight > place.clientHeight,
            ),
            wide: document.documentElement.scrollWidth,
          };
        });
      const { heights } = await measure();
      for (const act of ['break', 'break', 'start="killed"', 'start="slow"', 'start="withdrawn"']) {
        await press(page, act);
        if (act !== 'break')
          await page.waitForSelector('#outcome[data-phase="running"]', { timeout: 20_000 });
        await advance(page, 20);
        assert.deepEqual(await measure(), { heights, cut: [], hidden: false, wide: width }, act);
      }
      await page.close();
    });
  }
});

test('the five lines of code are five, and do what they say', async () => {
  const page = await open();
  const code = await textOf(page, 'code');
  assert.equal(code.split('\n').length, 5);
  const said = new Promise((resolve) => {
    page.on('console', async (message) => {
      const [argument] = message.args();
      const value = /** @type {any} */ (await argument?.jsonValue().catch(() => undefined));
      if (value?.data?.text === 'hello') resolve(value.channel);
    });
  });
  await page.addScriptTag({ type: 'module', content: code });
  assert.equal(await said, 'news');
  await page.close();
});

test('with reduced motion the ball steps once a second and does not glide', async () => {
  const page = await open({
    prepare: (one) => one.emulateMediaFeatures([{ name: 'prefers-reduced-motion', value: 'reduce' }]),
  });
  const steps = await page.evaluate(async () => {
    const ball = /** @type {Element} */ (document.querySelector('[data-side="session"] .ball'));
    let changes = 0;
    new MutationObserver((records) => {
      changes += records.length;
    }).observe(ball, { attributes: true });
    const end = performance.now() + 3000;
    while (performance.now() < end) await new Promise((resolve) => requestAnimationFrame(resolve));
    return { changes, duration: getComputedStyle(ball).transitionDuration };
  });
  assert.ok(steps.changes >= 1 && steps.changes <= 4, `${steps.changes} steps in 3 s`);
  assert.equal(steps.duration, '0s');
  await page.close();
});
