// @ts-check
/**
 * Plays the vectors, which both languages share, to this client's half. `tests/vectors/README.md` describes their format.
 * They are the specification. The test fails on a file, a key or an input that it does not know.
 *
 * @import { RawFrame } from '../src/protocol/frames.js'
 * @import { SessionInput, SessionOutput } from '../src/session/events.js'
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import test from 'node:test';
import { Session } from '../src/session/session.js';
import { readMessage } from '../src/transports/websocket.js';

const FOLDER = new URL('../../tests/vectors/', import.meta.url);
const CONVERSATIONS = new URL('conversations/', FOLDER);

/** @param {string} name @param {URL} [folder] */
const read = (name, folder = FOLDER) => JSON.parse(readFileSync(new URL(name, folder), 'utf8'));
/** @param {any} object @param {string[]} known */
function knows(object, known) {
  for (const key of Object.keys(object)) assert.ok(known.includes(key), `nothing reads ${key}`);
}
const bytesOf = (/** @type {string} */ b64) => new Uint8Array(Buffer.from(b64, 'base64'));
const base64 = (/** @type {Uint8Array} */ bytes) => Buffer.from(bytes).toString('base64');

const defaults = read('defaults.json', CONVERSATIONS);

/** Adds the default keys of hello, welcome and end. A key that is null is left out. @param {any} frame */
function filled(frame) {
  const [verb = '', ...more] = Object.keys(frame);
  if (typeof frame !== 'object' || more.length > 0 || !['hello', 'welcome', 'end'].includes(verb))
    return frame;
  if (typeof frame[verb] !== 'object') return frame;
  const all = Object.entries({ ...defaults[verb], ...frame[verb] }).filter(([, value]) => value !== null);
  return { [verb]: Object.fromEntries(all) };
}

/** A long line that is written as a short text, many times. @param {any} repeat @returns {string} */
const repeated = ({ before, text, times, after }) => before + text.repeat(times) + after;

/** A frame of an input, as a line. @param {any} frame @returns {string} */
function lineOf(frame) {
  if (typeof frame === 'string') return frame;
  return frame.repeat ? repeated(frame.repeat) : JSON.stringify(filled(frame));
}

/** A frame of an input, as a transport delivers it. @param {any} frame @returns {RawFrame} */
const rawFrameOf = (frame) =>
  typeof frame === 'object' && 'head' in frame
    ? { head: frame.head, bytes: bytesOf(frame.b64) }
    : lineOf(frame);

/** Reads a line. The message of an end is for people and is left out. @param {string} line */
function readable(line) {
  const frame = JSON.parse(line);
  if (frame.end) delete frame.end.message;
  return frame;
}

/** A received frame, with its bytes as `b64`. @param {any} frame */
const object = ({ bytes, ...keys }) => (bytes ? { ...keys, b64: base64(bytes) } : keys);

/** The form that a vector gives to an output. @type {{[type in SessionOutput['type']]: (output: any) => object}} */
const OUTPUTS = {
  write: ({ leg, ...rest }) => ({ write: leg, ...rest }),
  // How long an answer may take, and that it may outlive a page, is no part of the protocol.
  post: ({ leg, timeoutMs, outlivesPage, ...rest }) => ({ request: leg, ...rest }),
  legUsable: ({ leg, ...rest }) => ({ usable: leg, ...rest }),
  legActive: ({ leg, ...rest }) => ({ active: leg, ...rest }),
  pong: ({ leg, isLong, ...rest }) => ({ pong: leg, ...rest, ...(isLong && { long: true }) }),
  deliver: ({ frame, ...rest }) => ({ frame: object(frame), ...rest }),
  // The words of an error are no part of the protocol.
  legDropped: ({ leg, error, ...rest }) => ({ close: leg, ...rest }),
  reset: ({ reason, ...rest }) => ({ reset: reason, ...rest }),
  unknownOutcome: ({ lines, ...rest }) => ({ unknown: lines, ...rest }),
  lineStuck: ({ leg, ...rest }) => ({ stuck: leg, ...rest }),
  oneRequest: ({ leg, ...rest }) => ({ one_request: leg, ...rest }),
  link: ({ frame, ...rest }) => ({ link: frame, ...rest }),
  wait: ({ leg, ...rest }) => ({ wait: leg, ...rest }),
  tokenAnswered: ({ expiresMs, error, ...rest }) => ({
    token: error ? { code: error.code, message: error.message } : { expires_ms: expiresMs },
    ...rest,
  }),
};

/** An output in the form of the vectors. A key that they do not have stays. @param {SessionOutput} output */
function vectorForm({ type, ...rest }) {
  assert.ok(OUTPUTS[type], `no vector has ${type}`);
  return OUTPUTS[type](rest);
}

/**
 * An output in the form of the expected one. Where the expected line is an object, the line is read.
 * @param {SessionOutput} output
 * @param {any} expected
 */
function settled(output, expected) {
  /** @type {any} */
  const told = vectorForm(output);
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
  const line = (/** @type {any} */ frame) => {
    if (typeof frame === 'string') return frame;
    return frame.repeat ? repeated(frame.repeat) : filled(frame);
  };
  for (const key of ['lines', 'unknown']) if (wanted[key]) wanted[key] = wanted[key].map(line);
  return wanted;
}

/**
 * The inputs of a vector: the keys beside the first, those that may be missing, and the input of the session.
 * @type {{[verb: string]: {keys: string[], optional?: string[], input: (vector: any) => SessionInput}}}
 */
const INPUTS = {
  open: { keys: [], input: ({ open }) => ({ type: 'openLeg', transport: open }) },
  opened: { keys: [], input: ({ opened }) => ({ type: 'socketOpened', leg: opened }) },
  line: {
    keys: ['text'],
    input: ({ line, text }) => ({ type: 'frameArrived', leg: line, frame: rawFrameOf(text) }),
  },
  answer: {
    keys: ['route', 'lines'],
    input: ({ answer, route, lines }) => ({
      type: 'answerArrived',
      leg: answer,
      route,
      lines: lines.map(lineOf),
    }),
  },
  failed: {
    keys: ['route'],
    optional: ['status', 'code'],
    input: ({ failed, ...rest }) => ({ type: 'requestFailed', leg: failed, ...rest }),
  },
  closed: { keys: [], input: ({ closed }) => ({ type: 'legDied', leg: closed }) },
  ask: {
    keys: [],
    optional: ['pings', 'long'],
    input: ({ ask, pings = false, long }) => ({ type: 'requestTurn', leg: ask, pings, isLong: long }),
  },
  ping: {
    keys: [],
    optional: ['long'],
    input: ({ ping, long }) => ({ type: 'sendPing', leg: ping, isLong: long }),
  },
  withdraw: { keys: [], input: () => ({ type: 'withdrawLine' }) },
  token: { keys: [], input: ({ token }) => ({ type: 'sendToken', token }) },
  bye: { keys: [], input: () => ({ type: 'bye' }) },
  push: { keys: [], input: ({ push }) => ({ type: 'push', line: lineOf(push) }) },
  timeout: { keys: [], input: () => ({ type: 'timeout' }) },
};

/** The session's input for a vector's. @param {any} vector @returns {SessionInput} */
function inputOf(vector) {
  const [verb = ''] = Object.keys(vector);
  const known = INPUTS[verb];
  assert.ok(known, `nothing reads ${verb}`);
  knows(vector, [verb, ...known.keys, ...(known.optional ?? [])]);
  for (const key of known.keys) assert.ok(key in vector, `${key} is missing`);
  return known.input(vector);
}

/** @param {Session} session */
function drain(session) {
  /** @type {SessionOutput[]} */
  const all = [];
  for (let output = session.pollOutput(); output; output = session.pollOutput()) all.push(output);
  return all;
}

/** @param {any} conversation */
function converse({ random = defaults.random, steps, ...more }) {
  knows(more, ['name']);
  assert.ok(steps.length > 0);
  const given = [...random];
  const session = new Session({
    randomId() {
      assert.ok(given.length > 0, 'the session asks for more random ids than the vector gives');
      return given.shift();
    },
  });
  for (const [n, step] of steps.entries()) {
    knows(step, ['at', 'input', 'expect', 'due']);
    const said = `step ${n + 1}, at ${step.at}: ${JSON.stringify(step.input)}`;
    // The identity decides when the hellos bring a token; in a vector they do at once.
    if ('token' in step.input) session.token = step.input.token;
    session.handle(step.at, inputOf(step.input));
    const expected = step.expect.map(expectation);
    const outputs = drain(session).map((output, place) => settled(output, expected[place]));
    assert.deepEqual(outputs, expected, said);
    const due = session.pollTimeout();
    if ('due' in step) assert.equal(due === Infinity ? null : due, step.due, `due after ${said}`);
  }
}

/** The names of the conversations that ran. @type {Set<string>} */
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
      assert.ok(!played.has(conversation.name), `two conversations are named ${conversation.name}`);
      played.add(conversation.name);
    }
  });
}

test('the tests know every file of vectors, and every rule has a conversation', () => {
  const others = ['README.md', 'conversations', 'frames-down.json', 'frames-up.json', 'tokens.json'];
  for (const name of readdirSync(FOLDER))
    assert.ok(others.includes(name) || name.endsWith('.rs'), `nothing reads ${name}`);
  for (let rule = 1; rule <= 14; rule++)
    assert.ok(
      [...played].some((name) => name.startsWith(`rule ${rule}: `)),
      `rule ${rule} has no conversation`,
    );
});

// ---- frames

/** The frames that went each way before. A vector may acknowledge 3, and state 4 as the next number. */
const START = 3;

/** A session on a WebSocket that has sent three frames and received three. */
function underTest() {
  const session = new Session({ randomId: () => 'client-1-and-22-or-more' });
  /** @param {SessionInput} input */
  const say = (input) => {
    session.handle(1000, input);
    return drain(session);
  };
  say({ type: 'openLeg', transport: 'websocket' });
  for (let n = 1; n <= START; n++) say({ type: 'push', line: `{"msg":${n}}` });
  say({ type: 'socketOpened', leg: 1 });
  /** Hands in a frame, and returns the outputs in the form of the vectors. @param {RawFrame} frame @returns {any[]} */
  const arrive = (frame) => say({ type: 'frameArrived', leg: 1, frame }).map(vectorForm);
  arrive(lineOf({ welcome: { nonce: 'client-1.1', leg: 1, turn: 1 } }));
  for (let n = 1; n <= START; n++) arrive('{"msg":"down"}');
  return { session, arrive };
}

/** The frame that a vector names, as the transport reads it. @param {any} vector @returns {RawFrame} */
function frameOf({ line, line_b64, message_b64, repeat }) {
  if (message_b64) return readMessage(bytesOf(message_b64).buffer);
  if (repeat) return repeated(repeat);
  return line ?? new TextDecoder().decode(bytesOf(line_b64));
}

/**
 * Checks that the session does with a frame what its meaning asks.
 * @type {{[meaning: string]: (means: any, done: {outputs: any[], session: Session}) => void}}
 */
const MEANINGS = {
  welcome(means, { outputs, session }) {
    /** @type {any} */
    const kept = session.welcome;
    for (const [key, value] of Object.entries(means.welcome)) assert.deepEqual(kept[key], value, key);
    // The client answers a welcome on a socket with its counts.
    assert.deepEqual(outputs[0]?.lines[0], '{"ack":3,"next":4}');
  },
  // An answer begins with it; the conversations cover that. On a stream it is a frame like any other.
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
    assert.equal(session.unacknowledgedFrames, START - ack);
  },
  ping: ({ ping }, { outputs }) => assert.deepEqual(outputs, [{ write: 1, lines: [`{"pong":${ping}}`] }]),
  pong: ({ pong, pad }, { outputs }) =>
    assert.deepEqual(outputs, [{ pong: 1, rtt: 1000 - pong, ...(pad && { long: true }) }]),
  bytes({ bytes }, { outputs, session }) {
    assert.deepEqual(outputs, []);
    assert.equal(session.announcedBytes, bytes);
  },
  link: ({ link }, { outputs }) => assert.deepEqual(outputs, [{ link }]),
  wait: ({ wait }, { outputs, session }) => {
    // On a leg that is welcome it says nothing new.
    assert.deepEqual(outputs, []);
    assert.ok(session.welcome && wait.ms >= 0);
  },
  token: ({ token }, { outputs }) => assert.deepEqual(outputs, [{ token }]),
  numbered({ numbered }, { outputs }) {
    assert.equal(outputs.length, 1);
    assert.deepEqual(outputs[0].frame, numbered);
  },
};

test('frames-down.json', async (t) => {
  const vectors = read('frames-down.json');
  assert.ok(vectors.length > 0);
  for (const vector of vectors)
    await t.test(vector.name, () => {
      knows(vector, ['name', 'line', 'line_b64', 'message_b64', 'repeat', 'means', 'refused', 'strict']);
      const { session, arrive } = underTest();
      const outputs = arrive(frameOf(vector));
      if (vector.refused) {
        assert.ok(!vector.means);
        // A gateway never sends a strict vector's frame. The client may take it, and nothing may break.
        if (!vector.strict) assert.deepEqual(outputs, [{ close: 1, reason: 'bad_frame' }]);
        return;
      }
      const meanings = Object.keys(vector.means).filter((key) => !['next', 'received', 'pad'].includes(key));
      assert.equal(meanings.length, 1);
      const check = MEANINGS[/** @type {string} */ (meanings[0])];
      assert.ok(check, `nothing reads ${meanings}`);
      check(vector.means, { outputs, session });
    });
});
