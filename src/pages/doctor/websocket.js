// @ts-check
/** A WebSocket by itself. */

import { createSession, Inbox, LIMITS, now, route, Stop } from './speak.js';

/** @returns {Promise<import('./leg.js').Leg>} */
export async function openWebSocket() {
  if (typeof WebSocket === 'undefined') throw new Stop('missing');
  const url = route('ws');
  url.protocol = url.protocol.replace('http', 'ws');
  const begun = now();
  const inbox = new Inbox();
  const socket = new WebSocket(url, 'throughline.v1');
  const after = () => ({ after_ms: now() - begun });
  socket.onmessage = ({ data }) => inbox.push(String(data));
  try {
    await new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onclose = () => reject(new Stop('refused', after()));
      setTimeout(() => reject(new Stop('no_answer', after())), LIMITS.open);
    });
    const opened = now();
    socket.onclose = () => inbox.end(new Stop('cut', { after_ms: now() - opened }));
    const session = createSession();
    const hello = session.hello({ attach: true });
    socket.send(hello.line);
    session.welcome(await inbox.next(LIMITS.frame, 'mute'), hello.nonce);
    socket.send('{"ack":0,"next":1}');
    return {
      inbox,
      openMs: now() - begun,
      opened: now(),
      late: 'mute_later',
      user: session.user,
      lost: 0,
      padded: true,
      send: async (lines) => {
        if (socket.readyState === WebSocket.OPEN) for (const line of lines) socket.send(line);
      },
      close: () => socket.close(),
    };
  } catch (error) {
    // An attempt that stays open would keep the browser from another one for a long time.
    socket.close();
    throw error;
  }
}
