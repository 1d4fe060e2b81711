// The released Socket.IO server.
import { Server } from 'socket.io';
import { listen } from './listen.mjs';
import { subscribe } from './news.mjs';

export async function start() {
  const { server, address, close } = await listen((_, response) => response.headersSent || response.end());
  const io = new Server(server);
  io.on('connection', (socket) =>
    socket.on(
      'disconnect',
      subscribe((number) => socket.emit('news', number)),
    ),
  );
  return {
    address,
    close() {
      io.close();
      close();
    },
  };
}
