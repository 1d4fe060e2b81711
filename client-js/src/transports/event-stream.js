// @ts-check
/** The way down of an SSE leg: an event stream read by fetch, since EventSource can neither POST nor be timed. */

/**
 * Reads events until the stream ends. Only the field `data` counts, and every event of the gateway has one line of it.
 * @param {ReadableStream<Uint8Array>} body
 * @param {(data: string) => void} onData never awaited, so it cannot hold up the reading
 */
export async function readEvents(body, onData) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    // White space around JSON, a carriage return among it, does no harm.
    const lines = (rest + decoder.decode(part.value, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.startsWith('data:')) onData(line.slice('data:'.length));
  }
}
