// @ts-check
import assert from 'node:assert/strict';
import test from 'node:test';
import { post } from '../src/transports/fetch.js';

/** @param {Record<string, string>} headers */
const refused = (headers) => {
  const body = '{"v":1,"nonce":"mine","code":"rate_limited","message":"later"}';
  const signal = AbortSignal.timeout(1000);
  return post(async () => new Response(body, { status: 429, headers }), 'http://gateway/rt/poll', {
    lines: ['{"hello":{"nonce":"mine"}}'],
    signal,
  });
};

test('an error carries the number of seconds that the gateway asks the client to wait', async () => {
  await assert.rejects(refused({ 'retry-after': '7' }), { code: 'rate_limited', wait: 7 });
});

test('an error carries no wait if the header is absent or is not a number', async () => {
  await assert.rejects(refused({}), { code: 'rate_limited', wait: undefined });
  await assert.rejects(refused({ 'retry-after': 'Fri, 31 Dec 1999 23:59:59 GMT' }), { wait: undefined });
});
