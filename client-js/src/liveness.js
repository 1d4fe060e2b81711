// @ts-check
/**
 * When the leg in use is under suspicion, and when it is too slow. Arithmetic on what was heard and measured; it sends
 * nothing and leaves nothing: the selector does.
 *
 * @typedef {import('./types.js').Attempt} Attempt
 */

import { NEVER } from './dispatch.js';
import { clamp } from './way.js';

/**
 * Nothing came for so long that a heartbeat is missing. With a heartbeat of 15 s a dead leg is noticed within 20 s.
 * @param {Attempt} leg
 * @param {{heartbeat_ms: number, hold_ms: number}} welcome
 * @param {number} rto
 */
export const silenceAt = ({ transport, heard }, { heartbeat_ms, hold_ms }, rto) =>
  // A poll that is held is silent.
  heard + (transport === 'poll' ? hold_ms : heartbeat_ms) + Math.max(3 * rto, 2000);

/**
 * Something that was sent is not acknowledged: what still comes down hides that nothing goes up any more. An
 * acknowledgement may wait 1 s.
 * @param {Attempt} leg
 * @param {{at: number} | undefined} oldest
 * @param {number} rto
 */
export const unansweredAt = ({ ponged, pinged }, { at } = { at: NEVER }, rto) =>
  Math.max(ponged, Math.min(at, pinged)) + clamp(2 * rto + 1000, 3000, 6000);

/** Judges the leg in use by its round trips. One that is short clears it: a stumble is not slowness. */
export function createSlowness() {
  let since = NEVER;
  let many = 0;
  let quietUntil = 0;
  let pause = 60_000;
  const self = {
    /** The shortest trip of those that are too long. */
    trip: NEVER,

    reset() {
      since = self.trip = NEVER;
      many = 0;
    },

    /**
     * Whether a faster leg should be looked for: at least three trips in a row, over 10 s, were above the limit. After each
     * yes it is silent for two minutes, then four …
     * @param {number} now
     * @param {number} trip
     * @param {number} limit
     */
    is(now, trip, limit) {
      if (trip <= limit) self.reset();
      else {
        since = Math.min(since, now - trip);
        self.trip = Math.min(self.trip, trip);
        if (++many > 2 && now - since >= 10_000 && now >= quietUntil) {
          pause *= 2;
          quietUntil = now + pause;
          return true;
        }
      }
      return false;
    },
  };
  return self;
}
