// @ts-check
/**
 * A channel as the application sees it: its listeners, its loops over messages, and its subscription. Listening subscribes,
 * publishing does not. It knows positions, but nothing of sessions and transports.
 *
 * @import { PublishOptions } from './data.js'
 * @import { Deferred } from './deferred.js'
 * @import { NumberedFrame, Position } from './protocol/frames.js'
 * @import { Requests } from './requests.js'
 * @import { ConnectionEvents, Message, Channel as PublicChannel, Reset } from './types.js'
 */

import { createDeferred } from './deferred.js';
import { Emitter } from './emitter.js';
import { ThroughlineError } from './errors.js';
import { MessageLoop } from './message-loop.js';
import { checkListener, checkPublishOptions } from './options.js';
import { decode, encode } from './payload.js';

const EVENTS = ['message', 'end'];

/** @implements {PublicChannel} */
export class Channel {
  /**
   * `idle`: nothing listens. `asking`: the subscription has no answer yet. `refused`: something listens, but there is no
   * subscription.
   * @type {'idle' | 'asking' | 'subscribed' | 'refused'}
   */
  #state = 'idle';
  /**
   * The position of the last delivered message; none while there is no subscription to go on with.
   * @type {Position | undefined}
   */
  #position;
  /** The request that asks for the subscription. @type {number | undefined} */
  #request;
  /** The gateway may hold a subscription: a request for one was accepted, and its end was not asked for since. */
  #mustLeave = false;
  /** The outcome of the present subscription, or of the one that `subscribed` waits for. @type {Deferred<void> | undefined} */
  #outcome;
  /** @type {Emitter<{message: Message, end: ThroughlineError}>} */
  #emitter = new Emitter();
  #requests;
  #connection;
  #listening;

  /**
   * @param {string} name
   * @param {Requests} requests
   * @param {Emitter<ConnectionEvents>} connection
   * @param {Map<string, Channel>} listening the channels to which something listens; a channel adds and removes itself
   */
  constructor(name, requests, connection, listening) {
    this.name = name;
    this.#requests = requests;
    this.#connection = connection;
    this.#listening = listening;
  }

  /** @param {'message' | 'end'} event @param {(value: never) => void} listener */
  on(event, listener) {
    checkListener(EVENTS, event, listener);
    const remove = this.#emitter.on(event, /** @type {(value: unknown) => void} */ (listener));
    if (event === 'end') return () => void remove();
    this.#listening.set(this.name, this);
    if (this.#state === 'idle' || this.#state === 'refused') this.#subscribe();
    return () => {
      if (remove() && !this.#emitter.has('message')) this.#unsubscribe();
    };
  }

  get subscribed() {
    this.#outcome ??= this.#awaitListener();
    return this.#outcome.promise;
  }

  /** @param {unknown} data @param {PublishOptions} [options] @returns {Promise<{at: number}>} */
  publish(data, options = {}) {
    /** @type {Deferred<{at: number}>} */
    const { promise, resolve, reject } = createDeferred();
    try {
      checkPublishOptions(options);
      const request = { pub: this.name, field: encode(data) };
      const settle = (/** @type {ThroughlineError | undefined} */ error, { at = 0 }) =>
        error ? reject(error) : resolve({ at });
      this.#requests.ask(request, settle, options);
    } catch (error) {
      reject(error);
    }
    return promise;
  }

  [Symbol.asyncIterator]() {
    return new MessageLoop((onMessage, onEnd) => {
      // The end first, since the answer may be there at once.
      const removers = [this.#emitter.on('end', onEnd), this.on('message', onMessage)];
      return () => {
        for (const remove of removers) remove();
      };
    });
  }

  // ---- for the connection

  /**
   * A publication came. Before the answer to the subscription only older ones come.
   * @param {NumberedFrame} publication
   */
  deliver(publication) {
    const { at = 0 } = publication;
    if (this.#state !== 'subscribed' || !this.#position || at <= this.#position.at) return;
    this.#position.at = at;
    this.#emitter.emit('message', { channel: this.name, data: decode(publication), ...this.#position });
  }

  /**
   * The gateway ended the subscription. A request for a new one, if it is under way, has an answer of its own.
   * @param {ThroughlineError} error
   */
  end(error) {
    if (this.#state !== 'subscribed') return;
    this.#position = undefined;
    this.#mustLeave = false;
    this.#listening.delete(this.name);
    this.#refuse(error);
  }

  /**
   * The session was lost, or frames of it. The subscription goes on from its position, unless its request still waits to be sent.
   * @param {number[]} unsent requests that no leg has yet
   * @param {Reset['reason']} [reason] none once the connection is closed: then asking is refused, which ends the channel
   */
  resume(unsent, reason) {
    const isWaiting = this.#request !== undefined && unsent.includes(this.#request);
    if (!isWaiting) this.#subscribe(reason);
  }

  /** @param {Reset['reason']} [reason] */
  #subscribe(reason) {
    const since = this.#position;
    if (this.#state === 'refused') this.#outcome = undefined;
    this.#outcome ??= this.#createOutcome();
    this.#state = 'asking';
    /** @type {number | undefined} */
    let id;
    id = this.#requests.ask({ sub: this.name, since }, (error, { epoch, at, recovered }) => {
      // An answer to an older request is late. A refusal may come before the id is known.
      if (id !== undefined && id !== this.#request) return;
      this.#request = undefined;
      this.#position = epoch === undefined || at === undefined ? undefined : { epoch, at };
      if (error) return this.#refuse(error);
      this.#state = 'subscribed';
      this.#outcome?.resolve();
      if (since && reason && !recovered) this.#connection.emit('reset', { reason, channel: this.name });
    });
    // A listener that was told of the refusal may have asked again meanwhile.
    if (id === undefined) return;
    this.#mustLeave = true;
    if (this.#state === 'asking') this.#request = id;
  }

  /** @param {ThroughlineError} error */
  #refuse(error) {
    this.#state = 'refused';
    this.#outcome?.reject(error);
    // The subscription may have held until now.
    this.#outcome = this.#createOutcome();
    this.#outcome.reject(error);
    // The application knows that the connection is closed.
    if (!this.#requests.closed) this.#connection.emit('error', error);
    this.#emitter.emit('end', error);
  }

  /** The last listener went. */
  #unsubscribe() {
    this.#state = 'idle';
    this.#position = this.#request = undefined;
    this.#giveUp();
    this.#listening.delete(this.name);
    if (this.#mustLeave) this.#requests.leave(this.name);
    this.#mustLeave = false;
  }

  /** Ends the wait for a subscription to which nothing listens. */
  #giveUp() {
    const message = `nothing listens to '${this.name}': call on('message', …) first`;
    this.#outcome?.reject(this.#requests.closed ?? new ThroughlineError('unsubscribed', message));
    this.#outcome = undefined;
  }

  /** The application may ask for `subscribed` first, and listen in the same step of its program. */
  #awaitListener() {
    const outcome = this.#createOutcome();
    queueMicrotask(() => {
      if (this.#outcome === outcome && this.#state === 'idle') this.#giveUp();
    });
    return outcome;
  }

  #createOutcome() {
    /** @type {Deferred<void>} */
    const outcome = createDeferred();
    // The application need not look at it.
    outcome.promise.catch(() => {});
    return outcome;
  }
}
