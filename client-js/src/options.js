// @ts-check
/**
 * Checks what the application passes in a call: a mistake throws a TypeError that names it and the remedy. No message holds a value
 * that may be a secret.
 *
 * @import { PublishOptions } from './data.js'
 * @import { Options, Transport } from './types.js'
 */

import { nameKind, ThroughlineError } from './errors.js';
import { byteLength } from './session/outgoing.js';

/**
 * The order in which transports are tried, unless the application or the gateway states another.
 * @type {Transport[]}
 */
const TRANSPORTS = ['websocket', 'sse', 'poll'];
/** The longest name of a channel, and the longest token, in bytes (PROTOCOL.md, limits). */
const NAME_BYTES = 128;
const TOKEN_BYTES = 8192;

/** @param {unknown} value */
const isFunction = (value) => typeof value === 'function';
/** @param {unknown} value @param {string[]} methods */
const isObject = (value, methods = []) =>
  typeof value === 'object' &&
  value !== null &&
  methods.every((name) => isFunction(Reflect.get(value, name)));
/** Half a surrogate pair has no form in UTF-8. @param {unknown} value @param {number} mostBytes @returns {value is string} */
const isText = (value, mostBytes) =>
  typeof value === 'string' &&
  value !== '' &&
  byteLength(value) <= mostBytes &&
  !/\p{Surrogate}/u.test(value);
/** @param {unknown} value @returns {value is string} */
const isToken = (value) => isText(value, TOKEN_BYTES);
/** @param {number} mostBytes */
const formOf = (mostBytes) => `a well-formed string of 1 to ${mostBytes} bytes`;

/** The wanted form of an option, in words and as a test. @typedef {[wanted: string, isMet: (value: unknown) => boolean]} Rule */

/** @type {Rule} */
const FUNCTION = ['a function', isFunction];
/** @type {Rule} */
const NUMBER = ['a number above 0', (value) => typeof value === 'number' && value > 0];

/** @type {{[name in keyof Required<Options>]: Rule}} */
const CONNECT = {
  transports: ['an array', Array.isArray],
  token: [
    `${formOf(TOKEN_BYTES)}, or a function that returns one or null`,
    (value) => isFunction(value) || isToken(value),
  ],
  queue: ['an object', isObject],
  maxLatencyMs: NUMBER,
  storage: [
    'like localStorage, or null',
    (value) => value === null || isObject(value, ['getItem', 'setItem', 'removeItem']),
  ],
  credentials: ["'include' or 'omit'", (value) => value === 'include' || value === 'omit'],
  log: FUNCTION,
  WebSocket: ['a class, or null', (value) => value === null || isFunction(value)],
  fetch: FUNCTION,
  now: FUNCTION,
  setTimeout: FUNCTION,
  clearTimeout: FUNCTION,
};

/** @type {{[name in keyof Required<Required<Options>['queue']>]: Rule}} */
const QUEUE = { messages: NUMBER, bytes: NUMBER };

/** @type {{[name in keyof Required<PublishOptions>]: Rule}} */
const PUBLISH = {
  signal: ['an AbortSignal', (value) => isObject(value, ['addEventListener', 'removeEventListener'])],
  timeoutMs: NUMBER,
};

/** @param {string} what @param {string} wanted @param {unknown} value */
const mistake = (what, wanted, value) =>
  new TypeError(`${what} must be ${wanted}, but is ${nameKind(value)}`);

/** An option that is undefined counts as absent. @param {string} of @param {unknown} given @param {{[name: string]: Rule}} rules */
function check(of, given, rules) {
  if (!isObject(given)) throw mistake(`${of}: the options`, 'an object', given);
  for (const [name, value] of Object.entries(/** @type {object} */ (given))) {
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
    if (!rule) throw new TypeError(`${of}: no option '${name}'. Use ${Object.keys(rules).join(', ')}`);
    const [wanted, isMet] = rule;
    if (value !== undefined && !isMet(value)) throw mistake(`${of}: '${name}'`, wanted, value);
  }
}

/** @param {Options} options */
export const checkOptions = (options) => {
  check('connect', options, CONNECT);
  check('queue', options.queue ?? {}, QUEUE);
};

/** Returns the error for transports that cannot be had. @param {unknown[]} wanted @param {Transport[]} usable */
export function noTransport(wanted, usable) {
  const names = wanted.map((name) => (typeof name === 'string' ? name : nameKind(name)));
  const message = `no such transport here: ${names.join(', ') || 'none is named'}. Use ${usable.join(', ')}`;
  return new ThroughlineError('refused', message);
}

/**
 * Returns the transports to use, each once. Throws for a name that is none, and if the platform has none of them.
 * @param {Transport[]} [wanted]
 * @param {Transport[]} [missing] those that the platform does not have
 */
export function orderOf(wanted = TRANSPORTS, missing = []) {
  const usable = TRANSPORTS.filter((transport) => !missing.includes(transport));
  const unknown = wanted.filter((transport) => !TRANSPORTS.includes(transport));
  const order = [...new Set(wanted)].filter((transport) => usable.includes(transport));
  if (unknown.length > 0 || order.length === 0)
    throw noTransport(unknown.length > 0 ? unknown : wanted, usable);
  return order;
}

/** @param {PublishOptions} options */
export const checkPublishOptions = (options) => check('publish', options, PUBLISH);

/** Returns the result of the application's function. Throws unless it is a token, or null. @param {unknown} token */
export const checkToken = (token) => {
  if (token === null || isToken(token)) return token;
  throw mistake("the result of the function 'token'", `${formOf(TOKEN_BYTES)}, or null`, token);
};

/** Throws unless a value can be the name of a channel. @param {unknown} name */
export const checkName = (name) => {
  if (isText(name, NAME_BYTES) && !/\p{Cc}/u.test(name)) return;
  throw mistake('the name of a channel', `${formOf(NAME_BYTES)} without control characters`, name);
};

/** @param {string[]} events the events that there are @param {unknown} event @param {unknown} listener */
export const checkListener = (events, event, listener) => {
  if (typeof event !== 'string') throw mistake('the event', `one of ${events.join(', ')}`, event);
  if (!events.includes(event)) throw new TypeError(`no event '${event}'. Use ${events.join(', ')}`);
  if (!isFunction(listener)) throw mistake(`the listener of '${event}'`, 'a function', listener);
};
