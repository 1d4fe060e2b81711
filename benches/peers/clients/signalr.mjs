// SignalR with automatic reconnection, and the documented loop around a start that failed. In Node it brings WebSocket
// (ws), EventSource and cookies, and uses Node's fetch.
import { HttpTransportType, HubConnectionBuilder, LogLevel } from '@microsoft/signalr';

export const transports = ['WebSockets', 'ServerSentEvents', 'LongPolling'];

const START_AGAIN_MS = 5000;

/** @type {import('../child.mjs').Open} */
export function open(url, tell, only) {
  const connection = new HubConnectionBuilder()
    .withUrl(`${url}/hub`, only ? { transport: HttpTransportType[only] } : {})
    .withAutomaticReconnect()
    .configureLogging(LogLevel.None)
    .build();
  let closed = false;
  let timer;
  // No public property names the transport.
  const up = () => tell('up', connection.connection.transport?.constructor.name);
  connection.on('news', (number) => tell('news', number));
  connection.onreconnecting((error) => tell('down', `${error}`));
  connection.onreconnected(up);
  connection.onclose((error) => closed || tell('over', `${error}`));
  async function start() {
    try {
      await connection.start();
      up();
    } catch {
      if (!closed) timer = setTimeout(start, START_AGAIN_MS);
    }
  }
  start();
  return () => {
    closed = true;
    clearTimeout(timer);
    connection.stop().catch(() => {});
  };
}
