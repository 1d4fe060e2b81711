// @ts-check
/**
 * Takes what comes down: frames, and the answers of polls and sends. It never decides what goes up. Twin of
 * `src/session/client/receive.rs`.
 *
 * @import { Down, Line, NumberedFrame, RawFrame, TokenAnswer, Wait, Welcome } from '../protocol/frames.js'
 * @import { Route, SessionOutput } from './events.js'
 * @import { Acknowledgements } from './acknowledgements.js'
 * @import { Failures } from './failures.js'
 * @import { Leg } from './leg.js'
 * @import { Legs } from './legs.js'
 * @import { Outgoing } from './outgoing.js'
 * @import { Sender } from './send.js'
 */

import { ThroughlineError } from '../errors.js';
import { echoOf, readDown } from '../protocol/down.js';
import { NEVER } from '../time.js';
import { carriesLines } from './leg.js';

/** A leg about which the gateway cannot decide after so many polls ends. */
const MOST_WAITS = 4;

export class Receiver {
  #legs;
  #outgoing;
  #acknowledgements;
  #sender;
  #failures;
  #outputs;

  /**
   * @param {Legs} legs
   * @param {Outgoing} outgoing
   * @param {Acknowledgements} acknowledgements
   * @param {Sender} sender
   * @param {Failures} failures
   * @param {SessionOutput[]} outputs
   */
  constructor(legs, outgoing, acknowledgements, sender, failures, outputs) {
    this.#legs = legs;
    this.#outgoing = outgoing;
    this.#acknowledgements = acknowledgements;
    this.#sender = sender;
    this.#failures = failures;
    this.#outputs = outputs;
  }

  /**
   * A frame on a socket or a stream. The first must be ours: a welcome, a wait or an end with our nonce (P1).
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
    const { id, welcome, now } = this.#sender;
    // A brief welcome stands for the last one, with these numbers.
    if (down.type === 'nonce' && id !== undefined && welcome)
      down = { type: 'welcome', value: { ...welcome, ...down.frame, turn: flight?.turn ?? 0 } };
    if (!flight || echoOf(down) !== flight.nonce) return this.#failures.requestFailed(leg, route, {});
    const { lowest } = this.#outgoing;
    leg.flights[route] = undefined;
    leg.failures[route] = 0;
    if (route !== 'poll') leg.refusals = 0;
    this.#take(leg, down, route);
    if (flight.turn === leg.turn) leg.isRequestingTurn = false;
    if (carriesLines(flight)) {
      leg.nextUp = 0;
      this.#sender.bodies.passed(flight.size, now - flight.at, now);
      // Its answers wait for a poll, if none is held.
      leg.retryAt.poll = NEVER;
      // The gateway took none of its lines: they do not go again at once.
      if (this.#outgoing.lowest === lowest && flight.from === lowest) this.#failures.pause(leg, 'send');
    } else leg.hasPassed = true;
    if (route === 'poll' && down.type === 'welcome') {
      leg.nextDown = down.value?.next ?? 0;
      for (const line of rest) if (this.#legs.open.includes(leg)) this.#take(leg, readDown(line), 'stream');
    }
  }

  /** @param {Leg} leg @param {Down} down @param {Route} route */
  #take(leg, down, route) {
    switch (down.type) {
      case 'welcome':
        return down.value ? this.#welcome(leg, down.value, route) : this.#legs.drop(leg, 'bad_frame');
      case 'end':
        // Rule 2: only `gone` ends the session; any other code ends its leg.
        if (down.value?.code === 'gone' && this.#sender.id !== undefined) return this.#gone();
        return this.#failures.ended(leg, down.value?.code ?? 'bad_frame', down.value?.message);
      case 'ack':
        if (this.#acknowledge(leg, down.value) && down.frame.next) this.#startAt(leg, down.frame.next);
        return;
      case 'ping':
        leg.links.push(JSON.stringify({ pong: down.value }));
        return;
      case 'pong':
        return this.#pong(leg, down.frame);
      case 'bytes':
        leg.announced += down.value;
        return;
      case 'config':
        if (this.#sender.welcome && down.frame.config?.transports)
          this.#sender.welcome.transports = down.frame.config.transports;
      // falls through
      case 'goaway':
        this.#outputs.push({ type: 'link', frame: down.frame });
        return;
      case 'token':
        return this.#tokenAnswered(leg, down.value);
      case 'wait':
        return this.#wait(leg, down.value, route);
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
    const { refused } = this.#failures;
    // No more counts of a send's welcome (rule 9).
    if (!this.#acknowledge(leg, welcome.received) || route === 'send' || route === 'links') return;
    const isFirst = leg.state !== 'usable';
    if (isFirst) this.#failures.withdrawRefused(refused);
    leg.state = 'usable';
    if (leg.transport === 'websocket') leg.mustStateNext = true;
    else leg.nextUp = 0;
    if (isFirst) this.#usable(leg);
    const showsTurn = leg.turn !== null && welcome.turn === leg.turn;
    if (showsTurn) this.#legs.confirm(leg, sender.now);
    // Rule 6: a candidate's first welcome says nothing about the count. Rule 8: a poll's counts with its first line.
    if (route === 'stream' && (showsTurn || !isFirst)) this.#startAt(leg, welcome.next);
  }

  /** @param {Leg} leg */
  #usable(leg) {
    leg.roundTrip ||= this.#sender.now - leg.openedAt;
    this.#outputs.push({ type: 'legUsable', leg: leg.number });
    if (leg.transport === 'websocket') this.#sender.judgeOldest(leg);
  }

  /** The gateway answers a fresh token. @param {Leg} leg @param {TokenAnswer | null} answer */
  #tokenAnswered(leg, answer) {
    if (!answer) return this.#legs.drop(leg, 'bad_frame');
    const { code } = answer;
    const told = code
      ? { error: new ThroughlineError(code, answer.message) }
      : { expiresMs: 'expires_ms' in answer ? answer.expires_ms : undefined };
    this.#outputs.push({ type: 'tokenAnswered', ...told });
  }

  /**
   * The gateway decides about a leg. That is the whole answer of a poll, and the next poll waits for the decision.
   * @param {Leg} leg
   * @param {Wait | null} wait
   * @param {Route} route
   */
  #wait(leg, wait, route) {
    if (!wait) return this.#legs.drop(leg, 'bad_frame');
    if (leg.state === 'usable') return;
    if (++leg.waits > MOST_WAITS) return this.#legs.drop(leg, 'timeout');
    // This is how long its opening takes; the rest is the decision.
    leg.roundTrip ||= this.#sender.now - leg.openedAt;
    this.#outputs.push({ type: 'wait', leg: leg.number, ms: wait.ms });
    if (route === 'poll') this.#sender.post(leg, 'poll', false);
  }

  /**
   * A pong shows that all link frames arrived that went with its ping.
   * @param {Leg} leg
   * @param {{pong: number, pad?: string}} frame
   */
  #pong(leg, { pong: at, pad }) {
    const ping = JSON.stringify({ ping: at, pad });
    leg.hasPassed = true;
    leg.failures.links = 0;
    leg.links.splice(0, leg.links.indexOf(ping) + 1);
    for (const flight of Object.values(leg.flights))
      if (flight?.links.includes(ping)) flight.isDelivered = true;
    const rtt = this.#sender.now - at;
    // Its opening may have waited for something else.
    leg.roundTrip = Math.min(leg.roundTrip, rtt);
    this.#outputs.push({ type: 'pong', leg: leg.number, rtt, isLong: pad !== undefined });
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
    const { lowest } = this.#outgoing;
    const isValid = this.#outgoing.acknowledge(upTo);
    if (!isValid) this.#legs.drop(leg, 'bad_frame');
    if (this.#outgoing.lowest > lowest) this.#failures.clear();
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
    leg.announced = Math.max(0, leg.announced - cost);
    const { now, welcome } = this.#sender;
    if (welcome && this.#acknowledgements.take(number, cost, now, welcome.limits))
      this.#outputs.push({ type: 'deliver', frame });
  }
}
