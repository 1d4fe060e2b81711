// @ts-check
/** Data of every kind from each transport to each. It arrives unchanged. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createContext, runInContext } from 'node:vm';
import { connectTo, startLab } from './lab.js';

const TRANSPORTS = /** @type {const} */ (['websocket', 'sse', 'poll']);

/** @type {Awaited<ReturnType<typeof startLab>>} */
let lab;
before(async () => {
  lab = await startLab();
});
after(() => lab.gateway.stop());

const shared = new SharedArrayBuffer(3);
new Uint8Array(shared).set([5, 6, 7]);

/** The published data, and the data that must arrive. @type {Array<[published: unknown, arrived: unknown]>} */
const CASES = [
  ...[null, false, -0, '', '\0\r\n\ud800\u2028', [], {}, JSON.parse('{"__proto__":[-0]}')].map(
    (value) => /** @type {[unknown, unknown]} */ ([value, value]),
  ),
  [new Uint8Array(0), new Uint8Array(0)],
  [new ArrayBuffer(0), new Uint8Array(0)],
  [new Uint8Array([10, 13, 0]), new Uint8Array([10, 13, 0])],
  [new Uint8Array([9, 1, 2, 9]).subarray(1, 3), new Uint8Array([1, 2])],
  [new DataView(new Uint8Array([9, 1, 2]).buffer, 1), new Uint8Array([1, 2])],
  [new Uint16Array(new Uint8Array([1, 2]).buffer), new Uint8Array([1, 2])],
  [new Uint8Array(shared, 1), new Uint8Array([6, 7])],
  [Buffer.from('pooled'), new Uint8Array([112, 111, 111, 108, 101, 100])],
  [runInContext('new Uint8Array([1, 2])', createContext()), new Uint8Array([1, 2])],
  [new Uint8Array(41_000).fill(255), new Uint8Array(41_000).fill(255)],
];

for (const from of TRANSPORTS)
  for (const to of TRANSPORTS)
    test(`data arrives as it was from ${from} to ${to}`, async () => {
      const sender = connectTo(lab.gateway.url, { transports: [from], storage: null });
      const receiver = connectTo(lab.gateway.url, { transports: [to], storage: null });
      try {
        const channel = receiver.channel(`data/${from}/${to}`);
        const messages = channel[Symbol.asyncIterator]();
        let next = messages.next();
        await channel.subscribed;
        for (const [published, arrived] of CASES) {
          await sender.channel(channel.name).publish(published);
          const { value } = await next;
          assert.deepStrictEqual(value?.data, arrived);
          next = messages.next();
        }
        await assert.rejects(
          sender.channel(channel.name).publish({ list: [/** @type {unknown} */ (new Map())] }),
          TypeError,
        );
        await assert.rejects(sender.channel(channel.name).publish('x'.repeat(60_000)), { code: 'too_large' });
        await sender.channel(channel.name).publish('the last');
        assert.equal((await next).value?.data, 'the last');
      } finally {
        sender.close();
        receiver.close();
      }
    });
