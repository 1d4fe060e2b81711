// A stand-in for AnyCable: its npm package downloads a binary from elsewhere when it is first run, and its long polling is sold, not
// released. WebSocket with actioncable-v1-json, and the long polling that @anycable/long-polling expects: welcome, pings, subscriptions.
import { randomUUID } from 'node:crypto';
import { WebSocketServer } from 'ws';
import { body, listen, Mailbox } from './listen.mjs';
import { subscribe } from './news.mjs';

const PING_MS = 3000;
const HOLD_MS = 15_000;
/** A poll session that nobody polled for so long is over. */
const FORGET_MS = 30_000;
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
  /** Of polls, by their id. @type {Map<string, { connection: Connection, mailbox: Mailbox, forget: any }>} */
  const polls = new Map();

  async function answer(request, response, url) {
    if (request.method !== 'POST' || url.pathname !== '/lp') return response.writeHead(404).end();
    const commands = await body(request);
    const id = request.headers['x-anycable-poll-id'];
    if (!id) return greet(response);
    const poll = polls.get(id);
    if (!poll)
      return response.writeHead(401).end('{"type":"disconnect","reason":"unknown_session","reconnect":true}');
    remember(id, poll);
    poll.connection.take(commands);
    poll.mailbox.park(response, HOLD_MS, (lines) => response.end(lines.join('\n')));
  }

  function greet(response) {
    const id = randomUUID();
    const mailbox = new Mailbox();
    remember(id, { mailbox, connection: new Connection((line) => mailbox.push(line)) });
    response.setHeader('x-anycable-poll-id', id);
    response.end(WELCOME);
  }

  function remember(id, poll) {
    clearTimeout(poll.forget);
    poll.forget = setTimeout(() => forget(id), FORGET_MS);
    polls.set(id, poll);
  }

  function forget(id) {
    const { connection, forget } = polls.get(id);
    clearTimeout(forget);
    connection.end();
    polls.delete(id);
  }

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
      for (const id of [...polls.keys()]) forget(id);
      for (const connection of sockets) connection.end();
      close();
    },
  };
}
