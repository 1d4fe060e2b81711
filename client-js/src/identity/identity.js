// @ts-check
/**
 * Decides when the application is asked for a token, which token the hellos carry, and when the connection ends for want of one.
 *
 * Sans-IO: hand an input to `handle`, drain `pollOutput`, arm one timer for `pollTimeout`, and hand in `timeout` when it has come.
 * It knows how long a token is valid, by the gateway's word alone, and never looks into a token.
 *
 * @import { IdentityInput, IdentityOutput, WelcomeView } from './events.js'
 * @import { Transport } from '../types.js'
 */

import { ThroughlineError } from '../errors.js';
import { NEVER } from '../time.js';

/** A refresh goes at a random point between these parts of the time that is left, so that tokens of one moment do not go together. */
const EARLIEST_PART = 0.6;
const LATEST_PART = 0.9;
/** Tokens that live for a moment are not refreshed more often than this. */
const LEAST_REFRESH_MS = 1000;
/** The pause before a refresh that failed is tried again; it doubles each time. */
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30_000;
/** The application's function has failed if it has not answered within this time. */
const CALL_MS = 15_000;
/** A fresh token that the gateway has not answered within this time was lost. */
const ANSWER_MS = 10_000;
/** A leg that ends this long before the end of its token, or less, ends for the token: the word of its end took time. */
const SLACK_MS = 5000;

export class Identity {
  /** @type {IdentityOutput[]} */
  #outputs = [];
  /** There is a token for the hellos, and the gateway has not refused it. */
  #isGood = false;
  /** The gateway has accepted it. */
  #wasAccepted = false;
  /** A token that the gateway has not answered yet. @type {string | undefined} */
  #fresh;
  /** The gateway ends the token at this time. */
  #expiresAt = NEVER;
  #refreshAt = NEVER;
  #answerBy = NEVER;
  /** The last call of the application's function, and when it must have answered; NEVER while none is under way. */
  #calls = 0;
  #callBy = NEVER;
  /** A race waits for the token. */
  #isRacing = false;
  /** The tries to refresh that failed in a row. */
  #failures = 0;
  /** The legs below this one came with an older token. */
  #firstLeg = 0;
  #newestLeg = 0;
  #activeLeg = 0;
  /** The user whom the gateway welcomed first; none before, and in open mode. @type {string | null} */
  #firstUser = null;
  /** @type {Transport | null} */
  #transport = null;
  #source;
  #session;
  #random;

  /**
   * @param {object} options
   * @param {'none' | 'fixed' | 'function'} options.source where tokens come from
   * @param {WelcomeView} options.session
   * @param {() => number} options.random from 0 to 1
   */
  constructor({ source, session, random }) {
    this.#source = source;
    this.#session = session;
    this.#random = random;
  }

  // ---- for the owner

  /** The user whom the gateway has welcomed, or null. */
  get user() {
    return this.#session.welcome?.user ?? null;
  }

  /** Returns the next thing to do, until there is none. */
  pollOutput() {
    return this.#outputs.shift();
  }

  /** When the input `timeout` is due; NEVER if it is not. Without a leg no token is refreshed: the next welcome says what is left. */
  pollTimeout() {
    return this.#transport ? Math.min(this.#callBy, this.#refreshAt, this.#answerBy) : this.#callBy;
  }

  /**
   * Takes one input. Drain `pollOutput` afterwards.
   * @param {number} now
   * @param {IdentityInput} input
   */
  handle(now, input) {
    switch (input.type) {
      case 'prepareRace':
        return this.#prepare(now);
      case 'tokenGiven':
        return input.call === this.#calls && this.#given(now, input.token);
      case 'tokenFailed':
        return input.call === this.#calls && this.#failed(now, input.error);
      case 'tokenAnswered':
        return this.#answered(now, input.expiresMs, input.error);
      case 'openLeg':
        this.#newestLeg = input.leg;
        return;
      case 'legUsable':
        return this.#isOfAnother() || this.#welcomed(now, this.#session.welcome?.expires_ms);
      case 'legActive':
        this.#activeLeg = input.leg;
        return;
      case 'legDropped':
        return input.reason === 'unauthorized' && this.#refused(now, input.leg, input.error);
      case 'transportChanged':
        this.#transport = input.to;
        return;
      case 'timeout':
        return this.#timeout(now);
      default:
        /** @satisfies {never} */ (input);
    }
  }

  // ---- tokens from the application

  /** A race is due. It needs a token that may still be good. @param {number} now */
  #prepare(now) {
    const isHeld = this.#isGood && now < this.#expiresAt;
    if (this.#source === 'function' && !isHeld) {
      // The leg may have ended before the answer to a fresh token.
      if (this.#fresh === undefined) {
        this.#isRacing = true;
        return this.#ask(now);
      }
      this.#use(this.#fresh);
    }
    this.#outputs.push({ type: 'raceReady' });
  }

  /** Calls the application's function. All that wait for a token share one call. @param {number} now */
  #ask(now) {
    this.#refreshAt = NEVER;
    if (this.#callBy < NEVER) return;
    this.#callBy = now + CALL_MS;
    this.#outputs.push({ type: 'askToken', call: ++this.#calls });
  }

  /** @param {number} now @param {string | null} token */
  #given(now, token) {
    if (this.#callBy === NEVER) return;
    this.#callBy = NEVER;
    if (token === null) {
      const error = new ThroughlineError(
        'unauthorized',
        'signed out: the function of the token returned null',
      );
      return void this.#outputs.push({ type: 'signedOut', error });
    }
    if (this.#transport) {
      this.#fresh = token;
      this.#answerBy = now + ANSWER_MS;
      this.#outputs.push({ type: 'sendToken', token });
    } else this.#use(token);
    if (this.#isRacing) this.#outputs.push({ type: 'raceReady' });
    this.#isRacing = false;
  }

  /** @param {number} now @param {ThroughlineError} error */
  #failed(now, error) {
    if (this.#callBy === NEVER) return;
    this.#callBy = NEVER;
    // The selector pauses before the next race, and asks again.
    this.#outputs.push({ type: this.#isRacing ? 'raceFailed' : 'tokenError', error });
    this.#isRacing = false;
    this.#retry(now);
  }

  /** The hellos from now on carry this token. @param {string} token */
  #use(token) {
    this.#fresh = undefined;
    this.#isGood = true;
    this.#wasAccepted = false;
    this.#expiresAt = NEVER;
    this.#firstLeg = this.#newestLeg + 1;
    this.#outputs.push({ type: 'useToken', token });
  }

  // ---- the gateway's word

  /**
   * A connection belongs to one user. A token of another user begins a new session, since the old one is closed to that user.
   * Ends the connection then, so that the application notices the change. Returns true if it does.
   */
  #isOfAnother() {
    const { user } = this;
    this.#firstUser ??= user;
    const isOther = user !== this.#firstUser;
    if (isOther) {
      const message = 'the token is of another user: connect again to change the user';
      this.#outputs.push({ type: 'signedOut', error: new ThroughlineError('unauthorized', message) });
    }
    return isOther;
  }

  /** A leg is welcome, so its token is good for this time. @param {number} now @param {number} [expiresMs] */
  #welcomed(now, expiresMs) {
    this.#isGood = this.#wasAccepted = true;
    this.#failures = 0;
    this.#lastsFor(now, expiresMs);
  }

  /** The gateway answers a fresh token. @param {number} now @param {number} [expiresMs] @param {ThroughlineError} [error] */
  #answered(now, expiresMs, error) {
    this.#answerBy = NEVER;
    if (error) {
      this.#fresh = undefined;
      this.#outputs.push({ type: 'tokenError', error });
      return this.#retry(now);
    }
    if (this.#fresh !== undefined) this.#use(this.#fresh);
    // The session has the token now, whatever its legs came with.
    this.#firstLeg = 0;
    this.#welcomed(now, expiresMs);
  }

  /** @param {number} now @param {number} [ms] none: the gateway sets no end */
  #lastsFor(now, ms = NEVER) {
    this.#expiresAt = now + ms;
    const part = EARLIEST_PART + (LATEST_PART - EARLIEST_PART) * this.#random();
    const mayRefresh = this.#source === 'function' && this.#callBy === NEVER;
    this.#refreshAt = mayRefresh ? now + Math.max(LEAST_REFRESH_MS, ms * part) : NEVER;
  }

  /**
   * The gateway ended a leg, or refused it, for its token.
   * @param {number} now
   * @param {number} leg
   * @param {ThroughlineError} [error]
   */
  #refused(now, leg, error = new ThroughlineError('unauthorized')) {
    if (this.#source === 'none') return void this.#outputs.push({ type: 'tokenError', error });
    if (this.#source === 'fixed') {
      if (!this.#mayBeForgotten(now, leg)) this.#outputs.push({ type: 'signedOut', error });
      return;
    }
    // Several legs may end for one token, also after the next one was given.
    if (!this.#isGood || leg < this.#firstLeg) return;
    this.#isGood = false;
    // A token that was good has just expired, which the application need not know.
    if (!this.#wasAccepted) this.#outputs.push({ type: 'tokenError', error });
    this.#retry(now);
  }

  /**
   * Polls and sends carry no token. A gateway that has forgotten their leg asks for one by the same code, and a new leg brings it.
   * Says whether this may be so.
   * @param {number} now
   * @param {number} leg
   */
  #mayBeForgotten(now, leg) {
    const isByPost = this.#transport === 'sse' || this.#transport === 'poll';
    return isByPost && leg === this.#activeLeg && now < this.#expiresAt - SLACK_MS;
  }

  // ---- time

  /** Tries again after a pause, unless the token is over by then: then the gateway ends the leg. @param {number} now */
  #retry(now) {
    const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#failures++);
    const at = now + (pause * (1 + this.#random())) / 2;
    this.#refreshAt = at < this.#expiresAt ? at : NEVER;
  }

  /** @param {number} now */
  #timeout(now) {
    if (now >= this.#callBy) {
      const message = `the function of the token has not answered for ${CALL_MS / 1000} s`;
      this.#failed(now, new ThroughlineError('unauthorized', message));
    }
    if (!this.#transport) return;
    if (now >= this.#answerBy) {
      this.#answerBy = NEVER;
      this.#retry(now);
    }
    if (now >= this.#refreshAt) this.#ask(now);
  }
}
