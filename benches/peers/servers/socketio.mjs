// The released Socket.IO server, which sends the news to all clients, as its documentation does.
import { Server } from 'socket.io';
import { listen } from './listen.mjs';
import { subscribe } from './news.mjs';

/** @param {object} [options] of the server */
export async function start(options = {}) {
  const { server, address, close } = await listen((_, response) => response.headersSent || response.end());
  const io = new Server(server, options);
  const undo = subscribe((number) => io.emit('news', number));
  return {
    address,
    close() {
      undo();
      io.close();
      close();
    },
  };
}
