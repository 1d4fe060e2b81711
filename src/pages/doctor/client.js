// @ts-check
/** The whole client, as an application would use it: connect, a private channel, a few messages. Only its exports are used. */

import { now, route } from './speak.js';

const ONLINE_MS = 12_000;
/** The limit if no transport got through: the page then only sees how the client reports that. */
const HOPELESS_MS = 4000;
const MESSAGES = 10;
const MESSAGES_MS = 10_000;
/**
 * The findings for a gateway that denies the test its channel, by the code of the refusal.
 * @type {Record<string, string>}
 */
const REFUSALS = { unauthorized: 'guest', forbidden: 'no_channel', unknown_channel: 'no_channel' };

/**
 * @param {boolean} hopeful whether a transport got through
 * @returns {Promise<Seen>}
 *
 * @typedef {object} Seen
 * @property {string} code
 * @property {import('./verdict.js').Figures} figures
 * @property {string} [told] the client's own account of it
 * @property {string | null} [user] the user who is signed in
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

/** @param {any} modules @param {boolean} hopeful @returns {Promise<Seen>} */
async function use(modules, hopeful) {
  const begun = now();
  // It uses nothing that an earlier visit learned, and keeps nothing of this one. A cookie may sign it in.
  const options = { storage: null, credentials: 'include' };
  const connection = modules.connect(route('').href.replace(/\/$/, ''), options);
  let isRefused = false;
  connection.on('error', (/** @type {{ code: string }} */ { code }) => {
    isRefused ||= code === 'unauthorized';
  });
  try {
    await until(connection, 'transport', () => connection.transport, hopeful ? ONLINE_MS : HOPELESS_MS);
    const onlineMs = now() - begun;
    const told = tell(modules, connection);
    if (!connection.transport && isRefused) return { code: 'unauthorized', figures: {}, told };
    if (!connection.transport)
      return { code: 'offline', figures: { after_ms: onlineMs, state: connection.state }, told };
    const { received, duplicated, refusal } = await exchange(connection);
    const { transport, user } = connection;
    if (refusal) {
      const figures = { online_ms: onlineMs, transport: transport ?? 'nothing' };
      return { code: refusal, figures, told: tell(modules, connection), user };
    }
    const figures = {
      online_ms: onlineMs,
      transport: transport ?? 'nothing',
      sent: MESSAGES,
      received,
      duplicated,
    };
    const code = received === MESSAGES && duplicated === 0 ? 'works' : 'incomplete';
    return { code, figures, told: tell(modules, connection), user };
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
  /** @type {string | undefined} */
  let refusal;
  let done = () => {};
  const refused = (/** @type {{ code: string }} */ { code }) => {
    // Any other failure leaves the publication without an answer, so it does not count.
    if (!Object.hasOwn(REFUSALS, code)) return;
    refusal = REFUSALS[code];
    done();
  };
  channel.on('end', refused);
  channel.on('message', (/** @type {{ data: number }} */ { data }) => {
    if (seen.has(data)) duplicated += 1;
    seen.add(data);
    if (seen.size === MESSAGES) done();
  });
  await new Promise((resolve) => {
    done = () => resolve(undefined);
    setTimeout(resolve, MESSAGES_MS);
    for (let number = 1; number <= MESSAGES; number += 1) channel.publish(number).catch(refused);
  });
  return { received: seen.size, duplicated, refusal };
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
