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
 * @typedef {'ours' | 'away' | 'offline' | 'portal'} Control what answers at the control resource: the gateway, a proxy in front of
 *   one that is not there, nobody, or somebody else
 *
 * @typedef {'stream' | 'send' | 'poll'} Route
 *
 * @typedef {object} Way what is known of a transport on this network; times in milliseconds, on the clock of `now`
 * @property {Transport} transport
 * @property {number} rtt its round trip, smoothed as in RFC 6298; NaN while it is not known
 * @property {number} spread the mean deviation of that
 * @property {number} lowest of all samples
 * @property {number} penalty for its failures, at `penaltyAt`; it halves every five minutes
 * @property {number} penaltyAt
 * @property {number} shutUntil the flap breaker: until then it is tried only if there is nothing else
 * @property {number} failures since it was last proven
 * @property {boolean} good it was proven on this network
 * @property {number} step how often it was tried in the background
 * @property {number} retryAt when that is due again
 *
 * @typedef {object} Attempt one leg, as the choice of transports sees it; times but `at` count from `at`, in milliseconds
 * @property {number} n the leg
 * @property {Transport} transport
 * @property {Way} way
 * @property {'race' | 'better' | 'slow' | 'asked' | 'server'} purpose why it was opened
 * @property {number} at when it was opened
 * @property {number} [opened] a socket opened
 * @property {number} [usable] its welcome came
 * @property {number} [proven] and a pong
 * @property {number} [active] it carries the session
 * @property {number} [ended]
 * @property {Reason} [reason] why it ended
 * @property {number} heard when anything came (this and what follows: on the clock of `at`)
 * @property {number} ponged when a pong came; 0 before
 * @property {number} pinged when the ping went that was not answered
 * @property {number} pingAt when to ping it again
 * @property {number} [until] when it will have failed
 * @property {Reason} [why] it will have failed then
 * @property {number[]} trips measured before it takes over
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
 * @typedef {object} Platform what a browser brings, and Node too but for the first two
 * @property {any} window
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
 * @property {number} [maxLatencyMs] a round trip above it is too slow: a faster transport is looked for; 1,500
 * @property {Pick<globalThis.Storage, 'getItem' | 'setItem' | 'removeItem'> | null} [storage] where it is kept what worked on which
 *   network: `localStorage` where there is one; null: nowhere
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
