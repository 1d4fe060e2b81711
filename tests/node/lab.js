// @ts-check
/** A gateway, a front for each test, and bursts through it in both directions. */
import assert from 'node:assert/strict';
import { setInterval as every } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { connect } from '../../client-js/src/index.js';
import { startGateway } from '../browser/gateway.js';
import { createCounter } from '../counting.js';

/** @typedef {import('../counting.js').Count} Count */
/** @typedef {ReturnType<typeof connect>} Connection */
/** @typedef {'websocket' | 'sse' | 'poll'} Transport */
/** @typedef {'websocket' | 'stream' | 'send' | 'poll' | 'any'} Route */

/** The routes of a transport, as netlab names them. @type {Record<Transport, Route>} */
export const CARRIER = { websocket: 'websocket', sse: 'stream', poll: 'poll' };

/** Every ordered pair of transports. */
export const PAIRS = /** @type {Transport[]} */ (['websocket', 'sse', 'poll']).flatMap((from, _, all) =>
  all.filter((to) => to !== from).map((to) => ({ from, to })),
);

/** @param {string} url @param {unknown} body */
export async function post(url, body = {}) {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
  return response.status === 204 ? undefined : response.json();
}

/**
 * Starts a gateway with its hostile networks. Stop it in the test's `after`.
 * @param {string[]} [args] arguments of the gateway, instead of the demo's
 */
export async function startLab(args) {
  const gateway = await startGateway(args);
  return {
    gateway,
    /** Makes a network for one test. */
    async front() {
      const { name, url } = await post(`${gateway.url}/demo/fronts`);
      const path = `${gateway.url}/demo/fronts/${name}`;
      return {
        url,
        /** @param {object} network @returns {Promise<void>} */
        set: (network) => post(path, network),
        /** Resets the open connections there. @param {Route} route @returns {Promise<{ killed: number }>} */
        kill: (route) => post(`${path}/kill`, { route }),
        /** Silences the open connections there for ever. @param {Route} route @returns {Promise<{ forgotten: number }>} */
        forget: (route) => post(`${path}/forget`, { route }),
        /**
         * Returns the number of open connections, and of all that ever began.
         * @returns {Promise<Record<'open' | 'begun', Record<string, number>>>}
         */
        show: async () => (await fetch(path)).json(),
      };
    },
  };
}

/**
 * Connects from Node, and gives the client a WebSocket, which Node 20 lacks.
 * @param {string} url
 * @param {object} [options]
 */
export const connectTo = (url, options = {}) =>
  connect(`${url}/rt`, { WebSocket: /** @type {any} */ (WebSocket), ...options });

/**
 * Resolves when a condition holds. Checks it at each event of this kind.
 * @param {Connection} connection
 * @param {'state' | 'transport'} event
 * @param {() => boolean} holds
 * @param {number} [withinMs]
 * @returns {Promise<void>}
 */
export function until(connection, event, holds, withinMs = 15_000) {
  return new Promise((resolve, reject) => {
    const describe = () => `${holds}: state ${connection.state}, transport ${connection.transport}`;
    const deadline = setTimeout(() => done(new Error(`not within ${withinMs} ms: ${describe()}`)), withinMs);
    const undo = connection.on(/** @type {any} */ (event), () => holds() && done());
    const done = (/** @type {Error | undefined} */ error = undefined) => {
      clearTimeout(deadline);
      undo();
      if (error) reject(error);
      else resolve();
    };
    if (holds()) done();
  });
}

/**
 * Sends numbered messages both ways, between the connection under test behind its network and a witness
 * directly at the gateway.
 * @param {{ main: Connection, witness: Connection, messages: number, rate: number, during: () => Promise<void> }} options
 * @returns {Promise<{ up: Count, down: Count }>}
 */
export async function burst({ main, witness, messages, rate, during }) {
  const channel = `burst/${Math.random().toString(36).slice(2)}`;
  const up = createCounter();
  const down = createCounter();
  witness.channel(`${channel}/up`).on('message', ({ data }) => up.take(data));
  main.channel(`${channel}/down`).on('message', ({ data }) => down.take(data));
  await Promise.all([
    witness.channel(`${channel}/up`).subscribed,
    main.channel(`${channel}/down`).subscribed,
  ]);
  await Promise.all([
    pace(messages, rate, (number) => main.channel(`${channel}/up`).publish(number)),
    pace(messages, rate, (number) => witness.channel(`${channel}/down`).publish(number)),
    during(),
  ]);
  // A lost message never arrives, so the wait is bounded, and the count shows the loss.
  const late = AbortSignal.timeout(20_000);
  const all = Promise.all([up.reached(messages), down.reached(messages)]);
  await Promise.race([all, new Promise((resolve) => late.addEventListener('abort', resolve))]);
  return { up: up.report(messages), down: down.report(messages) };
}

/**
 * Sends 1 … `count` at a rate, and waits for every answer.
 * @param {number} count
 * @param {number} rate messages a second
 * @param {(number: number) => Promise<unknown>} send
 */
export async function pace(count, rate, send) {
  const start = performance.now();
  const answers = [];
  let number = 0;
  for await (const _ of every(5)) {
    const due = Math.min(count, Math.floor(((performance.now() - start) * rate) / 1000));
    while (number < due) {
      const answer = send(++number);
      // The code below awaits all answers together.
      answer.catch(() => {});
      answers.push(answer);
    }
    if (number === count) break;
  }
  await Promise.all(answers);
}

/** @param {{ up: Count, down: Count }} counts */
export function assertExactlyOnce(counts) {
  for (const [direction, { sent, received, lost, duplicated, reordered }] of Object.entries(counts)) {
    const seen = { received, lost, duplicated, reordered };
    assert.deepEqual(seen, { received: sent, lost: 0, duplicated: 0, reordered: 0 }, direction);
  }
}
