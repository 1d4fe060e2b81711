// @ts-check
/**
 * Connects, publishes once, and prints the outcome as JSON. It may use every transport, and begins with one.
 * The conformance suite runs it against a gateway whose application delays its verdict on the client.
 *
 * Arguments: the gateway's URL, and the transport to begin with.
 */
import { connectTo } from './lab.js';

const [, , url = '', first] = process.argv;
const others = ['websocket', 'sse', 'poll'].filter((transport) => transport !== first);
const connection = connectTo(url, { transports: [first, ...others] });
const { at } = await connection.channel('c').publish(1);
const { attempts } = connection.explain();
console.log(JSON.stringify({ transport: connection.transport, attempts: attempts.length, at }));
connection.close();
