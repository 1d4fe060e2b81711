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
import { isDetour, isProven, pongBy, silenceMs } from './attempt.js';
import { doubt } from './path.js';

/** The leg in use is slow once every round trip was too long for this time. */
const SLOW_FOR_MS = 10_000;
/** The pause before the next round trip of a leg that was too slow. */
const SLOW_PAUSE_MS = 2000;
/** A stream is silent for so long only if a proxy holds its events back. Two such silences before a pong make the stream slow. */
const HELD_MS = 600;
const HELD_PONGS = 2;
/** A ping that goes after a longer silence may be the last piece of a block, which then brings so much with its pong. */
const QUIET_MS = 400;
const BLOCK_BYTES = 1000;
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
  /** From when on the leg in use is slow, unless a round trip is short before; NEVER while one was. */
  #slowAt = NEVER;

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

  /** The leg in use is well, or nothing is known of it: it is another one, or the page is hidden. @param {Attempt} attempt */
  forgetSlowness(attempt) {
    this.#slowAt = NEVER;
    attempt.heldPongs = 0;
  }

  /** @param {number} rtt of any leg */
  measure(rtt) {
    this.#lowestRtt = Math.min(this.#lowestRtt, rtt);
  }

  /** Takes a round trip of the leg in use. @param {Attempt} attempt @param {number} rtt */
  watch(attempt, rtt) {
    const { quietMs, heldMs, bytes, path } = attempt;
    if (quietMs === NEVER) return;
    attempt.quietMs = NEVER;
    const { now } = this.#deadlines;
    const isHeld = this.#isHeld(heldMs);
    const isLate = rtt > Math.max(this.#maxLatencyMs, 300 + 4 * this.#lowestRtt);
    const isUnclear = quietMs > QUIET_MS && bytes > BLOCK_BYTES;
    if (isHeld) this.#slowAt = ++attempt.heldPongs < HELD_PONGS ? NEVER : now;
    else if (isLate)
      this.#slowAt = Math.min(this.#slowAt, now + SLOW_FOR_MS - Math.min(rtt, LONGEST_TRIP_MS));
    else if (!isUnclear) return this.forgetSlowness(attempt);
    if (!this.#isSlow)
      this.#deadlines.set('ping', now + (isHeld || isUnclear ? HELD_PAUSE_MS : SLOW_PAUSE_MS), attempt);
    // A faster transport is compared with the last trip of this one. A slow line excuses no silence.
    else if (!isUnclear) path.rtt = Math.max(rtt, heldMs);
  }

  /** A stream is suspect. Behind such a silence it is slow until a pong comes: the gateway has its ping. @param {Attempt} stream */
  suspect({ heldMs }) {
    if (this.#isHeld(heldMs)) this.#slowAt = this.#deadlines.now;
  }

  /**
   * Takes a round trip of a candidate: it takes over, is measured again, or is dropped as too slow.
   * @param {Attempt} attempt
   * @param {number} rtt
   */
  judge(attempt, rtt) {
    const { chosen } = this.#race;
    const { purpose, at } = attempt.record;
    if (chosen && isDetour(attempt)) {
      // The gateway has the line that seemed to be stuck: the welcome said so.
      if (this.#session.acknowledgedAt >= at) return this.#race.drop(attempt, 'better');
      doubt(chosen.path);
    }
    // A switch asked for is not compared, nor one for a line that is stuck or for an age. Nor is it with a transport that the gateway
    // does not offer any more.
    const isCompared = purpose === 'slow' || purpose === 'race' || purpose === 'better';
    if (isCompared && chosen && this.#paths.offered.includes(chosen.path))
      this.#compare(attempt, chosen, rtt);
    else this.#race.choose(attempt);
  }

  /**
   * Compares a candidate with the leg that carries the session, or was asked to.
   * @param {Attempt} attempt
   * @param {Attempt} chosen
   * @param {number} rtt
   */
  #compare(attempt, chosen, rtt) {
    const { now } = this.#deadlines;
    const isSlow = attempt.record.purpose === 'slow';
    const isWell = isSlow && !this.#isSlow;
    const isProving = !isProven(chosen);
    // A leg that needs longer for its first pong than this one is left, unless a slow line excuses it.
    if (isProving && pongBy(chosen, this.#session) + rtt + LATE_PONG_MS < now) {
      // Its first pong stands behind what it took over, and that did not pass.
      doubt(chosen.path);
      return this.#race.choose(attempt);
    }
    if (isWell && chosen.heldPongs === 0) return this.#race.drop(attempt, 'better');
    // A stream that owes a pong is as slow as it is silent.
    const silentMs = silenceMs(chosen, now);
    const isHolding = chosen.heldPongs + Number(this.#isHeld(silentMs)) >= HELD_PONGS;
    if (isProving || ((isWell || ++attempt.trips < TRIPS) && !isHolding))
      return this.#deadlines.set('ping', now + TRIP_PAUSE_MS, attempt);
    const longest = Math.max(chosen.path.rtt ?? NEVER, silentMs) * (isSlow ? 0.5 : 1.25) + 100;
    if (rtt > longest) {
      this.#race.drop(attempt, 'slow');
      return this.#paths.blame(attempt.path);
    }
    // A stream that holds its events back may prove itself behind other ones, so it rests.
    if (isHolding) this.#paths.blame(chosen.path);
    this.#race.choose(attempt);
  }

  /**
   * Returns when an attempt in the background is due.
   * @param {Attempt | undefined} leg the leg in use, if the page is visible
   */
  dueAt(leg) {
    if (!leg || !this.#race.isQuiet) return NEVER;
    // A path that rested until long ago is due now, and no timer is late for it.
    const since = this.#isSlow ? this.#slowAt : 0;
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
    return this.#deadlines.now >= this.#slowAt;
  }

  /** Only a proxy makes such a silence before a pong. @param {number} silenceMs */
  #isHeld(silenceMs) {
    return silenceMs > HELD_MS + this.#lowestRtt;
  }

  /**
   * Returns the paths that may replace the one in use: what is better, or, if that one is slow, any other.
   * @param {Path} used
   */
  #candidates(used) {
    return this.#isSlow ? this.#paths.offered.filter((path) => path !== used) : this.#paths.betterThan(used);
  }
}
