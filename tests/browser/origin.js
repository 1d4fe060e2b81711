// @ts-check
/**
 * The server behind the proxies of the smoke test: a page, a stream of events that the test feeds by hand,
 * and a WebSocket that echoes. It is not the gateway, so it shows how browsers and proxies behave by
 * themselves.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';

/** Starts the server on a free loopback port. */
export async function startOrigin() {
  /** @type {import('node:http').ServerResponse[]} the open streams, oldest first */
  const streams = [];
  const server = createServer((request, response) => {
    request.resume();
    if (request.method === 'POST' && request.url === '/stream') {
      response.writeHead(200, {
        'content-type': 'text/event-stream',
        'cache-control': 'no-store, no-transform',
        'x-accel-buffering': 'no',
      });
      response.write('data: first\n\n');
      streams.push(response);
      server.emit('stream');
    } else if (request.url === '/ws') {
      response.writeHead(426).end('no upgrade reached the server');
    } else {
      response
        .writeHead(200, { 'content-type': 'text/html' })
        .end('<!doctype html><title>origin</title><p>here');
    }
  });
  const sockets = new WebSocketServer({ server, path: '/ws' });
  sockets.on('connection', (socket) => socket.on('message', (data, binary) => socket.send(data, { binary })));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());

  return {
    url: `http://127.0.0.1:${port}`,
    /** Resolves with the next stream that a page opens. */
    stream: async () => {
      if (streams.length === 0) await once(server, 'stream');
      return /** @type {import('node:http').ServerResponse} */ (streams.shift());
    },
    stop: async () => {
      for (const socket of sockets.clients) socket.terminate();
      sockets.close();
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
