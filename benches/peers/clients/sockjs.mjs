// SockJS. It does not reconnect by itself, and its documentation has no recipe for that: when it closes, it is over.
import { createRequire } from 'node:module';

const SockJS = createRequire(import.meta.url)('sockjs-client');

export const transports = ['websocket', 'xhr-streaming', 'eventsource', 'xhr-polling'];

/** @type {import('../child.mjs').Open} */
export function open(url, tell, only) {
  const socket = new SockJS(`${url}/sockjs`, null, only && { transports: only });
  socket.onopen = () => tell('up', socket.transport);
  socket.onmessage = ({ data }) => tell('news', Number(data));
  socket.onclose = ({ code, reason }) => tell('over', `${code} ${reason}`);
  return () => socket.close();
}
