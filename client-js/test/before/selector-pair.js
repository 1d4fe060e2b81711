// @ts-check
/**
 * The selector as it was before its rewrite, and the selector of today, in lockstep. A pair has the API of a selector. It
 * throws at the first difference between the two: in an output, a time, a property, an explanation, or the memory.
 *
 * @import { Transport } from '../../src/types.js'
 * @import { SelectorInput, SelectorOutput } from '../../src/selector/events.js'
 * @import { LinkFrame } from '../../src/protocol/frames.js'
 * @import { Setup } from '../selection/world.js'
 */

import { isDeepStrictEqual } from 'node:util';
import { Memory } from '../../src/selector/memory.js';
import { Selector } from '../../src/selector/selector.js';
import { createMemory } from './memory.js';
import { createSelector } from './selector.js';

/** @type {Transport[]} */
const ALL = ['websocket', 'sse', 'poll'];
/** An error shows this many of the last inputs. */
const SHOWN_INPUTS = 12;
/** After an input without outputs, the pair compares one explanation out of this many. */
const EXPLAINED = 10;
const MILESTONES = /** @type {const} */ (['opened', 'usable', 'proven', 'active', 'ended']);
const TOLD = /** @type {const} */ ([
  'state',
  'transport',
  'network',
  'transports',
  'heartbeat_ms',
  'hold_ms',
  'now',
]);
const EQUAL_OF_ATTEMPT = /** @type {const} */ (['transport', 'purpose', 'at', 'reason']);
const EQUAL_OF_PATH = /** @type {const} */ (['transport', 'failures', 'retryAt', 'good']);

/** The old selector's own copy of each store. @type {WeakMap<object, object>} */
const copies = new WeakMap();

/** @param {any} storage @param {string} key */
function copyOf(storage, key) {
  if (!storage) return storage;
  const copy = copies.get(storage) ?? copyNow(storage, key);
  copies.set(storage, copy);
  return copy;
}

/** @param {any} storage @param {string} key */
function copyNow(storage, key) {
  let item = storage.getItem(key);
  return {
    getItem: () => item,
    /** @param {string} _ @param {string} value */
    setItem(_, value) {
      item = value;
    },
    removeItem() {
      item = null;
    },
  };
}

/** The ids of the networks in a store, in its order. @param {any} storage @param {string} key */
function networksIn(storage, key) {
  try {
    return JSON.parse(storage.getItem(key)).map((/** @type {[string, object]} */ entry) => entry[0]);
  } catch {
    return null;
  }
}

/** The input as the old selector takes it. @param {SelectorInput} input @returns {any} */
function toOld(input) {
  switch (input.type) {
    case 'raceReady':
      return { go: true };
    case 'raceFailed':
      return { go: false };
    case 'switchTo':
      return { want: input.transport };
    case 'socketOpened':
      return { opened: input.leg };
    case 'frameArrived':
      return { line: input.leg };
    case 'answerArrived':
      return { answer: input.leg, route: input.route };
    case 'requestFailed':
      return { failed: input.leg, route: input.route };
    case 'legDied':
      return { closed: input.leg };
    case 'write':
      return { write: input.leg };
    case 'legUsable':
      return { usable: input.leg };
    case 'legActive':
      return { active: input.leg };
    case 'pong':
      return { pong: input.leg, rtt: input.rtt };
    case 'legDropped':
      return { close: input.leg, reason: input.reason };
    case 'link':
      return { link: input.frame };
    case 'controlAnswered':
      return { control: input.control };
    case 'gatewayRefused':
      return { error: { wait: input.wait } };
    case 'wake':
      return { wake: input.isVisible };
    case 'park':
      return { park: true };
    case 'stop':
      return { stop: true };
    case 'timeout':
      return { timeout: true };
  }
}

/** An output of the old selector, as today's selector puts it. @param {any} output @returns {SelectorOutput} */
function toNew({ race, open, leg, ask, ping, closed, reason, check, state, transport }) {
  if (race) return { type: 'prepareRace' };
  if (open) return { type: 'openLeg', leg, transport: open };
  if (ask) return { type: 'requestTurn', leg: ask };
  if (ping) return { type: 'sendPing', leg: ping };
  if (closed) return { type: 'dropLeg', leg: closed, reason };
  if (check) return { type: 'probeControl' };
  if (state) return { type: 'stateChanged', state };
  return { type: 'transportChanged', ...transport };
}

/** Today's selector calls the source of chance first. The old selector then gets the same numbers, and must take them all. */
function shareChance(/** @type {() => number} */ random) {
  /** @type {number[]} */
  const drawn = [];
  return {
    forNew() {
      const number = random();
      drawn.push(number);
      return number;
    },
    forOld() {
      const number = drawn.shift();
      if (number === undefined)
        throw new Error('The old selector calls random more often than the one of today.');
      return number;
    },
    left: () => drawn.length,
  };
}

export class SelectorPair {
  #session;
  #chance;
  #memory;
  #selector;
  #oldMemory;
  /** @type {any} */
  #old;
  /** @type {any} */
  #oldSession;
  /** Each `wish` that the old selector wrote, as an output. @type {SelectorOutput[]} */
  #wishes = [];
  /** @type {SelectorOutput[]} */
  #outputs = [];
  /** @type {Array<[number, SelectorInput]>} */
  #inputs = [];
  #now = 0;
  #comparisons = 0;

  /** @param {Setup} setup */
  constructor({ session, storage, key, wallClock, random, order, isOrderChosen, maxLatencyMs }) {
    this.#session = session;
    this.#chance = shareChance(random);
    const oldStorage = copyOf(storage, key);
    if (storage) this.#same('the stored networks', networksIn(oldStorage, key), networksIn(storage, key));
    this.#oldMemory = createMemory(oldStorage, key, wallClock);
    this.#oldSession = this.#mirror();
    this.#memory = new Memory(storage, key, wallClock);
    this.#selector = new Selector({
      session,
      memory: this.#memory,
      random: this.#chance.forNew,
      order: [...order],
      isOrderChosen,
      maxLatencyMs,
    });
    this.#old = createSelector(
      this.#oldSession,
      this.#oldMemory,
      this.#chance.forOld,
      [...order],
      isOrderChosen,
      maxLatencyMs,
    );
    this.#compare();
  }

  /** The session as the old selector reads and writes it. */
  #mirror() {
    const session = this.#session;
    const wishes = this.#wishes;
    return {
      // Both read the same welcome. The old selector writes transports to it that the session wrote before.
      get welcome() {
        return session.welcome ?? {};
      },
      kept: () => (session.unacknowledgedFrames > 0 ? [{ at: session.oldestHandedAt }] : []),
      /** @param {{heartbeat_ms: number, hold_ms: number}} wish */
      set wish({ heartbeat_ms, hold_ms }) {
        wishes.push({ type: 'keepAlive', heartbeatMs: heartbeat_ms, holdMs: hold_ms });
      },
    };
  }

  /** @param {number} now @param {SelectorInput} input */
  handle(now, input) {
    this.#now = now;
    this.#inputs.push([now, input]);
    if (this.#inputs.length > SHOWN_INPUTS) this.#inputs.shift();

    if (input.type === 'link') this.#checkWelcome(input.frame);
    this.#selector.handle(now, input);
    const outputs = [];
    const wishes = [];
    for (let output = this.#selector.pollOutput(); output; output = this.#selector.pollOutput()) {
      this.#outputs.push(output);
      if (output.type === 'keepAlive') wishes.push(output);
      else outputs.push(output);
    }

    this.#old.handle(now, toOld(input));
    const oldOutputs = [];
    for (let output = this.#old.pollOutput(); output; output = this.#old.pollOutput())
      oldOutputs.push(toNew(output));

    if (outputs.length + oldOutputs.length) this.#same('the outputs', oldOutputs, outputs);
    if (wishes.length + this.#wishes.length)
      this.#same('the wishes (keepAlive)', this.#wishes.splice(0), wishes);
    this.#same('the number of calls to random', 0, this.#chance.left());
    this.#compare(outputs.length > 0);
  }

  /** The session takes the transports of a `config` before the selectors see it. @param {LinkFrame} frame */
  #checkWelcome({ config }) {
    const { welcome } = this.#session;
    if (welcome && config?.transports)
      this.#same('the test: the transports', config.transports, welcome.transports);
  }

  pollOutput() {
    return this.#outputs.shift();
  }

  pollTimeout() {
    const at = this.#selector.pollTimeout();
    this.#same('pollTimeout', this.#old.pollTimeout(), at);
    return at;
  }

  get state() {
    return this.#selector.state;
  }

  get transport() {
    return this.#selector.transport;
  }

  get openedLegs() {
    return this.#selector.openedLegs;
  }

  /** @param {number} now */
  explain(now) {
    this.#compareExplanations(now);
    return this.#selector.explain(now);
  }

  /** @param {number} now */
  report(now) {
    const report = this.#selector.report(now);
    const { ms, tried } = this.#oldSession.report(now);
    this.#same('the failures in the report', tried, report.tried);
    // The old selector counted from the time 0 before its first race, and could not tell that from a race at the time 0.
    if (ms !== now || report.ms !== 0) this.#same('the time in the report', ms, report.ms);
    return report;
  }

  /** Both memories forget. */
  forget() {
    this.#memory.forget();
    this.#oldMemory.forget();
    this.#compare();
  }

  /**
   * Explanations cost much to compare, and a difference in them stays for a while.
   * @param {boolean} [isWhole] whether to compare the explanations now in any case
   */
  #compare(isWhole = true) {
    this.pollTimeout();
    this.#same('state', this.#old.state, this.#selector.state);
    this.#same('transport', this.#old.transport, this.#selector.transport);
    this.#same('openedLegs', this.#old.legs, this.#selector.openedLegs);
    this.#comparisons++;
    if (!isWhole && this.#comparisons % EXPLAINED !== 0) return;
    this.report(this.#now);
    this.#compareMemories();
    this.#compareExplanations(this.#now);
  }

  #compareMemories() {
    for (const transport of ALL) {
      const old = this.#oldMemory.recall(transport);
      const fact = this.#memory.recall(transport);
      this.#same(`the memory of ${transport}`, Number.isNaN(old), !fact);
      if (fact) this.#same(`the memory of ${transport}`, old < 0 ? null : old, fact.rtt);
    }
  }

  /** @param {number} now */
  #compareExplanations(now) {
    const old = this.#old.explain(now);
    const explanation = this.#selector.explain(now);
    for (const key of TOLD) this.#same(`${key} in explain`, old[key], explanation[key]);
    this.#same('control in explain', old.control, explanation.control);

    const { attempts, paths } = explanation;
    this.#same('the number of attempts', old.attempts.length, attempts.length);
    for (const [index, attempt] of attempts.entries()) {
      const before = old.attempts[index];
      const name = () => `of attempt ${before.n}`;
      if (before.n !== attempt.leg) this.#fail(`the leg ${name()}`, before.n, attempt.leg);
      for (const key of EQUAL_OF_ATTEMPT)
        if (before[key] !== attempt[key]) this.#fail(`${key} ${name()}`, before[key], attempt[key]);
      for (const key of MILESTONES) {
        // The old selector wrote 1 for 0.
        const time = attempt[key] === 0 ? 1 : attempt[key];
        if (before[key] !== time) this.#fail(`${key} ${name()}`, before[key], attempt[key]);
      }
    }
    this.#same('the number of paths', old.ways.length, paths.length);
    for (const [index, path] of paths.entries()) {
      const before = old.ways[index];
      for (const key of EQUAL_OF_PATH)
        if (before[key] !== path[key])
          this.#fail(`${key} of the path ${before.transport}`, before[key], path[key]);
      this.#same(
        `the round trip of the path ${before.transport}`,
        Number.isNaN(before.rtt) ? null : before.rtt,
        path.rtt,
      );
    }
  }

  /** @param {string} what @param {unknown} before @param {unknown} today */
  #same(what, before, today) {
    if (Object.is(before, today) || isDeepStrictEqual(before, today)) return;
    this.#fail(what, before, today);
  }

  /** @param {string} what @param {unknown} before @param {unknown} today @returns {never} */
  #fail(what, before, today) {
    const inputs = this.#inputs.map(([at, input]) => `  ${at}: ${text(input)}`).join('\n');
    throw new Error(
      `At ${this.#now} the two selectors differ in ${what}.\n` +
        `before: ${text(before)}\ntoday: ${text(today)}\nThe last inputs, the newest last:\n${inputs}`,
    );
  }
}

/** JSON has neither NaN nor Infinity nor undefined. @param {unknown} value */
const text = (value) =>
  value === undefined
    ? 'undefined'
    : JSON.stringify(value, (_, part) =>
        typeof part === 'number' && !Number.isFinite(part) ? `${part}` : part,
      );

/** Builds a pair for a world. @param {Setup} setup */
export const makePair = (setup) => new SelectorPair(setup);
