// @ts-check
/**
 * One leg, as the client's half of a session knows it: plain data. Twin of `src/session/client/leg.rs`.
 *
 * @import { Line } from '../protocol/frames.js'
 * @import { Transport } from '../types.js'
 * @import { Route } from './events.js'
 *
 * @typedef {object} Flight a request under way
 * @property {string} nonce the nonce that the answer must echo
 * @property {number | null} turn the turn it carried
 * @property {number} from the number of the first line it carried
 * @property {number} until the number after the last one
 * @property {Line[]} links the link frames it carried, for a repetition
 * @property {number} size the length of its body in characters
 * @property {number} at when it was issued
 * @property {boolean} isDelivered a pong showed that it arrived
 *
 * @typedef {object} Leg
 * @property {number} number
 * @property {Transport} transport
 * @property {'opening' | 'usable'} state `usable`: its welcome was read
 * @property {number | null} turn the turn requested on it; null for a candidate
 * @property {boolean} isRequestingTurn the turn must still be requested, or the send that requested it was not answered
 * @property {boolean} mustStateNext on a socket: an `ack` must state the number of the next line
 * @property {string} [nonce] the nonce of its first hello
 * @property {number} nextUp the number of the next line that goes up on it; 0: whichever is the lowest that is not acknowledged
 * @property {number} nextDown the number of the next line that comes down on it; 0 until the gateway stated it
 * @property {number} announced the bytes of lines that the gateway announced on it, and that have not come
 * @property {Line[]} links link frames for the next write, send or poll
 * @property {{[route in Route]?: Flight}} flights the request of each route that is under way
 * @property {{[route in Route]: number}} failures since the last success, by route: sends may get through while polls do not
 * @property {{[route in Route]: number}} retryAt no request of this route goes before this
 * @property {number} refusals how often in a row a send was refused beside a held poll or stream
 * @property {number} lineFailures how often the lowest line failed as the only one of its body
 * @property {boolean} hasPassed since a body with lines failed last, a request without lines passed
 * @property {boolean} carriedWithdrawn it took a line that the gateway refuses, and that was withdrawn since
 * @property {boolean} isBlocked on a socket: the lowest line cannot pass, and no line goes
 * @property {number} openedAt when its first hello went
 * @property {number} waits how often the gateway said that it decides about it
 * @property {number} roundTrip the shortest that was measured on it, its opening among them
 * @property {number} retireAt a loser is read until this (rule 5)
 */

import { NEVER } from '../time.js';

/**
 * @param {number} number
 * @param {Transport} transport
 * @param {number | null} turn
 * @returns {Leg}
 */
export const createLeg = (number, transport, turn) => ({
  number,
  transport,
  state: 'opening',
  turn,
  isRequestingTurn: false,
  mustStateNext: false,
  nextUp: 0,
  nextDown: 0,
  announced: 0,
  links: [],
  flights: {},
  failures: { stream: 0, send: 0, links: 0, poll: 0 },
  retryAt: { stream: NEVER, send: NEVER, links: NEVER, poll: NEVER },
  refusals: 0,
  lineFailures: 0,
  hasPassed: false,
  carriedWithdrawn: false,
  isBlocked: false,
  openedAt: 0,
  waits: 0,
  roundTrip: 0,
  retireAt: NEVER,
});

/** Says whether a request carries numbered lines. @param {Flight | undefined} flight */
export const carriesLines = (flight) => flight !== undefined && flight.until > flight.from;
