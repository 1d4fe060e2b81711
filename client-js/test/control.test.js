// @ts-check
import assert from 'node:assert/strict';
import test from 'node:test';
import { probe } from '../src/transports/control.js';

/** @param {string} body @param {number} [status] */
const probed = (body, status = 200) =>
  probe(async () => new Response(body, { status }), 'http://gateway/rt', 'mine');

test('an answer with the nonce is the gateway, or its refusal with the reason', async () => {
  assert.deepEqual(await probed('{"v":1,"nonce":"mine","control":true}'), { control: 'ours' });
  for (const status of [400, 403, 404, 503]) {
    const { control, error } = await probed('{"v":1,"nonce":"mine","code":"c","message":"m"}', status);
    assert.deepEqual([control, error?.code, error?.message], ['refused', 'c', 'm']);
  }
});

test('an answer without the nonce is a stranger, however much it looks like a refusal', async () => {
  for (const nonce of ['"other"', 'null', '"mine2"', '["mine"]']) {
    const body = `{"v":1,"nonce":${nonce},"code":"c","message":"m"}`;
    assert.deepEqual(await probed(body, 403), { control: 'portal' });
    assert.deepEqual(await probed(body, 503), { control: 'away' });
  }
  assert.deepEqual(await probed('<a href="/control?nonce=mine">'), { control: 'portal' });
});

test('no answer at all is offline', async () => {
  const fails = async () => {
    throw new TypeError('network');
  };
  assert.deepEqual(await probe(fails, 'http://gateway/rt', 'mine'), { control: 'offline' });
});
