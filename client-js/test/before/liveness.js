// @ts-check
/**
 * When the leg in use becomes suspect. Either nothing came for so long that a heartbeat is missing: with one of 15 s a dead leg
 * is noticed within 20 s. Or something that was sent is not acknowledged (which may take 1 s), or a ping is not answered: what
 * still comes one way hides that nothing goes the other. Arithmetic; what follows from it the selector decides.
 */

import { NEVER } from './dispatch.js';
import { clamp, rto } from './ways.js';

/**
 * How often something comes, if only a heartbeat; a poll that is held is silent.
 * @param {import('./types.js').Way} way
 * @param {{heartbeat_ms: number, hold_ms: number}} welcome
 */
export const rhythm = ({ transport }, { heartbeat_ms, hold_ms }) =>
  (transport === 'poll' ? hold_ms : heartbeat_ms) || 15_000;

/**
 * @param {import('./types.js').Attempt} leg
 * @param {{heartbeat_ms: number, hold_ms: number}} welcome
 * @param {{at: number}} [oldest] frame that waits for its acknowledgement
 */
export const suspectAt = ({ way, heard, ponged, pinged }, welcome, oldest) =>
  Math.min(
    heard + rhythm(way, welcome) + 3 * rto(way),
    Math.max(ponged, Math.min(oldest?.at ?? NEVER, pinged > ponged ? pinged : NEVER)) +
      clamp(2 * rto(way), 2000, 5000),
  );
