// @ts-check
/**
 * Probes: asks the control resource whether anything reaches the gateway, and says what the answer means for paths and attempts.
 * Several probes may be under way, since a late answer may still come. It never opens a leg for a path that was not tried.
 *
 * @import { Control } from '../types.js'
 * @import { Deadlines } from './deadlines.js'
 * @import { SelectorOutput } from './events.js'
 * @import { Paths } from './paths.js'
 * @import { Race } from './race.js'
 * @import { Status } from './status.js'
 */

import { NEVER } from '../time.js';
import { decidesUntil } from './attempt.js';
import { isUnreachable, UNREACHABLE_PAUSE_MS } from './status.js';

/**
 * A probe that is not answered within this time gets another one beside it. Each waits for 10 s, so four are under way at most, and
 * leave two of the six connections that a browser has for a host.
 */
const EVERY_MS = 2500;
/** A probe is lost if it has waited for this and ten round trips of what came since. */
const LOST_AFTER_MS = 2000;

export class Probes {
  /** When the last probe was asked. */
  #askedAt = 0;
  /** Since when a probe has waited for the first answer after the last news; NEVER if none does. */
  #waitsSince = NEVER;
  /** Answers to earlier probes say nothing new. */
  #settledAt = 0;
  #outputs;
  #deadlines;
  #paths;
  #race;
  #status;

  /**
   * @param {SelectorOutput[]} outputs
   * @param {Deadlines} deadlines
   * @param {Paths} paths
   * @param {Race} race
   * @param {Status} status
   */
  constructor(outputs, deadlines, paths, race, status) {
    this.#outputs = outputs;
    this.#deadlines = deadlines;
    this.#paths = paths;
    this.#race = race;
    this.#status = status;
  }

  /** Asks, unless that was done a moment ago, and again while attempts are open and nothing carries the session. */
  ask() {
    const { now } = this.#deadlines;
    if (!this.#race.active && this.#race.open.length > 0) this.#deadlines.set('probe', now + EVERY_MS);
    if (this.#waitsSince < NEVER && now < this.#askedAt + EVERY_MS) return;
    this.#outputs.push({ type: 'probeControl' });
    this.#askedAt = now;
    this.#waitsSince = Math.min(this.#waitsSince, now);
  }

  /** A race has found nothing yet. A gateway that decides about an attempt is within reach. */
  due() {
    const until = decidesUntil(this.#race.open);
    if (until > this.#deadlines.now) this.#deadlines.set('probe', until + EVERY_MS);
    else this.ask();
  }

  /** A pong came, so the network is well. Returns whether it was not, a moment ago. @param {number} rtt */
  pong(rtt) {
    const hasHealed = this.#hasHealed(rtt);
    this.#settle(this.#deadlines.now);
    return hasHealed;
  }

  /**
   * An answer came. If the gateway is out of reach, no path is to blame.
   * @param {Control} control
   * @param {number} askedAt
   */
  answered(control, askedAt) {
    if (askedAt < this.#settledAt) return;
    const isOurs = control === 'ours';
    const trip = this.#deadlines.now - askedAt;
    const hasHealed = this.#hasHealed(trip);
    this.#settle(askedAt, control);
    if (isOurs && !hasHealed) this.#paths.confirm();
    const { state } = this.#status;
    if (this.#race.active || state === 'parked') return;
    this.#paths.clear();
    if (isOurs) this.#race.measure(trip);
    if (isOurs && hasHealed) this.#race.renew(Math.max(1000, 3 * trip));
    if (isUnreachable(control)) {
      this.#status.become(control);
      const raceBy = this.#deadlines.after(0, UNREACHABLE_PAUSE_MS);
      if (this.#race.open.length === 0)
        this.#deadlines.set('race', Math.min(raceBy, this.#deadlines.at('race')));
    } else if (isUnreachable(state)) this.#status.become('reconnecting');
  }

  /** Says whether an answer that took this long shows that the network was away before. @param {number} trip */
  #hasHealed(trip) {
    return (
      isUnreachable(this.#status.control) ||
      this.#deadlines.now > this.#waitsSince + LOST_AFTER_MS + 10 * trip
    );
  }

  /** This is known of the gateway from now on. @param {number} at @param {Control} [control] */
  #settle(at, control) {
    this.#settledAt = at;
    this.#waitsSince = NEVER;
    this.#status.control = control;
  }
}
