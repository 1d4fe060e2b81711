// @ts-check
import assert from 'node:assert/strict';
import test from 'node:test';
import { eventReader, readText } from '../src/transports/event-stream.js';

/** @param {Uint8Array[]} chunks */
async function read(chunks) {
  /** @type {string[]} */
  const events = [];
  await readText(
    new ReadableStream({
      start(controller) {
        for (const chunk of chunks) controller.enqueue(chunk);
        controller.close();
      },
    }),
    eventReader((data) => events.push(JSON.parse(data))),
  );
  return events;
}

test('the reader finds each event wherever the stream is cut, even inside a character', async () => {
  const text = ':\n\nretry: 5\ndata: {"a":"ä€😀"}\r\n\r\nid: e:1\nevent: x\ndata:{"b":1}\n\n';
  const bytes = new TextEncoder().encode(text);
  for (let size = 1; size <= bytes.length; size++) {
    const chunks = [];
    for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.slice(at, at + size));
    assert.deepEqual(await read(chunks), [{ a: 'ä€😀' }, { b: 1 }], `chunks of ${size}`);
  }
});

test('the reader drops half an event at the end', async () => {
  assert.deepEqual(await read([new TextEncoder().encode('data: {"a":1}')]), []);
});
