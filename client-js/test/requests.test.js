// @ts-check
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import test from 'node:test';
import { Requests } from '../src/requests.js';
import { createClock } from './support.js';

/** Requests on a queue that the test fills and empties. @param {any} [bounds] */
function underTest(bounds) {
  const clock = createClock();
  /** @type {string[]} */
  const pushed = [];
  const queue = {
    unacknowledgedFrames: 0,
    unacknowledgedBytes: 0,
    /** The lines that a leg has. @type {string[]} */
    handed: [],
    recall: (/** @type {string} */ line) => !queue.handed.includes(line) && pushed.includes(line),
  };
  const push = (/** @type {string} */ line) => {
    pushed.push(line);
    queue.unacknowledgedFrames += 1;
  };
  const requests = new Requests(push, /** @type {any} */ (queue), clock, bounds);
  /** @type {any[]} */
  const outcomes = [];
  /** @param {any} [options] */
  const publish = (options) =>
    requests.ask({ pub: 'a', field: '"data":1' }, (error) => outcomes.push(error ?? 'fulfilled'), options);
  return { clock, queue, pushed, requests, outcomes, publish };
}

test('a request that times out before a leg has it leaves the queue, and its code is timeout', async () => {
  const { clock, outcomes, publish, requests } = underTest();
  publish({ timeoutMs: 500 });
  await clock.pass(499);
  assert.equal(outcomes.length, 0);
  await clock.pass(1);
  assert.deepEqual([outcomes[0].code, outcomes[0].message], ['timeout', 'not sent within 500 ms']);
  assert.equal(requests.open.size, 0);
});

test('a request that times out once a leg has it has an unknown outcome, and its late answer does nothing', async () => {
  const { clock, queue, pushed, outcomes, publish, requests } = underTest();
  const id = publish({ timeoutMs: 500 });
  queue.handed.push(...pushed);
  await clock.pass(500);
  assert.deepEqual([outcomes[0].code, outcomes[0].cause], ['unknown_outcome', undefined]);
  requests.settle({ ok: id, at: 1 });
  assert.equal(outcomes.length, 1);
});

test('a signal that aborts tells alike whether a leg has the request', () => {
  const { queue, pushed, outcomes, publish } = underTest();
  for (const isHanded of [false, true]) {
    const controller = new AbortController();
    publish({ signal: controller.signal });
    if (isHanded) queue.handed.push(...pushed);
    controller.abort('why');
  }
  assert.deepEqual(
    outcomes.map(({ code }) => code),
    ['aborted', 'unknown_outcome'],
  );
  assert.deepEqual([outcomes[0].cause, outcomes[1].cause], ['why', 'why']);
});

test('a signal that is aborted already keeps a request from the queue', () => {
  const { pushed, outcomes, publish } = underTest();
  publish({ signal: AbortSignal.abort('why') });
  assert.deepEqual([outcomes[0].code, outcomes[0].cause, pushed], ['aborted', 'why', []]);
});

test('an answer frees the timer and the listener of its request, and so does a refusal', async () => {
  const { clock, outcomes, publish, requests, queue } = underTest({ messages: 1 });
  const controller = new AbortController();
  let listeners = 0;
  const signal = {
    aborted: false,
    addEventListener: () => {
      listeners += 1;
    },
    removeEventListener: () => {
      listeners -= 1;
    },
  };
  const id = publish({ signal, timeoutMs: 500 });
  assert.deepEqual([listeners, clock.timers.size], [1, 1]);
  queue.unacknowledgedFrames = 1;
  publish({ signal, timeoutMs: 500 });
  assert.deepEqual([listeners, clock.timers.size], [1, 1]);
  requests.settle({ ok: id, at: 1 });
  controller.abort();
  await clock.pass(1000);
  assert.deepEqual([listeners, clock.timers.size], [0, 0]);
  assert.deepEqual([outcomes[0].code, outcomes[1]], ['queue_full', 'fulfilled']);
});

test('a subscription that ends while the queue is full ends once there is room, once a channel', () => {
  const { queue, pushed, requests } = underTest({ messages: 2 });
  queue.unacknowledgedFrames = 4;
  for (const name of ['a', 'b', 'a']) requests.leave(name);
  requests.catchUp();
  assert.deepEqual(pushed, []);
  queue.unacknowledgedFrames = 3;
  requests.catchUp();
  assert.deepEqual(pushed, ['{"unsub":"a","id":1}']);
  queue.unacknowledgedFrames = 0;
  requests.catchUp();
  requests.catchUp();
  assert.deepEqual(pushed.slice(1), ['{"unsub":"b","id":2}']);
});

test('a new subscription cancels the end of the one before, but not if it is refused', () => {
  const { queue, pushed, requests } = underTest({ messages: 2 });
  queue.unacknowledgedFrames = 4;
  requests.leave('a');
  requests.leave('b');
  requests.ask({ sub: 'a' }, () => {});
  queue.unacknowledgedFrames = 3;
  requests.ask({ sub: 'b' }, () => {});
  queue.unacknowledgedFrames = 0;
  requests.catchUp();
  assert.deepEqual(pushed, ['{"sub":"b","id":2}', '{"unsub":"a","id":3}']);
});

/** Runs a program with a connection that never comes online. Returns its exit code. @param {string} program */
function exitOf(program) {
  const index = new URL('../src/index.js', import.meta.url);
  const text = `
    import { connect } from '${index}';
    const fetch = () => new Promise(() => {});
    const connection = connect('http://gateway/rt', { WebSocket: null, fetch, storage: null });
    const channel = connection.channel('a');
    ${program}`;
  return spawnSync(process.execPath, ['--input-type=module', '--eval', text], { timeout: 20_000 }).status;
}

test('close() never ends a process by a promise that nothing awaits', () => {
  assert.equal(
    exitOf(`
      channel.publish(1);
      channel.publish(1, { timeoutMs: 60_000, signal: new AbortController().signal });
      connection.switchTo('poll');
      channel.on('message', () => {});
      channel.subscribed;
      channel[Symbol.asyncIterator]().next();
      connection.close();
      channel.publish(1);
      connection.switchTo('poll');
      connection.channel('b').subscribed;`),
    0,
  );
});

test('a mistake in a call of publish that nothing awaits does end a process', () => {
  assert.equal(exitOf('channel.publish(new Map()); setTimeout(() => connection.close(), 5000);'), 1);
});
