// @ts-check
/**
 * The open legs of a session and their turns (rules 3, 4 and 5). It decides which leg carries lines, and drops legs; it never
 * writes to one.
 *
 * @import { ThroughlineError } from '../errors.js'
 * @import { Transport } from '../types.js'
 * @import { SessionOutput } from './events.js'
 * @import { Leg } from './leg.js'
 */

import { NEVER } from '../time.js';
import { createLeg } from './leg.js';

/** A loser is read for this long after the confirmation of the new leg (rule 5). */
const LOSER_READ_MS = 5000;

/** Any turn is greater than none. @param {number | null} turn @param {number | null} other */
const isGreater = (turn, other) => turn !== null && (other === null || turn > other);

export class Legs {
  /** In the order of opening. @type {Leg[]} */
  open = [];
  #opened = 0;
  /** The greatest turn requested. @type {number | null} */
  #turn = null;
  /** The greatest turn that a welcome confirmed. @type {number | null} */
  #confirmedTurn = null;
  /** The leg that carried lines last, also after it died. @type {Leg | undefined} */
  last;
  #outputs;

  /** @param {SessionOutput[]} outputs */
  constructor(outputs) {
    this.#outputs = outputs;
  }

  /** The leg with the greatest turn, if one has any. */
  get favourite() {
    return this.#greatest(this.open);
  }

  /** The leg that lines go up on: the usable one with the greatest turn (rule 4). */
  get current() {
    return this.#greatest(this.usable);
  }

  /** The legs that something can be written to. */
  get usable() {
    return this.open.filter(({ state }) => state === 'usable');
  }

  /** Opens a leg. While no open leg carries a turn, a new one does (rule 3). @param {Transport} transport */
  add(transport) {
    const leg = createLeg(++this.#opened, transport, this.favourite ? null : this.#nextTurn());
    this.open.push(leg);
    return leg;
  }

  /** @param {number} number */
  find(number) {
    return this.open.find((leg) => leg.number === number);
  }

  /** @param {Leg | undefined} leg */
  remove(leg) {
    if (!leg) return;
    if (leg === this.current) this.last = leg;
    this.open = this.open.filter((other) => other !== leg);
  }

  /** @param {Leg} leg @param {string} reason @param {ThroughlineError} [error] why the gateway ended it */
  drop(leg, reason, error) {
    if (!this.open.includes(leg)) return;
    this.remove(leg);
    this.#outputs.push({ type: 'legDropped', leg: leg.number, reason, ...(error && { error }) });
  }

  /** Requests the next turn on a leg (rule 3). @param {Leg} leg */
  requestTurn(leg) {
    if (leg.state !== 'usable') return;
    leg.turn = this.#nextTurn();
    leg.isRequestingTurn = true;
  }

  /** If the leg with the greatest turn was dropped, requests a turn on one that is kept, the newest first (rule 4). */
  replaceLostTurn() {
    if ((this.favourite?.turn ?? null) === this.#turn) return;
    const { usable } = this;
    const heir = usable.findLast(({ retireAt }) => retireAt === NEVER) ?? usable.at(-1);
    if (!heir) return;
    heir.retireAt = NEVER;
    this.requestTurn(heir);
  }

  /**
   * A welcome shows the turn of its leg: the losers are read for a while (rule 5). That is no news if a proxy held the welcome back
   * until another leg had requested a greater turn.
   * @param {Leg} leg
   * @param {number} now
   */
  confirm(leg, now) {
    if (leg.turn !== this.#turn || this.#confirmedTurn === this.#turn) return;
    this.#confirmedTurn = this.#turn;
    leg.isRequestingTurn = false;
    this.#outputs.push({ type: 'legActive', leg: leg.number });
    for (const other of this.open)
      if (other.turn !== null && other !== leg)
        other.retireAt = Math.min(other.retireAt, now + LOSER_READ_MS);
  }

  /** The session is gone, and its turns with it. */
  restart() {
    for (const leg of this.open) this.drop(leg, 'gone');
    this.#turn = this.#confirmedTurn = null;
    this.last = undefined;
  }

  #nextTurn() {
    this.#turn = this.#turn === null ? 1 : this.#turn + 1;
    return this.#turn;
  }

  /** @param {Leg[]} legs */
  #greatest(legs) {
    /** @type {Leg | undefined} */
    let best;
    for (const leg of legs) if (isGreater(leg.turn, best?.turn ?? null)) best = leg;
    return best;
  }
}
