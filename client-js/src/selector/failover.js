// @ts-check
/**
 * Goes on after a leg ended. It finds out whether the path failed, and hands the session to a leg that is left. Otherwise it tries
 * the next path, or pauses before another race. It never suspects a path for what the gateway wants.
 *
 * @import { Reason, State } from '../types.js'
 * @import { Attempt } from './attempt.js'
 * @import { Deadlines } from './deadlines.js'
 * @import { SelectorOutput, SessionView } from './events.js'
 * @import { Paths } from './paths.js'
 * @import { Probes } from './probes.js'
 * @import { Race } from './race.js'
 * @import { Status } from './status.js'
 */

import { NEVER } from '../time.js';
import { isProven, isUndecided, LONG_LIFE_MS, reasonOf } from './attempt.js';
import { IdleCuts } from './idle-cuts.js';
import { doubt, isShut } from './path.js';
import { Rotation } from './rotation.js';
import { isUnreachable, UNREACHABLE_PAUSE_MS } from './status.js';

/** Reasons of the session that are the gateway's will, and no transport's fault. */
const GATEWAY_REASONS = ['draining', 'gone', 'replaced'];
/** A transport on which a token was refused beside the leg in use is tried again after this pause, and as much at most. */
const DENIED_PAUSE_MS = 5000;

export class Failover {
  #outputs;
  #deadlines;
  #session;
  #paths;
  #race;
  #status;
  #probes;
  #idleCuts = new IdleCuts();
  rotation;
  /** A path keeps streams from being of use. */
  #isStreamFutile = false;

  /**
   * @param {SelectorOutput[]} outputs
   * @param {Deadlines} deadlines
   * @param {SessionView} session
   * @param {Paths} paths
   * @param {Race} race
   * @param {Status} status
   * @param {Probes} probes
   */
  constructor(outputs, deadlines, session, paths, race, status, probes) {
    this.#outputs = outputs;
    this.#deadlines = deadlines;
    this.#session = session;
    this.#paths = paths;
    this.#race = race;
    this.#status = status;
    this.#probes = probes;
    this.rotation = new Rotation(deadlines, race);
  }

  /** Nothing is open: pauses before another race. @param {boolean} isShort */
  rest(isShort) {
    this.#race.pause(isShort, isUnreachable(this.#status.control) ? UNREACHABLE_PAUSE_MS : NEVER);
    if (!isUnreachable(this.#status.state)) this.#status.become('reconnecting');
  }

  /** An idle connection was cut. Returns whether that is a rule of its path. @param {Attempt} attempt */
  noteCut(attempt) {
    const rhythm = this.#idleCuts.learn(attempt, this.#session, this.#deadlines.now);
    if (rhythm) this.#outputs.push({ type: 'keepAlive', ...rhythm });
    return rhythm !== undefined;
  }

  /**
   * A leg died by itself, or the session dropped it for this reason.
   * @param {Attempt} attempt
   * @param {string} [reason]
   */
  lost(attempt, reason = '') {
    const { chosen } = this.#race;
    if (reason === 'replaced' && chosen && chosen !== attempt) {
      // It lost its turn to the leg that was asked to take over; the confirmation of that one is the news.
      this.#status.lastReason = this.#paths.takeOverReason(chosen, attempt);
      return this.#race.drop(attempt, this.#status.lastReason);
    }
    const isUsable = attempt.record.usable !== undefined;
    // Every transport would bring the same token.
    if (reason === 'unauthorized') return this.#fail(attempt, 'server', true);
    // The gateway ends a leg of a transport that it has withdrawn.
    if (GATEWAY_REASONS.includes(reason) || (isUsable && reason === 'refused')) this.#fail(attempt, 'server');
    else this.#fail(attempt, isUsable ? 'closed' : 'refused');
  }

  /** It took too long, and fell silent before the last write. @param {Attempt} attempt */
  timedOut(attempt) {
    attempt.writtenAt = -NEVER;
    // It took over what the leg before had lost. Perhaps that is long.
    if (attempt.record.opened !== undefined && !isProven(attempt) && !isUndecided(attempt))
      doubt(attempt.path);
    this.#fail(attempt, reasonOf(attempt));
  }

  /**
   * The path lets one request through at a time. A stream would keep all sends from passing.
   * @param {Attempt} attempt
   */
  oneRequest(attempt) {
    this.#avoidStreams();
    if (attempt.path.transport === 'sse') this.timedOut(attempt);
  }

  /** Other tabs need the connection that a stream holds, or they no longer do. @param {boolean} mayHold */
  holding(mayHold) {
    this.#paths.mayStream = mayHold && !this.#isStreamFutile;
    if (!mayHold) this.#releaseStreams();
  }

  /**
   * Ends each stream that a poll must replace, before the poll begins. If several tabs hold the last connections and each waits for
   * one more, none gets it.
   */
  #releaseStreams() {
    const { all, offered } = this.#paths;
    const race = this.#race;
    const poll = offered.find(({ transport }) => transport === 'poll');
    const stream = all.find(({ transport }) => transport === 'sse');
    if (!poll || !stream || offered.includes(stream)) return;
    const legs = race.open.filter(({ path }) => path === stream);
    for (const leg of legs) race.drop(leg, 'better');
    if (this.#status.transport && !race.active)
      this.#status.lose('better', 'reconnecting', this.#deadlines.now);
    if (legs.length > 0 && !race.open.some(({ path }) => path === poll)) {
      race.start(poll);
      race.without(poll);
    }
    race.without(stream);
  }

  /** Polls take the place of streams from now on. */
  #avoidStreams() {
    this.#isStreamFutile = true;
    this.holding(true);
  }

  /** A leg died by itself. Returns whether it died at an age that is no fault of its transport. @param {Attempt} attempt @param {boolean} isIdleCut */
  #noteAge(attempt, isIdleCut) {
    const isAgeCut = this.rotation.learn(attempt, isIdleCut);
    if (isAgeCut) attempt.path.failures = attempt.path.cuts = 0;
    if (this.rotation.isFutile) this.#avoidStreams();
    return isAgeCut;
  }

  /** Drops all. @param {State} state @param {Reason} [reason] */
  leave(state, reason = 'closed') {
    for (const attempt of this.#race.open) this.#race.drop(attempt, reason);
    this.#race.stop();
    this.#deadlines.clearAll();
    this.#status.lose(reason, state, this.#deadlines.now);
  }

  /**
   * A leg ended that should not have.
   * @param {Attempt} attempt
   * @param {Reason} reason
   * @param {boolean} [isDenied] the gateway refused its token
   */
  #fail(attempt, reason, isDenied = false) {
    const race = this.#race;
    const { at, active = 0 } = attempt.record;
    const wasProven = isProven(attempt);
    const isBackground = race.active && attempt !== race.active;
    const isServer = reason === 'server';
    const isIdle = wasProven && !isServer && this.#session.unacknowledgedFrames === 0;
    const isIdleCut = isIdle && this.noteCut(attempt);
    const isAgeCut = wasProven && reason === 'closed' && this.#noteAge(attempt, isIdleCut);
    // A leg that never was proven was not well: two gateways behind one address may each say `gone` for ever. Nor was one whose token
    // held for a moment only.
    const wasWell =
      wasProven && ((isServer && !isDenied) || this.#deadlines.now - at - active > LONG_LIFE_MS);
    race.drop(attempt, reason);
    race.freed(attempt);
    if (wasWell) race.backoff.failures = 0;
    if (isServer) {
      race.stop();
      if (!isDenied) race.backoff.limit();
      else if (isBackground) attempt.path.retryAt = this.#deadlines.after(DENIED_PAUSE_MS, DENIED_PAUSE_MS);
    } else if (!wasWell) {
      race.isStaggerShort = reason === 'refused';
      this.#paths.failed(attempt.path, reason, !isIdleCut && !isAgeCut, wasProven);
      // The leg in use shows that the network is well.
      if (isBackground) this.#paths.confirm();
    }
    const isOffline = !isServer && this.#status.control === 'offline' && !race.active;
    this.#status.lastReason = isOffline ? 'offline' : reason;
    this.#goOn(isDenied ? wasWell : wasProven, wasWell);
  }

  /** @param {boolean} wasProven @param {boolean} wasWell */
  #goOn(wasProven, wasWell) {
    const race = this.#race;
    const { now } = this.#deadlines;
    const { transport, lastReason } = this.#status;
    if (transport && !race.active) this.#status.lose(lastReason, 'reconnecting', now);
    const usable = race.open.find(({ record }) => record.usable !== undefined);
    if (!race.chosen && usable) race.choose(usable);
    // The rests of the paths keep count of legs that were proven: while one may pass, the next race comes soon.
    if (!race.goOn())
      this.rest(wasProven && (wasWell || !this.#paths.offered.every((path) => isShut(path, now))));
    if (!race.active && !wasWell) this.#probes.ask();
  }
}
