// @ts-check
import assert from 'node:assert/strict';
import test from 'node:test';
import { ThroughlineError } from '../src/errors.js';
import { MessageLoop } from '../src/message-loop.js';

/** A loop, and what its channel does. */
function underTest() {
  let listeners = 0;
  /** @type {(message: any) => void} */
  let onMessage = () => {};
  /** @type {(error: ThroughlineError) => void} */
  let onEnd = () => {};
  const loop = new MessageLoop((message, end) => {
    listeners += 1;
    onMessage = message;
    onEnd = end;
    return () => {
      listeners -= 1;
    };
  });
  return {
    loop,
    listeners: () => listeners,
    /** @param {unknown} data */
    say: (data) => listeners > 0 && onMessage({ data }),
    /** @param {string} code */
    end: (code) => onEnd(new ThroughlineError(code)),
    /** @param {Promise<IteratorResult<any, any>>} next */
    data: async (next) => {
      const { value, done } = await next;
      return done ? 'done' : value.data;
    },
  };
}

test('a loop listens from the first next() to its end', async () => {
  const { loop, listeners } = underTest();
  assert.equal(listeners(), 0);
  const next = loop.next();
  assert.equal(listeners(), 1);
  await loop.return();
  assert.equal(listeners(), 0);
  assert.deepEqual(await next, { value: undefined, done: true });
});

test('return() settles each next() that waits, and drops the messages that wait', async () => {
  const { loop, say, data } = underTest();
  const first = loop.next();
  for (const message of ['one', 'two']) say(message);
  assert.equal(await data(first), 'one');
  assert.deepEqual(await loop.return(), { value: undefined, done: true });
  assert.deepEqual(await loop.next(), { value: undefined, done: true });
  const waiting = underTest();
  const nexts = [waiting.loop.next(), waiting.loop.next()];
  await waiting.loop.return();
  assert.deepEqual(await Promise.all(nexts.map(waiting.data)), ['done', 'done']);
});

test('return() and throw() end a loop that never began, without a listener', async () => {
  const { loop, listeners } = underTest();
  await loop.return();
  assert.deepEqual(await loop.next(), { value: undefined, done: true });
  assert.equal(listeners(), 0);
  const other = underTest();
  await assert.rejects(other.loop.throw(new Error('mine')), { message: 'mine' });
  assert.deepEqual(await other.loop.next(), { value: undefined, done: true });
});

test('throw() rejects with its error, and settles the next() that waits', async () => {
  const { loop, listeners, data } = underTest();
  const next = loop.next();
  await assert.rejects(loop.throw(new Error('mine')), { message: 'mine' });
  assert.equal(await data(next), 'done');
  assert.equal(listeners(), 0);
});

test('several calls of next() get the messages in order', async () => {
  const { loop, say, data } = underTest();
  const nexts = [loop.next(), loop.next(), loop.next()];
  for (const message of ['one', 'two', 'three', 'four']) say(message);
  assert.deepEqual(await Promise.all([...nexts, loop.next()].map(data)), ['one', 'two', 'three', 'four']);
});

test('break and throw in the body of for await end the loop', async () => {
  const { loop, listeners, say } = underTest();
  const reading = (async () => {
    for await (const { data } of loop) if (data === 'two') break;
  })();
  for (const message of ['one', 'two', 'three']) say(message);
  await reading;
  assert.equal(listeners(), 0);
  const other = underTest();
  const failing = (async () => {
    for await (const { data } of other.loop) throw new Error(`${data}`);
  })();
  other.say('one');
  await assert.rejects(failing, { message: 'one' });
  assert.equal(other.listeners(), 0);
});

test('an error of the channel comes once, behind the messages that wait; then the loop is done', async () => {
  const { loop, listeners, say, end, data } = underTest();
  const first = loop.next();
  for (const message of ['one', 'two']) say(message);
  end('forbidden');
  assert.equal(listeners(), 0);
  assert.deepEqual([await data(first), await data(loop.next())], ['one', 'two']);
  await assert.rejects(loop.next(), { code: 'forbidden' });
  assert.equal(await data(loop.next()), 'done');
});

test('of several calls of next() that wait, the first gets the error', async () => {
  const { loop, end, data } = underTest();
  const [first, second] = [loop.next(), loop.next()];
  end('forbidden');
  await assert.rejects(first, { code: 'forbidden' });
  assert.equal(await data(second), 'done');
});

test('close() ends a loop without an error', async () => {
  const { loop, end, data } = underTest();
  const next = loop.next();
  end('closed');
  assert.equal(await data(next), 'done');
});

test('a channel may end while the loop begins to listen', async () => {
  let undone = 0;
  const loop = new MessageLoop((_, end) => {
    end(new ThroughlineError('forbidden'));
    return () => {
      undone += 1;
    };
  });
  await assert.rejects(loop.next(), { code: 'forbidden' });
  assert.equal(undone, 1);
});

test('2,000 messages may wait for a loop; one more ends it with overrun, and frees them', async () => {
  const { loop, listeners, say, data } = underTest();
  const first = loop.next();
  for (let number = 0; number <= 2000; number++) say(number);
  assert.equal(listeners(), 1);
  assert.equal(await data(first), 0);
  assert.equal(await data(loop.next()), 1);
  say('fits');
  assert.equal(listeners(), 1);
  say('too many');
  assert.equal(listeners(), 0);
  await assert.rejects(loop.next(), {
    code: 'overrun',
    message: /^2001 messages wait; the limit is 2000: /,
  });
  assert.equal(await data(loop.next()), 'done');
});

for (const [what, message] of /** @type {Array<[string, unknown]>} */ ([
  ['text', 'x'.repeat(50_000)],
  ['bytes', new Uint8Array(50_000)],
  ['keys', { ['k'.repeat(50_000)]: 1 }],
  ['nested text', [[{ a: 'x'.repeat(50_000) }]]],
  ['small values', Array.from({ length: 6_250 }, () => null)],
]))
  test(`1 MB of messages may wait for a loop, counted in ${what}`, async () => {
    const { loop, listeners, say, data } = underTest();
    const first = loop.next();
    for (let number = 0; number < 21; number++) say(message);
    assert.equal(listeners(), 1);
    await first;
    // A message that was taken makes room.
    await loop.next();
    say(message);
    assert.equal(listeners(), 1);
    say(message);
    assert.equal(listeners(), 0);
    await assert.rejects(loop.next(), {
      code: 'overrun',
      message: /^1[01]\d{5} bytes wait; the limit is 1048576: /,
    });
    assert.equal(await data(loop.next()), 'done');
  });

test('a message that is nested very deeply waits like any other', async () => {
  const { loop, say } = underTest();
  const first = loop.next();
  say(1);
  await first;
  const text = '['.repeat(25_000) + ']'.repeat(25_000);
  say(JSON.parse(text));
  assert.equal((await loop.next()).done, false);
});
