// @ts-check
/** Long-poll by itself. The gateway answers the first poll at once and holds the next ones; sends make it answer them. */

import { TRIES } from './leg.js';
import { createSession, Inbox, now, parse, post, Stop, sendFailed } from './speak.js';

/** The gateway answers a poll after 25 s at the latest, unless the operator set more. */
const HELD_MS = 125_000;

/** @returns {Promise<import('./leg.js').Leg>} */
export async function openPoll() {
  const begun = now();
  const session = createSession();
  const abort = new AbortController();
  const inbox = new Inbox();
  /** @param {number} [limitMs] */
  const poll = async (limitMs) => {
    const hello = session.hello({ attach: true });
    const { text, status, ms } = await post('poll', hello.line, { limitMs, signal: abort.signal });
    const [first = '', ...frames] = text.split('\n').filter(Boolean);
    if (!parse(first)) throw new Stop('answered', { status, after_ms: ms });
    session.welcome(parse(first), hello.nonce);
    return frames;
  };
  const lost = await first(poll);
  const openMs = now() - begun;
  const hold = async () => {
    for (let failed = 0; failed < TRIES && !abort.signal.aborted; ) {
      const asked = now();
      const frames = await poll(HELD_MS).catch((stop) =>
        stop.code === 'unauthorized' ? inbox.end(stop) : undefined,
      );
      if (inbox.isOver) return;
      failed = frames ? 0 : failed + 1;
      if (failed === TRIES) inbox.end(new Stop('cut', { after_ms: now() - asked }));
      else if (!frames) inbox.lose();
      // This is not a frame of the protocol: it only ends the silence.
      else for (const frame of ['{"answered":true}', ...frames]) inbox.push(frame);
    }
  };
  void hold();
  return {
    inbox,
    openMs,
    opened: now(),
    late: 'mute_later',
    user: session.user,
    lost,
    send: async (lines) => {
      const body = [session.hello().line, ...lines].join('\n');
      await post('send', body, { signal: abort.signal }).catch((stop) => {
        throw sendFailed(stop);
      });
    },
    close: () => abort.abort(),
  };
}

/**
 * Sends the first poll, again while it is refused. Returns how often it was lost.
 * @param {() => Promise<unknown>} poll
 */
async function first(poll) {
  for (let lost = 0; ; lost += 1) {
    try {
      await poll();
      return lost;
    } catch (error) {
      if (!(error instanceof Stop) || error.code !== 'refused' || lost + 1 === TRIES) throw error;
    }
  }
}
