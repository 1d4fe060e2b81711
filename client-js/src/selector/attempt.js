// @ts-check
/**
 * One attempt to carry the session: a leg as the selector sees it, and what was heard of it. Plain data, and what it says of
 * liveness.
 *
 * @import { ExplainedAttempt, Purpose, Reason } from '../types.js'
 * @import { SessionView } from './events.js'
 * @import { Path } from './path.js'
 *
 * @typedef {object} Attempt
 * @property {ExplainedAttempt} record its part of `explain()`: its leg, and the time of each milestone
 * @property {Path} path
 * @property {number} heardAt when anything came down
 * @property {number} writtenAt when anything was written to its socket
 * @property {number} pingedAt when a ping went, once it is usable
 * @property {number} pongedAt when a pong came, once it is proven
 * @property {number} answeredAt on a stream: when the request that brought the last ping was answered; NEVER before, and after its pong
 * @property {number} heldMs the longest silence after that, until its pong came
 * @property {number} quietMs for how long nothing had come down when the ping went; NEVER once its pong was judged
 * @property {number} heldPongs how many pongs in a row came behind a long one
 * @property {number} answerBy when the answer that it owes is due, but for time that does not count
 * @property {number} bytes how many came since the last ping
 * @property {number} busyMs for how long since the last ping the slowest line may have been busy with them
 * @property {number} queuedMs the part of it in which they are known to have been queued
 * @property {number} waitUntil while the gateway decides about it: when it has decided at the latest; -NEVER if it did not say so
 * @property {number} trips round trips that were measured before it may take over
 */

import { NEVER } from '../time.js';
import { clamp, timeoutMs } from './path.js';

/** A leg that lives, or carried the session, for longer is well. */
export const LONG_LIFE_MS = 30_000;
/** The interval of heartbeats and holds that a gateway has by default. */
const DEFAULT_RHYTHM_MS = 15_000;
/** The slowest line that is supported takes 2,500 bytes a second. This is less by a margin, and in milliseconds. */
const SLOWEST_BYTES_A_MS = 2;
/** A pong stands behind this many bytes at most: more do not fit into the buffers on the way. */
const MOST_BUFFERED_BYTES = 131_072;
/** A suspect leg that is silent is dead after the first of these at the earliest, and after the second since the last frame. */
const FIRST_SILENT_MS = 2000;
const SILENT_MS = 4000;

/**
 * @param {number} leg
 * @param {Path} path
 * @param {Purpose} purpose
 * @param {number} now
 * @returns {Attempt}
 */
export const createAttempt = (leg, path, purpose, now) => ({
  record: { transport: path.transport, leg, purpose, at: now },
  path,
  heardAt: now,
  writtenAt: now,
  pingedAt: now,
  pongedAt: now,
  answeredAt: NEVER,
  heldMs: 0,
  quietMs: 0,
  heldPongs: 0,
  answerBy: NEVER,
  bytes: 0,
  busyMs: 0,
  queuedMs: 0,
  waitUntil: -NEVER,
  trips: 0,
});

/**
 * Records a milestone the first time.
 * @param {Attempt} attempt
 * @param {'opened' | 'usable' | 'proven' | 'active' | 'ended'} milestone
 * @param {number} now
 */
export const reach = ({ record }, milestone, now) => {
  record[milestone] ??= now - record.at;
};

/**
 * Returns when it came further: it began, its socket opened, or its welcome came. A gateway that decides about it has its time.
 * @param {Attempt} attempt
 */
export const progressAt = ({ record: { at, opened = 0, usable = opened }, waitUntil }) =>
  Math.max(at + usable, waitUntil);

/** The gateway said that it decides about it, and no welcome came yet. So its path works. @param {Attempt} attempt */
export const isUndecided = ({ record, waitUntil }) => record.usable === undefined && waitUntil > -NEVER;

/** Returns when the gateway has decided about all of these attempts; -NEVER if it decides about none. @param {Attempt[]} attempts */
export const decidesUntil = (attempts) =>
  Math.max(-NEVER, ...attempts.filter(isUndecided).map(({ waitUntil }) => waitUntil));

/** It began longer ago than `ms` and had no answer, and the gateway does not decide about it. @param {Attempt} attempt @param {number} ms @param {number} now */
export const isHung = ({ record, waitUntil }, ms, now) =>
  record.at < now - ms && record.opened === undefined && record.usable === undefined && waitUntil < now;

/** A pong came: both directions pass. @param {Attempt} attempt */
export const isProven = ({ record }) => record.proven !== undefined;

/** It was started for a line that is stuck, and did not take over. @param {Attempt} attempt */
export const isDetour = ({ record }) => record.purpose === 'stuck' && record.active === undefined;

/** Says how long its next ping is: long, if its path may lose long writes. @param {Attempt} attempt */
export const lengthOf = ({ path: { isDoubtful } }) => isDoubtful && { isLong: true };

/** The application asked for it. @param {Attempt} attempt */
export const isAsked = ({ record }) => record.purpose === 'asked';

/** Returns the reason for an attempt that did not answer in time. @param {Attempt} attempt @returns {Reason} */
export const reasonOf = (attempt) => {
  const { record } = attempt;
  if (record.proven !== undefined) return 'stalled';
  if (isUndecided(attempt)) return 'timeout';
  // A proxy holds the stream back; the gateway itself answers at once.
  if (record.transport === 'sse') return 'buffered';
  return record.opened === undefined ? 'timeout' : 'mute';
};

/**
 * Returns how often something comes down a path, if only a heartbeat. A poll that is held is silent.
 * @param {Path} path
 * @param {SessionView} session
 */
export const rhythmMs = ({ transport }, { welcome }) =>
  (transport === 'poll' ? welcome?.hold_ms : welcome?.heartbeat_ms) || DEFAULT_RHYTHM_MS;

/** Returns how long the slowest line takes for so many bytes. @param {number} bytes */
const transferMs = (bytes) => bytes / SLOWEST_BYTES_A_MS;

/** Returns for how long a stream has owed a pong and brought nothing; below 0 if it owes none. @param {Attempt} attempt @param {number} now */
export const silenceMs = ({ heardAt, answeredAt }, now) => now - Math.max(heardAt, answeredAt);

/**
 * A ping goes. If the pong of the one before is missing, both pongs stand behind what came since that one, and behind its silence.
 * @param {Attempt} attempt
 * @param {number} now
 */
export const pinged = (attempt, now) => {
  if (attempt.pongedAt < attempt.pingedAt) attempt.heldMs = Math.max(attempt.heldMs, silenceMs(attempt, now));
  else {
    attempt.bytes = attempt.busyMs = attempt.queuedMs = attempt.heldMs = 0;
    attempt.quietMs = now - attempt.heardAt;
  }
  attempt.pingedAt = now;
  attempt.answeredAt = NEVER;
};

/**
 * Bytes came down. A pong may stand behind them, so the time in which a slow line was busy with them does not count.
 * @param {Attempt} attempt
 * @param {number} bytes
 * @param {number} now
 * @param {boolean} isQueued they are known to be part of much that was written at once
 */
export const hear = (attempt, bytes, now, isQueued) => {
  const idleMs = now - Math.max(attempt.heardAt, attempt.pingedAt);
  // A slow line is busy all the time, so it makes no long silence.
  attempt.heldMs = Math.max(attempt.heldMs, silenceMs(attempt, now));
  const busyMs = attempt.bytes < MOST_BUFFERED_BYTES ? Math.min(idleMs, transferMs(bytes)) : 0;
  attempt.busyMs += busyMs;
  if (isQueued) attempt.queuedMs += busyMs;
  attempt.bytes += bytes;
  attempt.heardAt = now;
};

/**
 * Returns when the slowest line has carried all that is known to stand before the last ping of the leg in use, or before its pong.
 * That is the oldest frame of ours if it went first, and lines that the gateway announced. An acknowledgement that advances shows
 * that the line is at work.
 * @param {Attempt} attempt
 * @param {SessionView} session
 */
const carriedAt = ({ record, heardAt, pingedAt, bytes }, session) => {
  const { oldestHandedAt, oldestHandedBytes, acknowledgedAt, announcedBytes } = session;
  // Another leg may have taken the frame first.
  const handedAt = Math.max(record.at + (record.usable ?? 0), oldestHandedAt);
  const isAhead = handedAt <= pingedAt;
  return Math.max(
    isAhead ? Math.max(handedAt, acknowledgedAt) + transferMs(oldestHandedBytes) : acknowledgedAt,
    announcedBytes > 0 && bytes < MOST_BUFFERED_BYTES ? heardAt + transferMs(announcedBytes) : -NEVER,
  );
};

/**
 * Returns when the pong that a leg owes may set out at the latest, on the slowest line. Acknowledgements of a stream come beside it, so
 * they say nothing of a pong once the gateway has the ping.
 * @param {Attempt} attempt
 * @param {SessionView} session
 */
export const pongBy = (attempt, session) => {
  const { pingedAt, busyMs, answeredAt } = attempt;
  return Math.max(pingedAt + busyMs, answeredAt < NEVER ? answeredAt : carriedAt(attempt, session));
};

/**
 * Returns by when the slowest line has carried the oldest frame of ours that is not acknowledged; NEVER if none waits.
 * @param {Attempt} attempt
 * @param {SessionView} session
 */
export const carriedBy = ({ pongedAt }, { oldestHandedAt, oldestHandedBytes, acknowledgedAt }) =>
  Math.max(oldestHandedAt, acknowledgedAt, pongedAt) + transferMs(oldestHandedBytes);

/**
 * Returns when the leg in use becomes suspect. Either nothing came for so long that a heartbeat is missing: with heartbeats of 15 s,
 * a dead leg is noticed within 20 s. Or an acknowledgement or a pong is missing: frames that still come down hide that nothing goes
 * up. Each has the time that the bytes before it take on the slowest line.
 * @param {Attempt} attempt
 * @param {SessionView} session
 */
export const suspectAt = (attempt, session) => {
  const { path, heardAt, pongedAt, pingedAt } = attempt;
  const timeout = timeoutMs(path);
  const owesSince = pingedAt > pongedAt ? pongBy(attempt, session) : NEVER;
  return Math.min(
    heardAt + rhythmMs(path, session) + 3 * timeout + transferMs(session.announcedBytes),
    Math.min(carriedBy(attempt, session), owesSince) + clamp(2 * timeout, 2000, 5000),
  );
};

/**
 * Returns when a suspect leg is dead if nothing comes until then: 2 s after the suspicion began, and 4 s after the last frame. Where
 * round trips are long it has longer.
 * @param {Attempt} attempt
 * @param {SessionView} session
 * @param {number} lessMs how much less time it has after the last frame
 */
export const silentAt = (attempt, session, lessMs) =>
  Math.max(attempt.heardAt - lessMs, pongBy(attempt, session) - FIRST_SILENT_MS) +
  Math.max(SILENT_MS, 2.5 * timeoutMs(attempt.path));
