// @ts-check
import assert from 'node:assert/strict';
import test from 'node:test';
import { post } from '../src/legs/post.js';

/** @param {Record<string, string>} headers */
const refused = (headers) => {
  const body = '{"v":1,"nonce":"mine","code":"rate_limited","message":"later"}';
  const signal = AbortSignal.timeout(1000);
  return post(
    async () => new Response(body, { status: 429, headers }),
    'http://gateway/rt/poll',
    ['{"hello":{"nonce":"mine"}}'],
    signal,
  );
};

test('how long the gateway wants to be left alone is a number of seconds', async () => {
  await assert.rejects(refused({ 'retry-after': '7' }), { code: 'rate_limited', wait: 7 });
});

test('a gateway that says nothing of a wait, or nothing that is a number, leaves it open', async () => {
  await assert.rejects(refused({}), { code: 'rate_limited', wait: undefined });
  await assert.rejects(refused({ 'retry-after': 'Fri, 31 Dec 1999 23:59:59 GMT' }), { wait: undefined });
});
