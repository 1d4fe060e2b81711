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
 * @property {number} until the number after the last line it carried
 * @property {Line[]} links the link frames it carried, for a repetition
 * @property {number} size the length of its body in characters
 * @property {boolean} isDivisible it carried more than one numbered line, so a repetition can be smaller
 *
 * @typedef {object} Leg
 * @property {number} number
 * @property {Transport} transport
 * @property {'opening' | 'resuming' | 'usable'} state `usable`: its welcome was read. `resuming`: its socket opened in a resume, so
 *   lines go up before the welcome
 * @property {number | null} turn the turn requested on it; null for a candidate
 * @property {boolean} isRequestingTurn the turn must still be requested, or the send that requested it was not answered
 * @property {boolean} mustStateNext on a socket: an `ack` must state the number of the next line
 * @property {string} [nonce] the nonce of its first hello
 * @property {number} nextUp the number of the next line that goes up on it; 0: whichever is the lowest that is not acknowledged
 * @property {number} nextDown the number of the next line that comes down on it; 0 until the gateway stated it
 * @property {Line[]} links link frames for the next write, send or poll
 * @property {{[route in Route]?: Flight}} flights the request of each route that is under way
 * @property {{[route in Route]: number}} failures since the last success, by route: sends may get through while polls do not
 * @property {number} retryAt no request goes before this
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
  links: [],
  flights: {},
  failures: { stream: 0, send: 0, poll: 0 },
  retryAt: NEVER,
  retireAt: NEVER,
});
