// @ts-check
/**
 * Writes what goes up: hellos, writes and POST bodies (rules 6, 8 and 9). It knows the incarnation of the session (rules 1 and 2),
 * whose secret lives in memory only and must never reach a URL, a log or storage. It never reads what came down. Twin of
 * `src/session/client/send.rs`.
 *
 * @import { Hello, Line, Welcome } from '../protocol/frames.js'
 * @import { Route, SessionOutput } from './events.js'
 * @import { Acknowledgements } from './acknowledgements.js'
 * @import { Flight, Leg } from './leg.js'
 * @import { Outgoing } from './outgoing.js'
 */

import { NEVER } from '../time.js';
import { answerMs, Bodies } from './bodies.js';
import { carriesLines } from './leg.js';

/** Browsers let bodies of 64 KB in all outlive a page (Fetch Standard, keepalive); the rest is room for the hello. */
const OUTLIVING_BODY_BYTES = 60_000;
/** A send that takes longer beside a held poll waits behind it: the path lets one request through at a time. */
const QUEUED_MS = 1000;
/** The pause between polls that are not held. */
const SHORT_POLL_PAUSE_MS = 600;
/** A socket may die five times under a line by chance; then the line is what does not pass. A short line always does. */
const MOST_SOCKETS = 5;
const LONG_LINE_BYTES = 1024;
/** The last body is not smaller than one that fits into a packet, whatever failed before. */
const LEAST_LAST_BYTES = 1400;
/** A page that is left may come back within this time: its session ends after it. */
const RETURN_MS = 3000;
/** The words of a pad: about 3,800 characters, and 1,500 bytes or more after any compression. */
const PAD_WORDS = 360;

export class Sender {
  /** The client's token; it goes with every hello that attaches a leg. @type {string | undefined} */
  token;
  /**
   * The rhythm that the path needs; it goes with every hello.
   * @type {{heartbeat_ms: number, hold_ms: number} | undefined}
   */
  wish;
  /** The last welcome; null before the first. @type {Welcome | null} */
  welcome = null;
  /** The incarnation, once a welcome named it. @type {string | undefined} */
  id;
  now = 0;
  #secret;
  #noncePrefix;
  #nonces = 0;
  /** How large bodies may be. */
  bodies = new Bodies();
  /** The path lets one request through at a time, so a poll is replaced to carry lines. */
  isOneRequest = false;
  /** The path lets one send through at a time beside a held poll or stream. */
  isOneSend = false;
  /** The page may hold a connection open. */
  mayHold = true;
  #randomId;
  #report;
  #outgoing;
  #acknowledgements;
  #outputs;

  /**
   * @param {(words?: number) => string} randomId
   * @param {((now: number) => Hello['client']) | undefined} report
   * @param {Outgoing} outgoing
   * @param {Acknowledgements} acknowledgements
   * @param {SessionOutput[]} outputs
   */
  constructor(randomId, report, outgoing, acknowledgements, outputs) {
    this.#randomId = randomId;
    this.#noncePrefix = randomId().slice(0, 8);
    this.#secret = randomId();
    this.#report = report;
    this.#outgoing = outgoing;
    this.#acknowledgements = acknowledgements;
    this.#outputs = outputs;
  }

  /** Starts again with a new secret, after `gone`. */
  restart() {
    this.#secret = this.#randomId();
    this.id = undefined;
  }

  /** Says hello on a socket that opened. @param {Leg} leg */
  greet(leg) {
    this.#outputs.push({ type: 'write', leg: leg.number, lines: [this.#hello(leg, leg.turn, true).line] });
  }

  /** Writes to a socket whatever may go. @param {Leg} leg @param {boolean} isCurrent */
  write(leg, isCurrent) {
    const lines = leg.links.splice(0);
    if (leg.isRequestingTurn) lines.unshift(this.#hello(leg, leg.turn).line);
    leg.isRequestingTurn = false;
    const from = Math.max(leg.nextUp, this.#outgoing.lowest);
    const hasGap = from > leg.nextUp && this.#outgoing.at(from);
    if (leg.mustStateNext || (isCurrent && (this.#acknowledgements.isDue || hasGap))) {
      leg.mustStateNext = false;
      leg.nextUp = from;
      this.#acknowledgements.sent();
      lines.push(JSON.stringify({ ack: this.#acknowledgements.received, next: from }));
    }
    if (isCurrent && !leg.isBlocked)
      for (let kept = this.#outgoing.at(leg.nextUp); kept; kept = this.#outgoing.at(leg.nextUp))
        lines.push(this.#outgoing.handOut(kept, leg.nextUp++, this.now));
    if (lines.length > 0) this.#outputs.push({ type: 'write', leg: leg.number, lines });
  }

  /** A socket was welcomed. A line under which many sockets died does not go on it. @param {Leg} leg */
  judgeOldest(leg) {
    const { oldest } = this.#outgoing;
    if (!oldest || ++oldest.sockets <= MOST_SOCKETS || oldest.size <= LONG_LINE_BYTES) return;
    leg.isBlocked = oldest.isStuck = true;
    this.#outputs.push({ type: 'lineStuck', leg: leg.number });
  }

  /** Issues the requests that a leg owes. @param {Leg} leg @param {boolean} isCurrent */
  request(leg, isCurrent) {
    const { flights, retryAt } = leg;
    const isPoll = leg.transport === 'poll';
    const hasLines = () =>
      isCurrent &&
      retryAt.send === NEVER &&
      this.#outgoing.at(Math.max(leg.nextUp, this.#outgoing.lowest)) !== undefined;
    const isOwing = () =>
      leg.links.length > 0 ||
      (leg.isRequestingTurn && flights.send?.turn !== leg.turn) ||
      (isCurrent && !isPoll && this.#acknowledgements.isDue);
    if (isPoll) {
      // A poll that carries lines is not replaced: its answer is due at once.
      const mayPoll = retryAt.poll === NEVER && !carriesLines(flights.poll);
      const bringsLines = this.isOneRequest && hasLines();
      // A candidate polls only to prove itself or to request the turn (rule 4).
      if (mayPoll && (isOwing() || bringsLines || (isCurrent && !flights.poll)))
        this.post(leg, 'poll', bringsLines);
      if (this.isOneRequest) return;
    }
    const mayBeside = (/** @type {Flight | undefined} */ other) => !other || !this.isOneSend;
    if (!flights.send && mayBeside(flights.links) && hasLines()) this.post(leg, 'send', true);
    // Link frames never wait for lines, which may be stuck.
    const mayLink = !isPoll && !flights.links && mayBeside(flights.send) && retryAt.links === NEVER;
    if (mayLink && isOwing()) this.post(leg, 'links', false);
  }

  /**
   * Issues one POST: a hello, link frames, and numbered lines from the lowest number on (rule 6).
   * @param {Leg} leg
   * @param {Route} route
   * @param {boolean} bringsLines
   */
  post(leg, route, bringsLines) {
    // A poll that replaces another one brings the link frames that the other may not have delivered.
    leg.links.unshift(...(leg.flights[route]?.links ?? []));
    if (route === 'poll' && !this.mayHold) this.#shorten(leg);
    // Link frames that failed behind lines go without them.
    const isDoubtful = bringsLines && leg.failures.send > 0;
    const links = isDoubtful ? [] : leg.links.splice(0);
    // Rule 3: a stream and a poll repeat their leg's turn; a send carries one only to request it.
    const isSend = route === 'send' || route === 'links';
    const turn = isSend && (!leg.isRequestingTurn || isDoubtful) ? null : leg.turn;
    if (route === 'poll') leg.isRequestingTurn = false;
    const { nonce, line } = this.#hello(leg, turn, !isSend);
    const lines = [line, ...links];
    const from = this.#outgoing.lowest;
    const until = bringsLines ? this.#fill(lines, this.bodies.bytes) : from;
    if (bringsLines) leg.nextUp = until;
    if (this.id !== undefined) this.#acknowledgements.sent();
    const size = lines.join().length;
    leg.flights[route] = { nonce, turn, from, until, links, size, at: this.now, isDelivered: false };
    // The selector decides how long a stream or a poll that is held may take.
    const timeoutMs = isSend || bringsLines ? answerMs(size, leg.roundTrip) : undefined;
    this.#outputs.push({ type: 'post', leg: leg.number, route, lines, ...(timeoutMs && { timeoutMs }) });
  }

  /**
   * The client is done. Lines that wait go once more if lines pass on the leg, and `bye` ends the session behind them. Nothing waits for
   * the answer.
   * @param {Leg} leg
   */
  sayBye(leg) {
    const bye = '{"bye":{}}';
    // All that may go is written to a socket already.
    if (leg.transport === 'websocket')
      return void this.#outputs.push({ type: 'write', leg: leg.number, lines: [bye] });
    const lines = [this.#hello(leg, null).line];
    if (leg.failures.send === 0) this.#fill(lines, Math.max(this.bodies.bytes, LEAST_LAST_BYTES));
    this.#outlive(leg, [...lines, bye], answerMs(lines.join().length, leg.roundTrip));
  }

  /**
   * The page may end: all that waits goes by a request that outlives it. Numbers make a repetition safe.
   * @param {Leg} leg
   * @param {boolean} [isLeft]
   */
  park(leg, isLeft) {
    if (this.id === undefined) return;
    const lines = [this.#hello(leg, null).line];
    this.#fill(lines, OUTLIVING_BODY_BYTES);
    if (isLeft) lines.push(JSON.stringify({ bye: { after_ms: RETURN_MS } }));
    this.#outlive(leg, lines);
  }

  /** @param {Leg} leg @param {Line[]} lines @param {number} [timeoutMs] */
  #outlive({ number }, lines, timeoutMs) {
    this.#outputs.push({ type: 'post', leg: number, route: 'send', lines, timeoutMs, outlivesPage: true });
  }

  /** When a send that waits for its answer was queued behind the poll that was held before it. @param {Leg} leg */
  queuedAt({ transport, flights: { send, poll }, roundTrip }) {
    if (transport !== 'poll' || this.isOneRequest || !send || !poll || poll.at > send.at) return NEVER;
    return send.at + Math.max(QUEUED_MS, 4 * roundTrip);
  }

  /** A ping makes a poll be answered at once; the next one comes after a pause. @param {Leg} leg */
  #shorten(leg) {
    leg.links.push(this.ping());
    leg.retryAt.poll = this.now + SHORT_POLL_PAUSE_MS;
  }

  /**
   * Returns a ping, which shows by its pong when it was sent. A long one shows that long writes pass (P4).
   * @param {boolean} [isLong]
   */
  ping(isLong) {
    return JSON.stringify({
      ping: Math.floor(this.now),
      pad: isLong ? this.#randomId(PAD_WORDS) : undefined,
    });
  }

  /**
   * Adds numbered lines to a body, up to the bounds. Returns the number after the last one.
   * @param {Line[]} lines
   * @param {number} bytes
   */
  #fill(lines, bytes) {
    const { body_bytes, body_lines } = this.#limits;
    let room = Math.min(body_bytes, bytes) - lines.join().length - 1;
    let number = this.#outgoing.lowest;
    for (const kept of this.#outgoing.kept) {
      // The first line goes however long it is.
      const isFirst = number === this.#outgoing.lowest;
      if (lines.length >= body_lines || (kept.size >= room && !isFirst)) break;
      room -= kept.size + 1;
      lines.push(this.#outgoing.handOut(kept, number++, this.now));
    }
    return number;
  }

  /** Only an incarnation that is known has bounds. */
  get #limits() {
    return /** @type {Welcome} */ (this.welcome).limits;
  }

  /**
   * @param {Leg} leg
   * @param {number | null} turn the turn to request
   * @param {boolean} [mayAttach] a send attaches no leg
   */
  #hello(leg, turn, mayAttach = false) {
    const nonce = `${this.#noncePrefix}.${++this.#nonces}`;
    // Until the welcome was read, the gateway may not know the leg.
    const attaches = mayAttach && leg.state !== 'usable';
    if (attaches) leg.nonce ??= nonce;
    /** Undefined keys do not go. @type {Hello} */
    const hello = {
      v: 1,
      session: this.#secret,
      id: this.id,
      leg: leg.number,
      turn: turn ?? undefined,
      received: this.#acknowledgements.received,
      next: this.#outgoing.lowest,
      nonce,
      token: attaches ? this.token : undefined,
      ...this.wish,
      client: attaches ? this.#report?.(this.now) : undefined,
    };
    return { nonce, line: JSON.stringify({ hello }) };
  }
}
