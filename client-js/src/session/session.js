// @ts-check
/**
 * The client's half of a session: it numbers, keeps and repeats frames, and decides which leg carries what. "Rule n" is
 * PROTOCOL.md's numbering.
 *
 * Sans-IO: hand an input to `handle`, drain `pollOutput`, arm one timer for `pollTimeout`, and hand in `timeout` when it has come.
 * It must never touch a socket, a clock or the application. Its twin is `src/session/client` in Rust: the same inputs, the same
 * outputs in the same order, held to the same vectors.
 *
 * @import { Hello, Line } from '../protocol/frames.js'
 * @import { Transport } from '../types.js'
 * @import { Route, SessionInput, SessionOutput } from './events.js'
 */

import { NEVER } from '../time.js';
import { Acknowledgements } from './acknowledgements.js';
import { Failures } from './failures.js';
import { carriesLines } from './leg.js';
import { Legs } from './legs.js';
import { Outgoing } from './outgoing.js';
import { Receiver } from './receive.js';
import { Sender } from './send.js';

/** @type {Route[]} */
const ROUTES = ['send', 'links', 'poll'];

export class Session {
  /** @type {SessionOutput[]} */
  #outputs = [];
  #legs = new Legs(this.#outputs);
  #outgoing = new Outgoing();
  #acknowledgements = new Acknowledgements();
  #sender;
  #failures;
  #receiver;

  /**
   * @param {object} options
   * @param {(words?: number) => string} options.randomId returns 22 characters or more of `[A-Za-z0-9_-]` with 128 random bits, or
   *   with so many words of 32 bits, new each time
   * @param {(now: number) => Hello['client']} [options.report] returns the client's report of its search, for a leg's first hello
   */
  constructor({ randomId, report }) {
    this.#sender = new Sender(randomId, report, this.#outgoing, this.#acknowledgements, this.#outputs);
    this.#failures = new Failures(this.#legs, this.#outgoing, this.#sender, this.#outputs);
    this.#receiver = new Receiver(
      this.#legs,
      this.#outgoing,
      this.#acknowledgements,
      this.#sender,
      this.#failures,
      this.#outputs,
    );
  }

  // ---- for the owner

  /** @param {string | undefined} token goes with every hello that attaches a leg */
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
    return this.#outgoing.oldest?.handedAt ?? NEVER;
  }

  /** The bytes that go before its acknowledgement can come: its own, or those of the body with it. 0 if none waits. */
  get oldestHandedBytes() {
    const { oldest } = this.#outgoing;
    if (!oldest) return 0;
    const { send, poll } = this.#legs.current?.flights ?? {};
    const bodies = [send, poll].filter(carriesLines).map((flight) => flight?.size ?? 0);
    return Math.max(oldest.size, ...bodies);
  }

  /** When the gateway acknowledged something new. */
  get acknowledgedAt() {
    return this.#failures.acknowledgedAt;
  }

  /** The bytes that the gateway announced on the socket in use, and that have not come. */
  get announcedBytes() {
    return this.#legs.favourite?.announced ?? 0;
  }

  /** @param {boolean} mayHold a stream or a poll may hold a connection of the page open */
  set mayHold(mayHold) {
    this.#sender.mayHold = mayHold;
  }

  /** Returns the lines that no leg has yet. They survive the end of the session. */
  unhandedLines() {
    return this.#outgoing.kept.filter(({ handedAt }) => handedAt === NEVER).map(({ line }) => line);
  }

  /** Recalls a line that no leg has yet. Returns false if a leg has it. @param {Line} line */
  recall(line) {
    return this.#outgoing.recall(line);
  }

  /** Returns the next thing to do, until there is none. */
  pollOutput() {
    return this.#outputs.shift();
  }

  /** When the input `timeout` is due; NEVER if it is not. */
  pollTimeout() {
    let due = this.#acknowledgements.dueAt;
    for (const leg of this.#legs.open)
      due = Math.min(due, leg.retireAt, this.#sender.queuedAt(leg), ...Object.values(leg.retryAt));
    return due;
  }

  /**
   * Takes one input. Drain `pollOutput` afterwards.
   * @param {number} now
   * @param {SessionInput} input
   */
  handle(now, input) {
    this.#sender.now = now;
    this.#take(now, input);
    this.#advance();
  }

  /** @param {number} now @param {SessionInput} input */
  #take(now, input) {
    // An event of a leg that is over does nothing.
    const leg = 'leg' in input ? this.#legs.find(input.leg) : undefined;
    switch (input.type) {
      case 'openLeg':
        return this.#open(input.transport, now);
      case 'socketOpened':
        return leg && this.#sender.greet(leg);
      case 'frameArrived':
        return leg && this.#receiver.frame(leg, input.frame);
      case 'answerArrived':
        return leg && this.#receiver.answer(leg, input.route, input.lines);
      case 'requestFailed':
        return leg && this.#failures.requestFailed(leg, input.route, input);
      case 'legDied':
      case 'dropLeg':
        return this.#legs.remove(leg);
      case 'requestTurn':
        if (leg && leg !== this.#legs.favourite) this.#legs.requestTurn(leg);
        if (input.pings) leg?.links.push(this.#sender.ping(input.isLong));
        return;
      case 'sendPing':
        leg?.links.push(this.#sender.ping(input.isLong));
        return;
      case 'withdrawLine':
        return this.#withdraw();
      case 'push':
        return this.#outgoing.push(input.line);
      case 'sendToken':
        this.#legs.current?.links.push(JSON.stringify({ token: input.token }));
        return;
      case 'bye':
        return this.#sayBye();
      case 'park':
        return this.#park(input.isLeft);
      case 'timeout':
        return this.#timeout(now);
      default:
        /** @satisfies {never} */ (input);
    }
  }

  /** Looks at the legs in the order of their opening, and sends whatever may go. */
  #advance() {
    this.#legs.replaceLostTurn();
    const { usable, current } = this.#legs;
    for (const leg of usable)
      if (leg.transport === 'websocket') this.#sender.write(leg, leg === current);
      else this.#sender.request(leg, leg === current);
  }

  // ---- inputs

  /**
   * Opens a leg. Its first request brings no lines: they go to no gateway that may not know the session, and no line keeps a leg from
   * opening.
   * @param {Transport} transport
   * @param {number} now
   */
  #open(transport, now) {
    const leg = this.#legs.add(transport);
    leg.openedAt = now;
    if (transport === 'sse') this.#sender.post(leg, 'stream', false);
    if (transport === 'poll') this.#sender.post(leg, 'poll', false);
  }

  /** The oldest line is stuck, and no other transport takes it. */
  #withdraw() {
    // The line may have passed since, and another one may be the lowest.
    if (!this.#outgoing.oldest?.isStuck) return;
    this.#outgoing.withdraw('too_large');
    for (const leg of this.#legs.open) {
      leg.isBlocked = false;
      leg.retryAt.send = NEVER;
      leg.lineFailures = 0;
    }
  }

  /** The client is done. Its legs are the owner's to close. */
  #sayBye() {
    const { current } = this.#legs;
    if (current) this.#sender.sayBye(current);
    this.#legs.open = [];
  }

  /** The page may end. The gateway knows a leg that is usable. @param {boolean} [isLeft] */
  #park(isLeft) {
    // Firefox ends sockets and streams before it tells a page that it is left.
    const leg = this.#legs.current ?? this.#legs.favourite ?? (isLeft ? this.#legs.last : undefined);
    if (leg && (isLeft || this.#outgoing.kept.length > 0)) this.#sender.park(leg, isLeft);
  }

  /** @param {number} now */
  #timeout(now) {
    this.#acknowledgements.tick(now);
    for (const leg of this.#legs.open) {
      if (now >= leg.retireAt) this.#legs.drop(leg, 'replaced');
      if (now >= this.#sender.queuedAt(leg)) this.#failures.oneRequest(leg);
      for (const route of ROUTES) if (now >= leg.retryAt[route]) leg.retryAt[route] = NEVER;
    }
  }
}
