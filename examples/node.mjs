// Publishes and listens. `npm install --no-save --prefix examples ./client-js ws`, then `node examples/node.mjs http://127.0.0.1:8080/rt`.
import { connect } from 'throughline';
import WebSocket from 'ws';

const connection = connect(process.argv[2] ?? 'http://127.0.0.1:8080/rt', { WebSocket });
connection.on('transport', ({ from, to, reason }) => console.log('transport:', from, '→', to, `(${reason})`));

const news = connection.channel('news');
news.on('message', ({ data, at }) => console.log(`message ${at}:`, data));
console.log('published at', (await news.publish({ text: 'hello from Node' })).at);
