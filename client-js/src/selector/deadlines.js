// @ts-check
/**
 * The selector's time: when it must act next, by name, and how long an answer may take. Deadlines fire in the order in which they
 * were first set; the selector decides what each means. Nothing here reads a real clock.
 *
 * @import { Attempt } from './attempt.js'
 * @import { RoundTrip } from './path.js'
 *
 * @typedef {object} Deadline
 * @property {'race' | 'next-attempt' | 'gateway-pause' | 'probe' | 'notice' | 'go-away' | 'answer' | 'ping' | 'look'} name
 * @property {Attempt} [attempt] whose deadline it is, of `answer`, `ping` and `look`
 * @property {number} at
 */

import { NEVER } from '../time.js';
import { clamp, timeoutMs } from './path.js';

/** A browser may take long to open a socket; TCP alone retries after 1 and 3 s. */
const SOCKET_OPENING_MS = 4000;

/** The pause before the second path starts: while no round trip is known; at least; at most. */
const STAGGER_MS = 1000;
export const SHORT_STAGGER_MS = 300;
const LONGEST_STAGGER_MS = 1400;
/** A WebSocket over TLS opens within four round trips, and each further step takes one. */
const STAGGER_TRIPS = 6;
/** The third path starts so long after the first one, and by this pause after the second one, at least and at most. */
const THIRD_AFTER_MS = 2500;
const LEAST_LATE_STAGGER_MS = 500;
const LATE_STAGGER_MS = 1500;

/** The first answer of a network may just be late. */
const FIRST_ANSWER_MS = 10_000;

/** The slowest line takes this for a long ping and its pong. */
const LONG_PING_MS = 3900;

/**
 * Returns how long the next answer to an attempt may take. If every race fails the network may just be slow, so each further one
 * waits longer.
 * @param {Attempt} attempt
 * @param {RoundTrip} network
 * @param {number} failedRaces
 */
export const answerMs = ({ path, record }, network, failedRaces) => {
  if (network.rtt === null) return FIRST_ANSWER_MS;
  const timeout = Math.max(timeoutMs(path), timeoutMs(network));
  const ms = Math.max(clamp(2.5 * timeout * (failedRaces || 1), 2000, 10_000), 2.5 * network.rtt);
  if (record.usable !== undefined) return ms + (path.isDoubtful ? LONG_PING_MS : 0);
  const isOpening = path.transport === 'websocket' && record.opened === undefined;
  return isOpening ? Math.max(SOCKET_OPENING_MS, ms) : ms;
};

/**
 * Returns how long the first path has for its next step before the second one starts. One that was good has longer.
 * @param {RoundTrip} path
 * @param {number | null} trip of the network
 */
export const staggerMs = ({ rtt }, trip) => {
  if (rtt !== null) return clamp(2 * rtt + 1000, 1500, 4000);
  if (trip === null) return STAGGER_MS;
  return clamp(STAGGER_TRIPS * trip, SHORT_STAGGER_MS, LONGEST_STAGGER_MS);
};

/**
 * Returns the pause before the third path starts. One that began less than the shortest pause later cannot show that the pong of the
 * other is late.
 * @param {number} ms since the first one started
 */
export const lateStaggerMs = (ms) => clamp(THIRD_AFTER_MS - ms, LEAST_LATE_STAGGER_MS, LATE_STAGGER_MS);

/** @param {Deadline['name']} name @param {Attempt} [attempt] */
const keyOf = (name, attempt) => name + (attempt?.record.leg ?? '');

export class Deadlines {
  /** The page is visible: someone waits before it. */
  isVisible = true;
  /** @type {Map<string, Deadline>} */
  #all = new Map();
  #random;

  /** @param {number} now @param {() => number} random from 0 to 1 */
  constructor(now, random) {
    /** The time of the last input: milliseconds that never go back. */
    this.now = now;
    this.#random = random;
  }

  /**
   * Returns a time after a pause and a random part of `jitterMs`. A gateway's numbers may be none; those mean now.
   * @param {number} pauseMs
   * @param {number} jitterMs
   */
  after(pauseMs, jitterMs) {
    const pause = pauseMs + this.#random() * jitterMs;
    return Number.isFinite(pause) ? this.now + pause : this.now;
  }

  /** @param {Deadline['name']} name @param {number} at @param {Attempt} [attempt] */
  set(name, at, attempt) {
    this.#all.set(keyOf(name, attempt), { name, attempt, at });
  }

  /** @param {Deadline['name']} name @param {Attempt} [attempt] */
  clear(name, attempt) {
    this.#all.delete(keyOf(name, attempt));
  }

  /** Returns when a deadline is; NEVER if it is not set. @param {Deadline['name']} name @param {Attempt} [attempt] */
  at(name, attempt) {
    return this.#all.get(keyOf(name, attempt))?.at ?? NEVER;
  }

  clearAll() {
    this.#all.clear();
  }

  /** When the first one is due. */
  get earliest() {
    let earliest = NEVER;
    for (const { at } of this.#all.values()) earliest = Math.min(earliest, at);
    return earliest;
  }

  /** Takes the deadlines that are due, one by one, also those that are set meanwhile. */
  *takeDue() {
    for (const [key, deadline] of this.#all)
      if (this.now >= deadline.at) {
        this.#all.delete(key);
        yield deadline;
      }
  }
}
