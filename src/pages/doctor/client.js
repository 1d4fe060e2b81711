// @ts-check
/** The whole client, as an application would use it: connect, a private channel, a few messages. Only its exports are used. */

import { now, route } from './speak.js';

const ONLINE_MS = 12_000;
/** The limit if no transport got through: the page then only sees how the client reports that. */
const HOPELESS_MS = 4000;
const MESSAGES = 10;
const MESSAGES_MS = 10_000;

/**
 * @param {boolean} hopeful whether a transport got through
 * @returns {Promise<{ code: string, figures: import('./verdict.js').Figures, told?: string }>} `told` is the client's own account of it
 */
export async function tryClient(hopeful) {
  const modules = await load();
  if (!modules) return { code: 'not_loaded', figures: {} };
  try {
    return await use(modules, hopeful);
  } catch (error) {
    return { code: 'broken', figures: { detail: `${error}` } };
  }
}

/** @param {any} modules @param {boolean} hopeful */
async function use(modules, hopeful) {
  const begun = now();
  // It uses nothing that an earlier visit learned, and keeps nothing of this one.
  const connection = modules.connect(route('').href.replace(/\/$/, ''), { storage: null });
  try {
    await until(connection, 'transport', () => connection.transport, hopeful ? ONLINE_MS : HOPELESS_MS);
    const onlineMs = now() - begun;
    const told = tell(modules, connection);
    if (!connection.transport)
      return { code: 'offline', figures: { after_ms: onlineMs, state: connection.state }, told };
    const { received, duplicated } = await exchange(connection);
    const { transport } = connection;
    const figures = {
      online_ms: onlineMs,
      transport: transport ?? 'nothing',
      sent: MESSAGES,
      received,
      duplicated,
    };
    const code = received === MESSAGES && duplicated === 0 ? 'works' : 'incomplete';
    return { code, figures, told: tell(modules, connection) };
  } finally {
    connection.close();
  }
}

/** Loads the client. The page may be here while the gateway's files are not. */
async function load() {
  try {
    const { connect } = await import(route('client/index.js').href);
    const text = await import(route('client/explain.js').href).catch(() => undefined);
    return { connect, describe: text?.describe };
  } catch {
    return undefined;
  }
}

/** @param {any} modules @param {any} connection */
function tell({ describe }, connection) {
  const data = connection.explain?.();
  return data && (describe ? describe(data) : JSON.stringify(data));
}

/** @param {any} connection */
async function exchange(connection) {
  const channel = connection.channel(`doctor/${crypto.getRandomValues(new Uint32Array(4)).join('')}`);
  const seen = new Set();
  let duplicated = 0;
  let all = () => {};
  channel.on('message', (/** @type {{ data: number }} */ { data }) => {
    if (seen.has(data)) duplicated += 1;
    seen.add(data);
    if (seen.size === MESSAGES) all();
  });
  await new Promise((resolve) => {
    all = () => resolve(undefined);
    setTimeout(resolve, MESSAGES_MS);
    // A publish without an answer does not count.
    for (let number = 1; number <= MESSAGES; number += 1) channel.publish(number).catch(() => {});
  });
  return { received: seen.size, duplicated };
}

/**
 * Resolves when the condition holds after an event, or at the limit.
 * @param {any} connection @param {string} event @param {() => unknown} holds @param {number} limitMs
 */
function until(connection, event, holds, limitMs) {
  return new Promise((resolve) => {
    if (holds()) resolve(undefined);
    connection.on(event, () => holds() && resolve(undefined));
    setTimeout(resolve, limitMs);
  });
}
