// A stand-in for an ASP.NET Core SignalR server, which no package of npm holds. It has negotiate, then WebSockets,
// server-sent events or long polling, with the hub protocol in JSON. It sends news once the handshake is done. It
// offers the same transports as the real server by default.
import { randomUUID } from 'node:crypto';
import { WebSocketServer } from 'ws';
import { body, listen, Mailbox } from './listen.mjs';
import { subscribe } from './news.mjs';

const END = '\x1e';
const PING_MS = 15_000;
const HOLD_MS = 90_000;
const TRANSPORTS = [
  { transport: 'WebSockets', transferFormats: ['Text', 'Binary'] },
  { transport: 'ServerSentEvents', transferFormats: ['Text'] },
  { transport: 'LongPolling', transferFormats: ['Text', 'Binary'] },
];

/** One negotiated connection: its records go down by any transport that asks for it. */
class Connection {
  /** Set by the transport. @type {(record: string) => void} */
  write = () => {};
  mailbox;
  #end = [];
  #shaken = false;

  /** @param {string} text records of the client */
  take(text) {
    for (const record of text.split(END).slice(0, -1)) {
      const message = JSON.parse(record);
      if (this.#shaken) continue;
      if (message.protocol !== 'json') throw new Error('only json here');
      this.#shaken = true;
      this.write(`{}${END}`);
      const ping = setInterval(() => this.write(`{"type":6}${END}`), PING_MS);
      const undo = subscribe((number) =>
        this.write(`${JSON.stringify({ type: 1, target: 'news', arguments: [number] })}${END}`),
      );
      this.#end = [undo, () => clearInterval(ping)];
    }
  }

  end() {
    for (const end of this.#end.splice(0)) end();
  }
}

export async function start() {
  /** The connections, by token. @type {Map<string, Connection>} */
  const connections = new Map();

  async function answer(request, response, url) {
    if (request.method === 'POST' && url.pathname === '/hub/negotiate') {
      const token = randomUUID();
      connections.set(token, new Connection());
      const agreed = { negotiateVersion: 1, connectionId: randomUUID(), connectionToken: token };
      response.setHeader('content-type', 'application/json');
      return response.end(JSON.stringify({ ...agreed, availableTransports: TRANSPORTS }));
    }
    const token = url.searchParams.get('id');
    const connection = connections.get(token);
    if (url.pathname !== '/hub' || !connection) return response.writeHead(404).end();
    if (request.method === 'POST') {
      connection.take(await body(request));
      return response.setHeader('content-type', 'text/plain').end();
    }
    if (request.method === 'DELETE') {
      end(token);
      return response.writeHead(202).end();
    }
    if (request.headers.accept?.includes('text/event-stream')) {
      response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache,no-store' });
      response.flushHeaders();
      connection.write = (record) => response.write(`data: ${record}\r\n\r\n`);
      return response.on('close', () => end(token));
    }
    response.setHeader('content-type', 'application/octet-stream');
    if (connection.mailbox)
      return connection.mailbox.park(response, HOLD_MS, (lines) => response.end(lines.join('')));
    // The first poll only completes the connection.
    connection.mailbox = new Mailbox();
    connection.write = (record) => connection.mailbox.push(record);
    response.end();
  }

  function end(token) {
    connections.get(token)?.end();
    connections.delete(token);
  }

  const upgrade = new WebSocketServer({ noServer: true });
  upgrade.on('connection', (socket, request) => {
    const token = new URL(request.url, 'http://server').searchParams.get('id');
    const connection = connections.get(token);
    if (!connection) return socket.terminate();
    connection.write = (record) => socket.send(record);
    socket.on('message', (text) => connection.take(`${text}`));
    socket.on('error', () => {});
    socket.on('close', () => end(token));
  });
  const { address, close } = await listen(answer, { upgrade, path: '/hub' });
  return {
    address,
    close() {
      for (const token of [...connections.keys()]) end(token);
      close();
    },
  };
}
