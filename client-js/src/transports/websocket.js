// @ts-check
/**
 * The WebSocket of a leg. Each message is one frame. Bytes arrive raw, in a binary message that holds a line, a newline and the
 * bytes. They are sent as `b64`, which every transport accepts. This module does not interpret frames or trust `readyState`.
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
 * Reads a message. A binary message without a newline is not a frame, so its head stays empty.
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
 * Reports what happens to a socket, even after it was closed.
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
