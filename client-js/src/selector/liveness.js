// @ts-check
/**
 * Watches the leg in use: when it is measured, when it becomes suspect, and when it is dead. A leg that carries nothing is not its
 * business.
 *
 * @import { Transport } from '../types.js'
 * @import { Attempt } from './attempt.js'
 * @import { Deadlines } from './deadlines.js'
 * @import { SelectorInput, SessionView } from './events.js'
 * @import { Failover } from './failover.js'
 * @import { Probes } from './probes.js'
 * @import { Promotion } from './promotion.js'
 * @import { Race } from './race.js'
 *
 * @typedef {Extract<SelectorInput, {type: 'frameArrived' | 'answerArrived' | 'bytesArrived'}>} Heard
 */

import { NEVER } from '../time.js';
import { carriedBy, hear, isProven, pongBy, silentAt, suspectAt } from './attempt.js';
import { timeoutMs } from './path.js';

/** The leg in use is measured when something comes anyway, so an idle session stays quiet. A ping costs two polls. */
const MEASURE_EVERY_MS = 3000;
const MEASURE_POLLS_EVERY_MS = 60_000;
/** A suspect leg on which frames come has this long to answer, or 2 timeouts if those are longer. */
const SUSPECT_MS = 6000;
/** A suspect leg is looked at again after this time. */
const LOOK_MS = 2000;
/** An event of the page often means that what was open is dead: a leg that falls silent then has less time by this. */
export const WOKEN_MS = 1000;

/**
 * Returns how many bytes came by an event, so that each counts once: those of a stream and of an answer before it is whole.
 * @param {Heard} event
 * @param {Transport} transport
 */
const bytesOf = (event, transport) => {
  if (event.type === 'bytesArrived') return event.bytes;
  if (event.type === 'answerArrived' || transport !== 'websocket' || !event.frame) return 0;
  return typeof event.frame === 'string' ? event.frame.length : event.frame.bytes.length;
};

export class Liveness {
  #deadlines;
  #session;
  #race;
  #probes;
  #failover;
  #promotion;
  /** How much less time the suspect leg has. */
  #lessMs = 0;

  /**
   * @param {Deadlines} deadlines
   * @param {SessionView} session
   * @param {Race} race
   * @param {Probes} probes
   * @param {Failover} failover
   * @param {Promotion} promotion
   */
  constructor(deadlines, session, race, probes, failover, promotion) {
    this.#deadlines = deadlines;
    this.#session = session;
    this.#race = race;
    this.#probes = probes;
    this.#failover = failover;
    this.#promotion = promotion;
  }

  /** The leg in use, once it is proven. */
  get #proven() {
    const { active } = this.#race;
    return active && isProven(active) ? active : undefined;
  }

  /** The same, if the page is visible: only then it is measured, and something better is tried. */
  get measured() {
    return this.#deadlines.isVisible ? this.#proven : undefined;
  }

  /**
   * Something came down a leg, or answered its request on a route, or went to its socket. The answer of a send says nothing of the
   * way down.
   * @param {Attempt} attempt
   * @param {Heard | Extract<SelectorInput, {type: 'write'}>} event
   */
  noted(attempt, event) {
    const { now } = this.#deadlines;
    if (event.type === 'write') {
      attempt.writtenAt = now;
      return;
    }
    const { transport } = attempt.path;
    const isDown = event.type === 'frameArrived' || event.route === 'stream' || event.route === 'poll';
    // On a socket only the gateway knows what it wrote at once, and announces it.
    const isQueued = transport !== 'websocket' || this.#session.announcedBytes > 0;
    if (transport === 'sse' && event.type === 'answerArrived' && attempt.pongedAt < attempt.pingedAt)
      attempt.answeredAt = Math.min(attempt.answeredAt, now);
    if (isDown) hear(attempt, bytesOf(event, transport), now, isQueued);
    const every = transport === 'poll' ? MEASURE_POLLS_EVERY_MS : MEASURE_EVERY_MS;
    const isDue = now >= attempt.pingedAt + every && attempt.pongedAt >= attempt.pingedAt;
    if (attempt === this.measured && isDue && event.type !== 'bytesArrived') this.#race.ping(attempt);
  }

  /** When the leg in use becomes suspect; then, when it is dead. While something comes, its answer may just be late. */
  get dueAt() {
    const leg = this.#proven;
    if (!leg) return NEVER;
    if (this.#deadlines.at('answer', leg) === NEVER) return suspectAt(leg, this.#session);
    return silentAt(leg, this.#session, this.#lessMs);
  }

  /** `dueAt` has come. */
  judge() {
    const leg = this.#proven;
    if (leg && this.#deadlines.at('answer', leg) < NEVER) this.#failover.timedOut(leg);
    else this.suspect();
  }

  /** Pings the leg in use. A pong clears it of any suspicion. @param {number} [lessMs] how much less time it has */
  suspect(lessMs = 0) {
    const leg = this.#race.active;
    if (!leg) return;
    this.#lessMs = lessMs;
    this.#race.ping(leg);
    this.#promotion.suspect(leg);
    this.#race.awaitAnswer(leg, Math.max(SUSPECT_MS, 2 * timeoutMs(leg.path)));
    this.#lookLater(leg);
    this.#probes.ask();
  }

  /** @param {Attempt} attempt */
  #lookLater(attempt) {
    this.#deadlines.set('look', this.#deadlines.now + LOOK_MS, attempt);
  }

  /**
   * Looks again at a suspect leg. Says whether nothing seems to go up a socket, though frames come down. Its pong may stand behind
   * those, so only the welcome of another leg tells whether the gateway has our oldest frame.
   * @param {Attempt} attempt
   */
  isDeaf(attempt) {
    if (attempt !== this.#proven || this.#deadlines.at('answer', attempt) === NEVER) return false;
    this.#lookLater(attempt);
    const since = this.#deadlines.now - LOOK_MS;
    const isHeard = attempt.path.transport === 'websocket' && attempt.heardAt > since;
    return isHeard && carriedBy(attempt, this.#session) <= since;
  }

  /** The answer of an attempt is due, unless a slow line excuses it. @param {Attempt} attempt */
  unanswered(attempt) {
    const { answerBy, busyMs, pingedAt } = attempt;
    const isChosen = attempt === this.#race.chosen;
    const by = answerBy + (isChosen ? pongBy(attempt, this.#session) - pingedAt : busyMs);
    if (by > this.#deadlines.now) this.#deadlines.set('answer', by, attempt);
    else this.#failover.timedOut(attempt);
  }
}
