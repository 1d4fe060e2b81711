// @ts-check
/** Reports what the connection says of itself: in words in the log, and in the history for the timeline. It acts on nothing. */

import * as words from './words.js';

/**
 * @param {import('./visit.js').Visits} visits
 * @param {import('./history.js').History} history
 * @param {(text: string, kind?: 'event' | 'act' | 'bad') => void} say
 */
export function narrate(visits, history, say) {
  visits.listen((event) => {
    switch (event.kind) {
      case 'began':
        history.carry(event.at, { to: null, reason: '' });
        history.try([]);
        return;
      case 'first':
        return say('The first message is here.');
      case 'trying':
        return history.try(event.attempts.map(({ transport, at }) => ({ transport, from: at })));
      case 'failed':
        for (const { transport, at, to, reason } of event.attempts)
          history.fail({ transport, from: at, to: to ?? event.at, ended: reason ?? '' });
        for (const reason of new Set(event.attempts.map((attempt) => attempt.reason ?? '')))
          say(
            words.attemptsSentence(
              event.attempts.filter((attempt) => attempt.reason === reason).map(({ transport }) => transport),
              reason,
            ),
          );
        return;
      case 'state':
        // The transport event says that it is online again.
        if (event.state !== 'online')
          say(words.stateSentence(event.state), event.state === 'reconnecting' ? 'event' : 'bad');
        return;
      case 'transport':
        history.carry(event.at, event);
        return say(words.transportSentence(event));
      case 'reset':
        return say(words.resetSentence(event), 'bad');
      case 'error':
        return say(`Error: ${words.codeWords(event.code)}. ${event.message}`, 'bad');
    }
  });
}
