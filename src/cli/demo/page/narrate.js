// @ts-check
/** Tells what the connection says of itself: in the log in words, in the history for the timeline. It acts on nothing. */

import * as words from './words.js';

/** How often the attempts are looked at: the client has no event for one that fails. */
const LOOK_MS = 250;

/**
 * @param {any} connection
 * @param {import('./history.js').History} history
 * @param {(text: string, kind?: 'event' | 'act' | 'bad') => void} say
 */
export function narrate(connection, history, say) {
  // First of all: that an attempt failed explains what comes next.
  watchAttempts(connection, (failed) => {
    for (const attempt of failed) history.fail(attempt);
    for (const reason of new Set(failed.map(({ ended }) => ended)))
      say(
        words.attemptsSentence(
          failed.filter(({ ended }) => ended === reason).map(({ transport }) => transport),
          reason,
        ),
      );
  });
  connection.on('state', (/** @type {string} */ state) => {
    // That it is online again, the transport says.
    if (state !== 'online') say(words.stateSentence(state), state === 'reconnecting' ? 'event' : 'bad');
  });
  connection.on('transport', (/** @type {any} */ change) => {
    history.carry(performance.now(), change);
    say(words.transportSentence(change));
  });
  connection.on('reset', (/** @type {any} */ reset) => say(words.resetSentence(reset), 'bad'));
  connection.on('error', (/** @type {any} */ error) =>
    say(`Error: ${words.codeWords(error.code)}. ${error.message}`, 'bad'),
  );
}

/**
 * Attempts that failed before they carried anything. Those that were overtaken did not fail.
 * @param {any} connection
 * @param {(failed: Array<{transport: string, from: number, to: number, ended: string}>) => void} onFailed one at least
 */
function watchAttempts(connection, onFailed) {
  /** Legs that carried the session; their end is no failed attempt. @type {Set<number>} */
  const carried = new Set();
  /** Legs whose end was seen. @type {Set<number>} */
  let seen = new Set();
  let lookedAt = 0;

  function look() {
    const { attempts } = connection.explain();
    const failed = [];
    const over = attempts.filter((/** @type {any} */ attempt) => attempt.reason);
    for (const { n, transport, at, reason } of over) {
      if (seen.has(n) || carried.has(n) || reason === 'better') continue;
      // When it ended is not said: since the last look.
      failed.push({ transport, from: at, to: Math.max(at, lookedAt), ended: reason });
    }
    // The client remembers few, and so do we.
    seen = new Set(over.map((/** @type {any} */ { n }) => n));
    lookedAt = performance.now();
    if (failed.length) onFailed(failed);
  }

  setInterval(look, LOOK_MS);
  connection.on('transport', (/** @type {any} */ { to }) => {
    const { attempts } = connection.explain();
    const carrier = attempts.findLast(
      (/** @type {any} */ { transport, usable }) => usable && transport === to,
    );
    if (carrier) carried.add(carrier.n);
    look();
  });
  connection.on('state', look);
}
