// @ts-check
/**
 * The vectors that both languages share (their format: `tests/vectors/README.md`), played to this client's half. They are
 * the specification. Nothing is passed over: a file, a key or an input that is not known here is a failure.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import test from 'node:test';
import { carry } from '../src/legs/websocket.js';
import { createSession } from '../src/session.js';

const FOLDER = new URL('../../tests/vectors/', import.meta.url);
const CONVERSATIONS = new URL('conversations/', FOLDER);

/** @param {string} name @param {URL} [folder] */
const read = (name, folder = FOLDER) => JSON.parse(readFileSync(new URL(name, folder), 'utf8'));
/** @param {any} object @param {string[]} known */
function knows(object, known) {
  for (const key of Object.keys(object)) assert.ok(known.includes(key), `who reads ${key}?`);
}
const bytesOf = (/** @type {string} */ b64) => new Uint8Array(Buffer.from(b64, 'base64'));
const base64 = (/** @type {Uint8Array} */ bytes) => Buffer.from(bytes).toString('base64');

const defaults = read('defaults.json', CONVERSATIONS);

/** hello, welcome and end have default keys; one that is given as null is left out. @param {any} frame */
function filled(frame) {
  const [verb = '', ...more] = Object.keys(frame);
  if (typeof frame !== 'object' || more.length > 0 || !['hello', 'welcome', 'end'].includes(verb))
    return frame;
  if (typeof frame[verb] !== 'object') return frame;
  const all = Object.entries({ ...defaults[verb], ...frame[verb] }).filter(([, value]) => value !== null);
  return { [verb]: Object.fromEntries(all) };
}

/** A frame of an input, as the session takes it. @param {any} frame */
function taken(frame) {
  if (typeof frame === 'string') return frame;
  if ('head' in frame) return { head: frame.head, bytes: bytesOf(frame.b64) };
  return JSON.stringify(filled(frame));
}

/** What is for people is not compared. @param {string} line */
function readable(line) {
  const frame = JSON.parse(line);
  if (frame.end) delete frame.end.message;
  return frame;
}

/** A frame that was received; bytes beside it as `b64`. @param {any} frame */
const object = ({ bytes, ...keys }) => (bytes ? { ...keys, b64: base64(bytes) } : keys);

/** An output in the form of the expected one: a line that is expected as an object is read. @param {any} output @param {any} expected */
function settled(output, expected) {
  const told = { ...output };
  if (told.frame) told.frame = object(told.frame);
  for (const key of ['lines', 'unknown'])
    if (told[key])
      told[key] = told[key].map((/** @type {string} */ line, /** @type {number} */ n) =>
        typeof expected?.[key]?.[n] === 'string' ? line : readable(line),
      );
  return told;
}

/** @param {any} output */
function expectation(output) {
  const wanted = { ...output };
  for (const key of ['lines', 'unknown']) if (wanted[key]) wanted[key] = wanted[key].map(filled);
  return wanted;
}

/** The keys that an input may have beside its first. @type {{[verb: string]: string[]}} */
const INPUTS = {
  open: [],
  opened: [],
  line: ['text'],
  answer: ['route', 'lines'],
  failed: ['route'],
  closed: [],
  ask: [],
  ping: [],
  push: [],
  timeout: [],
};

/** @param {any} input */
function inputOf(input) {
  const [verb = ''] = Object.keys(input);
  const others = INPUTS[verb];
  assert.ok(others, `who reads ${verb}?`);
  knows(input, [verb, ...others]);
  for (const key of others) assert.ok(key in input, `${key} is missing`);
  if (verb === 'line') return { ...input, text: taken(input.text) };
  if (verb === 'answer') return { ...input, lines: input.lines.map(taken) };
  if (verb === 'push') return { push: taken(input.push) };
  return input;
}

/** @param {ReturnType<typeof createSession>} session */
function drain(session) {
  const all = [];
  for (let output = session.pollOutput(); output; output = session.pollOutput()) all.push(output);
  return all;
}

/** @param {any} conversation */
function converse({ random = defaults.random, steps, ...more }) {
  knows(more, ['name']);
  assert.ok(steps.length > 0);
  const given = [...random];
  const session = createSession(() => {
    assert.ok(given.length > 0, 'more randomness is asked for than is given');
    return given.shift();
  });
  for (const [n, step] of steps.entries()) {
    knows(step, ['at', 'input', 'expect', 'due']);
    const said = `step ${n + 1}, at ${step.at}: ${JSON.stringify(step.input)}`;
    session.handle(step.at, inputOf(step.input));
    const expected = step.expect.map(expectation);
    const outputs = drain(session).map((output, place) => settled(output, expected[place]));
    assert.deepEqual(outputs, expected, said);
    const due = session.pollTimeout();
    if ('due' in step) assert.equal(due === Infinity ? null : due, step.due, `due after ${said}`);
  }
}

/** Names of the conversations that were played. @type {Set<string>} */
const played = new Set();
for (const name of readdirSync(CONVERSATIONS)) {
  if (name === 'defaults.json') continue;
  const file = read(name, CONVERSATIONS);
  knows(file, ['half', 'conversations']);
  if (file.half === 'server') continue;
  test(`conversations of ${name}`, async (t) => {
    assert.equal(file.half, 'client');
    for (const conversation of file.conversations) {
      await t.test(conversation.name, () => converse(conversation));
      assert.ok(!played.has(conversation.name), `${conversation.name} stands twice`);
      played.add(conversation.name);
    }
  });
}

test('no file of vectors is passed over, and every rule has a conversation', () => {
  const others = ['README.md', 'conversations', 'frames-down.json', 'frames-up.json'];
  for (const name of readdirSync(FOLDER))
    assert.ok(others.includes(name) || name.endsWith('.rs'), `who reads ${name}?`);
  for (let rule = 1; rule <= 12; rule++)
    assert.ok(
      [...played].some((name) => name.startsWith(`rule ${rule}: `)),
      `no conversation for rule ${rule}`,
    );
});

// ---- frames

/** So many frames went each way before: a vector may acknowledge 3, and state 4 as the next. */
const START = 3;

/** A session on a WebSocket that has sent and received three frames. */
function underTest() {
  const session = createSession(() => 'client-1-and-22-or-more');
  /** @param {any} input */
  const say = (input) => {
    session.handle(1000, input);
    return drain(session);
  };
  say({ open: 'websocket' });
  for (let n = 1; n <= START; n++) say({ push: `{"msg":${n}}` });
  say({ opened: 1 });
  const line = (/** @type {any} */ text) => say({ line: 1, text });
  line(taken({ welcome: { nonce: 'client-1.1', leg: 1, turn: 1 } }));
  for (let n = 1; n <= START; n++) line('{"msg":"down"}');
  return { session, line };
}

/** What a leg makes of the frame that a vector names. @param {any} vector */
function frameOf({ line, line_b64, message_b64, repeat }) {
  if (message_b64) {
    /** @type {any} */
    const socket = {};
    /** @type {any} */
    let told;
    carry(socket, 1, (event) => {
      told = event;
    });
    socket.onmessage({ data: bytesOf(message_b64).buffer });
    return told.text;
  }
  if (repeat) return repeat.before + repeat.text.repeat(repeat.times) + repeat.after;
  return line ?? new TextDecoder().decode(bytesOf(line_b64));
}

/** What the session does with a frame that has this meaning. @type {{[meaning: string]: (means: any, done: {outputs: any[], session: ReturnType<typeof createSession>}) => void}} */
const MEANINGS = {
  welcome(means, { outputs, session }) {
    for (const [key, value] of Object.entries(means.welcome))
      assert.deepEqual(session.welcome[key], value, key);
    // To a welcome on a socket the client answers with its counts.
    assert.deepEqual(outputs[0]?.lines[0], '{"ack":3,"next":4}');
  },
  // It is read where an answer begins: the conversations see to that. On a stream it is a frame like any other.
  nonce: () => {},
  end({ end }, { outputs }) {
    assert.deepEqual(outputs[0], { close: 1, reason: end.code });
    assert.equal(
      outputs.some(({ reset }) => reset),
      end.code === 'gone',
    );
  },
  ack({ ack, next = START + 1 }, { outputs, session }) {
    const lost = next - 1 - START;
    assert.deepEqual(outputs, lost > 0 ? [{ reset: 'overrun', lost }] : []);
    assert.equal(session.kept().length, START - ack);
  },
  ping: ({ ping }, { outputs }) => assert.deepEqual(outputs, [{ write: 1, lines: [`{"pong":${ping}}`] }]),
  pong: ({ pong }, { outputs }) => assert.deepEqual(outputs, [{ pong: 1, rtt: 1000 - pong }]),
  link: ({ link }, { outputs }) => assert.deepEqual(outputs, [{ link }]),
  numbered({ numbered }, { outputs }) {
    assert.equal(outputs.length, 1);
    assert.deepEqual(object(outputs[0].frame), numbered);
  },
};

test('frames-down.json', async (t) => {
  const vectors = read('frames-down.json');
  assert.ok(vectors.length > 0);
  for (const vector of vectors)
    await t.test(vector.name, () => {
      knows(vector, ['name', 'line', 'line_b64', 'message_b64', 'repeat', 'means', 'refused', 'strict']);
      const { session, line } = underTest();
      const outputs = line(frameOf(vector));
      if (vector.refused) {
        assert.ok(!vector.means);
        // What a gateway never sends need not be noticed: it is enough that nothing breaks.
        if (!vector.strict) assert.deepEqual(outputs, [{ close: 1, reason: 'bad_frame' }]);
        return;
      }
      const meanings = Object.keys(vector.means).filter((key) => !['next', 'received'].includes(key));
      assert.equal(meanings.length, 1);
      const check = MEANINGS[/** @type {string} */ (meanings[0])];
      assert.ok(check, `who reads ${meanings}?`);
      check(vector.means, { outputs, session });
    });
});
