// @ts-check
/**
 * Tries something better than the leg in use in the background, and decides when that takes over. A better transport must not be
 * much slower; a faster one must be much faster. It never acts while nothing carries the session.
 *
 * @import { Attempt } from './attempt.js'
 * @import { Deadlines } from './deadlines.js'
 * @import { SessionView } from './events.js'
 * @import { Path } from './path.js'
 * @import { Paths } from './paths.js'
 * @import { Race } from './race.js'
 */

import { NEVER } from '../time.js';
import { isDetour, isProven, pongBy } from './attempt.js';
import { doubt } from './path.js';

/** The leg in use is slow once every round trip was too long for this time. */
const SLOW_FOR_MS = 10_000;
/** The pause before the next round trip of a leg that was too slow. */
const SLOW_PAUSE_MS = 2000;
/** A stream is silent for so long only if a proxy holds its events back. Two such silences before a pong make the stream slow. */
const HELD_MS = 600;
const HELD_PONGS = 2;
/** After this pause no event follows that the proxy passed together with the pong. */
const HELD_PAUSE_MS = 300;
/** A longer round trip counts as this one, so that none alone makes a leg slow: its ping may have stood behind much of ours. */
const LONGEST_TRIP_MS = 7000;
/** Round trips before a take-over, and the pause between them: a socket that is killed 300 ms after it opened lives no longer. */
const TRIPS = 3;
const TRIP_PAUSE_MS = 700;
/** How much longer than another leg the one in use may need for its first pong: proxies hold events back for 200 ms. */
const LATE_PONG_MS = 400;

/** @param {Path} path */
const isSocket = ({ transport }) => transport === 'websocket';

export class Promotion {
  #deadlines;
  #paths;
  #race;
  #session;
  #maxLatencyMs;
  /** The shortest round trip on this network. */
  #lowestRtt = NEVER;
  /** Since when every round trip of the leg in use is too long; NEVER while one was not. */
  #slowSince = NEVER;

  /**
   * @param {Deadlines} deadlines
   * @param {Paths} paths
   * @param {Race} race
   * @param {SessionView} session
   * @param {number} maxLatencyMs above it a round trip is too long
   */
  constructor(deadlines, paths, race, session, maxLatencyMs) {
    this.#deadlines = deadlines;
    this.#paths = paths;
    this.#race = race;
    this.#session = session;
    this.#maxLatencyMs = maxLatencyMs;
  }

  /** The shortest round trip of another network is not known. */
  forgetNetwork() {
    this.#lowestRtt = NEVER;
  }

  /** Nothing is known of the leg in use: it is another one, or the page is hidden. */
  forgetSlowness() {
    this.#slowSince = NEVER;
  }

  /** @param {number} rtt of any leg */
  measure(rtt) {
    this.#lowestRtt = Math.min(this.#lowestRtt, rtt);
  }

  /** Takes a round trip of the leg in use. @param {Attempt} attempt @param {number} rtt */
  watch(attempt, rtt) {
    const { now } = this.#deadlines;
    const isHeld = attempt.heldMs > HELD_MS + this.#lowestRtt;
    attempt.heldPongs = isHeld ? attempt.heldPongs + 1 : 0;
    if (!isHeld && rtt <= Math.max(this.#maxLatencyMs, 300 + 4 * this.#lowestRtt))
      return this.forgetSlowness();
    const slowMs = attempt.heldPongs < HELD_PONGS ? Math.min(rtt, LONGEST_TRIP_MS) : SLOW_FOR_MS + 1;
    this.#slowSince = Math.min(this.#slowSince, now - slowMs);
    // A faster transport is compared with the last trip of this one.
    if (this.#isSlow) attempt.path.rtt = rtt;
    else this.#deadlines.set('ping', now + (isHeld ? HELD_PAUSE_MS : SLOW_PAUSE_MS), attempt);
  }

  /**
   * Takes a round trip of a candidate: it takes over, is measured again, or is dropped as too slow.
   * @param {Attempt} attempt
   * @param {number} rtt
   */
  judge(attempt, rtt) {
    const { chosen } = this.#race;
    const { now } = this.#deadlines;
    const { purpose, at } = attempt.record;
    // The gateway has the line that seemed to be stuck: the welcome said so.
    if (chosen && isDetour(attempt) && this.#session.acknowledgedAt >= at)
      return this.#race.drop(attempt, 'better');
    const longest = (chosen?.path.rtt ?? NEVER) * (purpose === 'slow' ? 0.5 : 1.25) + 100;
    // A switch asked for is not compared, nor one for a line that is stuck or for an age. Nor is it with a transport that the gateway
    // does not offer any more.
    const isWanted = purpose === 'asked' || purpose === 'stuck' || purpose === 'age';
    const isOffered = chosen && this.#paths.offered.includes(chosen.path);
    // A leg that needs longer for its first pong than this one is left, unless a slow line excuses it.
    const isHolding = chosen && chosen.heldPongs >= HELD_PONGS;
    const isProving = chosen && !isProven(chosen);
    const isLate = isProving && pongBy(chosen, this.#session) + rtt + LATE_PONG_MS < now;
    // A line did not pass on the leg, or its first pong did not, which stood behind what it took over.
    if (chosen && (isLate || isDetour(attempt))) doubt(chosen.path);
    if (isWanted || !isOffered || isLate) this.#race.choose(attempt);
    else if (isProving || (++attempt.trips < TRIPS && !isHolding))
      this.#deadlines.set('ping', now + TRIP_PAUSE_MS, attempt);
    else if (rtt <= longest) {
      // A stream that holds its events back may prove itself behind other ones, so it rests.
      if (isHolding) this.#paths.blame(chosen.path);
      this.#race.choose(attempt);
    } else {
      this.#race.drop(attempt, 'slow');
      this.#paths.blame(attempt.path);
    }
  }

  /**
   * Returns when an attempt in the background is due.
   * @param {Attempt | undefined} leg the leg in use, if the page is visible
   */
  dueAt(leg) {
    if (!leg || !this.#race.isQuiet) return NEVER;
    // A path that rested until long ago is due now, and no timer is late for it.
    const since = this.#isSlow ? this.#slowSince + SLOW_FOR_MS : 0;
    return Math.min(...this.#candidates(leg.path).map(({ retryAt }) => Math.max(since, retryAt)));
  }

  /** Starts the attempt that is due. @param {Attempt} leg the leg in use */
  begin({ path }) {
    const due = this.#candidates(path).filter(({ retryAt }) => this.#deadlines.now >= retryAt);
    this.#race.begin(this.#isSlow ? 'slow' : 'better', due.slice(0, 1));
  }

  /**
   * A line of ours cannot pass on a leg, or seems to be lost on it. A proxy that refuses a large body may pass a large message on a
   * socket, and the other way round; so a transport of the other kind is tried. Without one the line is given up.
   * @param {Attempt} stuck
   */
  detour(stuck) {
    if (this.#race.open.some(isDetour)) return;
    const { now } = this.#deadlines;
    const path = this.#paths.offered.find(
      (other) => isSocket(other) !== isSocket(stuck.path) && (other.failures === 0 || now >= other.retryAt),
    );
    if (path) this.#race.begin('stuck', [path]);
    else this.#race.withdrawLine();
  }

  get #isSlow() {
    return this.#deadlines.now > this.#slowSince + SLOW_FOR_MS;
  }

  /**
   * Returns the paths that may replace the one in use: what is better, or, if that one is slow, any other.
   * @param {Path} used
   */
  #candidates(used) {
    return this.#isSlow ? this.#paths.offered.filter((path) => path !== used) : this.#paths.betterThan(used);
  }
}
