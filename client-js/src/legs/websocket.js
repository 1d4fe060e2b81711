// @ts-check
/**
 * The WebSocket leg: one message, one frame. Bytes come raw, in a binary message that holds the line, a newline, and
 * the bytes; they go as `b64`, which every transport takes. It knows no frame, and believes no `readyState`.
 *
 * @typedef {import('../types.js').Frame} Frame
 */

/**
 * @param {any} socket
 * @param {number} leg
 * @param {(event: any) => void} tell the bus; also of what comes after `abort`
 */
export const carry = (socket, leg, tell) => {
  socket.binaryType = 'arraybuffer';
  socket.onopen = () => tell({ opened: leg });
  socket.onclose = socket.onerror = () => tell({ closed: leg });
  socket.onmessage = (/** @type {{data: any}} */ { data }) => {
    let text = data;
    if (data.byteLength) {
      const bytes = new Uint8Array(data);
      const end = bytes.indexOf(10);
      text = { head: new TextDecoder().decode(bytes.slice(0, end)), bytes: bytes.slice(end + 1) };
    }
    tell({ line: leg, text });
  };
  // As the legs of sse and poll are ended.
  socket.abort = socket.close;
  return socket;
};
