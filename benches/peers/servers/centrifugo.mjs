// A stand-in for Centrifugo, whose binary no package of npm holds. It has WebSocket, HTTP streaming and server-sent
// events with the emulation endpoint, in its JSON protocol. It has connect, subscribe, publications, and pings every 25
// s.
import { randomUUID } from 'node:crypto';
import { WebSocketServer } from 'ws';
import { body, listen } from './listen.mjs';
import { subscribe } from './news.mjs';

const PING_S = 25;

/** One client's connection. `write` sends one reply. */
class Connection {
  session = randomUUID();
  #write;
  #end = [];

  constructor(write) {
    this.#write = (reply) => write(JSON.stringify(reply));
    const ping = setInterval(() => this.#write({}), PING_S * 1000);
    this.#end.push(() => clearInterval(ping));
  }

  /** @param {string} text commands, one a line */
  take(text) {
    for (const line of text.split('\n')) {
      if (!line.trim()) continue;
      const { id, ...command } = JSON.parse(line);
      if (command.connect) {
        const connect = { client: randomUUID(), version: '6.0.0', ping: PING_S, pong: true };
        this.#write({ id, connect: { ...connect, session: this.session, node: 'one' } });
      } else if (command.subscribe) {
        const { channel } = command.subscribe;
        this.#write({ id, subscribe: {} });
        this.#end.push(subscribe((number) => this.#write({ push: { channel, pub: { data: number } } })));
      } else if (id) this.#write({ id, error: { code: 108, message: 'not available' } });
    }
  }

  end() {
    for (const end of this.#end.splice(0)) end();
  }
}

export async function start() {
  /** The connections, by session. @type {Map<string, Connection>} */
  const connections = new Map();

  function open(write, first, closer) {
    const connection = new Connection(write);
    connections.set(connection.session, connection);
    closer.on('close', () => {
      connection.end();
      connections.delete(connection.session);
    });
    if (first) connection.take(first);
    return connection;
  }

  async function answer(request, response, url) {
    if (request.method === 'POST' && url.pathname === '/emulation') {
      const { session, data } = JSON.parse(await body(request));
      connections.get(session)?.take(data);
      return response.writeHead(204).end();
    }
    if (request.method === 'POST' && url.pathname === '/connection/http_stream') {
      const first = await body(request);
      response.setHeader('cache-control', 'private, no-cache, no-store, must-revalidate, max-age=0');
      return open((reply) => response.write(`${reply}\n`), first, response);
    }
    if (request.method === 'GET' && url.pathname === '/connection/sse') {
      response.writeHead(200, {
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
      });
      // Like the real server, it sends a line at once, so that the client sees it open.
      response.write('\r\n');
      return open(
        (reply) => response.write(`data: ${reply}\n\n`),
        url.searchParams.get('cf_connect'),
        response,
      );
    }
    response.writeHead(404).end();
  }

  const upgrade = new WebSocketServer({ noServer: true });
  upgrade.on('connection', (socket) => {
    const connection = open((reply) => socket.send(reply), undefined, socket);
    socket.on('message', (text) => connection.take(`${text}`));
    socket.on('error', () => {});
  });
  const { address, close } = await listen(answer, { upgrade, path: '/connection/websocket' });
  return {
    address,
    close() {
      for (const connection of connections.values()) connection.end();
      close();
    },
  };
}
