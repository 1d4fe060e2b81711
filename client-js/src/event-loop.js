// @ts-check
/**
 * Drains the queues of events: the network's first, then the session's, the identity's and the selector's. Each event goes only to the machines
 * that handle it, and is then carried out. The loop arms the one timer of all machines. It decides nothing.
 *
 * @import { LoopEvent, UnroutedEvent } from './events.js'
 * @import { IdentityInput } from './identity/events.js'
 * @import { Identity } from './identity/identity.js'
 * @import { Selector } from './selector/selector.js'
 * @import { Session } from './session/session.js'
 * @import { Platform } from './transports/events.js'
 * @import { LogEntry } from './types.js'
 */

import { LONGEST_TIMER_MS, NEVER } from './time.js';

export class EventLoop {
  /** @type {LoopEvent[]} */
  #events = [];
  /**
   * `running`: a caller drains the queues, and takes along what others add. `closed`: nothing that comes is heard any more.
   * @type {'idle' | 'running' | 'closed'}
   */
  #phase = 'idle';
  /** @type {unknown} */
  #timer;
  /** When the timer fires; NEVER without one. */
  #armedFor = NEVER;
  #platform;
  #session;
  #identity;
  #selector;
  #carryOut;
  #log;

  /**
   * @param {Platform} platform
   * @param {Session} session
   * @param {Identity} identity
   * @param {Selector} selector
   * @param {(event: LoopEvent) => void} carryOut
   * @param {(entry: LogEntry) => void} [log]
   */
  constructor(platform, session, identity, selector, carryOut, log) {
    this.#platform = platform;
    this.#session = session;
    this.#identity = identity;
    this.#selector = selector;
    this.#carryOut = carryOut;
    this.#log = log;
  }

  /** Takes an event, and all that follows from it. @param {LoopEvent} event */
  dispatch(event) {
    if (this.#phase === 'closed') return;
    this.#events.push(event);
    this.run();
  }

  /** Drains all queues, then arms the timer. Called from within, it leaves that to its caller. */
  run() {
    if (this.#phase !== 'idle') return;
    this.#phase = 'running';
    for (let event; (event = this.#next()); ) this.#handle(event);
    this.#phase = this.#selector.state === 'closed' ? 'closed' : 'idle';
    this.#arm();
  }

  /** @returns {LoopEvent | undefined} */
  #next() {
    return (
      this.#events.shift() ??
      this.#session.pollOutput() ??
      this.#identity.pollOutput() ??
      this.#selector.pollOutput()
    );
  }

  /** @param {LoopEvent} event */
  #handle(event) {
    const now = this.#platform.now();
    this.#record(event, now);
    try {
      this.#route(event, now);
      this.#carryOut(event);
    } catch (error) {
      // A platform that will not open a socket, or write to it, costs its leg and nothing else.
      console.error(error);
      if ('leg' in event) this.dispatch({ type: 'legDied', leg: event.leg });
    }
  }

  /**
   * An event with frames or bytes is not a decision, and frames hold what must not reach a log, as tokens do not. Of an error only the
   * code does: its message may be the application's.
   * @param {LoopEvent} event
   * @param {number} now
   */
  #record(event, now) {
    if ('lines' in event || 'frame' in event || 'bytes' in event) return;
    try {
      const { token, ...told } = 'token' in event ? event : { ...event, token: undefined };
      this.#log?.({ at: now, ...told, ...('error' in event && { error: event.error?.code }) });
    } catch (error) {
      console.error(error);
    }
  }

  /** Hands an event to the machines that handle it. @param {LoopEvent} event @param {number} now */
  #route(event, now) {
    this.#routeToIdentity(event, now);
    switch (event.type) {
      case 'socketOpened':
      case 'frameArrived':
      case 'answerArrived':
      case 'requestFailed':
      case 'legDied':
      case 'park':
      case 'timeout':
        this.#session.handle(now, event);
        return this.#selector.handle(now, event);
      case 'openLeg':
      case 'dropLeg':
      case 'requestTurn':
      case 'sendPing':
      case 'sendToken':
      case 'withdrawLine':
        return this.#session.handle(now, event);
      case 'write':
      case 'bytesArrived':
      case 'lineStuck':
      case 'oneRequest':
      case 'holdingChanged':
      case 'wait':
      case 'legUsable':
      case 'legActive':
      case 'legDropped':
      case 'pong':
      case 'link':
      case 'raceReady':
      case 'raceFailed':
      case 'gatewayRefused':
      case 'controlAnswered':
      case 'wake':
        return this.#selector.handle(now, event);
      default:
        /** @satisfies {UnroutedEvent} */ (event);
    }
  }

  /** @param {LoopEvent} event @param {number} now */
  #routeToIdentity(event, now) {
    switch (event.type) {
      case 'prepareRace':
      case 'tokenGiven':
      case 'tokenFailed':
      case 'tokenAnswered':
      case 'openLeg':
      case 'legUsable':
      case 'legActive':
      case 'legDropped':
      case 'transportChanged':
      case 'timeout':
        return this.#identity.handle(now, event);
      default:
        /** @satisfies {Exclude<LoopEvent, { type: IdentityInput['type'] }>} */ (event);
    }
  }

  /** Only an earlier deadline replaces the timer: one that fires too early does no harm, and is armed again. */
  #arm() {
    const { now, setTimeout, clearTimeout } = this.#platform;
    const isClosed = this.#phase === 'closed';
    const machines = isClosed ? [] : [this.#session, this.#identity, this.#selector];
    const due = Math.min(...machines.map((machine) => machine.pollTimeout()), NEVER);
    if (due >= this.#armedFor && !isClosed) return;
    clearTimeout(this.#timer);
    this.#armedFor = due;
    if (due < NEVER)
      this.#timer = setTimeout(
        () => {
          this.#armedFor = NEVER;
          this.dispatch({ type: 'timeout' });
        },
        Math.min(due - now(), LONGEST_TIMER_MS),
      );
  }
}
