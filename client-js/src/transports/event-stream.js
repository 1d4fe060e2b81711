// @ts-check
/** Reads what comes down as it comes: a whole answer, or an event stream, since EventSource can neither POST nor be timed. */

/**
 * Reads a body to its end, and calls back for each part of its text.
 * @param {ReadableStream<Uint8Array>} body
 * @param {(text: string) => void} onText never awaited, so it cannot hold up the reading
 */
export async function readText(body, onText) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  for (let part = await reader.read(); !part.done; part = await reader.read())
    onText(decoder.decode(part.value, { stream: true }));
}

/**
 * Returns a function that takes the text of an event stream and calls back for each event. Only the field `data` counts, and every
 * event of the gateway has one line of it.
 * @param {(data: string) => void} onData
 */
export const eventReader = (onData) => {
  let rest = '';
  return (/** @type {string} */ text) => {
    // White space around JSON, a carriage return among it, does no harm.
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.startsWith('data:')) onData(line.slice('data:'.length));
  };
};
