// @ts-check
/**
 * A connection as the application sees it. It carries out what the machines decide, on the platform and for the application, and
 * decides nothing about sessions and transports.
 *
 * @import { ConnectionEvents, Connection as PublicConnection, Options, Reset, Transport } from './types.js'
 * @import { ApplicationEvent, LoopEvent, MachineEvent } from './events.js'
 * @import { NumberedFrame } from './protocol/frames.js'
 */

import { baseOf } from './address.js';
import { Channel } from './channel.js';
import { Channels } from './channels.js';
import { rejected } from './deferred.js';
import { Emitter } from './emitter.js';
import { ThroughlineError } from './errors.js';
import { EventLoop } from './event-loop.js';
import { Identity } from './identity/identity.js';
import { checkListener, checkName, checkOptions, noTransport, orderOf } from './options.js';
import { watchPage } from './page.js';
import { randomId, resolvePlatform, storageOf } from './platform.js';
import { Reports } from './reports.js';
import { Requests } from './requests.js';
import { Memory } from './selector/memory.js';
import { Selector } from './selector/selector.js';
import { Session } from './session/session.js';
import { takeSlot } from './slots.js';
import { Switches } from './switches.js';
import { askToken, sourceOf } from './token.js';
import { Carriers } from './transports/carriers.js';
import { probe } from './transports/control.js';

const EVENTS = ['state', 'transport', 'reset', 'error'];

/** @implements {PublicConnection} */
class Connection {
  /** @type {Emitter<ConnectionEvents>} */
  #emitter = new Emitter();
  #reports = new Reports((error) => this.#emitter.emit('error', error));
  /** @type {Channels<Channel>} */
  #channels = new Channels(
    (name) => new Channel(name, this.#requests, this.#emitter, this.#channels.listening),
  );
  #switches = new Switches();
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
  #identity;
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
    const source = sourceOf(options.token);
    this.#identity = new Identity({ source, session: this.#session, random: Math.random });
    if (typeof options.token === 'string') this.#session.token = options.token;
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
    this.#loop = new EventLoop(
      this.#platform,
      this.#session,
      this.#identity,
      this.#selector,
      carryOut,
      options.log,
    );
    const dispatch = (/** @type {LoopEvent} */ event) => this.#loop.dispatch(event);
    this.#carriers = new Carriers(this.#platform, this.#base, dispatch);
    this.#requests = new Requests((line) => this.#push(line), this.#session, this.#platform, options.queue);
    this.#emitter.on('state', (state) => state === 'online' && this.#reports.online());
    watchPage(this.#platform.window, dispatch, this.#end.signal);
    const locks = this.#platform.window?.navigator?.locks;
    takeSlot(locks, this.#base, (mayHold) => dispatch({ type: 'holdingChanged', mayHold }), this.#end.signal);
    // With a token at hand the race starts within this call.
    dispatch({ type: 'prepareRace' });
  }

  // ---- for the application

  get transport() {
    return this.#selector.transport;
  }

  get state() {
    return this.#selector.state;
  }

  get user() {
    return this.state === 'closed' ? null : this.#identity.user;
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
    if (this.state === 'closed') return rejected(new ThroughlineError('closed'));
    if (!this.#order.includes(transport)) return rejected(noTransport([transport], this.#order));
    const outcome = this.#switches.add();
    // Not by the loop: a listener may close the connection before the loop comes to it.
    this.#selector.handle(this.#platform.now(), { type: 'switchTo', transport });
    this.#loop.run();
    return outcome;
  }

  explain() {
    return { ...this.#selector.explain(this.#platform.now()), missing: [...this.#missing] };
  }

  forget() {
    this.#memory.forget();
  }

  close() {
    this.#close(new ThroughlineError('closed'));
  }

  // ---- for the loop

  /** Carries out an event on the platform. @param {LoopEvent} event */
  #carryOut(event) {
    switch (event.type) {
      case 'openLeg':
        return this.#carriers.open(event.transport, event.leg);
      case 'write':
        return this.#carriers.write(event);
      case 'post':
        return this.#carriers.post(event);
      case 'switchEnded':
        return this.#switches.settle(event.reason);
      case 'legDropped':
        this.#carriers.abort(event.leg);
        return this.#reports.ended(event.reason, event.error, this.state === 'online');
      case 'dropLeg':
      case 'legDied':
        return this.#carriers.abort(event.leg);
      case 'park':
        for (const leg of this.#carriers.legs) this.#loop.dispatch({ type: 'legDied', leg });
        return;
      case 'askToken':
        return askToken(this.#token, event.call, (answer) => this.#loop.dispatch(answer));
      case 'useToken':
        this.#session.token = event.token;
        return;
      case 'probeControl':
        return this.#probeControl();
      case 'holdingChanged':
        this.#session.mayHold = event.mayHold;
        return;
      case 'keepAlive':
        this.#session.wish = { heartbeat_ms: event.heartbeatMs, hold_ms: event.holdMs };
        return;
      case 'frameArrived':
      case 'answerArrived':
        return this.#requests.catchUp();
      default:
        return this.#tell(event);
    }
  }

  /** Carries out an event for the application. @param {ApplicationEvent} event */
  #tell(event) {
    switch (event.type) {
      case 'gatewayRefused':
        return event.error.code !== 'unauthorized' && this.#report(event.error);
      case 'raceFailed':
      case 'tokenError':
      case 'controlAnswered':
        return event.error && this.#report(event.error);
      case 'signedOut':
        this.#report(event.error);
        return this.#close(event.error);
      case 'unreachable':
        return this.#reports.unreachable(this.#base, this.explain());
      case 'deliver':
        return this.#deliver(event.frame);
      case 'reset':
        return this.#reset(event.reason);
      case 'stateChanged':
        // The legs too that the session still reads after the selector is through with them.
        if (event.state === 'closed') for (const leg of this.#carriers.legs) this.#carriers.abort(leg);
        return this.#emitter.emit('state', event.state);
      case 'transportChanged':
        return this.#emitter.emit('transport', { from: event.from, to: event.to, reason: event.reason });
      default:
        /** @satisfies {MachineEvent} */ (event);
    }
  }

  /**
   * Ends the connection for good. All that is asked later has the error.
   * @param {ThroughlineError} error
   */
  #close(error) {
    this.#end.abort();
    // Not by the loop: a listener that calls this sees a closed connection at once.
    this.#session.handle(this.#platform.now(), { type: 'bye' });
    this.#selector.handle(this.#platform.now(), { type: 'stop' });
    this.#requests.closed ??= error;
    this.#giveUp(error, []);
    this.#loop.run();
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

  async #probeControl() {
    const { fetch, now } = this.#platform;
    const askedAt = now();
    const answer = await probe(fetch, this.#base, randomId());
    this.#loop.dispatch({ type: 'controlAnswered', ...answer, askedAt });
  }

  /** @param {NumberedFrame} frame */
  #deliver(frame) {
    const { pub, unsub, code = 'internal', message } = frame;
    const { listening } = this.#channels;
    if (pub !== undefined) listening.get(pub)?.deliver(frame);
    else if (unsub !== undefined) listening.get(unsub)?.end(new ThroughlineError(code, message));
    else this.#requests.settle(frame);
  }

  /**
   * A request that a leg took has an unknown outcome; channels go on from their positions.
   * @param {Reset['reason']} reason
   */
  #reset(reason) {
    const unsent = this.#session.unhandedLines().map((line) => JSON.parse(line).id);
    this.#giveUp(new ThroughlineError('unknown_outcome'), unsent, reason);
  }

  /**
   * Rejects the open requests, but not the unsent ones. Channels subscribe again; once the connection is closed that ends them.
   * @param {ThroughlineError} error
   * @param {number[]} unsent
   * @param {Reset['reason']} [reason]
   */
  #giveUp({ code, message }, unsent, reason) {
    // The requests that the channels add are not among them.
    const lost = [...this.#requests.open.keys()].filter((id) => !unsent.includes(id));
    for (const channel of [...this.#channels.listening.values()]) channel.resume(unsent, reason);
    for (const id of lost) this.#requests.reject(id, code, message);
  }
}

/**
 * Connects to a gateway, and stays connected until `close()`.
 * @param {string | URL} url the gateway's base path, for example `https://example.org/rt`
 * @param {Options} [options]
 * @returns {PublicConnection}
 */
export const connect = (url, options = {}) => new Connection(url, options);
