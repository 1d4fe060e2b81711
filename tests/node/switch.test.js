// @ts-check
/** Every ordered pair of transports: a switch in mid-stream loses, duplicates and reorders nothing, either way. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { assertExactlyOnce, burst, CARRIER, connectTo, PAIRS, startLab, until } from './lab.js';

const MESSAGES = 400;
const RATE = 200;
/** The time of the switch, from the start of the burst. */
const AT_MS = 800;

/** @type {Awaited<ReturnType<typeof startLab>>} */
let lab;
before(async () => {
  lab = await startLab();
});
after(() => lab.gateway.stop());

/**
 * @param {string} how
 * @param {{ from: import('./lab.js').Transport, to: import('./lab.js').Transport }} pair
 * @param {(main: import('./lab.js').Connection, front: Awaited<ReturnType<typeof lab.front>>) => Promise<unknown>} change
 */
async function hold(how, { from, to }, change) {
  const front = await lab.front();
  const main = connectTo(front.url, { transports: [from, to] });
  const witness = connectTo(lab.gateway.url);
  /** @type {unknown[]} */
  const resets = [];
  main.on('reset', (reset) => resets.push(reset));
  /** @type {unknown[]} */
  const changes = [];
  try {
    await until(main, 'transport', () => main.transport === from);
    main.on('transport', (change) => changes.push(change));
    const during = async () => {
      await pause(AT_MS);
      await change(main, front);
      await until(main, 'transport', () => main.transport === to);
    };
    const counts = await burst({ main, witness, messages: MESSAGES, rate: RATE, during });
    const gaps = `longest gap up ${counts.up.longestGapMs} ms, down ${counts.down.longestGapMs} ms`;
    console.log(`${from} → ${to}, ${how}: ${gaps}`);
    assertExactlyOnce(counts);
    assert.deepEqual(resets, []);
    return [...changes];
  } finally {
    main.close();
    witness.close();
  }
}

for (const pair of PAIRS) {
  test(`${pair.from} → ${pair.to}, make before break: exactly once, both ways, and never without a transport`, async () => {
    const changes = await hold('make before break', pair, (main) => main.switchTo(pair.to));
    assert.deepEqual(changes, [{ ...pair, reason: 'asked' }]);
  });

  test(`${pair.from} → ${pair.to}, after a dead leg: exactly once, both ways`, async () => {
    await hold('after a dead leg', pair, async (_, front) => {
      const route = CARRIER[pair.from];
      await front.set({ rules: [{ route, request: 'reset' }] });
      await front.kill(route);
    });
  });
}
