// The released SockJS server.
import { createRequire } from 'node:module';
import { listen } from './listen.mjs';
import { subscribe } from './news.mjs';

const sockjs = createRequire(import.meta.url)('sockjs');

export async function start() {
  const { server, address, close } = await listen();
  const echo = sockjs.createServer({ log: () => {} });
  echo.on('connection', (connection) =>
    connection.on(
      'close',
      subscribe((number) => connection.write(`${number}`)),
    ),
  );
  echo.installHandlers(server, { prefix: '/sockjs' });
  return { address, close };
}
