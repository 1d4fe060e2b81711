// HTTP plumbing that the servers here share: a free loopback port, a stop that leaves no socket, a body within bounds.
import { createServer } from 'node:http';

const MOST = 64 * 1024;

/**
 * @param {(request: import('node:http').IncomingMessage, response: import('node:http').ServerResponse, url: URL) => unknown} answer
 * @param {{ upgrade?: import('ws').WebSocketServer, path?: string }} [options] the WebSocket server, and the only path it is found at
 */
export async function listen(answer = () => {}, { upgrade, path } = {}) {
  const server = createServer(async (request, response) => {
    try {
      await answer(request, response, new URL(request.url, 'http://server'));
    } catch {
      response.writeHead(400).end();
    }
  });
  if (upgrade) {
    server.on('upgrade', (request, socket, head) => {
      if (new URL(request.url, 'http://server').pathname !== path) return socket.destroy();
      upgrade.handleUpgrade(request, socket, head, (ws) => upgrade.emit('connection', ws, request));
    });
  }
  const sockets = new Set();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    server,
    address: `127.0.0.1:${server.address().port}`,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Returns the whole body as text. @param {import('node:http').IncomingMessage} request */
export async function body(request) {
  let text = '';
  for await (const piece of request.setEncoding('utf8')) {
    text += piece;
    if (text.length > MOST) throw new Error('too long');
  }
  return text;
}

/** The lines that wait for a poll. One poll at a time is parked; a newer one ends the older. At most 1,000 lines are kept. */
export class Mailbox {
  #lines = [];
  #parked;

  push(line) {
    this.#lines.push(line);
    if (this.#lines.length > 1000) this.#lines.shift();
    this.#flush();
  }

  /** @param {import('node:http').ServerResponse} response @param {number} holdMs @param {(lines: string[]) => void} answer called once, with none when the hold is over */
  park(response, holdMs, answer) {
    this.#parked?.([]);
    const done = (lines) => {
      clearTimeout(timer);
      if (this.#parked === done) this.#parked = undefined;
      if (!response.destroyed) answer(lines);
    };
    const timer = setTimeout(() => done([]), holdMs);
    // A poll that its client gave up must not take lines with it.
    response.on('close', () => {
      clearTimeout(timer);
      if (this.#parked === done) this.#parked = undefined;
    });
    this.#parked = done;
    this.#flush();
  }

  #flush() {
    if (!this.#parked || !this.#lines.length) return;
    const lines = this.#lines;
    this.#lines = [];
    this.#parked(lines);
  }
}
