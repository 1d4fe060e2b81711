// @ts-check
/** The way down of the SSE leg: an event stream read by fetch, since EventSource can neither POST nor be timed. */

/**
 * Reads events until the stream ends. Of their fields only `data` counts, and every event of ours has one line of it.
 * @param {ReadableStream<Uint8Array>} body
 * @param {(data: string) => void} event never awaited: what it does cannot hold up the reading
 * @returns {Promise<undefined>}
 */
export async function readEvents(body, event) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  for (let part; !(part = await reader.read()).done; ) {
    // White space around JSON, a carriage return among it, does no harm.
    const lines = (rest + decoder.decode(part.value, { stream: true })).split('\n');
    rest = /** @type {string} */ (lines.pop());
    for (const line of lines) if (/^data:/.test(line)) event(line.slice(5));
  }
}
