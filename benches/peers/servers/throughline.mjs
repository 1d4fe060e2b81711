// Our gateway, as it is served. A client of ours publishes the news beside it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { WebSocket } from 'ws';
import { connect } from '../../../client-js/src/index.js';
import { subscribe } from './news.mjs';

export async function start() {
  const options = { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, RUST_LOG: 'error' } };
  const gateway = spawn(
    process.env.THROUGHLINE_BIN,
    ['serve', '--listen', '127.0.0.1:0', '--drain', '1'],
    options,
  );
  // This holds however the process ends, unless it is killed.
  process.on('exit', () => gateway.kill());
  const [line] = await once(createInterface(gateway.stdout), 'line');
  const address = line.replace('listening on http://', '');
  const connection = connect(`http://${address}/rt`, { WebSocket, storage: null });
  const news = connection.channel('news');
  const undo = subscribe((number) => news.publish(number).catch(() => {}));
  return {
    address,
    close() {
      undo();
      connection.close();
    },
  };
}
