// @ts-check
/**
 * Types shared by several files, and those an application sees. Nothing here runs, and nothing here imports.
 */

/**
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
 * @property {number} failures since it last held for 30 s
 * @property {boolean} good it was proven on this network
 * @property {number} retryAt before that it is left alone, if there is something else
 *
 * @typedef {object} Attempt one leg, as the choice of transports sees it; times but `at` count from `at`, in milliseconds
 * @property {number} n the leg
 * @property {Transport} transport
 * @property {Way} way
 * @property {'race' | 'better' | 'slow' | 'asked'} purpose why it was opened
 * @property {number} at when it was opened
 * @property {number} [opened] a socket opened
 * @property {number} [usable] its welcome came
 * @property {number} [proven] and a pong
 * @property {number} [active] it carries the session
 * @property {number} [ended]
 * @property {Reason} [reason] why it ended
 * @property {number} heard when anything came (this and what follows: on the clock of `at`)
 * @property {number} put when anything was put on its socket
 * @property {number} ponged when a pong came; from `proven` on
 * @property {number} pinged when a ping went; from `usable` on
 * @property {() => void} ping asks it for an answer
 * @property {() => void} over what happens when it took too long
 * @property {number} trips measured before it takes over
 *
 * @typedef {string} Frame one frame in line form
 *
 * @typedef {{head: string, bytes: Uint8Array}} BinaryFrame one frame and its raw bytes, as a socket brings them
 *
 * @typedef {{epoch: string, at: number}} Position
 *
 */

/**
 * What was published in a channel.
 * @template [Data=any]
 * @typedef {object} Message
 * @property {string} channel its name
 * @property {Data} data JSON, or a `Uint8Array` where bytes were published
 * @property {number} at the offset in the channel
 * @property {string} epoch within which offsets count
 */

/**
 * @typedef {object} Platform what a browser brings, and Node too but for the first two
 * @property {any} window
 * @property {any} WebSocket
 * @property {typeof globalThis.fetch} fetch
 * @property {(f: () => void, ms: number) => any} setTimeout
 * @property {(timer: any) => void} clearTimeout
 *
 * @typedef {object} Options
 * @property {Transport[]} [transports] the order of preference; all three without it. Another name is refused
 * @property {string | (() => string | Promise<string>)} [token] who the client is; the function is asked before every race
 * @property {new (url: string) => any} [WebSocket] in place of the platform's; where there is none, the client starts on SSE
 * @property {typeof globalThis.fetch} [fetch] in place of the platform's
 * @property {number} [maxLatencyMs] a round trip above it is too slow: a faster transport is looked for; 1,500
 * @property {Pick<globalThis.Storage, 'getItem' | 'setItem' | 'removeItem'> | null} [storage] where it is kept what worked on which
 *   network: `localStorage` where there is one; null: nowhere
 * @property {{messages?: number, bytes?: number}} [queue] how much may wait to be sent; 2,000 messages, 1 MB
 * @property {() => number} [now] in place of the platform's clock: milliseconds that never go back
 * @property {(f: () => void, ms: number) => any} [setTimeout] in place of the platform's
 * @property {(timer: any) => void} [clearTimeout] in place of the platform's
 *
 * @typedef {{from: Transport | null, to: Transport | null, reason: Reason}} TransportChange
 *
 * @typedef {{reason: 'gone' | 'overrun', channel: string}} Reset a channel may have missed something: read its state anew
 */
/**
 * What `code` of a ThroughlineError says. From `switchTo` it may be a reason too, and a newer gateway may know more.
 * @typedef {'bad_frame' | 'too_large' | 'rate_limited' | 'unauthorized' | 'forbidden' | 'unknown_channel' | 'queue_full'
 *   | 'timeout' | 'unknown_outcome' | 'closed' | 'internal' | Reason | (string & {})} ErrorCode
 */

/**
 * What a connection tells, and what its listeners are given.
 * @typedef {object} ConnectionEvents
 * @property {State} state the new state
 * @property {TransportChange} transport what carries the session has changed: `{ from, to, reason }`
 * @property {Reset} reset messages of this channel may have been missed: read its state anew
 * @property {import('./errors.js').ThroughlineError} error what will not mend by itself, or a refused subscription
 */

/**
 * @typedef {object} ConnectionMembers
 * @property {<Event extends keyof ConnectionEvents>(event: Event, f: (value: ConnectionEvents[Event]) => void) => () => void} on Listens to `state`, `transport`, `reset` or `error`; gives its undo.
 * @property {State} state how things stand
 * @property {Transport | null} transport what carries the session, or null
 * @property {<Data = any>(name: string) => Channel<Data>} channel the channel of this name: the same object each time
 * @property {(transport: Transport) => Promise<void>} switchTo Changes over to a transport without a gap. Rejects with a ThroughlineError whose code is the reason; the session is then where it was.
 * @property {() => Explanation} explain What was tried and what became of it, as plain data. `describe` of `throughline/explain` makes it readable.
 * @property {() => void} forget Forgets what worked on which network.
 * @property {() => void} close Ends it for good. What is open is rejected with `closed`.
 */

/** What `connect` gives. @typedef {Readonly<ConnectionMembers>} Connection */

/**
 * @template [Data=any]
 * @typedef {object} ChannelMembers
 * @property {string} name as it was asked for
 * @property {(event: 'message', f: (message: Message<Data>) => void) => () => void} on Listens, and so subscribes; gives its undo. The last undo unsubscribes.
 * @property {Promise<void>} subscribed Fulfilled when the gateway has subscribed us; rejects with a ThroughlineError.
 * @property {(data: Data) => Promise<{at: number}>} publish Publishes JSON, or a `Uint8Array` as it is; gives its offset. It does not subscribe.
 */

/**
 * A channel: `on('message', …)` and `for await` subscribe, `publish` does not.
 * @template [Data=any]
 * @typedef {Readonly<ChannelMembers<Data>> & AsyncIterable<Message<Data>>} Channel
 */

/**
 * One attempt to connect. Times are milliseconds; all but `at` count from it.
 * @typedef {object} ExplainedAttempt
 * @property {Transport} transport what it tried
 * @property {number} n its leg's number in the session
 * @property {number} at when it began, by the clock of `now`
 * @property {number} [opened] the connection was open: that proves nothing yet
 * @property {number} [usable] a welcome came
 * @property {number} [proven] a ping came back
 * @property {number} [active] it carried the session
 * @property {number} [ended] it was over
 * @property {Reason} [reason] why it ended
 * @property {'race' | 'better' | 'slow' | 'asked'} purpose what it was begun for
 */

/**
 * What is known of a transport on this network. Times are by the clock of `now`.
 * @typedef {object} ExplainedWay
 * @property {Transport} transport which
 * @property {number | null} rtt milliseconds there and back, smoothed; null while it was not measured
 * @property {number} failures since it last held for 30 s; to open and to be closed counts twice
 * @property {number} retryAt when it is tried again; before that only if there is nothing else, once it failed three times
 * @property {boolean} good it was proven on this network, by this page or one before
 */

/**
 * Why things stand as they do: plain data, from `connection.explain()`.
 * @typedef {object} Explanation
 * @property {State} state how things stand
 * @property {Transport | null} transport what carries the session
 * @property {string} [network] opaque: the same for the same network
 * @property {'ours' | 'away' | 'portal' | 'offline'} [control] who answered when everything failed; `away`: a proxy, for a gateway that is restarted
 * @property {Transport[]} [transports] offered by the gateway, best first; none until it is reached
 * @property {Transport[]} missing those this platform lacks: `['websocket']` in Node 20, unless one is given
 * @property {ExplainedAttempt[]} attempts the last ones
 * @property {ExplainedWay[]} ways what is known of each transport that can be had, remembered or measured
 * @property {number} [heartbeat_ms] how often the path is tried
 * @property {number} [hold_ms] how long a poll is held
 * @property {number} now by the clock that all times are of
 */
export {};
