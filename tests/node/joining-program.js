// @ts-check
/**
 * Connects by one transport, publishes once, and prints the outcome as JSON. The conformance suite runs it
 * against a gateway whose application delays its verdict on the client.
 *
 * Arguments: the gateway's URL, and the transport.
 */
import { connectTo } from './lab.js';

const [, , url = '', transport] = process.argv;
const connection = connectTo(url, { transports: [transport] });
const { at } = await connection.channel('c').publish(1);
const { attempts } = connection.explain();
console.log(JSON.stringify({ transport: connection.transport, attempts: attempts.length, at }));
connection.close();
