// @ts-check
/**
 * A process of many signed-in sessions. `refreshes.test.js` starts it and asks it to act, and it ends with its
 * parent. It counts, and must not judge.
 */
import { WebSocket } from 'ws';
import { connect } from '../../client-js/src/index.js';
import { createCounter } from '../counting.js';
import { signFor } from '../tokens.js';

/**
 * @typedef {{ url: string, secret: string, channel: string, transports: import('./stage.js').Transport[], first: number, count: number,
 *   endsMs: number, spreadS: number, lifeS: [number, number] }} Order `endsMs`: the earliest end of a first token; `spreadS`: the
 *   seconds over which the first tokens end; `lifeS`: the shortest and the longest life of a later one
 * @typedef {Awaited<ReturnType<typeof report>>} Tally
 */

/** The number of clients that connect at once. */
const AT_ONCE = 25;
/** The entries of the client's log that the report names. */
const FAULTS = ['legDied', 'legDropped', 'requestFailed', 'tokenAnswered', 'tokenFailed'];

/** @typedef {{ connection: ReturnType<typeof connect>, counter: ReturnType<typeof createCounter>, refreshes: number, resets: number }} One */
/** @type {One[]} */
const herd = [];
/** The refreshes of each second, by its time. @type {Record<number, number>} */
const refreshed = {};
/** The number of each other event that the report names. @type {Record<string, number>} */
const events = {};
let isWatching = false;

/** @param {string} name */
const note = (name) => {
  if (isWatching) events[name] = (events[name] ?? 0) + 1;
};

/** Requests as the platform does, and notes the code of a socket's failure. @type {typeof fetch} */
const noting = async (input, init) => {
  try {
    return await fetch(input, init);
  } catch (error) {
    const code = /** @type {any} */ (error).cause?.code;
    // The client aborts requests by itself.
    if (code) note(`fetch ${code}`);
    throw error;
  }
};

/** Starts a client, and resolves when the gateway has subscribed it. @param {Order} order @param {number} number */
async function start({ url, secret, channel, transports, endsMs, spreadS, lifeS }, number) {
  let isFirst = true;
  const token = () => {
    const [shortest, longest] = lifeS;
    const lifeMs = 1_000 * (shortest + Math.random() * (longest - shortest));
    const until = isFirst ? endsMs + 1_000 * Math.random() * spreadS : Date.now() + lifeMs;
    isFirst = false;
    return signFor(secret, `user-${number}`, until / 1_000);
  };
  const log = (/** @type {any} */ { type, error, route, status, reason }) => {
    if (type === 'tokenAnswered' && !error) {
      const second = Math.floor(Date.now() / 1_000);
      refreshed[second] = (refreshed[second] ?? 0) + 1;
      one.refreshes += 1;
    } else if (FAULTS.includes(type)) note([type, route, status, reason, error].filter(Boolean).join(' '));
  };
  const options = { WebSocket: /** @type {any} */ (WebSocket), fetch: noting, storage: null, token, log };
  const connection = connect(url, {
    ...options,
    transports: [/** @type {any} */ (transports[number % transports.length])],
  });
  const one = { connection, counter: createCounter(), refreshes: 0, resets: 0 };
  herd.push(one);
  connection.on('transport', () => note('a change of transport'));
  connection.on('error', ({ code }) => note(`error ${code}`));
  connection.on('reset', () => {
    one.resets += 1;
  });
  connection.channel(channel).on('message', ({ data }) => one.counter.take(data));
  await connection.channel(channel).subscribed;
}

/** @type {Record<string, (...args: any[]) => unknown>} */
const methods = {
  /** @param {Order} order */
  async gather(order) {
    for (let started = 0; started < order.count; started += AT_ONCE) {
      const numbers = Array.from({ length: Math.min(AT_ONCE, order.count - started) }, (_, i) => started + i);
      await Promise.all(numbers.map((number) => start(order, order.first + number)));
    }
  },

  /** Counts the events from here on. */
  watch() {
    isWatching = true;
  },

  /** Resolves when each client has this many messages, or when the time is over. @param {number} count @param {number} withinMs */
  received: (count, withinMs) =>
    Promise.race([
      Promise.all(herd.map(({ counter }) => counter.reached(count))).then(() => true),
      new Promise((resolve) => setTimeout(resolve, withinMs, false)),
    ]),

  report,

  close() {
    isWatching = false;
    for (const { connection } of herd) connection.close();
  },
};

/** @param {number} sent */
function report(sent) {
  const total = { lost: 0, duplicated: 0, reordered: 0, resets: 0, offline: 0, unrefreshed: 0 };
  for (const { connection, counter, refreshes, resets } of herd) {
    const { lost, duplicated, reordered } = counter.report(sent);
    total.lost += lost;
    total.duplicated += duplicated;
    total.reordered += reordered;
    total.resets += resets;
    total.offline += Number(connection.state !== 'online');
    total.unrefreshed += Number(refreshes === 0);
  }
  return { total, events, refreshed };
}

process.on('message', async (/** @type {import('./moving-child.js').Question} */ { id, method, args }) => {
  /** @type {import('./moving-child.js').Answer} */
  const answer = { id };
  try {
    answer.value = await methods[method]?.(...args);
  } catch (error) {
    answer.error = error instanceof Error ? error.message : `${error}`;
  }
  if (process.connected) process.send?.(answer);
});
process.on('disconnect', () => process.exit());
console.log('ready');
