// @ts-check
/**
 * Learns at which age a path ends its streams, however busy they are, and replaces each stream before that age. A fresh leg of
 * the same transport takes over without a gap. Such an end is no fault of the transport. This class never judges idle connections.
 *
 * @import { Attempt } from './attempt.js'
 * @import { Deadlines } from './deadlines.js'
 * @import { Race } from './race.js'
 */

import { NEVER } from '../time.js';

/** A stream that ended earlier did not end for its age. */
const SHORTEST_AGE_MS = 2000;
/** Polls cost less than streams that live for a shorter time. */
const LEAST_AGE_MS = 5000;
/** Ages differ by this part at most. */
const TOLERANCE = 0.1;
/** A stream that was silent for this part of its life may have ended for that. */
const IDLE_PART = 0.8;
/** A stream is replaced at this part of the age. A try that failed is repeated after the second part. */
const ROTATION_PART = 0.8;
const RETRY_PART = 0.1;
/** So many legs are open at a time, that in use among them. */
const MOST_LEGS = 3;

export class Rotation {
  #deadlines;
  #race;
  /** The age of the last stream that ended; 0 before the first. It was busy: something had come down not long before. */
  #lastMs = 0;
  #wasBusy = false;
  /** The age at which the path ends streams; NEVER while none is known. */
  #ageMs = NEVER;
  /** When a fresh leg was tried last. */
  #triedAt = -NEVER;

  /** @param {Deadlines} deadlines @param {Race} race */
  constructor(deadlines, race) {
    this.#deadlines = deadlines;
    this.#race = race;
  }

  /** Streams live for so short a time that polls are better. */
  get isFutile() {
    return this.#ageMs < LEAST_AGE_MS;
  }

  /**
   * A proven leg died by itself. Returns whether it is a stream of the same age as the one before it, or of the age that is known.
   * The age is a rule if one of both was busy, unless the path may have cut both for being idle.
   * @param {Attempt} attempt
   * @param {boolean} isIdleCut
   */
  learn({ path, heardAt, record }, isIdleCut) {
    if (path.transport !== 'sse') return false;
    const { now } = this.#deadlines;
    const ms = now - record.at;
    const isSame = (/** @type {number} */ other) => Math.abs(ms / other - 1) <= TOLERANCE;
    if (ms < SHORTEST_AGE_MS) return false;
    const isBusy = now - heardAt < IDLE_PART * ms;
    const isRepeated = isSame(this.#lastMs);
    if (isRepeated && !isIdleCut && (isBusy || this.#wasBusy)) this.#ageMs = ms;
    this.#lastMs = ms;
    this.#wasBusy = isBusy;
    return isRepeated || isSame(this.#ageMs);
  }

  /** When the stream in use must be replaced; NEVER if there is none, no age is known, or two attempts are under way. */
  get dueAt() {
    const { active, open } = this.#race;
    if (open.length >= MOST_LEGS) return NEVER;
    if (active?.path.transport !== 'sse' || this.#ageMs === NEVER) return NEVER;
    return Math.max(active.record.at + ROTATION_PART * this.#ageMs, this.#triedAt + RETRY_PART * this.#ageMs);
  }

  /** Opens a fresh leg if that is due. */
  judge() {
    const { active, open } = this.#race;
    if (!active || this.#deadlines.now < this.dueAt) return;
    this.#triedAt = this.#deadlines.now;
    const isTried = open.some(({ record }) => record.purpose === 'age' && record.active === undefined);
    if (!isTried) this.#race.start(active.path, 'age');
  }
}
