// @ts-check
/** A plain EventSource and curl, without a session: they receive, drop, and recover by Last-Event-ID. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, test } from 'node:test';
import { EventSource } from 'eventsource';
import { createCounter } from '../counting.js';
import { connectTo, pace, startLab, until } from './lab.js';

/** @type {Awaited<ReturnType<typeof startLab>>} */
let lab;
before(async () => {
  lab = await startLab();
});
after(() => lab.gateway.stop());

test('an EventSource that is dropped three times in a burst gets every message once, in order', async () => {
  const front = await lab.front();
  const witness = connectTo(lab.gateway.url);
  const counter = createCounter();
  const source = new EventSource(`${front.url}/rt/stream?channel=plain`);
  source.onmessage = ({ data }) => counter.take(JSON.parse(data).data);
  try {
    const opened = () => new Promise((resolve) => source.addEventListener('open', resolve, { once: true }));
    await opened();
    const drops = (async () => {
      for (const count of [50, 200, 350]) {
        await counter.reached(count);
        const again = opened();
        assert.equal((await front.kill('stream')).killed, 1);
        await again;
      }
    })();
    await Promise.all([pace(600, 100, (number) => witness.channel('plain').publish(number)), drops]);
    await counter.reached(600);
    const { received, lost, duplicated, reordered } = counter.report(600);
    assert.deepEqual(
      { received, lost, duplicated, reordered },
      { received: 600, lost: 0, duplicated: 0, reordered: 0 },
    );
  } finally {
    source.close();
    witness.close();
  }
});

test('curl -N receives, drops, and continues from the id it saw last', async () => {
  const witness = connectTo(lab.gateway.url);
  const url = `${lab.gateway.url}/rt/stream?channel=curled`;
  try {
    await until(witness, 'state', () => witness.state === 'online');
    await witness.channel('curled').publish('before');
    const first = curl([url]);
    await first.printed(/^id: .*:1$/m);
    await witness.channel('curled').publish('seen');
    await first.printed(/"data":"seen"/);
    const id = [...first.text().matchAll(/^id: (.*)$/gm)].at(-1)?.[1];
    first.stop();
    await witness.channel('curled').publish('missed');
    const second = curl(['-H', `Last-Event-ID: ${id}`, url]);
    await second.printed(/"data":"missed"/);
    assert.doesNotMatch(second.text(), /"data":"(before|seen)"|event: reset/);
    second.stop();
    const third = curl(['-H', 'Last-Event-ID: another-epoch:1', url]);
    await third.printed(/^event: reset$/m);
    third.stop();
  } finally {
    witness.close();
  }
});

/** @param {string[]} args */
function curl(args) {
  const child = spawn('curl', ['-sN', ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  let look = () => {};
  child.stdout.on('data', (piece) => {
    text += piece;
    look();
  });
  return {
    text: () => text,
    stop: () => child.kill(),
    /** @param {RegExp} pattern @returns {Promise<void>} */
    printed: (pattern) =>
      new Promise((resolve, reject) => {
        const deadline = setTimeout(
          () => reject(new Error(`curl never printed ${pattern}: ${text}`)),
          10_000,
        );
        look = () => {
          if (!pattern.test(text)) return;
          clearTimeout(deadline);
          resolve();
        };
        look();
      }),
  };
}
