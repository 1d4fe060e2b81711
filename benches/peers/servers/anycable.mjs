// A stand-in for AnyCable, whose npm package downloads a binary from elsewhere on its first run. It has WebSocket with
// actioncable-v1-json: welcome, pings, subscriptions.
import { WebSocketServer } from 'ws';
import { listen } from './listen.mjs';
import { subscribe } from './news.mjs';

const PING_MS = 3000;
const WELCOME = '{"type":"welcome"}';

class Connection {
  #write;
  #end = [];

  /** @param {(line: string) => void} write */
  constructor(write) {
    this.#write = write;
  }

  /** @param {string} text commands, one a line */
  take(text) {
    for (const line of text.split('\n')) {
      if (!line.trim()) continue;
      const { command, identifier } = JSON.parse(line);
      if (command !== 'subscribe') continue;
      this.#write(JSON.stringify({ type: 'confirm_subscription', identifier }));
      this.#end.push(subscribe((number) => this.#write(JSON.stringify({ identifier, message: number }))));
    }
  }

  ping() {
    const ping = () => this.#write(JSON.stringify({ type: 'ping', message: Math.floor(Date.now() / 1000) }));
    const timer = setInterval(ping, PING_MS);
    this.#end.push(() => clearInterval(timer));
  }

  end() {
    for (const end of this.#end.splice(0)) end();
  }
}

export async function start() {
  const answer = (_request, response) => response.writeHead(404).end();
  const upgrade = new WebSocketServer({ noServer: true, handleProtocols: () => 'actioncable-v1-json' });
  const sockets = new Set();
  upgrade.on('connection', (socket) => {
    const connection = new Connection((line) => socket.send(line));
    sockets.add(connection);
    socket.on('message', (text) => connection.take(`${text}`));
    socket.on('error', () => {});
    socket.on('close', () => {
      connection.end();
      sockets.delete(connection);
    });
    socket.send(WELCOME);
    connection.ping();
  });
  const { address, close } = await listen(answer, { upgrade, path: '/cable' });
  return {
    address,
    close() {
      for (const connection of sockets) connection.end();
      close();
    },
  };
}
