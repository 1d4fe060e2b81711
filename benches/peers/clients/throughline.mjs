// Ours, as it stands in this repository, with its defaults. It gets a WebSocket (ws), and no memory of earlier
// connections.
import { WebSocket } from 'ws';
import { connect } from '../../../client-js/src/index.js';

export const transports = ['websocket', 'sse', 'poll'];

/** @type {import('../child.mjs').Open} */
export function open(url, tell, only) {
  const connection = connect(`${url}/rt`, { WebSocket, storage: null, ...(only && { transports: [only] }) });
  connection.on('transport', ({ to, reason }) => (to ? tell('up', to) : tell('down', reason)));
  connection.channel('news').on('message', ({ data }) => tell('news', data));
  return () => connection.close();
}
