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

/** Browsers let bodies of 64 KB in all outlive a page (Fetch Standard, keepalive); the rest is room for the hello. */
const OUTLIVING_BODY_BYTES = 60_000;
/** No body is made smaller than this, however small a proxy wants it. */
const SMALLEST_BODY_BYTES = 4096;

export class Sender {
  /** The client's token; it goes with every hello. @type {string | undefined} */
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
  /** The longest body that the proxies on the way take, as far as they said. */
  #acceptedBodyBytes = NEVER;
  #randomId;
  #report;
  #outgoing;
  #acknowledgements;
  #outputs;

  /**
   * @param {() => string} randomId
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

  /** Starts anew with a new secret, after `gone`. */
  restart() {
    this.#secret = this.#randomId();
    this.id = undefined;
  }

  /**
   * Says hello on a socket that opened. In a resume the lines follow at once, behind the number of the first.
   * @param {Leg} leg
   */
  greet(leg) {
    this.#outputs.push({ type: 'write', leg: leg.number, lines: [this.#hello(leg, leg.turn).line] });
    if (leg.turn === null || this.id === undefined) return;
    leg.state = 'resuming';
    leg.mustStateNext = true;
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
    if (isCurrent)
      for (let kept = this.#outgoing.at(leg.nextUp); kept; kept = this.#outgoing.at(leg.nextUp))
        lines.push(this.#outgoing.handOut(kept, leg.nextUp++, this.now));
    if (lines.length > 0) this.#outputs.push({ type: 'write', leg: leg.number, lines });
  }

  /** Issues the requests that a leg owes. @param {Leg} leg @param {boolean} isCurrent */
  request(leg, isCurrent) {
    const isPoll = leg.transport === 'poll';
    const isOwing = () =>
      leg.isRequestingTurn || leg.links.length > 0 || (isCurrent && !isPoll && this.#acknowledgements.isDue);
    // A candidate polls only to prove itself or to request the turn (rule 4).
    if (isPoll && (isOwing() || (isCurrent && !leg.flights.poll)))
      this.post(leg, 'poll', leg.isRequestingTurn);
    const hasLines = isCurrent && this.#outgoing.at(Math.max(leg.nextUp, this.#outgoing.lowest));
    if (!leg.flights.send && (hasLines || isOwing())) this.post(leg, 'send', isCurrent);
  }

  /**
   * Issues one POST: a hello, link frames, and numbered lines from the lowest number on (rule 6).
   * @param {Leg} leg
   * @param {Route} route
   * @param {boolean} bringsLines
   * @param {boolean} [outlivesPage]
   */
  post(leg, route, bringsLines, outlivesPage) {
    // Rule 3: a stream and a poll repeat their leg's turn; a send carries one only to request it.
    const turn = route === 'send' && !leg.isRequestingTurn ? null : leg.turn;
    if (route === 'poll') leg.isRequestingTurn = false;
    // A poll that replaces another one brings the link frames that the other may not have delivered.
    const links = [...(leg.flights[route]?.links ?? []), ...leg.links.splice(0)];
    const { nonce, line } = this.#hello(leg, turn);
    const lines = [line, ...links];
    let until = this.#outgoing.lowest;
    // Rule 2: no line goes before the incarnation is known.
    if (bringsLines && this.id !== undefined) leg.nextUp = until = this.#fill(lines, route, outlivesPage);
    if (this.id !== undefined) this.#acknowledgements.sent();
    const isDivisible = until > this.#outgoing.lowest + 1;
    leg.flights[route] = { nonce, turn, until, links, size: lines.join().length, isDivisible };
    this.#outputs.push({
      type: 'post',
      leg: leg.number,
      route,
      lines,
      ...(outlivesPage && { outlivesPage }),
    });
  }

  /**
   * A proxy refused a body as too large: later ones are half of it, or of the bound so far. Returns whether its lines can go in a
   * smaller one.
   * @param {Flight} flight
   */
  shrinkBodies({ size, isDivisible }) {
    if (this.id !== undefined) {
      const refused = Math.min(this.#limits.body_bytes, this.#acceptedBodyBytes, size);
      this.#acceptedBodyBytes = Math.max(SMALLEST_BODY_BYTES, refused / 2);
    }
    return isDivisible && size > this.#acceptedBodyBytes;
  }

  /**
   * Adds numbered lines to a body, up to the bounds. Returns the number after the last one.
   * @param {Line[]} lines
   * @param {Route} route
   * @param {boolean} [outlivesPage]
   */
  #fill(lines, route, outlivesPage) {
    const { body_bytes, body_lines } = this.#limits;
    const bound = Math.min(body_bytes, this.#acceptedBodyBytes, outlivesPage ? OUTLIVING_BODY_BYTES : NEVER);
    let room = bound - lines.join().length - 1;
    let number = this.#outgoing.lowest;
    for (const kept of this.#outgoing.kept) {
      // The first line of a send goes however long it is. A stream or a poll is worth more than any line.
      const mustGo = route === 'send' && number === this.#outgoing.lowest;
      if (lines.length >= body_lines || (kept.size >= room && !mustGo)) break;
      room -= kept.size + 1;
      lines.push(this.#outgoing.handOut(kept, number++, this.now));
    }
    return number;
  }

  /** Only an incarnation that is known has bounds. */
  get #limits() {
    return /** @type {Welcome} */ (this.welcome).limits;
  }

  /** @param {Leg} leg @param {number | null} turn the turn to request */
  #hello(leg, turn) {
    const nonce = `${this.#noncePrefix}.${++this.#nonces}`;
    leg.nonce ??= nonce;
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
      token: this.token,
      ...this.wish,
      client: leg.state === 'usable' ? undefined : this.#report?.(this.now),
    };
    return { nonce, line: JSON.stringify({ hello }) };
  }
}
