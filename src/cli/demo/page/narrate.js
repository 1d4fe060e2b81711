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
  watchAttempts(connection, (attempt) => {
    history.fail(attempt);
    say(words.attemptSentence(attempt));
  });
}

/**
 * Attempts that failed before they carried anything. Those that were overtaken did not fail.
 * @param {any} connection
 * @param {(attempt: {transport: string, from: number, to: number, ended: string}) => void} onFailed
 */
function watchAttempts(connection, onFailed) {
  /** Legs that carried the session; their end is no failed attempt. @type {Set<number>} */
  const carried = new Set();
  let told = 0;
  let lookedAt = 0;

  function look() {
    const now = performance.now();
    const { attempts = [] } = connection.explain();
    const current = attempts.findLast((/** @type {any} */ attempt) => attempt.usable && !attempt.reason);
    if (current && connection.transport === current.transport) carried.add(current.n);
    for (const { n, transport, at, reason } of attempts) {
      if (n <= told || !reason) continue;
      told = n;
      // When it ended is not said: since the last look.
      if (reason !== 'better' && !carried.has(n))
        onFailed({ transport, from: at, to: Math.max(at, lookedAt), ended: reason });
      carried.delete(n);
    }
    lookedAt = now;
  }

  setInterval(look, LOOK_MS);
  connection.on('transport', look);
  connection.on('state', look);
}
