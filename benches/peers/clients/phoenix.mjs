// Phoenix channels with the fallback to long polling that Phoenix's own generator sets (2500 ms). It gets a WebSocket
// (ws) and the sessionStorage that a page has, and uses Node's fetch.
import { LongPoll, Socket } from 'phoenix';
import { WebSocket } from 'ws';

export const transports = ['websocket', 'longpoll'];

/** @type {import('../child.mjs').Open} */
export function open(url, tell, only) {
  const store = new Map();
  const sessionStorage = { getItem: (key) => store.get(key), setItem: (key, value) => store.set(key, value) };
  const transport = only === 'longpoll' ? LongPoll : WebSocket;
  const fallback = only ? {} : { longPollFallbackMs: 2500 };
  const socket = new Socket(`${url.replace('http', 'ws')}/socket`, {
    transport,
    sessionStorage,
    ...fallback,
  });
  let up = false;
  socket.onOpen(() => {
    up = true;
    tell('up', socket.transport === LongPoll ? 'longpoll' : 'websocket');
  });
  socket.onClose(({ code }) => {
    if (up) tell('down', `${code}`);
    up = false;
  });
  socket.connect();
  const news = socket.channel('news', {});
  news.on('tick', ({ number }) => tell('news', number));
  news.join();
  return () => socket.disconnect();
}
