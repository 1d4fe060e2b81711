// @ts-check
/**
 * Reads a frame that came down. It tells frames apart by their first key, the verb, and never judges what a frame means.
 * Twin of `src/protocol/down.rs`.
 *
 * @import { Down, RawFrame } from './frames.js'
 */

/** The verbs that the session handles; any other frame is numbered, and for the application. */
const VERBS = [
  'welcome',
  'nonce',
  'end',
  'ack',
  'ping',
  'pong',
  'bytes',
  'config',
  'goaway',
  'token',
  'wait',
];

/**
 * Reads one frame. Its type is its verb; `numbered` stands for any verb that is not the session's, and `malformed` for what is no
 * JSON object.
 * @param {RawFrame} raw
 * @returns {Down}
 */
export const readDown = (raw) => {
  const { head, bytes } = typeof raw === 'string' ? { head: raw } : raw;
  try {
    const frame = JSON.parse(head);
    const verb = Object.keys(frame)[0];
    if (!verb || typeof frame !== 'object' || Array.isArray(frame)) return { type: 'malformed' };
    if (bytes) frame.bytes = bytes;
    // Characters stand for bytes here. At worst an acknowledgement goes at three quarters of the replay bound, not at one.
    const cost = head.length + (bytes?.length ?? 0);
    const type = VERBS.includes(verb) ? verb : 'numbered';
    return /** @type {Down} */ ({ type, value: frame[verb], frame, cost });
  } catch {
    return { type: 'malformed' };
  }
};

/** Returns the nonce that a frame echoes, if it is one that can begin a leg or an answer. @param {Down} down */
export const echoOf = (down) => {
  if (down.type === 'welcome' || down.type === 'end' || down.type === 'wait') return down.value?.nonce;
};
