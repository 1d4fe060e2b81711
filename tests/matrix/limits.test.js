// @ts-check
/**
 * Paths that refuse long bodies, but not with the answer that is meant for it. The rows send the backlog of
 * an outage, and one long message.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { startHostile } from '../proxies/hostile.js';
import { WHOLE } from './results.js';
import { matrix, RATE } from './stage.js';

/** @typedef {import('./stage.js').Row} Row */
/** @typedef {import('./stage.js').Stage} Stage */
/** @typedef {import('../proxies/hostile.js').Refusal} Refusal */

const NODE = /** @type {import('./stage.js').ClientName[]} */ (['node']);
const BOTH = /** @type {import('./stage.js').ClientName[]} */ (['node', 'chromium']);
const NOT_WEBSOCKET = /** @type {import('./stage.js').Transport[]} */ (['sse', 'poll']);

const OUTAGE_MS = 4_000;
const MESSAGES = 600;
/** The interval between bursts of publications. Together they fill the outage. */
const EVERY_MS = 40;
/** The padding that makes the data of a message 100 bytes. */
const PAD = 55;
/** The time after the outage within which messages come down again, and continue to. */
const HEARD_WITHIN_MS = 10_000;

const PATHS = /** @type {Refusal[]} */ ([
  '413',
  '403',
  '400',
  '429',
  '503',
  '200',
  'reset',
  'silence',
]).flatMap((how) => [1, 4, 16].map((kilobytes) => ({ kilobytes, how })));
/** The cases of the short form, with each answer once. */
const CHOSEN = ['4 413', '1 403', '16 400', '4 503', '4 200', '4 reset', '16 silence'];

/** @param {Refusal} how */
const described = (how) =>
  how === 'reset' ? 'a reset' : how === 'silence' ? 'silence' : `status ${how} and a page`;

const hostileOf = (/** @type {Pick<Stage, 'proxy'>} */ { proxy }) =>
  /** @type {import('../proxies/hostile.js').Hostile} */ (proxy);

/** Checks that the publications of an outage go up afterwards, in bodies that pass. @param {Stage} stage */
async function backlog(stage) {
  const network = hostileOf(stage);
  await stage.until({ state: 'online' }, 5_000);
  await stage.traffic(undefined, { up: 0 });
  await stage.client.call('received', RATE, 5_000);
  stage.mark();
  network.cut();
  for (let sent = 0; sent < MESSAGES; await pause(EVERY_MS)) {
    const due = Math.min(MESSAGES, Math.floor((stage.elapsed() * MESSAGES) / OUTAGE_MS));
    await stage.burst('up', due - sent, PAD);
    sent = due;
  }
  const outage = stage.elapsed();
  network.mend();
  stage.mark();
  const ms = await stage.arrived(MESSAGES);
  // The counter reports a silence only when it is over.
  const { received } = (await stage.client.call('report', 0)).down;
  await stage.client.call('received', received + 1, HEARD_WITHIN_MS);
  const { down } = await stage.client.call('report', 0);
  const silent = down.received === received ? HEARD_WITHIN_MS : down.longestGapMs - outage;
  const problems = silent >= HEARD_WITHIN_MS ? [`nothing came down for ${silent} ms after the outage`] : [];
  return { ms, note: `${network.tally.limited} bodies were too long`, problems };
}

/**
 * Publishes one message that is too large.
 * @param {string} code the outcome of that message
 * @returns {(stage: Stage) => Promise<import('./stage.js').Outcome>}
 */
const oneTooLarge = (code) => async (stage) => {
  const LARGE = 10_000;
  await stage.until({ state: 'online', transport: stage.expected }, 5_000);
  await stage.traffic();
  await stage.arrived(RATE);
  stage.mark();
  const patience = (stage.row.bound ?? 0) + 15_000;
  const large = await Promise.race([
    stage.client.call('publishAside', LARGE),
    pause(patience, { code: 'not settled' }, { ref: false }),
  ]);
  const { sent } = await stage.client.call('report', 0);
  // These are the messages before it, those that waited behind it, and those that came later.
  const ms = await stage.arrived(sent + RATE);
  return {
    ms,
    note: `${hostileOf(stage).tally.limited} bodies were too long; the message was ${large.code} after ${large.ms} ms`,
    problems: large.code === code ? [] : [`the message was ${large.code}`],
  };
};

/** @type {Row[]} */
const ROWS = [
  ...PATHS.filter(({ kilobytes, how }) => WHOLE || CHOSEN.includes(`${kilobytes} ${how}`)).map(
    ({ kilobytes, how }) =>
      /** @type {Row} */ ({
        row: 41,
        condition: `${MESSAGES} messages from an outage of ${OUTAGE_MS / 1000} s, then bodies above ${kilobytes} KB are answered by ${described(how)}`,
        clients: how === '403' || (how === 'reset' && WHOLE) ? BOTH : NODE,
        expect: NOT_WEBSOCKET,
        bound: how === 'silence' ? 120_000 : 30_000,
        proxy: (upstream) =>
          startHostile({ upstream, websocket: 'refused', bodyLimit: { bytes: kilobytes * 1024, how } }),
        run: backlog,
      }),
  ),
  {
    row: 42,
    condition:
      'one message of 10 KB, bodies above 4 KB are answered by status 403: the message alone is rejected',
    clients: BOTH,
    expect: NOT_WEBSOCKET,
    bound: 30_000,
    proxy: (upstream) =>
      startHostile({ upstream, websocket: 'refused', bodyLimit: { bytes: 4_096, how: '403' } }),
    run: oneTooLarge('too_large'),
  },
  {
    row: 42,
    condition:
      'one message of 10 KB, polls first, bodies above 4 KB are answered by status 403: it goes by WebSocket',
    clients: NODE,
    expect: ['poll', 'websocket'],
    bound: 30_000,
    options: { transports: ['poll', 'websocket'] },
    proxy: (upstream) => startHostile({ upstream, bodyLimit: { bytes: 4_096, how: '403' } }),
    run: oneTooLarge('ok'),
  },
];

// The rows spend almost all of their time waiting.
matrix(import.meta.url, 'limits on bodies', ROWS, { concurrency: 20 });
