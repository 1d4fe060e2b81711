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
 * @property {number} trips round trips that were measured before it may take over
 */

import { NEVER } from '../time.js';
import { clamp, timeoutMs } from './path.js';

/** A leg that lives, or carried the session, for longer is well. */
export const LONG_LIFE_MS = 30_000;
/** The interval of heartbeats and holds that a gateway has by default. */
const DEFAULT_RHYTHM_MS = 15_000;

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

/** A pong came: both directions pass. @param {Attempt} attempt */
export const isProven = ({ record }) => record.proven !== undefined;

/** Returns the reason for an attempt that did not answer in time. @param {Attempt} attempt @returns {Reason} */
export const reasonOf = ({ record }) => {
  if (record.proven !== undefined) return 'stalled';
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

/**
 * Returns when the leg in use becomes suspect. Either nothing came for so long that a heartbeat is missing: with heartbeats of 15 s,
 * a dead leg is noticed within 20 s. Or an acknowledgement (which may take 1 s) or a pong is missing: frames that still come down
 * hide that nothing goes up.
 * @param {Attempt} attempt
 * @param {SessionView} session
 */
export const suspectAt = ({ path, heardAt, pongedAt, pingedAt }, session) => {
  const timeout = timeoutMs(path);
  const waitsSince = Math.min(session.oldestHandedAt, pingedAt > pongedAt ? pingedAt : NEVER);
  return Math.min(
    heardAt + rhythmMs(path, session) + 3 * timeout,
    Math.max(pongedAt, waitsSince) + clamp(2 * timeout, 2000, 5000),
  );
};
