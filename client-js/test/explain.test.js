// @ts-check
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { describe } from '../src/explain.js';

/** @type {import('../src/types.d.ts').Explanation} */
const behindAFirewall = {
  state: 'online',
  transport: 'sse',
  network: '7d1f0a93c5e2b846',
  transports: ['websocket', 'sse', 'poll'],
  missing: [],
  attempts: [
    { transport: 'websocket', leg: 1, at: 1000, opened: 40, ended: 1240, reason: 'mute', purpose: 'race' },
    { transport: 'sse', leg: 2, at: 1600, opened: 3, usable: 4, proven: 9, active: 11, purpose: 'race' },
    { transport: 'websocket', leg: 3, at: 62_900, purpose: 'better' },
  ],
  paths: [
    {
      transport: 'websocket',
      rtt: null,
      failures: 1,
      retryAt: 93_100,
      good: false,
    },
    { transport: 'sse', rtt: 12.4, failures: 0, retryAt: 0, good: true },
  ],
  heartbeat_ms: 15_000,
  hold_ms: 25_000,
  now: 63_100,
};

test('the README shows the text of an explanation: the present state first, then the attempts', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const [, shown] = readme.match(/^```text\n(.*?)\n```$/ms) ?? [];
  assert.equal(describe(behindAFirewall), shown);
});

test('if no transport gets through, the text says what answered the control request', () => {
  /** @param {'ours' | 'refused' | 'away' | 'portal' | 'offline'} control */
  const told = (control) => describe({ ...behindAFirewall, state: 'reconnecting', transport: null, control });
  assert.match(told('portal'), /^reconnecting\nSomebody else answers/);
  assert.match(told('offline'), /\nNobody answers at all/);
  assert.match(told('ours'), /\nThe gateway itself answers, but no transport/);
  assert.match(told('refused'), /\nThe gateway itself answers, and refuses/);
  assert.match(told('away'), /\nA proxy answers/);
  assert.doesNotMatch(describe({ ...behindAFirewall, control: 'ours' }), /answers/);
});

test('the text names the transports that the platform lacks', () => {
  assert.match(describe({ ...behindAFirewall, missing: ['websocket'] }), /^This platform lacks: websocket$/m);
});

test('the text of a connection that has just begun is readable', () => {
  const { heartbeat_ms, hold_ms, network, ...begun } = behindAFirewall;
  const text = describe({
    ...begun,
    state: 'connecting',
    transport: null,
    attempts: [],
    transports: undefined,
    paths: [],
  });
  assert.match(text, /^connecting\n/);
  assert.doesNotMatch(text, /undefined|null|NaN/);
});

test('describe does not change its data', () => {
  const before = structuredClone(behindAFirewall);
  describe(behindAFirewall);
  assert.deepEqual(behindAFirewall, before);
});
