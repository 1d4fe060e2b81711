// Socket.IO as it comes: long polling first, then an upgrade to WebSocket. In Node it brings its own WebSocket and XMLHttpRequest.
import { io } from 'socket.io-client';

export const transports = ['polling', 'websocket'];

/** @type {import('../child.mjs').Open} */
export function open(url, tell, only, options = {}) {
  // forceNew: the library shares connections of one page; here each is a page of its own.
  const socket = io(url, { forceNew: true, ...options, ...(only && { transports: [only] }) });
  const up = () => tell('up', socket.io.engine.transport.name);
  socket.on('connect', () => {
    up();
    socket.io.engine.on('upgrade', up);
  });
  socket.on('disconnect', (reason) => tell('down', reason));
  socket.on('news', (number) => tell('news', number));
  return () => socket.disconnect();
}
