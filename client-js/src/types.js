// @ts-check
/**
 * Types shared by several files. Nothing here runs, and nothing here imports.
 *
 * @typedef {'websocket' | 'sse' | 'poll'} Transport
 *
 * @typedef {'connecting' | 'online' | 'reconnecting' | 'offline' | 'portal' | 'parked' | 'closed'} State
 *
 * @typedef {'refused' | 'timeout' | 'mute' | 'buffered' | 'closed' | 'stalled' | 'slow' | 'better' | 'server' | 'offline'} Reason
 *   Why a transport was left or taken.
 *
 * @typedef {'stream' | 'send' | 'poll'} Route
 *
 * @typedef {string} Frame one frame in line form
 *
 * @typedef {{head: string, bytes: Uint8Array}} BinaryFrame one frame and its raw bytes, as a socket brings them
 *
 * @typedef {{epoch: string, at: number}} Position
 *
 * @typedef {object} Message
 * @property {string} channel
 * @property {any} data JSON, or a `Uint8Array` where bytes were published
 * @property {number} at the offset in the channel
 * @property {string} epoch within which offsets count
 *
 * @typedef {object} Platform what a browser brings, and Node too but for the first
 * @property {any} WebSocket
 * @property {typeof globalThis.fetch} fetch
 * @property {(f: () => void, ms: number) => any} setTimeout
 * @property {(timer: any) => void} clearTimeout
 *
 * @typedef {object} Options
 * @property {Transport[]} [transports] the order of preference; all three without it
 * @property {string | (() => string | Promise<string>)} [token] who the client is; the function is asked before every race
 * @property {any} [WebSocket] in place of the platform's; where there is none, the client starts on SSE
 * @property {typeof globalThis.fetch} [fetch] in place of the platform's
 * @property {number} [maxLatencyMs] above it a transport is too slow. Kept for the issue that measures; nothing reads it yet
 * @property {{messages?: number, bytes?: number}} [queue] how much may wait to be sent; 2,000 messages, 1 MB
 * @property {() => number} [now] in place of the platform's, as the next two: milliseconds that never go back
 * @property {(f: () => void, ms: number) => any} [setTimeout]
 * @property {(timer: any) => void} [clearTimeout]
 *
 * @typedef {{from: Transport | null, to: Transport | null, reason: Reason}} TransportChange
 *
 * @typedef {{reason: 'gone' | 'overrun', channel: string}} Reset a channel may have missed something: read its state anew
 */
export {};
