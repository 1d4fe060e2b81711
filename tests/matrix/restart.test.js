// @ts-check
/**
 * A gateway stops and starts again, while a session on each transport publishes. The gateway forgets its
 * sessions, and notifies each client. A client keeps for the next session the messages that it never handed
 * over.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { startGateway } from '../browser/gateway.js';
import { createCounter } from '../counting.js';
import { connectTo } from '../node/lab.js';
import { createResults, WHOLE } from './results.js';
import { RATE } from './stage.js';

/** The time between the end of the first gateway and the start of the second. */
const AWAY_MS = 3_000;
const BEFORE_MS = 2_000;
const AFTER_MS = 2_000;
/** The time from the start of the second gateway until a session is online again. */
const BACK_WITHIN_MS = 30_000;
/** The time after which an open publication stays open. */
const PATIENCE_MS = 15_000;
/** The longest time for which a stop waits for clients. */
const DRAIN_S = WHOLE ? 10 : 3;
/** The most publications with an unknown outcome: those of the last second before the stop. */
const MOST_UNKNOWN = RATE;

const TRANSPORTS = /** @type {import('./stage.js').Transport[]} */ (['websocket', 'sse', 'poll']);

/** @typedef {{ number: number, at: number, outcome: string }} Publication `at`: ms after the start; `outcome`: `open`, `ok` or a code */
/** @typedef {ReturnType<typeof startSession>} Session */

const results = createResults(import.meta.url);

/** A socket that ignores the gateway's request to leave, and so stays until the end. */
class Steadfast extends WebSocket {
  /** @param {string | symbol} event @param {any[]} values */
  emit(event, ...values) {
    return (event === 'message' && `${values[0]}`.startsWith('{"goaway"')) || super.emit(event, ...values);
  }
}

/**
 * Reads a channel of a gateway from its first message on, as a plain event stream. Resolves once the stream
 * is open.
 * @param {string} url
 * @param {string} channel
 * @param {(number: number) => void} take
 * @param {AbortSignal} signal
 */
async function readFromTheFirst(url, channel, take, signal) {
  const stream = `${url}/rt/stream?channel=${encodeURIComponent(channel)}`;
  const read = async function* (position = '') {
    const answer = await fetch(`${stream}&last_event_id=${encodeURIComponent(position)}`, { signal });
    // TypeScript has a browser's types, whose streams are not iterable.
    const body = /** @type {AsyncIterable<Uint8Array>} */ (/** @type {unknown} */ (answer.body));
    const decoder = new TextDecoder();
    let rest = '';
    for await (const chunk of body) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      yield* lines;
    }
  };
  let epoch = '';
  for await (const line of read()) {
    [, epoch = ''] = line.match(/^id: ?(.*):\d+$/) ?? [];
    if (epoch) break;
  }
  const follow = async () => {
    for await (const line of read(`${epoch}:0`))
      if (line.startsWith('data:')) take(JSON.parse(line.slice('data:'.length)).data.number);
  };
  follow().catch(() => {});
}

/**
 * Starts a session that publishes 1, 2, 3 … and records each outcome.
 * @param {string} url
 * @param {import('./stage.js').Transport} transport
 */
function startSession(url, transport) {
  const begun = performance.now();
  const elapsed = () => Math.round(performance.now() - begun);
  const channel = `restart/${transport}`;
  const connection = connectTo(url, { transports: [transport] });
  /** @type {Publication[]} */
  const publications = [];
  /** @type {Array<{ at: number, to: string | null, reason: string }>} */
  const changes = [];
  /** @type {unknown[]} */
  const resets = [];
  connection.on('transport', ({ to, reason }) => changes.push({ at: elapsed(), to, reason }));
  connection.on('reset', (reset) => resets.push(reset));
  // The subscription gives the session something to lose.
  connection.channel(`${channel}/down`).on('message', () => {});
  const counter = createCounter();
  const witness = connectTo(url, { transports: ['websocket'], WebSocket: Steadfast });
  witness.channel(channel).on('message', ({ data }) => counter.take(data.number));
  const end = new AbortController();
  const publish = () => {
    /** @type {Publication} */
    const publication = { number: publications.length + 1, at: elapsed(), outcome: 'open' };
    publications.push(publication);
    connection
      .channel(channel)
      .publish({ number: publication.number })
      .then(
        () => 'ok',
        ({ code }) => `${code}`,
      )
      .then((outcome) => {
        publication.outcome = outcome;
      });
  };
  /** @type {ReturnType<typeof setInterval> | undefined} */
  let timer;
  return {
    transport,
    connection,
    publications,
    changes,
    resets,
    counter,
    elapsed,
    subscribed: () =>
      Promise.all([connection.channel(`${channel}/down`).subscribed, witness.channel(channel).subscribed]),
    /** Reads the channel at the second gateway, which has another history. */
    async follow() {
      witness.close();
      await readFromTheFirst(url, channel, counter.take, end.signal);
    },
    start() {
      timer = setInterval(publish, 1_000 / RATE);
    },
    stop: () => clearInterval(timer),
    close() {
      clearInterval(timer);
      end.abort();
      witness.close();
      connection.close();
    },
  };
}

/** Waits until a condition holds, or for this time. @param {() => boolean} holds @param {number} ms */
async function until(holds, ms) {
  const deadline = performance.now() + ms;
  while (!holds() && performance.now() < deadline) await pause(20);
}

/**
 * @param {Session} session
 * @param {{ stopped: number, restarted: number }} at in the session's time
 */
function judge({ transport, connection, publications, changes, resets, counter }, at) {
  const outcomes = (/** @type {string} */ code) => publications.filter(({ outcome }) => outcome === code);
  const unknown = outcomes('unknown_outcome');
  const fulfilled = outcomes('ok');
  const others = publications.filter(({ outcome }) => !['ok', 'unknown_outcome'].includes(outcome));
  const { received, duplicated, reordered } = counter.report(publications.length);
  const back = changes.find((change) => change.to !== null && change.at > at.restarted);
  const ms = back ? Math.round(back.at - at.restarted) : null;
  const problems = [];
  if (others.length)
    problems.push(`${others.length} are ${[...new Set(others.map(({ outcome }) => outcome))]}`);
  if (unknown.length > MOST_UNKNOWN) problems.push(`${unknown.length} of unknown outcome`);
  // A publication of unknown outcome may or may not have arrived.
  if (received < fulfilled.length || received > fulfilled.length + unknown.length)
    problems.push(`${fulfilled.length} fulfilled, ${received} arrived`);
  if (duplicated || reordered) problems.push(`${duplicated} duplicated, ${reordered} reordered`);
  if (resets.length !== 1) problems.push(`${resets.length} resets`);
  if (connection.transport !== transport) problems.push(`it ended on ${connection.transport}`);
  if (ms === null || ms > BACK_WITHIN_MS) problems.push(`back after ${ms} ms`);
  const left = changes.find((change) => change.to === null && change.at > at.stopped)?.at ?? at.stopped;
  const ages = unknown.map((publication) => left - publication.at).sort((a, b) => a - b);
  const note = [
    `${publications.length} published, ${unknown.length} of unknown outcome`,
    ages.length ? `they were published ${ages.at(-1)} to ${ages[0]} ms before its leg was gone` : '',
    ...problems,
  ];
  return { ms, problems, note: note.filter(Boolean).join('; ') };
}

describe('row 48: a gateway is stopped and another started on its port 3 s later', { concurrency: 3 }, () => {
  /** @type {Session[]} */
  const sessions = [];
  /** @type {Awaited<ReturnType<typeof startGateway>>} */
  let second;
  /** The times of the events, as `performance.now` counts. */
  const times = { stopped: 0, restarted: 0 };

  before(async () => {
    const first = await startGateway(['serve', '--listen', '127.0.0.1:0', '--drain', `${DRAIN_S}`]);
    for (const transport of TRANSPORTS) sessions.push(startSession(first.url, transport));
    await Promise.all(sessions.map((session) => session.subscribed()));
    for (const session of sessions) session.start();
    await pause(BEFORE_MS);
    times.stopped = performance.now();
    assert.equal(await first.stop(DRAIN_S * 1_000 + 5_000), 'ended with status 0');
    await pause(AWAY_MS);
    second = await startGateway(['serve', '--listen', new URL(first.url).host]);
    times.restarted = performance.now();
    await Promise.all(sessions.map((session) => session.follow()));
  });
  after(async () => {
    for (const session of sessions) session.close();
    await second?.stop();
  });

  for (const transport of TRANSPORTS) {
    test(`the session on ${transport} keeps what it had not handed over, and is told of the rest`, async () => {
      const session = /** @type {Session} */ (sessions.find((session) => session.transport === transport));
      await until(() => session.connection.state === 'online', BACK_WITHIN_MS + PATIENCE_MS);
      await pause(AFTER_MS);
      session.stop();
      const isOpen = () => session.publications.some(({ outcome }) => outcome === 'open');
      const fulfilled = () => session.publications.filter(({ outcome }) => outcome === 'ok').length;
      const received = () => session.counter.report(0).received;
      await until(() => !isOpen() && received() >= fulfilled(), PATIENCE_MS);
      const offset = performance.now() - session.elapsed();
      const { ms, problems, note } = judge(session, {
        stopped: times.stopped - offset,
        restarted: times.restarted - offset,
      });
      results.add({
        row: 48,
        condition: `a stop with a drain of ${DRAIN_S} s, a start ${AWAY_MS / 1000} s later, ${RATE} publications a second on ${transport}`,
        client: 'node',
        expected: transport,
        observed: `${session.connection.transport}`,
        ms,
        bound: BACK_WITHIN_MS,
        ok: problems.length === 0,
        whole: WHOLE,
        note,
      });
      if (problems.length && process.env.THROUGHLINE_EXPLAIN)
        console.log(JSON.stringify({ times, ...session, connection: session.connection.explain() }, null, 1));
      assert.deepEqual(problems, []);
    });
  }
});
