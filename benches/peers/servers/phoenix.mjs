// A stand-in for Phoenix channels, which need Elixir's own registry. It has WebSocket and long polling with serializer
// 2.0.0: join, heartbeat, broadcasts. Like the real server, it answers a poll without a token with 410 and a new token,
// and holds a poll for 10 s.
import { randomUUID } from 'node:crypto';
import { WebSocketServer } from 'ws';
import { body, listen, Mailbox } from './listen.mjs';
import { subscribe } from './news.mjs';

const HOLD_MS = 10_000;
/** A session by poll is over when no poll has come for so long. */
const FORGET_MS = 20_000;

class Connection {
  #write;
  #end = [];

  /** @param {(text: string) => void} write */
  constructor(write) {
    this.#write = (...frame) => write(JSON.stringify(frame));
  }

  /** @param {string} text one frame */
  take(text) {
    const [joinRef, ref, topic, event] = JSON.parse(text);
    if (ref) this.#write(joinRef, ref, topic, 'phx_reply', { status: 'ok', response: {} });
    if (event === 'phx_join') {
      this.#end.push(subscribe((number) => this.#write(null, null, topic, 'tick', { number })));
    }
  }

  end() {
    for (const end of this.#end.splice(0)) end();
  }
}

export async function start() {
  /** The sessions by poll, by their token. @type {Map<string, { connection: Connection, mailbox: Mailbox, forget: any }>} */
  const polls = new Map();

  async function answer(request, response, url) {
    if (url.pathname !== '/socket/longpoll') return response.writeHead(404).end();
    const say = (status, more) => response.end(JSON.stringify({ status, ...more }));
    response.setHeader('content-type', 'application/json; charset=utf-8');
    let token = url.searchParams.get('token');
    const poll = polls.get(token);
    if (request.method === 'POST') {
      const frames = await body(request);
      if (!poll) return say(410, { token: null, messages: [] });
      for (const frame of frames.split('\n')) poll.connection.take(frame);
      return say(200);
    }
    if (!poll) {
      token = randomUUID();
      const mailbox = new Mailbox();
      remember(token, { mailbox, connection: new Connection((frame) => mailbox.push(frame)) });
      return say(410, { token, messages: [] });
    }
    remember(token, poll);
    poll.mailbox.park(response, HOLD_MS, (messages) => say(messages.length ? 200 : 204, { token, messages }));
  }

  function remember(token, poll) {
    clearTimeout(poll.forget);
    poll.forget = setTimeout(() => forget(token), FORGET_MS);
    polls.set(token, poll);
  }

  function forget(token) {
    const { connection, forget } = polls.get(token);
    clearTimeout(forget);
    connection.end();
    polls.delete(token);
  }

  const upgrade = new WebSocketServer({ noServer: true });
  const sockets = new Set();
  upgrade.on('connection', (socket) => {
    const connection = new Connection((frame) => socket.send(frame));
    sockets.add(connection);
    socket.on('message', (text) => connection.take(`${text}`));
    socket.on('error', () => {});
    socket.on('close', () => {
      connection.end();
      sockets.delete(connection);
    });
  });
  const { address, close } = await listen(answer, { upgrade, path: '/socket/websocket' });
  return {
    address,
    close() {
      for (const token of [...polls.keys()]) forget(token);
      for (const connection of sockets) connection.end();
      close();
    },
  };
}
