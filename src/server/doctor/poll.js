// @ts-check
/** Long-poll by itself: a first poll that is answered at once, then one that is always held, and sends that have it answered. */

import { createSession, Inbox, now, parse, post, Stop } from './speak.js';

/** A poll is answered after 25 s at the latest, unless the operator set more. */
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
  await poll();
  const openMs = now() - begun;
  const hold = async () => {
    let asked = now();
    try {
      while (!abort.signal.aborted) {
        asked = now();
        const frames = await poll(HELD_MS);
        // No frame of the protocol: it only ends the silence.
        inbox.push('{"answered":true}');
        for (const frame of frames) inbox.push(frame);
      }
    } catch {
      inbox.end(new Stop('cut', { after_ms: now() - asked }));
    }
  };
  void hold();
  return {
    inbox,
    openMs,
    opened: now(),
    late: 'mute_later',
    send: async (lines) => {
      const body = [session.hello().line, ...lines].join('\n');
      await post('send', body, { signal: abort.signal }).catch(() => {
        throw new Stop('send_failed');
      });
    },
    close: () => abort.abort(),
  };
}
