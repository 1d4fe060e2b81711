// @ts-check
import assert from 'node:assert/strict';
import test from 'node:test';
import { connect } from '../src/index.js';
import {
  checkListener,
  checkName,
  checkOptions,
  checkPublishOptions,
  checkToken,
  orderOf,
} from '../src/options.js';

/** @param {(value: any) => void} check @param {unknown} value @param {RegExp} message */
const refuses = (check, value, message) => assert.throws(() => check(value), { name: 'TypeError', message });

const fine = () => {};

test('every option takes what its type says', () => {
  const storage = { getItem: fine, setItem: fine, removeItem: fine };
  for (const options of [
    {},
    { transports: ['sse'], token: 'a', queue: { messages: 1, bytes: 1 }, maxLatencyMs: 0.5 },
    { token: fine, queue: {}, maxLatencyMs: Infinity, storage, log: fine, WebSocket: class {} },
    { storage: null, WebSocket: null, fetch: fine, now: fine, setTimeout: fine, clearTimeout: fine },
    { token: undefined, queue: undefined, storage: undefined, WebSocket: undefined, fetch: undefined },
  ])
    checkOptions(/** @type {any} */ (options));
  checkPublishOptions({ signal: new AbortController().signal, timeoutMs: 1 });
  checkPublishOptions({ signal: undefined, timeoutMs: Infinity });
});

test('an option of a wrong type is named with the remedy, and its content is not', () => {
  const secret = 'a-secret';
  for (const [options, message] of /** @type {Array<[any, RegExp]>} */ ([
    [null, /^connect: the options must be an object, but is null$/],
    ['sse', /^connect: the options must be an object, but is a string$/],
    [{ transport: 'sse' }, /^connect: no option 'transport'\. Use transports, token, /],
    [{ toString: fine }, /^connect: no option 'toString'/],
    [{ transports: 'sse' }, /^connect: 'transports' must be an array, but is a string$/],
    [
      { token: 5 },
      /^connect: 'token' must be a well-formed string of 1 to 8192 bytes, or a function that returns one or null, but is 5$/,
    ],
    [{ token: { secret } }, /must be .* but is an Object$/],
    [{ token: null }, /must be .* but is null$/],
    [{ credentials: 'same-origin' }, /^connect: 'credentials' must be 'include' or 'omit', but is a string$/],
    [{ token: '' }, /must be .* but is a string$/],
    [{ token: `${secret}\ud800` }, /must be .* but is a string$/],
    [{ token: `${secret}${'x'.repeat(8192)}` }, /must be .* but is a string$/],
    [{ queue: 5 }, /^connect: 'queue' must be an object, but is 5$/],
    [{ queue: { messages: 0 } }, /^queue: 'messages' must be a number above 0, but is 0$/],
    [{ queue: { bytes: '1' } }, /^queue: 'bytes' must be .* but is a string$/],
    [{ queue: { messages: Number.NaN } }, /but is NaN$/],
    [{ queue: { message: 1 } }, /^queue: no option 'message'\. Use messages, bytes$/],
    [{ maxLatencyMs: 0 }, /^connect: 'maxLatencyMs' must be a number above 0, but is 0$/],
    [{ maxLatencyMs: '1500' }, /but is a string$/],
    [{ storage: {} }, /^connect: 'storage' must be like localStorage, or null, but is an Object$/],
    [{ storage: 'local' }, /but is a string$/],
    [{ log: console }, /^connect: 'log' must be a function, but is /],
    [{ WebSocket: {} }, /^connect: 'WebSocket' must be a class, or null, but is an Object$/],
    [{ fetch: 'fetch' }, /^connect: 'fetch' must be a function/],
    [{ now: 5 }, /^connect: 'now' must be a function, but is 5$/],
    [{ setTimeout: null }, /^connect: 'setTimeout' must be a function, but is null$/],
    [{ clearTimeout: 1n }, /^connect: 'clearTimeout' must be a function, but is a bigint$/],
  ])) {
    refuses(checkOptions, options, message);
    assert.throws(
      () => connect('http://gateway/rt', options),
      (error) => error instanceof TypeError && !error.message.includes(secret),
    );
  }
});

test('the order of transports has each one once, without those that the platform does not have', () => {
  const order =
    (/** @type {any} */ wanted, /** @type {any} */ missing = []) =>
    () =>
      orderOf(wanted, missing);
  assert.deepEqual(orderOf(undefined, ['websocket']), ['sse', 'poll']);
  assert.deepEqual(orderOf(['poll', 'sse', 'poll']), ['poll', 'sse']);
  /** @param {string} names */
  const refusal = (names) => ({ code: 'refused', message: `no such transport here: ${names}` });
  assert.throws(order([undefined, Symbol('a')]), refusal('undefined, a symbol. Use websocket, sse, poll'));
  assert.throws(order(['websocket'], ['websocket']), refusal('websocket. Use sse, poll'));
  assert.throws(order([]), refusal('none is named. Use websocket, sse, poll'));
});

test('the options of publish are checked alike', () => {
  refuses(checkPublishOptions, fine, /^publish: the options must be an object, but is a function$/);
  refuses(checkPublishOptions, { timeout: 5 }, /^publish: no option 'timeout'\. Use signal, timeoutMs$/);
  refuses(
    checkPublishOptions,
    { signal: new AbortController() },
    /must be an AbortSignal, but is an AbortController$/,
  );
  refuses(
    checkPublishOptions,
    { signal: { addEventListener: fine } },
    /must be an AbortSignal, but is an Object$/,
  );
  for (const timeoutMs of [0, -1, Number.NaN, '5', null])
    refuses(checkPublishOptions, { timeoutMs }, /^publish: 'timeoutMs' must be a number above 0, but is /);
});

test('a token that a function returns is checked, and not shown', () => {
  for (const token of ['a', 'ä'.repeat(4096), null]) assert.equal(checkToken(token), token);
  for (const token of [undefined, 5, {}, '', 'ä'.repeat(4097), 'a-secret\udfff'])
    assert.throws(
      () => checkToken(token),
      (error) =>
        error instanceof TypeError &&
        error.message.startsWith(
          "the result of the function 'token' must be a well-formed string of 1 to 8192 bytes, or null, but is ",
        ) &&
        !error.message.includes('a-secret'),
    );
});

test('a name of a channel and an event with its listener are checked', () => {
  checkName('a');
  refuses(
    checkName,
    undefined,
    /^the name of a channel must be a well-formed string of 1 to 128 bytes without control characters, but is undefined$/,
  );
  const check = (/** @type {any} */ [event, listener]) => checkListener(['state', 'error'], event, listener);
  check(['state', fine]);
  refuses(check, ['stat', fine], /^no event 'stat'\. Use state, error$/);
  for (const event of [Symbol('a'), Object.create(null), [['state']]])
    refuses(check, [event, fine], /^the event must be one of state, error, but is an? /);
  refuses(check, ['toString', fine], /^no event 'toString'/);
  refuses(check, ['state', null], /^the listener of 'state' must be a function, but is null$/);
  refuses(check, ['state', {}], /^the listener of 'state' must be a function, but is an Object$/);
});
