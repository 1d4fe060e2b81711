// centrifuge-js with the list of transports of its documentation. It gets the WebSocket (ws) and the EventSource that
// Node 20 lacks.
import { Centrifuge } from 'centrifuge';
import { EventSource } from 'eventsource';
import { WebSocket } from 'ws';

export const transports = ['websocket', 'http_stream', 'sse'];

/** @type {import('../child.mjs').Open} */
export function open(url, tell, only) {
  const endpoints = transports
    .filter((transport) => !only || transport === only)
    .map((transport) => {
      const base = transport === 'websocket' ? url.replace('http', 'ws') : url;
      return { transport, endpoint: `${base}/connection/${transport}` };
    });
  const given = { websocket: WebSocket, eventsource: EventSource };
  const client = new Centrifuge(endpoints, { ...given, emulationEndpoint: `${url}/emulation` });
  const news = client.newSubscription('news');
  let up = false;
  client.on('connected', ({ transport }) => {
    up = true;
    tell('up', transport);
  });
  client.on('connecting', ({ reason }) => {
    if (up) tell('down', reason);
    up = false;
  });
  client.on('disconnected', ({ reason }) => tell('over', reason));
  news.on('publication', ({ data }) => tell('news', data));
  news.subscribe();
  client.connect();
  return () => {
    client.removeAllListeners();
    client.disconnect();
  };
}
