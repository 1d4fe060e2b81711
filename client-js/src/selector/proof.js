// @ts-check
/**
 * Acts when an attempt proves more of itself: its socket opened, its welcome came, a pong came, its turn is confirmed. It never ends
 * the leg in use.
 *
 * @import { Reason } from '../types.js'
 * @import { Attempt } from './attempt.js'
 * @import { Deadlines } from './deadlines.js'
 * @import { Liveness } from './liveness.js'
 * @import { Paths } from './paths.js'
 * @import { Probes } from './probes.js'
 * @import { Race } from './race.js'
 * @import { Status } from './status.js'
 * @import { Promotion } from './promotion.js'
 */

import { NEVER } from '../time.js';
import { isAsked, isProven, isUndecided, LONG_LIFE_MS, reach } from './attempt.js';
import { sample } from './path.js';

export class Proof {
  #deadlines;
  #paths;
  #race;
  #status;
  #probes;
  #liveness;
  #promotion;

  /**
   * @param {Deadlines} deadlines
   * @param {Paths} paths
   * @param {Race} race
   * @param {Status} status
   * @param {Probes} probes
   * @param {Liveness} liveness
   * @param {Promotion} promotion
   */
  constructor(deadlines, paths, race, status, probes, liveness, promotion) {
    this.#deadlines = deadlines;
    this.#paths = paths;
    this.#race = race;
    this.#status = status;
    this.#probes = probes;
    this.#liveness = liveness;
    this.#promotion = promotion;
  }

  /** Its socket opened, which proves nothing yet. @param {Attempt} attempt */
  opened(attempt) {
    reach(attempt, 'opened', this.#deadlines.now);
    this.#race.measure(this.#deadlines.now - attempt.record.at);
    this.#race.awaitAnswer(attempt);
  }

  /** Its welcome was read. The first one carries the session. @param {Attempt} attempt */
  usable(attempt) {
    const { record } = attempt;
    const wasUndecided = isUndecided(attempt);
    reach(attempt, 'usable', this.#deadlines.now);
    this.#paths.tried = [];
    if (this.#paths.enterNetwork()) this.#promotion.forgetNetwork();
    if (wasUndecided) {
      // The time of a decision is no part of the round trip.
      attempt.waitUntil = this.#deadlines.now;
      this.#race.stagger();
    } else this.#race.measure(this.#deadlines.now - record.at - (record.opened ?? 0));
    if (this.#race.chosen) this.#race.ping(attempt);
    else this.#race.choose(attempt, true);
  }

  /**
   * A pong shows that both directions pass. Where long writes may be lost, only a long one proves a leg.
   * @param {Attempt} attempt
   * @param {number} rtt
   * @param {boolean} [isLong]
   */
  pong(attempt, rtt, isLong) {
    const { now } = this.#deadlines;
    if (isLong) attempt.path.isDoubtful = false;
    if (attempt.path.isDoubtful && !isProven(attempt)) return;
    const { active, chosen } = this.#race;
    // A pong that stood behind a queue waited for it.
    const trip = Math.max(0, rtt - attempt.queuedMs);
    // A long one says more of the line's rate than of its round trip, so it counts only as a first measurement.
    if (!isLong || attempt.path.rtt === null) {
      sample(attempt.path, trip);
      this.#promotion.measure(trip);
    }
    attempt.pongedAt = now;
    attempt.answeredAt = NEVER;
    if (now > attempt.record.at + LONG_LIFE_MS) attempt.path.failures = attempt.path.cuts = 0;
    // The turn that was requested is still to be confirmed.
    if (attempt === active || attempt !== chosen) this.#deadlines.clear('answer', attempt);
    const wasUnreachable = this.#probes.pong(trip);
    if (!isProven(attempt)) this.#prove(attempt, wasUnreachable);
    if (attempt !== chosen && attempt !== active) this.#promotion.judge(attempt, trip);
    else if (attempt === this.#liveness.measured) this.#promotion.watch(attempt, trip);
    else this.#promotion.forgetSlowness(attempt);
  }

  /**
   * Its first pong ends the race for the attempts that are worse.
   * @param {Attempt} attempt
   * @param {boolean} wasUnreachable
   */
  #prove(attempt, wasUnreachable) {
    const { active, chosen, open } = this.#race;
    reach(attempt, 'proven', this.#deadlines.now);
    this.#paths.proven(attempt.path);
    // An attempt that began while the gateway was out of reach hangs. It is better to start it again.
    if (wasUnreachable) this.#paths.forgive(1000, 2000);
    for (const other of open) {
      const isSilent =
        other.record.usable === undefined &&
        !isUndecided(other) &&
        !wasUnreachable &&
        attempt.record.purpose !== 'age';
      if (isSilent && this.#paths.betterThan(attempt.path).includes(other.path))
        this.#paths.noteSilence(other.path);
      const isWorse = this.#paths.betterThan(other.path).includes(attempt.path);
      // A switch that was asked for goes on, unless it hangs.
      if ((wasUnreachable || (isWorse && !isAsked(other))) && ![active, chosen, attempt].includes(other))
        this.#race.drop(other, wasUnreachable ? 'offline' : 'better');
    }
    this.#race.stop();
  }

  /** The turn that it requested is confirmed. @param {Attempt} attempt */
  activated(attempt) {
    const before = this.#race.active;
    this.#race.active = attempt;
    this.#race.chosen ??= attempt;
    reach(attempt, 'active', this.#deadlines.now);
    if (isProven(attempt)) this.#deadlines.clear('answer', attempt);
    this.#deadlines.clear('race');
    this.#deadlines.clear('probe');
    if (before === attempt) return;
    // The gateway asked another leg to go.
    this.#deadlines.clear('go-away');
    // A stream that is replaced again and again must not put them off.
    if (attempt.record.purpose !== 'age')
      for (const path of this.#paths.betterThan(attempt.path))
        path.retryAt = Math.max(path.retryAt, this.#deadlines.after(5000, 5000));
    this.#promotion.forgetSlowness(attempt);
    /** @type {Reason} */
    let reason = isAsked(attempt) ? 'asked' : this.#status.lastReason;
    if (before) {
      reason = this.#paths.takeOverReason(attempt, before);
      // The session reads the loser to its end; the selector is through with it.
      this.#race.forget(before, reason);
    }
    this.#status.changeTo(attempt.path.transport, reason, 'online');
  }
}
