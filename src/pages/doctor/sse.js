// @ts-check
/** SSE by itself: the stream that a POST opens, and sends beside it. */

import { TRIES, unlessLost } from './leg.js';
import { createSession, Inbox, LIMITS, now, parse, pause, post, route, Stop, sendFailed, wrong } from './speak.js';

/** @returns {Promise<import('./leg.js').Leg>} */
export async function openSse() {
  const begun = now();
  const session = createSession();
  const abort = new AbortController();
  const inbox = new Inbox();
  /** @param {string[]} lines */
  const send = async (lines) => {
    const hello = session.hello();
    const { text } = await post('send', [hello.line, ...lines].join('\n'), { signal: abort.signal }).catch(
      (stop) => {
        throw sendFailed(stop);
      },
    );
    // If the gateway does not know the session, it never saw the stream's request.
    const first = parse(text.split('\n')[0] ?? '');
    if (first?.end?.code === 'gone') throw new Stop('no_answer', { after_ms: now() - begun });
    try {
      session.welcome(first, hello.nonce);
    } catch {
      throw new Stop('send_failed');
    }
  };
  /** How much passed so far. @type {'held_headers' | 'held_body' | 'held_prelude' | 'held_later'} */
  let passed = 'held_headers';
  /** Finds out whether something is held back or lost: another write tells. @param {unknown} error @returns {Promise<never>} */
  const lookInto = async (error) => {
    if (!(error instanceof Stop) || !error.code.startsWith('held')) throw error;
    const after = { after_ms: now() - begun };
    await send(['{"ping":1}']).catch(() => {
      throw new Stop(passed === 'held_headers' ? 'no_answer' : 'send_failed', after);
    });
    const pushed = await inbox.next(LIMITS.nudge, passed).catch((stop) => stop);
    if (!(pushed instanceof Stop)) throw new Stop('one_behind');
    throw new Stop(passed, after);
  };
  try {
    const hello = session.hello({ attach: true });
    const opening = read(abort.signal, hello.line, inbox, (sofar) => {
      passed = sofar;
    });
    opening.catch((error) =>
      inbox.end(error instanceof Stop ? error : new Stop('refused', { after_ms: now() - begun })),
    );
    session.welcome(await inbox.next(LIMITS.open, 'held').catch(lookInto), hello.nonce);
    passed = 'held_later';
    const leg = {
      inbox,
      send,
      openMs: now() - begun,
      opened: now(),
      late: 'held_later',
      user: session.user,
      lost: 0,
      close: () => abort.abort(),
    };
    // The stream carries the first write. The question is whether it carries a second one.
    const sent = async () => {
      await send(['{"ping":0}']);
      return true;
    };
    while (!(await unlessLost(sent()))) {
      leg.lost += 1;
      if (leg.lost === TRIES || now() - begun > LIMITS.open) throw new Stop('send_failed');
    }
    await inbox.next(LIMITS.frame, 'held').catch(lookInto);
    await pause(300); // the gateway answers four pings a second
    return leg;
  } catch (error) {
    abort.abort();
    throw error;
  }
}

/**
 * Opens the stream and reads it to its end, which is always a fault.
 * @param {AbortSignal} signal
 * @param {string} body
 * @param {Inbox} inbox
 * @param {(passed: 'held_body' | 'held_prelude') => void} progress
 */
async function read(signal, body, inbox, progress) {
  const begun = now();
  const after = () => ({ after_ms: now() - begun });
  const options = { method: 'POST', body, signal, headers: { accept: 'text/event-stream' } };
  const response = await fetch(route('stream'), options).catch(() => {
    throw new Stop('refused', after());
  });
  if (response.status !== 200) throw wrong({ text: await response.text(), status: response.status }, begun);
  if (!response.headers.get('content-type')?.startsWith('text/event-stream') || !response.body)
    throw new Stop('answered', { status: 200, ...after() });
  progress('held_body');
  const opened = now();
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      progress('held_prelude');
      const events = (rest + part.value).split('\n\n');
      rest = events.pop() ?? '';
      for (const event of events) if (event.startsWith('data: ')) inbox.push(event.slice(6));
    }
  } catch {
    // That it ended matters more than how.
  }
  throw new Stop('cut', { after_ms: now() - opened });
}
