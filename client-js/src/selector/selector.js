// @ts-check
/**
 * Decides which transport to try when, and when to leave one. Attempts serve one purpose at a time: a race while nothing carries
 * the session, a better or a faster transport in the background, or a switch asked for. The first usable leg carries the session;
 * another takes over once it is proven and measured.
 *
 * Sans-IO: hand an input to `handle`, drain `pollOutput`, arm one timer for `pollTimeout`, and hand in `timeout` when it has come.
 * It must never touch a timer, a request or a session.
 *
 * @import { Transport } from '../types.js'
 * @import { LinkFrame } from '../protocol/frames.js'
 * @import { Route } from '../session/events.js'
 * @import { Attempt } from './attempt.js'
 * @import { Deadline } from './deadlines.js'
 * @import { SelectorInput, SelectorOutput, SessionView } from './events.js'
 * @import { Memory } from './memory.js'
 */

import { NEVER } from '../time.js';
import { Deadlines } from './deadlines.js';
import { Decisions } from './decisions.js';
import { explain } from './explain.js';
import { Failover } from './failover.js';
import { Liveness, WOKEN_MS } from './liveness.js';
import { Notice } from './notice.js';
import { Paths } from './paths.js';
import { Probes } from './probes.js';
import { Promotion } from './promotion.js';
import { Proof } from './proof.js';
import { Race } from './race.js';
import { Status } from './status.js';
import { Switch } from './switch.js';

/** How long a race looks before it probes the control resource. The first race measures the round trip by that, so it asks soon. */
const PROBE_AFTER_MS = 2000;
const FIRST_PROBE_AFTER_MS = 100;

export class Selector {
  /** @type {SelectorOutput[]} */
  #outputs = [];
  #session;
  #deadlines;
  #paths;
  #race;
  #decisions;
  #promotion;
  #probes;
  #failover;
  #liveness;
  #notice;
  #proof;
  #status = new Status(this.#outputs);
  #switch;
  /** A timer came late: nothing is judged before this. */
  #graceUntil = -NEVER;
  /** When the page woke. */
  #wokenAt = 0;

  /**
   * @param {object} options
   * @param {SessionView} options.session
   * @param {Memory} options.memory
   * @param {number} options.now the time by the clock of all inputs
   * @param {() => number} options.random from 0 to 1
   * @param {Transport[]} options.order the transports that this platform has, in order of preference
   * @param {boolean} [options.isOrderChosen] the application chose the order, so it comes before the gateway's
   * @param {number} [options.maxLatencyMs] above it a transport is too slow, if another is faster
   */
  constructor({ session, memory, now, random, order, isOrderChosen = false, maxLatencyMs = 1500 }) {
    const deadlines = new Deadlines(now, random);
    const paths = new Paths(order, isOrderChosen, session, memory, deadlines);
    const race = new Race(deadlines, paths, this.#outputs);
    this.#session = session;
    this.#deadlines = deadlines;
    this.#paths = paths;
    this.#race = race;
    this.#decisions = new Decisions(deadlines, race);
    this.#switch = new Switch(this.#outputs, race, this.#status);
    this.#promotion = new Promotion(deadlines, paths, race, session, maxLatencyMs);
    const probes = new Probes(this.#outputs, deadlines, paths, race, this.#status);
    this.#probes = probes;
    this.#failover = new Failover(this.#outputs, deadlines, session, paths, race, this.#status, probes);
    this.#notice = new Notice(this.#outputs, deadlines, paths, race);
    this.#liveness = new Liveness(deadlines, session, race, probes, this.#failover, this.#promotion);
    this.#proof = new Proof(deadlines, paths, race, this.#status, probes, this.#liveness, this.#promotion);
  }

  // ---- for the owner

  get state() {
    return this.#status.state;
  }

  get transport() {
    return this.#status.transport;
  }

  /** Legs opened so far; the last one has this number. */
  get openedLegs() {
    return this.#race.opened;
  }

  /** Returns the next thing to do, until there is none. */
  pollOutput() {
    return this.#outputs.shift();
  }

  /** When the input `timeout` is due; NEVER if it is not. */
  pollTimeout() {
    const promotionAt = this.#promotion.dueAt(this.#liveness.measured);
    const rotationAt = this.#failover.rotation.dueAt;
    const earliest = Math.min(this.#liveness.dueAt, promotionAt, rotationAt, this.#deadlines.earliest);
    return Math.max(this.#graceUntil, earliest);
  }

  /** Returns what was tried and what is known, as plain data: an Explanation but for `missing`. @param {number} now */
  explain(now) {
    return { ...explain(this.#session, this.#status, this.#race, this.#paths), now };
  }

  /** Returns what the client reports of its search, with the first hello of a leg. @param {number} now */
  report(now) {
    return { ms: now - (this.#status.lookingSince ?? now), tried: this.#paths.tried };
  }

  /**
   * Takes one input. Drain `pollOutput` afterwards. An event of a leg that is over does nothing.
   * @param {number} now
   * @param {SelectorInput} input
   */
  handle(now, input) {
    if (this.state === 'closed') return;
    this.#deadlines.now = now;
    this.#take(input, 'leg' in input ? this.#race.find(input.leg) : undefined);
    this.#switch.update();
  }

  /** @param {SelectorInput} input @param {Attempt} [attempt] whose event it is, if that is open */
  #take(input, attempt) {
    switch (input.type) {
      case 'raceReady':
      case 'raceFailed':
        return this.#start(input.type === 'raceReady');
      case 'switchTo':
        return this.#switchTo(input.transport);
      case 'socketOpened':
        return attempt && this.#proof.opened(attempt);
      case 'frameArrived':
      case 'answerArrived':
      case 'bytesArrived':
      case 'write':
        return attempt && this.#liveness.noted(attempt, input);
      case 'requestFailed':
        return attempt && this.#requestFailed(attempt, input.route);
      case 'wait':
        return attempt && this.#decisions.wait(attempt, input.ms);
      case 'legUsable':
        return attempt && this.#proof.usable(attempt);
      case 'pong':
        return attempt && this.#proof.pong(attempt, input.rtt, input.isLong);
      case 'legActive':
        return attempt && this.#activated(attempt);
      case 'legDied':
      case 'legDropped':
        return attempt && this.#failover.lost(attempt, 'reason' in input ? input.reason : undefined);
      case 'link':
        return this.#link(input.frame);
      case 'gatewayRefused':
        return this.#pause(input.wait);
      case 'lineStuck':
        return attempt && this.#promotion.detour(attempt);
      case 'oneRequest':
        return attempt && this.#failover.oneRequest(attempt);
      case 'holdingChanged':
        return this.#failover.holding(input.mayHold);
      case 'controlAnswered':
        return this.#probes.answered(input.control, input.askedAt);
      case 'wake':
        return this.#wake(input.isVisible);
      case 'park':
      case 'stop':
        return this.#failover.leave(input.type === 'park' ? 'parked' : 'closed');
      case 'timeout':
        return this.#timeout();
      default:
        /** @satisfies {never} */ (input);
    }
  }

  // ---- races

  /** @param {boolean} hasToken */
  #start(hasToken) {
    if (this.state === 'parked' || this.#race.open.length > 0) return;
    this.#notice.raceBegan();
    if (!hasToken) {
      this.#failover.rest(false);
      return this.#probes.ask();
    }
    const { now } = this.#deadlines;
    // A race that found nothing by then probes the control resource.
    const isFirst = this.#status.lookingSince === null;
    this.#deadlines.set('probe', now + (isFirst ? FIRST_PROBE_AFTER_MS : PROBE_AFTER_MS));
    this.#status.lookingSince ??= now;
    // After silence the network may be another one, so all paths are as good.
    this.#race.isStaggerShort = this.#status.lastReason === 'stalled';
    this.#race.beginAll();
  }

  /** @param {Transport} transport */
  #switchTo(transport) {
    const path = this.#paths.all.find((path) => path.transport === transport);
    if (path) this.#switch.ask(path);
  }

  /** A path that cut a held poll would cut it again. @param {Attempt} attempt @param {Route} route */
  #requestFailed(attempt, route) {
    if (route !== 'poll' || attempt !== this.#race.active) return;
    this.#failover.noteCut(attempt);
    attempt.heardAt = this.#deadlines.now;
  }

  /** A leg carries the session. @param {Attempt} attempt */
  #activated(attempt) {
    this.#notice.online();
    this.#proof.activated(attempt);
  }

  // ---- the gateway and the page

  /** @param {LinkFrame} frame */
  #link({ goaway, config }) {
    if (goaway) this.#deadlines.set('go-away', this.#deadlines.after(goaway.after_ms, goaway.jitter_ms));
    // The transport in use may not be offered any more: then each offered one is better.
    if (config?.transports) this.#paths.forgive(0, config.jitter_ms);
  }

  /** The gateway wants no attempt for some seconds. @param {number} [seconds] */
  #pause(seconds) {
    if (seconds) this.#deadlines.set('gateway-pause', this.#deadlines.now + 1000 * seconds);
  }

  /**
   * The page was hidden for a while, or the network changed: that proves nothing, but is a reason to ask.
   * @param {boolean} isVisible
   */
  #wake(isVisible) {
    const { now } = this.#deadlines;
    this.#deadlines.isVisible = isVisible;
    if (!isVisible) return;
    if (now > this.#wokenAt + 60_000) this.#paths.forgive(1000, 2000);
    if (this.state === 'parked') this.#status.lose(this.#status.lastReason, 'reconnecting', now);
    this.#race.backoff.failures = 0;
    if (this.#race.open.length === 0) this.#deadlines.set('race', now);
    // Wakes come in bunches.
    if (now > this.#wokenAt + 5000) this.#liveness.suspect(WOKEN_MS);
    this.#wokenAt = now;
  }

  // ---- time

  #timeout() {
    const { now } = this.#deadlines;
    // A late timer was held up, with all that waits to be read: that is read before anything is judged, but not twice in two minutes.
    if (now > this.pollTimeout() + 1000 && now > this.#graceUntil + 120_000) this.#graceUntil = now + 1000;
    if (now < this.#graceUntil) return;
    for (const deadline of this.#deadlines.takeDue()) this.#due(deadline);
    if (now >= this.#liveness.dueAt) this.#liveness.judge();
    this.#failover.rotation.judge();
    const { measured } = this.#liveness;
    if (measured && now >= this.#promotion.dueAt(measured)) this.#promotion.begin(measured);
  }

  /** @param {Deadline} deadline */
  #due({ name, attempt }) {
    switch (name) {
      case 'race':
        return this.#race.prepare();
      case 'next-attempt':
      case 'gateway-pause':
        return this.#race.next();
      case 'probe':
        return this.#probes.due();
      case 'notice':
        return this.#notice.due();
      case 'go-away':
        this.#failover.leave('reconnecting', 'server');
        return this.#race.prepare();
      case 'answer':
        return attempt && this.#liveness.unanswered(attempt);
      case 'ping':
        return attempt && this.#race.ping(attempt);
      case 'look':
        return attempt && this.#liveness.isDeaf(attempt) && this.#promotion.detour(attempt);
    }
  }
}
