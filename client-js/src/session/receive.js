// @ts-check
/**
 * Takes what comes down: frames, and the answers of polls and sends, failed ones among them. It never decides what goes up. Twin of
 * `src/session/client/receive.rs`.
 *
 * @import { Down, Line, NumberedFrame, RawFrame, Welcome } from '../protocol/frames.js'
 * @import { Route, SessionOutput } from './events.js'
 * @import { Acknowledgements } from './acknowledgements.js'
 * @import { Leg } from './leg.js'
 * @import { Legs } from './legs.js'
 * @import { Outgoing } from './outgoing.js'
 * @import { Sender } from './send.js'
 */

import { echoOf, readDown } from '../protocol/down.js';

/** The pauses before a failed poll or send is repeated; after the last one its leg has failed. */
const RETRY_PAUSES_MS = [100, 300];
/** The pause before a body that a proxy refused as too large is repeated, if it cannot be smaller. */
const TOO_LARGE_PAUSE_MS = 3000;

export class Receiver {
  #legs;
  #outgoing;
  #acknowledgements;
  #sender;
  #outputs;

  /**
   * @param {Legs} legs
   * @param {Outgoing} outgoing
   * @param {Acknowledgements} acknowledgements
   * @param {Sender} sender
   * @param {SessionOutput[]} outputs
   */
  constructor(legs, outgoing, acknowledgements, sender, outputs) {
    this.#legs = legs;
    this.#outgoing = outgoing;
    this.#acknowledgements = acknowledgements;
    this.#sender = sender;
    this.#outputs = outputs;
  }

  /**
   * A frame on a socket or a stream. The first must be ours: a welcome or an end with our nonce (P1).
   * @param {Leg} leg
   * @param {RawFrame} frame
   */
  frame(leg, frame) {
    const down = readDown(frame);
    if (leg.state !== 'usable' && echoOf(down) !== leg.nonce) this.#legs.drop(leg, 'foreign');
    else this.#take(leg, down, 'stream');
  }

  /**
   * The whole answer of a poll or a send. One that does not begin with our nonce is foreign, and counts as a failure.
   * @param {Leg} leg
   * @param {Route} route
   * @param {Line[]} lines
   */
  answer(leg, route, [first = '', ...rest]) {
    const flight = leg.flights[route];
    let down = readDown(first);
    const { id, welcome } = this.#sender;
    // A brief welcome stands for the last one, with these numbers.
    if (down.type === 'nonce' && id !== undefined && welcome)
      down = { type: 'welcome', value: { ...welcome, ...down.frame, turn: flight?.turn ?? 0 } };
    if (!flight || echoOf(down) !== flight.nonce) return this.requestFailed(leg, route);
    const { lowest } = this.#outgoing;
    leg.flights[route] = undefined;
    this.#take(leg, down, route);
    if (route === 'send') {
      leg.nextUp = 0;
      if (flight.turn === leg.turn) leg.isRequestingTurn = false;
      // The gateway took none of its lines: they do not go again at once.
      if (this.#outgoing.lowest === lowest && flight.until > lowest) return this.#pause(leg, route);
    } else if (down.type === 'welcome') {
      leg.nextDown = down.value?.next ?? 0;
      for (const line of rest) if (this.#legs.open.includes(leg)) this.#take(leg, readDown(line), 'stream');
    }
    leg.failures[route] = 0;
  }

  /**
   * A request failed: the same numbers go again after a pause. A leg whose stream or first poll failed is over.
   * @param {Leg} leg
   * @param {Route} route
   * @param {number} [status]
   */
  requestFailed(leg, route, status) {
    const flight = leg.flights[route];
    const isTooLarge = status === 413;
    const canBeSmaller = isTooLarge && flight && this.#sender.shrinkBodies(flight);
    if (route === 'stream' || leg.state !== 'usable') return this.#legs.drop(leg, 'failed');
    if (!flight) return;
    leg.flights[route] = undefined;
    leg.nextUp = 0;
    leg.links.unshift(...flight.links);
    if (!isTooLarge) this.#pause(leg, route);
    // A line that is too large by itself holds up the lines behind it, but not the way down.
    else if (!canBeSmaller) leg.retryAt = this.#sender.now + TOO_LARGE_PAUSE_MS;
  }

  /** @param {Leg} leg @param {Down} down @param {Route} route */
  #take(leg, down, route) {
    switch (down.type) {
      case 'welcome':
        return down.value ? this.#welcome(leg, down.value, route) : this.#legs.drop(leg, 'bad_frame');
      case 'end':
        // Rule 2: only `gone` ends the session; any other code ends its leg.
        if (down.value?.code === 'gone' && this.#sender.id !== undefined) return this.#gone();
        return this.#legs.drop(leg, down.value?.code ?? 'bad_frame');
      case 'ack':
        if (this.#acknowledge(leg, down.value) && down.frame.next) this.#startAt(leg, down.frame.next);
        return;
      case 'ping':
        leg.links.push(JSON.stringify({ pong: down.value }));
        return;
      case 'pong':
        this.#outputs.push({ type: 'pong', leg: leg.number, rtt: this.#sender.now - down.value });
        return;
      case 'config':
        if (this.#sender.welcome && down.frame.config?.transports)
          this.#sender.welcome.transports = down.frame.config.transports;
      // falls through
      case 'goaway':
        this.#outputs.push({ type: 'link', frame: down.frame });
        return;
      case 'nonce':
      case 'numbered':
        return this.#numbered(leg, down.frame, down.cost ?? 0);
      case 'malformed':
        return this.#legs.drop(leg, 'bad_frame');
      default:
        /** @satisfies {never} */ (down);
    }
  }

  /** @param {Leg} leg @param {Welcome} welcome @param {Route} route */
  #welcome(leg, welcome, route) {
    const sender = this.#sender;
    if (sender.id !== undefined && welcome.id !== sender.id) return this.#legs.drop(leg, 'foreign');
    sender.id = welcome.id;
    sender.welcome = welcome;
    // No more counts of a send's welcome (rule 9).
    if (!this.#acknowledge(leg, welcome.received) || route === 'send') return;
    const isFirst = leg.state !== 'usable';
    leg.state = 'usable';
    if (leg.transport === 'websocket') leg.mustStateNext = true;
    else leg.nextUp = 0;
    if (isFirst) this.#outputs.push({ type: 'legUsable', leg: leg.number });
    const showsTurn = leg.turn !== null && welcome.turn === leg.turn;
    if (showsTurn) this.#legs.confirm(leg, sender.now);
    // Rule 6: a candidate's first welcome says nothing about the count. Rule 8: a poll's counts with its first line.
    if (route === 'stream' && (showsTurn || !isFirst)) this.#startAt(leg, welcome.next);
  }

  /** Rule 2: the session is gone. Frames that no leg has go into the next one. */
  #gone() {
    this.#legs.restart();
    const lines = this.#outgoing.restart();
    this.#sender.restart();
    this.#acknowledgements.received = 0;
    this.#acknowledgements.sent();
    this.#outputs.push({ type: 'reset', reason: 'gone', lost: lines.length });
    if (lines.length > 0) this.#outputs.push({ type: 'unknownOutcome', lines });
  }

  /**
   * Rule 7: the greatest acknowledgement counts; one of more than was ever sent is an error.
   * @param {Leg} leg
   * @param {number} upTo
   */
  #acknowledge(leg, upTo) {
    const isValid = this.#outgoing.acknowledge(upTo);
    if (!isValid) this.#legs.drop(leg, 'bad_frame');
    return isValid;
  }

  /**
   * The gateway states the number of the next line on a leg. Beyond what is expected, it dropped frames (rule 7).
   * @param {Leg} leg
   * @param {number} next
   */
  #startAt(leg, next) {
    leg.nextDown = next;
    const lost = next - 1 - this.#acknowledgements.received;
    if (!(lost > 0)) return;
    this.#acknowledgements.received += lost;
    this.#outputs.push({ type: 'reset', reason: 'overrun', lost });
  }

  /** @param {Leg} leg @param {NumberedFrame} frame @param {number} cost */
  #numbered(leg, frame, cost) {
    const number = leg.nextDown;
    if (!number) return this.#legs.drop(leg, 'bad_frame');
    // The number that a poll's answer states counts only with its first line (rule 8); elsewhere this is no news.
    this.#startAt(leg, number);
    leg.nextDown += 1;
    const { now, welcome } = this.#sender;
    if (welcome && this.#acknowledgements.take(number, cost, now, welcome.limits))
      this.#outputs.push({ type: 'deliver', frame });
  }

  /** A request did not help: a pause before the next try. @param {Leg} leg @param {Route} route */
  #pause(leg, route) {
    const pause = RETRY_PAUSES_MS[leg.failures[route]++];
    if (pause === undefined) this.#legs.drop(leg, 'failed');
    else leg.retryAt = this.#sender.now + pause;
  }
}
