// @ts-check
/**
 * Runs the session before the rewrite and the session after it in lockstep. It has the API of `Session`.
 *
 * Each input goes to both. The pair throws at the first difference in their outputs, their deadlines, or the lines they keep.
 * Temporary: it goes with this folder.
 *
 * @import { SessionInput, SessionOutput } from '../../src/session/events.js'
 */

import { isDeepStrictEqual } from 'node:util';
import { Session } from '../../src/session/session.js';
import { createSession } from './session.js';

/** A difference between the two sessions. */
export class Difference extends Error {}

/** The old form of an input. @param {SessionInput} input */
export function oldInput(input) {
  switch (input.type) {
    case 'openLeg':
      return { open: input.transport };
    case 'socketOpened':
      return { opened: input.leg };
    case 'frameArrived':
      return { line: input.leg, text: input.frame };
    case 'answerArrived':
      return { answer: input.leg, route: input.route, lines: input.lines };
    case 'requestFailed':
      return { failed: input.leg, route: input.route, status: input.status };
    case 'legDied':
    case 'dropLeg':
      return { closed: input.leg };
    case 'requestTurn':
      return { ask: input.leg };
    case 'sendPing':
      return { ping: input.leg };
    case 'push':
      return { push: input.line };
    case 'park':
      return { park: true };
    case 'timeout':
      return { timeout: true };
    default:
      throw new TypeError(`unknown input: ${JSON.stringify(input)}`);
  }
}

/** The new form of an output of the old session. @type {{[verb: string]: (output: any) => SessionOutput}} */
const NEW_OUTPUTS = {
  write: ({ write, ...rest }) => ({ type: 'write', leg: write, ...rest }),
  request: ({ request, last, ...rest }) => ({
    type: 'post',
    leg: request,
    ...rest,
    ...(last && { outlivesPage: true }),
  }),
  usable: ({ usable }) => ({ type: 'legUsable', leg: usable }),
  active: ({ active }) => ({ type: 'legActive', leg: active }),
  pong: ({ pong, rtt }) => ({ type: 'pong', leg: pong, rtt }),
  frame: ({ frame }) => ({ type: 'deliver', frame }),
  close: ({ close, reason }) => ({ type: 'legDropped', leg: close, reason }),
  reset: ({ reset, lost }) => ({ type: 'reset', reason: reset, lost }),
  unknown: ({ unknown }) => ({ type: 'unknownOutcome', lines: unknown }),
  link: ({ link }) => ({ type: 'link', frame: link }),
};

/** @param {any} output @returns {SessionOutput} */
export function newOutput(output) {
  const [verb = ''] = Object.keys(output);
  const convert = NEW_OUTPUTS[verb];
  if (!convert) throw new TypeError(`unknown output of the old session: ${JSON.stringify(output)}`);
  return convert(output);
}

/** @param {() => any} pollOutput @returns {any[]} */
function drain(pollOutput) {
  const all = [];
  for (let output = pollOutput(); output; output = pollOutput()) all.push(output);
  return all;
}

/** A value for an error message: JSON, with Infinity and raw bytes in readable form, and long texts cut. @param {unknown} value */
const shown = (value) =>
  JSON.stringify(value, (_, inner) => {
    if (typeof inner === 'number' && !Number.isFinite(inner)) return `${inner}`;
    if (inner === undefined) return 'undefined';
    if (inner instanceof Uint8Array) return { bytes: [...inner].slice(0, 16), length: inner.length };
    if (typeof inner === 'string' && inner.length > 240) return `${inner.slice(0, 240)}… (${inner.length})`;
    return inner;
  });

export class SessionPair {
  #old;
  #new;
  /** The random ids that one of the sessions has drawn. @type {string[]} */
  #drawn = [];
  /** How many ids each session has drawn. */
  #draws = { old: 0, new: 0 };
  /** @type {SessionOutput[]} */
  #outputs = [];

  /** @param {{randomId: () => string, report?: (now: number) => object}} options */
  constructor({ randomId, report }) {
    /** Both sessions draw the same ids. @param {'old' | 'new'} half */
    const source = (half) => () => {
      const place = this.#draws[half]++;
      this.#drawn[place] ??= randomId();
      return /** @type {string} */ (this.#drawn[place]);
    };
    this.#old = createSession(source('old'));
    this.#old.report = report;
    this.#new = new Session({ randomId: source('new'), report: /** @type {any} */ (report) });
    this.#compareState(() => 'the constructor');
  }

  /** @param {string | undefined} token */
  set token(token) {
    this.#old.token = token;
    this.#new.token = token;
  }

  /** @param {{heartbeat_ms: number, hold_ms: number}} wish */
  set wish(wish) {
    this.#old.wish = wish;
    this.#new.wish = wish;
  }

  get welcome() {
    return this.#new.welcome;
  }

  get unacknowledgedFrames() {
    return this.#new.unacknowledgedFrames;
  }

  get unacknowledgedBytes() {
    return this.#new.unacknowledgedBytes;
  }

  get oldestHandedAt() {
    return this.#new.oldestHandedAt;
  }

  unhandedLines() {
    return this.#new.unhandedLines();
  }

  pollOutput() {
    return this.#outputs.shift();
  }

  pollTimeout() {
    return this.#new.pollTimeout();
  }

  /** @param {number} now @param {SessionInput} input */
  handle(now, input) {
    const cause = () => `${shown(input)} at ${now}`;
    this.#old.handle(now, oldInput(input));
    const before = drain(this.#old.pollOutput).map(newOutput);
    this.#new.handle(now, input);
    const after = drain(() => this.#new.pollOutput());
    for (let place = 0; place < Math.max(before.length, after.length); place++)
      this.#compare(`output ${place + 1}`, cause, before[place], after[place]);
    this.#compareState(cause);
    this.#outputs.push(...after);
  }

  /** Compares everything but the outputs. @param {() => string} cause the input, for the message */
  #compareState(cause) {
    const kept = this.#old.kept();
    const bytes = kept.reduce((sum, held) => sum + held.bytes, 0);
    const unhanded = kept.filter(({ at }) => at === Infinity).map(({ frame }) => frame);
    const [old, fresh] = [this.#old, this.#new];
    this.#compare('pollTimeout', cause, old.pollTimeout(), fresh.pollTimeout());
    this.#compare('unacknowledgedFrames', cause, kept.length, fresh.unacknowledgedFrames);
    this.#compare('unacknowledgedBytes', cause, bytes, fresh.unacknowledgedBytes);
    this.#compare('oldestHandedAt', cause, kept[0]?.at ?? Infinity, fresh.oldestHandedAt);
    this.#compare('unhandedLines', cause, unhanded, fresh.unhandedLines());
    this.#compare('the number of random ids', cause, this.#draws.old, this.#draws.new);
    // The old session did not take the transports of a config into its welcome.
    for (const key of /** @type {const} */ ([
      'id',
      'heartbeat_ms',
      'hold_ms',
      'resume_ms',
      'network',
      'limits',
    ]))
      this.#compare(`welcome.${key}`, cause, old.welcome[key], fresh.welcome?.[key]);
  }

  /** @param {string} what @param {() => string} cause @param {unknown} before @param {unknown} after */
  #compare(what, cause, before, after) {
    if (isDeepStrictEqual(before, after)) return;
    throw new Difference(
      `${what} differs after ${cause()}\n  before: ${shown(before)}\n  after:  ${shown(after)}`,
    );
  }
}
