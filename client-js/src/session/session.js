// @ts-check
/**
 * The client's half of a session: it numbers, keeps and repeats frames, and decides which leg carries what. "Rule n" is
 * PROTOCOL.md's numbering.
 *
 * Sans-IO: hand an input to `handle`, drain `pollOutput`, arm one timer for `pollTimeout`, and hand in `timeout` when it has come.
 * It must never touch a socket, a clock or the application. Its twin is `src/session/client` in Rust: the same inputs, the same
 * outputs in the same order, held to the same vectors.
 *
 * @import { Hello } from '../protocol/frames.js'
 * @import { Transport } from '../types.js'
 * @import { SessionInput, SessionOutput } from './events.js'
 */

import { NEVER } from '../time.js';
import { Acknowledgements } from './acknowledgements.js';
import { Legs } from './legs.js';
import { Outgoing } from './outgoing.js';
import { Receiver } from './receive.js';
import { Sender } from './send.js';

export class Session {
  /** @type {SessionOutput[]} */
  #outputs = [];
  #legs = new Legs(this.#outputs);
  #outgoing = new Outgoing();
  #acknowledgements = new Acknowledgements();
  #sender;
  #receiver;

  /**
   * @param {object} options
   * @param {() => string} options.randomId returns 22 characters or more of `[A-Za-z0-9_-]` with 128 random bits, new each time
   * @param {(now: number) => Hello['client']} [options.report] returns the client's report of its search, for a leg's first hello
   */
  constructor({ randomId, report }) {
    this.#sender = new Sender(randomId, report, this.#outgoing, this.#acknowledgements, this.#outputs);
    this.#receiver = new Receiver(
      this.#legs,
      this.#outgoing,
      this.#acknowledgements,
      this.#sender,
      this.#outputs,
    );
  }

  // ---- for the owner

  /** @param {string | undefined} token goes with every hello */
  set token(token) {
    this.#sender.token = token;
  }

  /** @param {{heartbeat_ms: number, hold_ms: number}} wish the rhythm that the path needs; it goes with every hello */
  set wish(wish) {
    this.#sender.wish = wish;
  }

  /** The last welcome, with the transports of the last `config`; null before the first. */
  get welcome() {
    return this.#sender.welcome;
  }

  /** The number of frames that wait to be sent or acknowledged. */
  get unacknowledgedFrames() {
    return this.#outgoing.kept.length;
  }

  /** Their bytes, in line form. */
  get unacknowledgedBytes() {
    return this.#outgoing.bytes;
  }

  /** Since when the oldest of them waits for its acknowledgement; NEVER if no leg has it yet. */
  get oldestHandedAt() {
    return this.#outgoing.kept[0]?.handedAt ?? NEVER;
  }

  /** Returns the lines that no leg has yet. They survive the end of the session. */
  unhandedLines() {
    return this.#outgoing.kept.filter(({ handedAt }) => handedAt === NEVER).map(({ line }) => line);
  }

  /** Returns the next thing to do, until there is none. */
  pollOutput() {
    return this.#outputs.shift();
  }

  /** When the input `timeout` is due; NEVER if it is not. */
  pollTimeout() {
    let due = this.#acknowledgements.dueAt;
    for (const { retryAt, retireAt } of this.#legs.open) due = Math.min(due, retryAt, retireAt);
    return due;
  }

  /**
   * Takes one input. Drain `pollOutput` afterwards.
   * @param {number} now
   * @param {SessionInput} input
   */
  handle(now, input) {
    this.#sender.now = now;
    // An event of a leg that is over does nothing.
    const leg = 'leg' in input ? this.#legs.find(input.leg) : undefined;
    switch (input.type) {
      case 'openLeg':
        this.#open(input.transport);
        break;
      case 'socketOpened':
        if (leg?.state === 'opening') this.#sender.greet(leg);
        break;
      case 'frameArrived':
        if (leg) this.#receiver.frame(leg, input.frame);
        break;
      case 'answerArrived':
        if (leg) this.#receiver.answer(leg, input.route, input.lines);
        break;
      case 'requestFailed':
        if (leg) this.#receiver.requestFailed(leg, input.route, input.status);
        break;
      case 'legDied':
      case 'dropLeg':
        this.#legs.remove(leg);
        break;
      case 'requestTurn':
        if (leg && leg !== this.#legs.favourite) this.#legs.requestTurn(leg);
        break;
      case 'sendPing':
        leg?.links.push(JSON.stringify({ ping: Math.floor(now) }));
        break;
      case 'push':
        this.#outgoing.push(input.line);
        break;
      case 'park':
        this.#park();
        break;
      case 'timeout':
        this.#timeout(now);
        break;
      default:
        /** @satisfies {never} */ (input);
    }
    this.#advance();
  }

  /** Looks at the legs in the order of their opening, and sends whatever may go. */
  #advance() {
    this.#legs.replaceLostTurn();
    const { writable, current } = this.#legs;
    for (const leg of writable)
      if (leg.transport === 'websocket') this.#sender.write(leg, leg === current);
      else if (leg.retryAt === NEVER) this.#sender.request(leg, leg === current);
  }

  // ---- inputs

  /** @param {Transport} transport */
  #open(transport) {
    const leg = this.#legs.add(transport);
    const bringsLines = leg.turn !== null;
    if (transport === 'sse') this.#sender.post(leg, 'stream', bringsLines);
    if (transport === 'poll') this.#sender.post(leg, 'poll', bringsLines);
  }

  /** The page may end: all that waits goes by a request that outlives it. Numbers make a repetition safe. */
  #park() {
    const leg = this.#legs.favourite;
    if (leg && this.#outgoing.kept.length > 0) this.#sender.post(leg, 'send', true, true);
  }

  /** @param {number} now */
  #timeout(now) {
    this.#acknowledgements.tick(now);
    for (const leg of this.#legs.open) {
      if (now >= leg.retireAt) this.#legs.drop(leg, 'replaced');
      if (now >= leg.retryAt) leg.retryAt = NEVER;
    }
  }
}
