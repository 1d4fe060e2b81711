// AnyCable by WebSocket, the only transport of its package on npm: the package of its long polling is not on npm. It
// gets a WebSocket (ws).
import { Channel, createCable } from '@anycable/core';
import { WebSocket } from 'ws';

export const transports = ['websocket'];

class News extends Channel {
  static identifier = 'News';
}

/** @type {import('../child.mjs').Open} */
export function open(url, tell) {
  const socket = `${url.replace('http', 'ws')}/cable`;
  const cable = createCable(socket, { websocketImplementation: WebSocket, logLevel: 'error' });
  cable.on('connect', () => tell('up', 'websocket'));
  cable.on('disconnect', (error) => tell('down', `${error}`));
  cable.on('close', (error) => tell('over', `${error}`));
  const news = new News();
  news.on('message', (number) => tell('news', number));
  cable.subscribe(news);
  cable.connect().catch(() => {});
  return () => cable.disconnect();
}
