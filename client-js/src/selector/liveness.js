// @ts-check
/**
 * Watches the leg in use: when it is measured, when it becomes suspect, and when it is dead. A leg that carries nothing is not its
 * business.
 *
 * @import { Route } from '../session/events.js'
 * @import { Attempt } from './attempt.js'
 * @import { Deadlines } from './deadlines.js'
 * @import { SessionView } from './events.js'
 * @import { Failover } from './failover.js'
 * @import { Race } from './race.js'
 * @import { Status } from './status.js'
 */

import { NEVER } from '../time.js';
import { isProven, suspectAt } from './attempt.js';

/** The leg in use is measured when something comes anyway, so an idle session stays quiet. A ping costs two polls. */
const MEASURE_EVERY_MS = 3000;
const MEASURE_POLLS_EVERY_MS = 60_000;
/** A suspect leg has this long to answer, … */
const SUSPECT_MS = 6000;
/** … but only 4 s since the last frame that came before its first 2 s were over. */
const SILENT_MS = 4000;

export class Liveness {
  /** The page is visible. */
  isVisible = true;
  #deadlines;
  #session;
  #race;
  #status;
  #failover;

  /**
   * @param {Deadlines} deadlines
   * @param {SessionView} session
   * @param {Race} race
   * @param {Status} status
   * @param {Failover} failover
   */
  constructor(deadlines, session, race, status, failover) {
    this.#deadlines = deadlines;
    this.#session = session;
    this.#race = race;
    this.#status = status;
    this.#failover = failover;
  }

  /** The leg in use, once it is proven. */
  get #proven() {
    const { active } = this.#race;
    return active && isProven(active) ? active : undefined;
  }

  /** The same, if the page is visible: only then it is measured, and something better is tried. */
  get measured() {
    return this.isVisible ? this.#proven : undefined;
  }

  /** Something came down a leg, or answered its request on a route. @param {Attempt} attempt @param {Route} [route] */
  heard(attempt, route) {
    const { now } = this.#deadlines;
    // The answer of a send says nothing of the way down.
    if (route !== 'send') attempt.heardAt = now;
    const every = attempt.path.transport === 'poll' ? MEASURE_POLLS_EVERY_MS : MEASURE_EVERY_MS;
    if (attempt === this.measured && now >= attempt.pingedAt + every) this.#race.ping(attempt);
  }

  /** When the leg in use becomes suspect; then, when it is dead. While something comes, its answer may just be late. */
  get dueAt() {
    const leg = this.#proven;
    if (!leg) return NEVER;
    const answerAt = this.#deadlines.at('answer', leg);
    if (answerAt === NEVER) return suspectAt(leg, this.#session);
    return Math.max(leg.heardAt, answerAt - SUSPECT_MS - 2000) + SILENT_MS;
  }

  /** `dueAt` has come. */
  judge() {
    const leg = this.#proven;
    if (leg && this.#deadlines.at('answer', leg) < NEVER) this.#failover.timedOut(leg);
    else this.suspect();
  }

  /** Pings the leg in use. A pong clears it of any suspicion. */
  suspect() {
    const leg = this.#race.active;
    if (!leg) return;
    this.#race.ping(leg);
    this.#deadlines.set('answer', this.#deadlines.now + SUSPECT_MS, leg);
    this.#status.probe();
  }
}
