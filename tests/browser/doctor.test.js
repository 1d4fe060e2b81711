// @ts-check
/** The doctor's page in real Chromium, behind networks that let all of it, some of it, and nothing of it through. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { faint } from './contrast.js';
import { startGateway } from './gateway.js';
import { launch } from './launch.js';

/** A portal that took over after the page had loaded. It answers the session's routes itself, and still passes files. */
const PORTAL = {
  rules: ['websocket', 'stream', 'send', 'poll', 'control'].map((route) => ({
    route,
    request: { answer: { status: 200, html: '<h1>Sign in</h1>' } },
  })),
};

/** The expected finding for each network: the result, and the codes by probe. */
const NETWORKS = [
  {
    name: 'clear',
    network: { named: 'clear' },
    result: 'This network lets realtime through, by WebSocket.',
    codes: {
      control: 'ours',
      websocket: 'works',
      sse: 'works',
      poll: 'works',
      send: 'works',
      size: 'works',
      'idle-websocket': 'lived',
      'idle-sse': 'lived',
      'idle-poll': 'lived',
      client: 'works',
    },
    report: [/Online in .+, by WebSocket\. 10 of 10 messages came back, each once\./, /60 KB pass at once/],
  },
  {
    name: 'WebSocket refused and streams buffered',
    network: { named: 'websocket-refused-and-streams-buffered' },
    result: 'Only long-poll gets through.',
    codes: {
      control: 'ours',
      websocket: 'refused',
      sse: 'held_headers',
      poll: 'works',
      send: 'works',
      size: 'works',
      'idle-poll': 'lived',
      client: 'works',
    },
    report: [/by long-poll\. 10 of 10/, /Switch response buffering off/],
  },
  {
    name: 'a portal in place of /rt',
    network: PORTAL,
    result: 'A sign-in page stands in the way.',
    codes: {
      control: 'portal',
      websocket: 'refused',
      sse: 'answered',
      poll: 'answered',
      send: 'answered',
      client: 'offline',
    },
    report: [/status 200/, /Sign in to the network/],
  },
];

describe('the doctor in Chromium', { timeout: 240_000, concurrency: 3 }, () => {
  /** @type {Awaited<ReturnType<typeof launch>>} */
  let browser;
  /** @type {Awaited<ReturnType<typeof startGateway>>} */
  let gateway;
  before(async () => {
    gateway = await startGateway();
    browser = await launch('chromium');
  });
  after(async () => {
    await browser?.close();
    await gateway?.stop();
  });

  /** @param {string} path @param {unknown} body */
  const post = async (path, body) => {
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${gateway.url}${path}`, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
    });
    assert.ok(answer.ok, `${path}: ${answer.status}`);
    return answer.status === 204 ? undefined : answer.json();
  };
  /** Opens a page behind its own network, as a user would. @param {object} network */
  const open = async (network) => {
    const { name, url } = await post('/demo/fronts', {});
    const change = (/** @type {object} */ to) => post(`/demo/fronts/${name}`, to);
    await change(network);
    // A page behind another one in the same window does not draw.
    const page = await browser.newPage(true);
    /** @type {string[]} */
    const errors = [];
    page.on('pageerror', (error) => errors.push(`${error}`));
    await page.goto(`${url}/doctor?watch=2&secret=hush`);
    return { page, change, url, errors };
  };
  /** @param {import('puppeteer-core').Page} page */
  const examined = async (page) => {
    await page.waitForFunction(() => !document.querySelector('[data-result][data-level="running"]'), {
      timeout: 60_000,
    });
    return page.evaluate(() => {
      const text = (/** @type {string} */ name) =>
        document.querySelector(`[data-${name}]`)?.textContent ?? '';
      const findings = [...document.querySelectorAll('[data-probe]')].map((place) => {
        const { probe, code } = /** @type {HTMLElement} */ (place).dataset;
        return [probe, code];
      });
      const report = /** @type {HTMLTextAreaElement} */ (document.querySelector('[data-report]')).value;
      return {
        result: text('result-title'),
        spoken: text('spoken'),
        codes: Object.fromEntries(findings),
        report,
      };
    });
  };

  for (const { name, network, result, codes, report } of NETWORKS) {
    test(`it says what ${name} is, and puts it into the report`, async (t) => {
      const { page, url, errors } = await open(network);
      const seen = await examined(page);
      t.diagnostic(seen.report.replaceAll('\n', ' '));
      assert.equal(seen.result, result);
      assert.deepEqual(pacedAsOurs(seen.codes), codes);
      for (const expected of [url, result, 'Chrom', ...report])
        assert.match(seen.report, new RegExp(expected));
      assert.ok(seen.spoken.startsWith(`Done. ${result}`), seen.spoken);
      assert.doesNotMatch(seen.report, /hush/);
      assert.deepEqual(errors, []);
      if (process.env.SCREENSHOTS) await screenshots(page, name);
      await page.close();
    });
  }

  test('a lossy network is called lossy, and the findings stand in the order of the report', async (t) => {
    const { page, errors } = await open({ named: 'lossy' });
    const seen = await examined(page);
    t.diagnostic(seen.report.replaceAll('\n', ' '));
    assert.match(seen.result, /^Realtime works here by .+, but loses requests\.$/);
    const order = ['control', 'websocket', 'sse', 'poll', 'send', 'size'];
    const places = Object.keys(seen.codes).map((probe) => order.indexOf(probe));
    assert.deepEqual(
      places.filter((place) => place >= 0),
      places.filter((place) => place >= 0).toSorted((a, b) => a - b),
    );
    assert.deepEqual(errors, []);
    if (process.env.SCREENSHOTS) await screenshots(page, 'lossy');
    await page.close();
  });

  test('the page reports a network that dies after it has loaded, and nothing breaks', async () => {
    const { page, change, errors } = await open({ named: 'clear' });
    await examined(page);
    await change({ named: 'offline' });
    await page.click('[data-again]');
    await page.waitForSelector('[data-result][data-level="running"]');
    const seen = await examined(page);
    assert.equal(seen.result, 'The gateway cannot be reached.');
    assert.equal(seen.codes.control, 'unreachable');
    assert.deepEqual(errors, []);
    if (process.env.SCREENSHOTS) await screenshots(page, 'offline');
    await page.close();
  });

  test('findings appear one by one, the page announces progress, and the report can be copied by keyboard', async () => {
    const { page } = await open({ named: 'clear' });
    await page.waitForSelector('[data-probe="control"][data-code]');
    assert.equal(await page.$eval('[data-result]', (place) => place.getAttribute('data-level')), 'running');
    assert.match(await page.$eval('[data-spoken]', (place) => place.textContent ?? ''), /^Testing: /);
    assert.equal(await page.$('[data-probe="client"][data-code]'), null);
    for (const value of ['dark', 'light']) {
      await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value }]);
      assert.deepEqual(await faint(page), [], `${value}, while it runs`);
    }
    assert.equal(await page.$eval('[data-result]', (place) => place.getAttribute('data-level')), 'running');
    if (process.env.SCREENSHOTS) await screenshots(page, 'running');
    await examined(page);
    for (const value of ['dark', 'light']) {
      await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value }]);
      assert.deepEqual(await faint(page), [], `${value}, at the end`);
    }
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.querySelector('[data-copied]')?.textContent);
    await page.close();
  });
});

/** Removes the pace from the codes, since it depends on this machine's load. @param {Record<string, string>} codes */
function pacedAsOurs(codes) {
  const pace = (/** @type {[string, string]} */ [probe, code]) => [
    probe,
    code === 'slow' ? (probe === 'control' ? 'ours' : 'works') : code,
  ];
  return Object.fromEntries(Object.entries(codes).map(pace));
}

/** Takes pictures for a human to look at: wide, phone, dark. @param {import('puppeteer-core').Page} page @param {string} name */
async function screenshots(page, name) {
  const path = (/** @type {string} */ kind) =>
    `${process.env.SCREENSHOTS}/${name.replaceAll(/\W+/g, '-')}-${kind}.png`;
  for (const [kind, width, scheme] of /** @type {const} */ ([
    ['wide', 1280, 'light'],
    ['phone', 390, 'light'],
    ['dark', 1280, 'dark'],
    ['phone-dark', 390, 'dark'],
  ])) {
    await page.setViewport({ width, height: 900 });
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
    const fits = await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth);
    assert.ok(fits, `${name} is too wide for ${kind}`);
    await page.screenshot({ path: /** @type {`${string}.png`} */ (path(kind)), fullPage: true });
  }
}
