// @ts-check
/**
 * Decides what follows from a request that failed: when the same numbers go again, in which size, and when a line is stuck. A body
 * may fail for its size, for one line in it, or with its leg; what passes without lines tells these apart. It never sends. Twin of
 * `src/session/client/failures.rs`.
 *
 * @import { Failure, Route, SessionOutput } from './events.js'
 * @import { Flight, Leg } from './leg.js'
 * @import { Legs } from './legs.js'
 * @import { Outgoing } from './outgoing.js'
 * @import { Sender } from './send.js'
 *
 * @typedef {object} Refused a line that ended its socket
 * @property {'bad_frame' | 'too_large'} code
 * @property {number} until the number after the last line that it may be
 */

import { ThroughlineError } from '../errors.js';
import { NEVER } from '../time.js';
import { carriesLines } from './leg.js';

/** The pauses before a failed poll or send is repeated; after the last one its leg has failed. */
const RETRY_PAUSES_MS = [100, 300];
/** The pauses before a body with lines is repeated; the last one repeats. The gateway may take 1 s to acknowledge what arrived. */
const LINE_PAUSES_MS = [100, 300, 1100, 3000];
/** A line that failed so often by itself, while requests without lines passed, is stuck. */
const MOST_LINE_FAILURES = 4;
/** The same where the proxy says that it is busy: it may limit the rate, and not the size. */
const MOST_BUSY_FAILURES = 8;
/** The same for a line as long as one that was stuck. */
const MOST_FAILURES_AS_BEFORE = 2;
/** A line that is shorter than a hello passes wherever a hello does. */
const SHORT_LINE_BYTES = 256;
/** A send that was refused so often in a row beside a held request will always be; the pause between the tries. */
const MOST_REFUSALS = 2;
const REFUSED_PAUSE_MS = 100;
/** Statuses by which a proxy refuses a request for now: too many, or too many at once. */
const BUSY_STATUSES = [429, 503];

/** @param {Failure} failure */
const isBusy = ({ status }) => BUSY_STATUSES.includes(status ?? 0);

export class Failures {
  /** When the gateway acknowledged something new. */
  acknowledgedAt = -NEVER;
  /** The last socket that ended by a line of ours, until a welcome shows which line it was. @type {Refused | undefined} */
  refused;
  #legs;
  #outgoing;
  #sender;
  #outputs;

  /**
   * @param {Legs} legs
   * @param {Outgoing} outgoing
   * @param {Sender} sender
   * @param {SessionOutput[]} outputs
   */
  constructor(legs, outgoing, sender, outputs) {
    this.#legs = legs;
    this.#outgoing = outgoing;
    this.#sender = sender;
    this.#outputs = outputs;
  }

  /**
   * A request failed: the same numbers go again after a pause. A leg whose stream or first poll failed is over.
   * @param {Leg} leg
   * @param {Route} route
   * @param {Failure} failure
   */
  requestFailed(leg, route, failure) {
    const flight = leg.flights[route];
    const { code } = failure;
    if (code === 'unauthorized') return this.#legs.drop(leg, code, failure.error);
    if (route === 'stream' || leg.state !== 'usable') return this.#legs.drop(leg, 'failed');
    if (!flight) return;
    leg.flights[route] = undefined;
    // Only its answer was lost or altered.
    if (flight.isDelivered) return;
    leg.links.unshift(...flight.links);
    if (isBusy(failure) && this.#isForNow(leg, route)) return;
    const hasLines = carriesLines(flight);
    // A poll with lines may fail for them, unless they arrived or nothing passes.
    const hasArrived = this.#outgoing.lowest >= flight.until;
    const passesNothing = leg.failures.send > 0 && !leg.hasPassed;
    const isToBlame = !hasLines || (route === 'poll' && (hasArrived || passesNothing));
    if (hasLines) this.#linesFailed(leg, flight, failure, code);
    else if (route === 'links') this.#askForPong(leg);
    if (isToBlame) this.pause(leg, route);
  }

  /**
   * A proxy refuses a request for now: it lets one send through at a time, or none beside a held request. Returns false if neither
   * explains the failure. Then it may be for the lines in the body, unless link frames are refused as well.
   * @param {Leg} leg
   * @param {Route} route
   */
  #isForNow(leg, route) {
    const sender = this.#sender;
    const { flights, transport } = leg;
    if (route === 'poll') {
      if (leg.failures.poll > 0) return false;
      // The proxy may not have noticed that the poll before is over. Behind the pause there is none.
      leg.nextUp = 0;
      this.pause(leg, route);
      return true;
    }
    if (flights.send || flights.links) sender.isOneSend = true;
    else if (route === 'send' && transport === 'sse') return false;
    else if (++leg.refusals >= MOST_REFUSALS) {
      this.oneRequest(leg);
      return true;
    }
    leg.nextUp = 0;
    leg.retryAt[route] = sender.now + REFUSED_PAUSE_MS;
    return true;
  }

  /** A pong tells what arrived, however the answers are altered. One ping at a time is enough. @param {Leg} leg */
  #askForPong({ links, flights }) {
    const asked = [{ links }, ...Object.values(flights)].flatMap((flight) => flight?.links ?? []);
    if (!asked.some((line) => line.startsWith('{"ping"'))) links.push(this.#sender.ping());
  }

  /**
   * The path lets one request through at a time. A held poll is replaced to carry lines; a stream would keep all lines from going up.
   * @param {Leg} leg
   */
  oneRequest(leg) {
    const sender = this.#sender;
    if (!sender.isOneRequest) this.#outputs.push({ type: 'oneRequest', leg: leg.number });
    sender.isOneRequest = true;
    leg.nextUp = 0;
    if (leg.transport === 'sse') this.#legs.drop(leg, 'failed');
  }

  /**
   * A body with lines failed. It goes again, then in smaller bodies, down to one line.
   * @param {Leg} leg
   * @param {Flight} flight
   * @param {Failure} failure
   * @param {Refused['code']} [code] the gateway's, for a line
   */
  #linesFailed(leg, { from, until, size }, failure, code) {
    const { bodies, now } = this.#sender;
    leg.nextUp = 0;
    if (this.#outgoing.lowest >= until) return bodies.clear();
    const failures = ++leg.failures.send;
    const { hasPassed } = leg;
    leg.hasPassed = false;
    this.#askForPong(leg);
    const isTooLarge = failure.status === 413 || code !== undefined;
    // While nothing small passes either, the path is to blame.
    if (isTooLarge || (failures > 1 && hasPassed)) bodies.failed(size, now);
    const isAlone = until === from + 1;
    if (!isAlone && isTooLarge) return;
    leg.retryAt.send = now + (LINE_PAUSES_MS[isAlone ? failures - 1 : 0] ?? 3000);
    if (!isAlone) return;
    if (!code) return this.#lineFailed(leg, size, hasPassed, isBusy(failure));
    // The gateway itself will never take this line.
    this.#withdraw(code);
    bodies.clear();
  }

  /**
   * A line failed by itself. It is stuck once that happened too often while a ping passed.
   * @param {Leg} leg
   * @param {number} size
   * @param {boolean} hasPassed
   * @param {boolean} isPathBusy
   */
  #lineFailed(leg, size, hasPassed, isPathBusy) {
    const { bodies } = this.#sender;
    const mostOften = isPathBusy ? MOST_BUSY_FAILURES : MOST_LINE_FAILURES;
    const most = size < bodies.stuck ? mostOften : MOST_FAILURES_AS_BEFORE;
    const { oldest } = this.#outgoing;
    const isLong = oldest && oldest.size > SHORT_LINE_BYTES;
    if (++leg.lineFailures < most || !hasPassed || !isLong) return;
    bodies.stuck = size;
    oldest.isStuck = true;
    this.#outputs.push({ type: 'lineStuck', leg: leg.number });
  }

  /**
   * The gateway ended a leg. A socket that ended by a line of ours: the next welcome says which.
   * @param {Leg} leg
   * @param {string} code
   * @param {string} [message]
   */
  ended(leg, code, message) {
    const isOfLine = (code === 'bad_frame' || code === 'too_large') && leg.nextUp > this.#outgoing.lowest;
    if (isOfLine && !leg.carriedWithdrawn) this.refused = { code, until: leg.nextUp };
    this.#legs.drop(leg, code, new ThroughlineError(code, message));
  }

  /** The gateway refuses the oldest line. Other sockets that it went on end for it too. @param {'bad_frame' | 'too_large'} code */
  #withdraw(code) {
    this.refused = undefined;
    for (const leg of this.#legs.open) leg.carriedWithdrawn ||= leg.nextUp > this.#outgoing.lowest;
    this.#outgoing.withdraw(code);
  }

  /** A new leg is welcome: the gateway took all lines before the one that it cannot read. @param {Refused | undefined} refused */
  withdrawRefused(refused) {
    if (refused && this.#outgoing.lowest < refused.until) this.#withdraw(refused.code);
    this.refused = undefined;
  }

  /** The gateway has lines that it had not: nothing is stuck. */
  clear() {
    this.acknowledgedAt = this.#sender.now;
    this.refused = undefined;
    for (const leg of this.#legs.open) {
      leg.failures.send = leg.failures.links = leg.lineFailures = 0;
      leg.retryAt.send = NEVER;
      leg.isBlocked = false;
    }
  }

  /** A request did not help: a pause before the next try. @param {Leg} leg @param {Route} route */
  pause(leg, route) {
    const pause = RETRY_PAUSES_MS[leg.failures[route]++];
    if (pause === undefined) this.#legs.drop(leg, 'failed');
    else leg.retryAt[route] = this.#sender.now + pause;
  }
}
