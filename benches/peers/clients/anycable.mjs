// AnyCable with its long polling as the fallback, as the documentation of that package gives it. It is given a WebSocket (ws).
import { Channel, createCable } from '@anycable/core';
import { WebSocket } from 'ws';
import { LongPollingTransport } from '../vendor/anycable-long-polling.js';

export const transports = ['websocket', 'long-polling'];

class News extends Channel {
  static identifier = 'News';
}

/** @type {import('../child.mjs').Open} */
export function open(url, tell, only) {
  const socket = `${url.replace('http', 'ws')}/cable`;
  const poll = () => new LongPollingTransport(`${url}/lp`);
  const options = { websocketImplementation: WebSocket, logLevel: 'error' };
  const cable =
    only === 'long-polling'
      ? createCable({ ...options, transport: poll() })
      : createCable(socket, { ...options, fallbacks: only ? undefined : [poll()] });
  cable.on('connect', () =>
    tell('up', (cable.transport.transport ?? cable.transport).displayName().split('(')[0]),
  );
  cable.on('disconnect', (error) => tell('down', `${error}`));
  cable.on('close', (error) => tell('over', `${error}`));
  const news = new News();
  news.on('message', (number) => tell('news', number));
  cable.subscribe(news);
  cable.connect().catch(() => {});
  return () => cable.disconnect();
}
