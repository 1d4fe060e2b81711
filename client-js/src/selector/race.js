// @ts-check
/**
 * The attempts that are open, and the round of attempts that goes on: which paths are still to be tried, why, and how far apart
 * they start. It opens, pings, chooses and drops legs; it never decides that one has failed.
 *
 * @import { Purpose, Reason } from '../types.js'
 * @import { Attempt } from './attempt.js'
 * @import { Deadlines } from './deadlines.js'
 * @import { SelectorOutput } from './events.js'
 * @import { Path } from './path.js'
 * @import { Paths } from './paths.js'
 */

import { NEVER } from '../time.js';
import {
  createAttempt,
  decidesUntil,
  isAsked,
  isDetour,
  isHung,
  isProven,
  isUndecided,
  lengthOf,
  pinged,
  progressAt,
  reach,
} from './attempt.js';
import { Backoff } from './backoff.js';
import { answerMs, lateStaggerMs, SHORT_STAGGER_MS, staggerMs } from './deadlines.js';
import { isShut, sample } from './path.js';

/** How many attempts `explain()` shows. */
const SHOWN = 20;
/** A browser delays the sockets of a page that opened a dozen in vain, so from then on one goes in 30 s. */
const MOST_FAILED_SOCKETS = 13;
const SOCKET_PAUSE_MS = 30_000;

/** No answer of a network is later: what seems so was read late, for example after the machine slept. */
const LONGEST_TRIP_MS = 10_000;
/** A race that is not ready by then is prepared again: it may have been ready while the page was parked. */
const READY_MS = 15_000;

export class Race {
  /** In the order of opening. @type {Attempt[]} */
  open = [];
  /** Carries the session. @type {Attempt | undefined} */
  active;
  /** Carries the session, or was asked to. @type {Attempt | undefined} */
  chosen;
  /** Legs opened so far; the last one has this number. */
  opened = 0;
  /** The last attempts. @type {Attempt[]} */
  last = [];
  /** The races that failed, and the pauses between them. */
  backoff = new Backoff();
  /** One failed at once, or the path was good a moment ago: the others need not wait long. */
  isStaggerShort = false;
  /** Why attempts are made. @type {Purpose} */
  #purpose = 'race';
  /** The paths that are still to be tried. @type {Path[]} */
  #pending = [];
  /** When a WebSocket was opened. */
  #socketAt = 0;
  #deadlines;
  #paths;
  #outputs;

  /** @param {Deadlines} deadlines @param {Paths} paths @param {SelectorOutput[]} outputs */
  constructor(deadlines, paths, outputs) {
    this.#deadlines = deadlines;
    this.#paths = paths;
    this.#outputs = outputs;
  }

  /** Only the leg in use is open, and no path is left to try. */
  get isQuiet() {
    return this.open.length < 2 && this.#pending.length === 0;
  }

  /** A race is due, once the token is there. */
  prepare() {
    this.#deadlines.set('race', this.#deadlines.now + READY_MS);
    this.#outputs.push({ type: 'prepareRace' });
  }

  /** Sets the time of the next race. @param {boolean} isShort @param {number} longestMs */
  pause(isShort, longestMs) {
    const pauseMs = Math.min(longestMs, this.backoff.pauseMs(isShort, this.#deadlines.isVisible));
    this.#deadlines.set('race', this.#deadlines.after(0, pauseMs));
  }

  /** Starts a round over all paths. */
  beginAll() {
    this.begin('race', this.#ordered());
  }

  /**
   * Tries some paths for a purpose. Attempts that carry nothing make room. One that the application asked for makes room for
   * another such one only.
   * @param {Purpose} purpose
   * @param {Path[]} paths
   */
  begin(purpose, paths) {
    const reason = purpose === 'race' ? 'better' : purpose;
    for (const other of this.open)
      if (other !== this.active && (purpose === 'asked' || !isAsked(other))) this.drop(other, reason);
    this.#purpose = purpose;
    this.#pending = paths;
    this.next();
  }

  /** The application wants a path more than any other, also during a pause that the gateway asked for. @param {Path} path */
  ask(path) {
    this.begin('asked', []);
    return this.start(path);
  }

  /** Starts the next path, unless the gateway asked for a pause. */
  next() {
    const [path, ...rest] = this.#pending;
    const { now } = this.#deadlines;
    this.#deadlines.clear('next-attempt');
    if (!path || this.#deadlines.at('gateway-pause') < NEVER) return;
    this.#pending = rest;
    const attempt = this.start(path);
    if (rest.length > 0)
      this.#deadlines.set('next-attempt', now + this.#staggerMs(attempt, this.#paths.network.rtt));
  }

  /** Does not try a path any more, unless nothing else is left. @param {Path | undefined} path */
  without(path) {
    const rest = this.#pending.filter((other) => other !== path);
    if (rest.length > 0 || this.open.length > 0) this.#pending = rest;
  }

  /** No further path is tried. */
  stop() {
    this.#pending = [];
  }

  /**
   * A leg has failed: goes on with the next path. If the leg in use is gone, an attempt in the background is all there is, and the
   * other paths join it. Returns false if nothing is left to go on with.
   */
  goOn() {
    const [only] = this.open;
    if (!this.chosen && this.#purpose !== 'race' && only) {
      this.#purpose = 'race';
      this.#pending = this.#paths.offered.filter((path) => !this.open.some((other) => other.path === path));
      this.isStaggerShort = true;
    }
    const isPending = this.#pending.length > 0;
    // Another path would only meet the same decision.
    const until = decidesUntil(this.open);
    if (until > this.#deadlines.now) this.#deadlines.set('next-attempt', until + SHORT_STAGGER_MS);
    else if (isPending) this.next();
    return isPending || this.open.length > 0;
  }

  /**
   * A leg has failed. If it was a stream that opened and was not proven, it may have held the only connection that a path lets
   * through. Then a poll that hung or failed beside it starts again.
   * @param {Attempt} attempt
   */
  freed({ record }) {
    const { transport, usable, proven } = record;
    if (this.chosen || transport !== 'sse' || usable === undefined || proven !== undefined) return;
    const path = this.#paths.offered.find(({ transport }) => transport === 'poll');
    const hanging = this.open.find((other) => other.path === path);
    if (hanging) this.awaitAnswer(hanging);
    else if (path && !this.#pending.includes(path)) this.#pending = [...this.#pending, path];
  }

  /** @param {number} leg */
  find(leg) {
    return this.open.find(({ record }) => record.leg === leg);
  }

  /** @param {Path} path @param {Purpose} [purpose] */
  start(path, purpose = this.#purpose) {
    const { now } = this.#deadlines;
    const { transport } = path;
    const leg = ++this.opened;
    const attempt = createAttempt(leg, path, purpose, now);
    if (transport === 'websocket') this.#socketAt = now;
    this.awaitAnswer(attempt);
    this.open.push(attempt);
    this.last = [...this.last, attempt].slice(-SHOWN);
    this.#outputs.push({ type: 'openLeg', leg, transport });
    return attempt;
  }

  /** Sets the deadline of the next answer. @param {Attempt} attempt @param {number} [ms] */
  awaitAnswer(attempt, ms = answerMs(attempt, this.#paths.network, this.backoff.failures)) {
    const by = ms + (isUndecided(attempt) ? attempt.waitUntil : this.#deadlines.now);
    attempt.answerBy = by - attempt.busyMs;
    this.#deadlines.set('answer', by, attempt);
  }

  /** @param {Attempt} attempt */
  ping(attempt) {
    this.#pinged(attempt);
    this.#outputs.push({ type: 'sendPing', leg: attempt.record.leg, ...lengthOf(attempt) });
    if (attempt !== this.active || !isProven(attempt)) this.awaitAnswer(attempt);
  }

  /** Asks an attempt to carry the session, and pings it by the same request if it `pings`. @param {Attempt} attempt @param {boolean} [pings] */
  choose(attempt, pings = false) {
    this.chosen = attempt;
    if (pings) this.#pinged(attempt);
    const ping = pings && { pings, ...lengthOf(attempt) };
    this.#outputs.push({ type: 'requestTurn', leg: attempt.record.leg, ...ping });
    this.awaitAnswer(attempt);
  }

  /**
   * The network answered within this time. A request that waits for its first answer has as long as one that is issued now.
   * @param {number} ms
   */
  measure(ms) {
    const { network } = this.#paths;
    const trip = Math.min(ms, LONGEST_TRIP_MS);
    // Nothing but this one answer is known, so others may take much longer.
    network.deviation ??= trip;
    sample(network, trip);
    this.stagger(trip);
    for (const attempt of this.open) {
      const { record } = attempt;
      if (record.usable !== undefined || record.opened !== undefined || isUndecided(attempt)) continue;
      attempt.answerBy = record.at + answerMs(attempt, network, this.backoff.failures);
      this.#deadlines.set('answer', attempt.answerBy, attempt);
    }
  }

  /** The network has healed: attempts that have hung for a while use old connections, and start again. @param {number} ms */
  renew(ms) {
    const hung = this.open.filter((attempt) => isHung(attempt, ms, this.#deadlines.now));
    if (hung.length === 0) return;
    for (const attempt of hung) this.drop(attempt, 'offline');
    this.#purpose = 'race';
    this.#pending = this.#ordered().filter((path) => !this.open.some((other) => other.path === path));
    this.isStaggerShort = true;
    this.next();
  }

  /** It is over for the selector. @param {Attempt} attempt @param {Reason} reason */
  forget(attempt, reason) {
    this.open = this.open.filter((other) => other !== attempt);
    this.#deadlines.clear('answer', attempt);
    this.#deadlines.clear('ping', attempt);
    attempt.record.reason = reason;
    reach(attempt, 'ended', this.#deadlines.now);
    if (this.active === attempt) this.active = undefined;
    if (this.chosen === attempt) this.chosen = this.active;
    if (isDetour(attempt) && this.active) this.withdrawLine();
  }

  /** No other transport takes the line that is stuck. */
  withdrawLine() {
    this.#outputs.push({ type: 'withdrawLine' });
  }

  /** It is over for all. @param {Attempt} attempt @param {Reason} reason */
  drop(attempt, reason) {
    this.forget(attempt, reason);
    this.#outputs.push({ type: 'dropLeg', leg: attempt.record.leg, reason });
  }

  /** Returns the paths of a race. Those that keep failing come last. */
  #ordered() {
    const { now } = this.#deadlines;
    const maySocket = this.backoff.failures < MOST_FAILED_SOCKETS || now > this.#socketAt + SOCKET_PAUSE_MS;
    const paths = this.#paths.offered.filter(({ transport }) => transport !== 'websocket' || maySocket);
    return paths.sort((a, b) => Number(isShut(a, now)) - Number(isShut(b, now)));
  }

  /** @param {Attempt} attempt */
  #pinged(attempt) {
    pinged(attempt, this.#deadlines.now);
    this.#deadlines.clear('ping', attempt);
  }

  /** Sets the time of the second path by how far the first one came. @param {number | null} [trip] of the network */
  stagger(trip = this.#paths.network.rtt) {
    const [first, second] = this.open;
    if (first && !second && this.#pending.length > 0)
      this.#deadlines.set('next-attempt', progressAt(first) + this.#staggerMs(first, trip));
  }

  /** Returns how long an attempt has before the next path starts. @param {Attempt} attempt @param {number | null} trip of the network */
  #staggerMs({ path }, trip) {
    const [first, second] = this.open;
    if (this.isStaggerShort) return SHORT_STAGGER_MS;
    if (!first || !second) return staggerMs(path, trip);
    return lateStaggerMs(this.#deadlines.now - first.record.at);
  }
}
