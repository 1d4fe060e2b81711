// @ts-check
/**
 * Reads the attempts that `connection.explain()` lists, and says which are under way and which failed. No other module
 * needs the shape of that list. It acts on nothing.
 *
 * @import { Connection } from '/rt/client/types.js'
 *
 * @typedef {object} Attempt
 * @property {number} leg
 * @property {string} transport
 * @property {number} at when it began
 * @property {number | null} to when it ended
 * @property {string | null} reason why it ended
 * @property {boolean} carried it has been the session's carrier
 * @property {string} purpose
 */

/** How often the page reads the attempts: the client has no event for an attempt that fails. */
const LOOK_MS = 100;

/** Returns whether an attempt was no longer needed, and so did not fail. @param {string | null | undefined} reason */
export const isOvertaken = (reason) => ['better', 'asked', 'stuck'].includes(reason ?? '');

/**
 * @param {Connection} connection
 * @returns {Attempt[]}
 */
export const readAttempts = (connection) =>
  connection.explain().attempts.map((told) => ({
    leg: told.leg,
    transport: told.transport,
    at: told.at,
    to: told.ended === undefined ? null : told.at + told.ended,
    reason: told.reason ?? null,
    carried: told.active !== undefined,
    purpose: told.purpose,
  }));

/**
 * @param {Connection} connection
 * @param {object} tell
 * @param {(failed: Attempt[]) => void} tell.onFailed gets at least one. An attempt that carried or was not needed did
 *   not fail. The reason 'overtaken' means that a later attempt was faster
 * @param {(trying: Attempt[]) => void} tell.onTrying gets those under way that never carried
 * @returns {() => void} ends it
 */
export function watchAttempts(connection, { onFailed, onTrying }) {
  /** Legs that carried the session. @type {Set<number>} */
  const carried = new Set();
  /** Legs whose end was seen. @type {Set<number>} */
  let seen = new Set();
  let lookedAt = performance.now();

  function look() {
    const attempts = readAttempts(connection);
    for (const { leg, carried: did } of attempts) if (did) carried.add(leg);
    const over = attempts.filter(({ reason }) => reason);
    const latest = Math.max(...carried);
    const failed = over
      .filter(
        ({ leg, reason }) => !seen.has(leg) && !carried.has(leg) && (!isOvertaken(reason) || leg < latest),
      )
      .map((attempt) => ({
        ...attempt,
        reason: isOvertaken(attempt.reason) ? 'overtaken' : attempt.reason,
        // If the client does not say when it ended, it ended since the last look.
        to: attempt.to ?? Math.max(attempt.at, lookedAt),
      }));
    // The client remembers few, and so does the page.
    seen = new Set(over.map(({ leg }) => leg));
    lookedAt = performance.now();
    if (failed.length) onFailed(failed);
    onTrying(attempts.filter(({ leg, reason }) => !reason && !carried.has(leg)));
  }

  const timer = setInterval(look, LOOK_MS);
  connection.on('transport', ({ to }) => {
    const carrier = readAttempts(connection).findLast(({ transport, reason }) => transport === to && !reason);
    if (carrier) carried.add(carrier.leg);
    look();
  });
  connection.on('state', look);
  return () => clearInterval(timer);
}
