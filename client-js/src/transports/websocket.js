// @ts-check
/**
 * The WebSocket of a leg: one message, one frame. Bytes come raw, in a binary message that holds a line, a newline and the bytes;
 * they go as `b64`, which every transport takes. It knows no frame, and does not trust `readyState`.
 *
 * @import { Line, RawFrame } from '../protocol/frames.js'
 * @import { NetworkEvent } from './events.js'
 *
 * @typedef {object} SocketLike what this client uses of a WebSocket
 * @property {string} [binaryType]
 * @property {(() => void) | null} [onopen]
 * @property {(() => void) | null} [onclose]
 * @property {(() => void) | null} [onerror]
 * @property {((message: {data: string | ArrayBuffer}) => void) | null} [onmessage]
 * @property {(line: Line) => void} send
 * @property {() => void} close
 */

const NEWLINE = 10;

/**
 * Reads a message. A binary one without a newline is no frame; its head stays empty.
 * @param {string | ArrayBuffer} data
 * @returns {RawFrame}
 */
export const readMessage = (data) => {
  if (typeof data === 'string') return data;
  const message = new Uint8Array(data);
  const end = Math.max(0, message.indexOf(NEWLINE));
  return { head: new TextDecoder().decode(message.slice(0, end)), bytes: message.slice(end + 1) };
};

/**
 * Reports what happens to a socket, also after it was closed.
 * @param {SocketLike} socket
 * @param {number} leg
 * @param {(event: NetworkEvent) => void} report
 */
export const listen = (socket, leg, report) => {
  socket.binaryType = 'arraybuffer';
  socket.onopen = () => report({ type: 'socketOpened', leg });
  socket.onclose = socket.onerror = () => report({ type: 'legDied', leg });
  socket.onmessage = ({ data }) => report({ type: 'frameArrived', leg, frame: readMessage(data) });
};
