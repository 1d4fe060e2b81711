// @ts-check
/**
 * A connection as the application sees it. It carries out what the machines decide, on the platform and for the application, and
 * decides nothing about sessions and transports.
 *
 * @import { ConnectionEvents, Connection as PublicConnection, Options, Reset, Transport } from './types.js'
 * @import { Deferred } from './deferred.js'
 * @import { LoopEvent, MachineEvent } from './events.js'
 * @import { NumberedFrame } from './protocol/frames.js'
 */

import { baseOf } from './address.js';
import { Channel } from './channel.js';
import { Channels } from './channels.js';
import { createDeferred } from './deferred.js';
import { Emitter } from './emitter.js';
import { ThroughlineError, textOf } from './errors.js';
import { EventLoop } from './event-loop.js';
import { checkListener, checkName, checkOptions, checkToken, noTransport, orderOf } from './options.js';
import { watchPage } from './page.js';
import { randomId, resolvePlatform, storageOf } from './platform.js';
import { Reports } from './reports.js';
import { Requests } from './requests.js';
import { Memory } from './selector/memory.js';
import { Selector } from './selector/selector.js';
import { Session } from './session/session.js';
import { takeSlot } from './slots.js';
import { Carriers } from './transports/carriers.js';
import { probe } from './transports/control.js';

const EVENTS = ['state', 'transport', 'reset', 'error'];
/** Codes of an `end` that the application must know: no other leg fares better. */
const LASTING_CODES = ['unauthorized', 'forbidden', 'rate_limited', 'full', 'bad_frame'];

/** @implements {PublicConnection} */
class Connection {
  /** @type {Emitter<ConnectionEvents>} */
  #emitter = new Emitter();
  #reports = new Reports((error) => this.#emitter.emit('error', error));
  /** @type {Channels<Channel>} */
  #channels = new Channels(
    (name) => new Channel(name, this.#requests, this.#emitter, this.#channels.listening),
  );
  /** Switches that are not over, in the order of asking. @type {Deferred<void>[]} */
  #switches = [];
  /** Ends the watching of the page. */
  #end = new AbortController();
  #base;
  #token;
  #order;
  /** @type {Transport[]} */
  #missing;
  #platform;
  #memory;
  /** @type {Session} */
  #session;
  /** @type {Selector} */
  #selector;
  #carriers;
  #loop;
  #requests;

  /** @param {string | URL} url @param {Options} options */
  constructor(url, options) {
    checkOptions(options);
    this.#base = baseOf(url, globalThis.location?.href);
    this.#token = options.token;
    this.#platform = resolvePlatform(options);
    this.#missing = this.#platform.WebSocket ? [] : ['websocket'];
    this.#order = orderOf(options.transports, this.#missing);
    this.#memory = new Memory(storageOf(this.#platform), `throughline ${this.#base}`, Date.now);
    this.#session = new Session({ randomId, report: (now) => this.#selector.report(now) });
    this.#selector = new Selector({
      session: this.#session,
      memory: this.#memory,
      now: this.#platform.now(),
      random: Math.random,
      order: this.#order,
      isOrderChosen: options.transports !== undefined,
      maxLatencyMs: options.maxLatencyMs,
    });
    const carryOut = (/** @type {LoopEvent} */ event) => this.#carryOut(event);
    this.#loop = new EventLoop(this.#platform, this.#session, this.#selector, carryOut, options.log);
    const dispatch = (/** @type {LoopEvent} */ event) => this.#loop.dispatch(event);
    this.#carriers = new Carriers(this.#platform, this.#base, dispatch);
    const push = (/** @type {string} */ line) => this.#push(line);
    this.#requests = new Requests(push, this.#session, this.#platform, options.queue);
    this.#emitter.on('state', (state) => state === 'online' && this.#reports.online());
    watchPage(this.#platform.window, dispatch, this.#end.signal);
    const locks = this.#platform.window?.navigator?.locks;
    takeSlot(locks, this.#base, (mayHold) => dispatch({ type: 'holdingChanged', mayHold }), this.#end.signal);
    this.#prepareRace();
  }

  // ---- for the application

  get transport() {
    return this.#selector.transport;
  }

  get state() {
    return this.#selector.state;
  }

  /**
   * @template {keyof ConnectionEvents} Event
   * @param {Event} event
   * @param {(value: ConnectionEvents[Event]) => void} listener
   */
  on(event, listener) {
    checkListener(EVENTS, event, listener);
    return this.#emitter.on(event, listener);
  }

  /** @param {string} name */
  channel(name) {
    checkName(name);
    return this.#channels.get(name);
  }

  /** @param {Transport} transport @returns {Promise<void>} */
  switchTo(transport) {
    /** @type {Deferred<void>} */
    const outcome = createDeferred();
    if (this.state === 'closed') outcome.reject(new ThroughlineError('closed'));
    else if (!this.#order.includes(transport)) outcome.reject(noTransport([transport], this.#order));
    else {
      this.#switches.push(outcome);
      // Not by the loop: a listener may close the connection before the loop comes to it.
      this.#selector.handle(this.#platform.now(), { type: 'switchTo', transport });
      this.#loop.run();
    }
    return outcome.promise;
  }

  explain() {
    return { ...this.#selector.explain(this.#platform.now()), missing: [...this.#missing] };
  }

  forget() {
    this.#memory.forget();
  }

  close() {
    this.#end.abort();
    // Not by the loop: a listener that calls this sees a closed connection at once.
    this.#selector.handle(this.#platform.now(), { type: 'stop' });
    // The legs too that the session still reads after the selector is through with them.
    for (const leg of this.#carriers.legs) this.#carriers.abort(leg);
    this.#requests.isClosed = true;
    this.#giveUp('closed', []);
    this.#loop.run();
  }

  // ---- for the loop

  /** Carries out an event on the platform and for the application. @param {LoopEvent} event */
  #carryOut(event) {
    switch (event.type) {
      case 'openLeg':
        return this.#carriers.open(event.transport, event.leg);
      case 'write':
        return this.#carriers.write(event);
      case 'post':
        return this.#carriers.post(event);
      case 'switchEnded':
        return this.#settleSwitch(event.reason);
      case 'legDropped':
        this.#carriers.abort(event.leg);
        return this.#ended(event.reason, event.error);
      case 'dropLeg':
      case 'legDied':
        return this.#carriers.abort(event.leg);
      case 'park':
        for (const leg of this.#carriers.legs) this.#loop.dispatch({ type: 'legDied', leg });
        return;
      case 'prepareRace':
        return this.#prepareRace();
      case 'probeControl':
        return this.#probeControl();
      case 'raceFailed':
      case 'gatewayRefused':
      case 'controlAnswered':
        return event.error && this.#report(event.error);
      case 'unreachable':
        return this.#reports.unreachable(this.#base, this.explain());
      case 'holdingChanged':
        this.#session.mayHold = event.mayHold;
        return;
      case 'keepAlive':
        this.#session.wish = { heartbeat_ms: event.heartbeatMs, hold_ms: event.holdMs };
        return;
      case 'frameArrived':
      case 'answerArrived':
        return this.#requests.catchUp();
      case 'deliver':
        return this.#deliver(event.frame);
      case 'reset':
        return this.#reset(event.reason);
      case 'stateChanged':
        return this.#emitter.emit('state', event.state);
      case 'transportChanged':
        return this.#emitter.emit('transport', { from: event.from, to: event.to, reason: event.reason });
      default:
        /** @satisfies {MachineEvent} */ (event);
    }
  }

  /** The session dropped a leg. @param {string} code @param {ThroughlineError} [error] why the gateway ended it */
  #ended(code, error = new ThroughlineError(code)) {
    if (LASTING_CODES.includes(code)) this.#report(error);
  }

  /** @param {ThroughlineError} error */
  #report(error) {
    this.#reports.report(error, this.state === 'online');
  }

  /** Queues a line. The next one must see it in the queue, so it does not go by the loop. @param {string} line */
  #push(line) {
    this.#session.handle(this.#platform.now(), { type: 'push', line });
    this.#loop.run();
  }

  /** The oldest switch was made, or it failed for a reason. @param {string} [reason] */
  #settleSwitch(reason) {
    const oldest = this.#switches.shift();
    if (reason) oldest?.reject(new ThroughlineError(reason));
    else oldest?.resolve();
  }

  /** Gets a new token before every race. */
  async #prepareRace() {
    try {
      const token = this.#token;
      // Without a function the race starts at once, within this call. No function runs within `connect`: its error needs a listener.
      this.#session.token =
        typeof token === 'function' ? checkToken(await Promise.resolve().then(token)) : token;
      this.#loop.dispatch({ type: 'raceReady' });
    } catch (thrown) {
      this.#loop.dispatch({
        type: 'raceFailed',
        error: new ThroughlineError('unauthorized', textOf(thrown)),
      });
    }
  }

  async #probeControl() {
    const { fetch, now } = this.#platform;
    const askedAt = now();
    const answer = await probe(fetch, this.#base, randomId());
    this.#loop.dispatch({ type: 'controlAnswered', ...answer, askedAt });
  }

  /** @param {NumberedFrame} frame */
  #deliver(frame) {
    if (frame.pub === undefined) this.#requests.settle(frame);
    else this.#channels.listening.get(frame.pub)?.deliver(frame);
  }

  /**
   * A request that a leg took has an unknown outcome; channels go on from their positions.
   * @param {Reset['reason']} reason
   */
  #reset(reason) {
    const unsent = this.#session.unhandedLines().map((line) => JSON.parse(line).id);
    this.#giveUp('unknown_outcome', unsent, reason);
  }

  /**
   * Rejects the open requests, but not the unsent ones. Channels subscribe again; once the connection is closed that ends them.
   * @param {'closed' | 'unknown_outcome'} code
   * @param {number[]} unsent
   * @param {Reset['reason']} [reason]
   */
  #giveUp(code, unsent, reason) {
    // The requests that the channels add are not among them.
    const lost = [...this.#requests.open.keys()].filter((id) => !unsent.includes(id));
    for (const channel of [...this.#channels.listening.values()]) channel.resume(unsent, reason);
    for (const id of lost) this.#requests.reject(id, code);
  }
}

/**
 * Connects to a gateway, and stays connected until `close()`.
 * @param {string | URL} url the gateway's base path, for example `https://example.org/rt`
 * @param {Options} [options]
 * @returns {PublicConnection}
 */
export const connect = (url, options = {}) => new Connection(url, options);
