// @ts-check
/**
 * The demo page in real browsers. Each trial takes one key press. The page then reports the session's moves,
 * with nothing lost, duplicated or reordered.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { TRIALS } from '../../src/pages/demo/trials.js';
import { steady } from '../steady.js';
import { startGateway } from './gateway.js';
import { launch } from './launch.js';

/** The seconds after which a fault heals, if it heals. */
const SECONDS = 3;

/**
 * The transports on which each trial may end, and the time within which its first message must arrive.
 * @type {{[id: string]: {on: string[], withinMs?: number}}}
 */
const EXPECTED = {
  clear: { on: ['WebSocket'], withinMs: 500 },
  refused: { on: ['SSE'], withinMs: 500 },
  hole: { on: ['SSE'], withinMs: 1300 },
  mute: { on: ['SSE'], withinMs: 1300 },
  killed: { on: ['SSE'], withinMs: 500 },
  both: { on: ['Long-poll'], withinMs: 700 },
  cut: { on: ['WebSocket'] },
  outage: { on: ['WebSocket'] },
  slow: { on: ['SSE', 'Long-poll'] },
  // After the fault, both are right: the session has returned, or has not yet.
  lossy: { on: ['WebSocket', 'SSE', 'Long-poll'] },
  offline: { on: ['WebSocket'] },
  portal: { on: ['WebSocket'] },
  withdrawn: { on: ['WebSocket'] },
};

/** Messages that a browser itself logs about a network that refuses. */
const COMPLAINTS = [
  /^Failed to load resource/,
  /^WebSocket connection to .* failed/,
  /can’t establish a connection to the server at ws:/,
  /The connection to ws:.* was interrupted/,
  /blocked by CORS policy/,
  /Cross-Origin Request Blocked/,
];

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
 * Opens the page and waits until its first visit has a session.
 * @param {Awaited<ReturnType<typeof launch>>} browser
 * @param {import('puppeteer-core').Viewport} [viewport]
 */
async function open(browser, viewport = { width: 1280, height: 900 }) {
  // A page behind another one in the same window does not draw.
  const page = await browser.newPage(browser.name === 'chromium');
  /** @type {string[]} */
  const errors = [];
  const note = (/** @type {string} */ text) => {
    if (!COMPLAINTS.some((usual) => usual.test(text))) errors.push(text);
  };
  page.on('pageerror', (error) => note(`${error}`));
  page.on('console', (message) => message.type() === 'error' && note(message.text()));
  await page.setViewport(viewport);
  await page.goto(gateway.url);
  await greeted(page, 'clear');
  return { page, errors };
}

/** Waits until the first message of this visit has arrived. @param {Page} page @param {string} id */
const greeted = (page, id) =>
  page.waitForFunction(
    (of) => document.querySelector(`#outcome[data-of="${of}"] h2`)?.textContent?.startsWith('First message'),
    { timeout: 15_000, polling: 100 },
    id,
  );

/** @param {Page} page @param {string} id @param {number} ms */
async function over(page, id, ms) {
  await page.waitForSelector(`#outcome[data-of="${id}"][data-phase="over"]`, { timeout: ms });
  return page.$eval('#outcome', (card) => {
    const read = (/** @type {string} */ name) => card.querySelector(`[data-${name}]`)?.textContent ?? '';
    return {
      headline: read('headline'),
      told: read('told'),
      key: read('key'),
      carried: read('carried'),
      moves: Number(read('moves')),
      flaws: read('flaws'),
      path: [...card.querySelectorAll('[data-path] li')].map(({ textContent }) => textContent),
    };
  });
}

/** Presses a trial's button by keyboard. @param {Page} page @param {string} id */
async function press(page, id) {
  await page.focus(`[data-start="${id}"]`);
  await page.keyboard.press('Enter');
}

/** @param {string} text `46 ms` or `1.03 s` */
const milliseconds = (text) => Number.parseFloat(text) * (text.endsWith('ms') ? 1 : 1000);

/** @param {Page} page @param {string} id */
async function hold(page, id) {
  const { on, withinMs } = EXPECTED[id] ?? { on: [] };
  const trial = TRIALS.find((one) => one.id === id);
  const attempt = async () => {
    await press(page, id);
    const outcome = await over(page, id, 1000 * ((trial?.most ?? 0) + SECONDS + 30));
    console.log(`${id}: ${outcome.headline} ${outcome.told}\n   ${outcome.path.join('\n   ')}`);
    assert.ok(on.includes(outcome.carried), `${outcome.carried} instead of ${on.join(' or ')}`);
    assert.equal(outcome.flaws, '0 / 0 / 0');
    assert.match(outcome.told, /none lost, duplicated or reordered/);
    assert.ok(
      !outcome.path.some((line) => line?.includes('is being tried')),
      'a trial that is over tries nothing',
    );
    assert.doesNotMatch(outcome.told, /still changing its way/);
    if (!withinMs) return '';
    assert.match(outcome.headline, /^First message after [\d.]+\sm?s/);
    return milliseconds(outcome.key) <= withinMs
      ? ''
      : `first message after ${outcome.key}, not ${withinMs} ms`;
  };
  const [late] = await steady(id, attempt, (late) => late);
  assert.equal(late, '');
}

/** @param {import('../../src/pages/demo/trials.js').Trial} trial */
function tried({ id, title }) {
  test(`chromium: '${title}' is one key press, and ends on ${EXPECTED[id]?.on.join(' or ')}`, async () => {
    const { page, errors } = await open(chromium);
    try {
      await page.$eval(
        '[data-seconds]',
        (input, value) => {
          /** @type {HTMLInputElement} */ (input).value = value;
        },
        `${SECONDS}`,
      );
      await hold(page, id);
      assert.deepEqual(errors, []);
    } finally {
      await page.close();
    }
  });
}

/**
 * Returns whether a trial must run alone: it is timed, or it changes the gateway's offer to all pages.
 * @param {{ id: string, fresh?: boolean }} trial
 */
const needsQuiet = ({ id, fresh }) => fresh || id === 'withdrawn';
for (const trial of TRIALS.filter(needsQuiet)) tried(trial);

describe('trials that mostly wait, side by side', { concurrency: true }, () => {
  for (const trial of TRIALS.filter((trial) => !needsQuiet(trial))) tried(trial);
});

test("firefox: 'WebSocket refused' is one key press, and ends on SSE", async () => {
  const firefox = await launch('firefox');
  try {
    const { page, errors } = await open(firefox);
    await hold(page, 'refused');
    assert.deepEqual(errors, []);
  } finally {
    await firefox.close();
  }
});

test('the comparison says of each client when its first message came, what carried the rest, and what was lost', async () => {
  const { page } = await open(chromium);
  const compared = () =>
    page.$$eval('[data-comparison] :is(tr, .note)', (lines) =>
      lines.map(
        (line) => [...line.children].map(({ textContent }) => textContent).join(' | ') || line.textContent,
      ),
    );
  await press(page, 'hole');
  await over(page, 'hole', 30_000);
  const lines = await compared();
  assert.equal(lines[0], 'Client | First message | Then carried by, lost');
  assert.match(lines[1] ?? '', /^This page, now \| [\d.]+\sm?s \| SSE, none lost$/);
  assert.ok(lines.includes('SignalR | never | nothing'));
  assert.ok(lines.some((line) => /^Socket\.IO, default \| \d+ ms \| polling, none lost$/.test(line ?? '')));
  assert.ok(lines.some((line) => /^centrifuge-js \| .+ \| HTTP stream ¹$/.test(line ?? '')));
  assert.match(lines.at(-1) ?? '', /This project measured the others before/);
  assert.match(lines.at(-1) ?? '', /¹ Loss not measured: a stand-in took the place of its server/);
  await press(page, 'cut');
  await over(page, 'cut', 30_000);
  const [, own, plain, ...rest] = await compared();
  assert.match(own ?? '', /^This page, now \| before it \| WebSocket, none lost$/);
  assert.match(plain ?? '', /^Plain WebSocket, now \| before it \| \d+ lost$/);
  assert.equal(rest.length, 1);
  await page.close();
});

test('a long wait is counted down in a card of the same height, and the visitor ends it with one press', async () => {
  const { page, errors } = await open(chromium);
  const heights = async () => {
    const each = [];
    for (const width of [1280, 860, 390, 320]) {
      await page.setViewport({ width, height: 900 });
      each.push(await page.$eval('#outcome', (card) => card.getBoundingClientRect().height));
    }
    return each;
  };
  await over(page, 'clear', 15_000);
  const before = await heights();
  await page.$eval('[data-seconds]', (input) => {
    /** @type {HTMLInputElement} */ (input).value = '1';
  });
  await press(page, 'slow');
  await page.waitForSelector('.wait:not(.idle) [data-try-now]', { timeout: 30_000 });
  assert.match(
    await page.$eval('[data-wait-words]', ({ textContent }) => textContent ?? ''),
    /It moves in at most \d+ s\.$/,
  );
  assert.deepEqual(await heights(), before);
  await page.focus('[data-try-now]');
  await page.keyboard.press('Enter');
  await page.waitForSelector('#outcome[data-phase="counting"]', { timeout: 30_000 });
  assert.deepEqual(await heights(), before);
  const { carried, flaws } = await over(page, 'slow', 30_000);
  assert.deepEqual({ carried, flaws }, { carried: 'SSE', flaws: '0 / 0 / 0' });
  assert.ok(await page.$eval('.wait', (place) => getComputedStyle(place).visibility === 'hidden'));
  assert.deepEqual(errors, []);
  await page.close();
});

test('a trial that starts while another runs replaces it', async () => {
  const { page, errors } = await open(chromium);
  await press(page, 'killed');
  await press(page, 'refused');
  const { carried, flaws } = await over(page, 'refused', 30_000);
  assert.deepEqual({ carried, flaws }, { carried: 'SSE', flaws: '0 / 0 / 0' });
  assert.deepEqual(errors, []);
  await page.close();
});

test('a message from one tab appears in the other, on any network of either', async () => {
  const [{ page: one }, { page: other }] = [await open(chromium), await open(chromium)];
  await press(other, 'both');
  await greeted(other, 'both');
  // A background page does not draw, but receives messages.
  await one.bringToFront();
  await one.type('#words', 'Hello from the other network');
  await one.keyboard.press('Enter');
  await other.waitForFunction(
    () => document.querySelector('[data-said]')?.textContent?.includes('Hello from the other network'),
    { timeout: 15_000, polling: 100 },
  );
  await one.close();
  await other.close();
});

test('a burst of the page is cut three times and loses nothing, and its counts join those of the trials', async () => {
  const { page, errors } = await open(chromium);
  await over(page, 'clear', 15_000);
  await page.$eval('[data-burst]', (element) => {
    const form = /** @type {HTMLFormElement} */ (element);
    form.messages.value = '400';
    form.course.value = 'cut';
  });
  await page.focus('[data-go]');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.verdict:is(.held, .broken)', { timeout: 60_000 });
  const verdict = await page.$eval('[data-verdict]', ({ textContent }) => textContent ?? '');
  assert.match(verdict, /^Nothing lost, duplicated or reordered: 400 messages up and 400 down/);
  await page.waitForFunction(
    () => Number(document.querySelector('[data-total-received]')?.textContent) > 800,
    { timeout: 5000 },
  );
  assert.deepEqual(errors, []);
  await page.close();
});

for (const [width, id] of /** @type {const} */ ([
  [390, 'both'],
  [1280, 'killed'],
])) {
  test(`at ${width} pixels nothing is wider than the page, before a trial, in it and after it`, async () => {
    const { page } = await open(chromium, {
      width,
      height: 844,
      isMobile: width < 500,
      hasTouch: width < 500,
    });
    const excess = () =>
      page.evaluate(() => {
        const { scrollWidth } = document.documentElement;
        const wide = [...document.querySelectorAll('main *')].filter(
          (element) => element.getBoundingClientRect().right > innerWidth + 1,
        );
        return { scrollWidth, wide: wide.map(({ className, tagName }) => `${tagName} ${className}`) };
      });
    assert.deepEqual(await excess(), { scrollWidth: width, wide: [] });
    await press(page, id);
    await page.waitForSelector(`#outcome[data-of="${id}"][data-phase="running"]`);
    assert.deepEqual(await excess(), { scrollWidth: width, wide: [] });
    await over(page, id, 60_000);
    assert.deepEqual(await excess(), { scrollWidth: width, wide: [] });
    await page.close();
  });
}

test('the Tab key walks through the whole page in its order, and always shows where it is', async () => {
  const { page } = await open(chromium);
  /** @type {string[]} */
  const seen = [];
  for (let presses = 0; presses < 80; presses += 1) {
    await page.keyboard.press('Tab');
    const at = await page.evaluate(() => {
      const element = /** @type {HTMLElement} */ (document.activeElement);
      if (element === document.body) return null;
      // A radio button shows its focus ring on its label.
      const ring = [element, element.closest('label')].some(
        (one) => one && getComputedStyle(one).outlineStyle !== 'none',
      );
      return { name: element.dataset.start ?? element.id ?? '', ring, tag: element.tagName };
    });
    if (!at) break;
    assert.ok(at.ring, `no ring around ${JSON.stringify(at)}`);
    seen.push(at.name);
  }
  assert.ok(seen.length < 80, 'the focus never left the page');
  const trials = TRIALS.filter(({ id }) => seen.includes(id)).map(({ id }) => id);
  assert.equal(trials.length, TRIALS.length);
  assert.deepEqual(
    seen.filter((name) => trials.includes(name)),
    trials,
  );
  assert.ok(seen.includes('words'), 'the focus reaches the chat');
  await page.close();
});

test('every text colour has the contrast of AA on both grounds, in light and dark', async () => {
  const { page } = await open(chromium);
  for (const value of ['light', 'dark']) {
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value }]);
    const ratios = await page.evaluate(() => {
      const style = getComputedStyle(document.documentElement);
      const luminance = (/** @type {string} */ name) => {
        const hex = style.getPropertyValue(`--${name}`).trim();
        const [r = 0, g = 0, b = 0] = [1, 3, 5]
          .map((at) => Number.parseInt(hex.slice(at, at + 2), 16) / 255)
          .map((part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      };
      const pairs = ['card', 'ground', 'chosen'].flatMap((ground) =>
        ['text', 'muted', 'accent', 'bad', 'good', 'websocket', 'sse', 'poll'].map((text) => [text, ground]),
      );
      return [...pairs, ['on-accent', 'accent'], ['on-bad', 'bad']].map(([text = '', ground = '']) => {
        const [less = 0, more = 0] = [luminance(text), luminance(ground)].sort((a, b) => a - b);
        return { pair: `${text} on ${ground}`, ratio: (more + 0.05) / (less + 0.05) };
      });
    });
    const poor = ratios.filter(({ ratio }) => !(ratio >= 4.5));
    assert.deepEqual(poor, [], value);
  }
  await page.close();
});
