// @ts-check
/** Mistakes in calls, over each transport. The application gets an answer, and correct calls work. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { WebSocket } from 'ws';
import { connect } from '../../client-js/src/index.js';
import { connectTo, startLab, until } from './lab.js';

/** @type {Awaited<ReturnType<typeof startLab>>} */
let lab;
before(async () => {
  lab = await startLab();
});
after(() => lab.gateway.stop());

for (const transport of /** @type {const} */ (['websocket', 'sse', 'poll'])) {
  const options = { transports: [transport], storage: null };

  test(`each form of a usable URL works by ${transport}`, async () => {
    for (const url of [
      `${lab.gateway.url.replace('http', 'ws')}/rt`,
      `${lab.gateway.url}/rt/`,
      `${lab.gateway.url}//rt//`,
    ]) {
      const connection = connect(url, { ...options, WebSocket: /** @type {any} */ (WebSocket) });
      try {
        await connection.channel('forms').publish(url);
      } finally {
        connection.close();
      }
    }
  });

  test(`a token that a function returns in a wrong form is reported by ${transport}, and not shown`, async () => {
    for (const token of [
      5,
      { token: 'a-secret' },
      undefined,
      '',
      'a-secret'.repeat(2000),
      'a-secret\ud800',
    ]) {
      const connection = connectTo(lab.gateway.url, { ...options, token: async () => token });
      try {
        const error = await new Promise((/** @type {(error: Error) => void} */ resolve) =>
          connection.on('error', resolve),
        );
        assert.equal('code' in error && error.code, 'unauthorized');
        assert.match(error.message, /the result of the function 'token' must be a well-formed string/);
        assert.doesNotMatch(error.message, /a-secret/);
      } finally {
        connection.close();
      }
    }
  });

  test(`the longest token works by ${transport}`, async () => {
    const connection = connectTo(lab.gateway.url, { ...options, token: 'x'.repeat(8192) });
    try {
      await until(connection, 'state', () => connection.state === 'online');
    } finally {
      connection.close();
    }
  });

  test(`a channel that was left is subscribed to anew by ${transport}, and a message that was given up is not sent`, async () => {
    const connection = connectTo(lab.gateway.url, options);
    try {
      const channel = connection.channel(`again/${transport}`);
      await assert.rejects(channel.publish('late', { signal: AbortSignal.abort() }), { code: 'aborted' });
      const leave = channel.on('message', () => {});
      const { subscribed } = channel;
      leave();
      await assert.rejects(subscribed, { code: 'unsubscribed' });
      const messages = channel[Symbol.asyncIterator]();
      const first = messages.next();
      await channel.subscribed;
      await channel.publish('sent', { timeoutMs: 10_000 });
      assert.equal((await first).value?.data, 'sent');
      const waiting = messages.next();
      await messages.return?.();
      assert.equal((await waiting).done, true);
    } finally {
      connection.close();
    }
  });
}
