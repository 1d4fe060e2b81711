// @ts-check
/**
 * The sockets and requests behind the legs. It opens, writes and aborts what it is told to, reports what happens, and decides
 * nothing.
 *
 * @import { Failure, SessionOutput } from '../session/events.js'
 * @import { Transport } from '../types.js'
 * @import { NetworkEvent, Platform } from './events.js'
 * @import { SocketLike } from './websocket.js'
 */

import { ThroughlineError } from '../errors.js';
import { post } from './fetch.js';
import { listen } from './websocket.js';

/** Says whether the gateway refuses a body for a line in it, or for its token. @param {string} code @returns {code is NonNullable<Failure['code']>} */
const isOfBody = (code) => code === 'bad_frame' || code === 'too_large' || code === 'unauthorized';

export class Carriers {
  /**
   * By leg: its socket, or the controller that aborts its stream or poll.
   * @type {Map<number, SocketLike | AbortController>}
   */
  #behind = new Map();
  #platform;
  #base;
  #report;

  /**
   * @param {Platform} platform
   * @param {string} base the gateway's base path
   * @param {(event: NetworkEvent) => void} report
   */
  constructor(platform, base, report) {
    this.#platform = platform;
    this.#base = base;
    this.#report = report;
  }

  /** The legs that have something behind them. */
  get legs() {
    return [...this.#behind.keys()];
  }

  /** @param {Transport} transport @param {number} leg */
  open(transport, leg) {
    const { WebSocket } = this.#platform;
    if (transport !== 'websocket' || !WebSocket) this.#behind.set(leg, new AbortController());
    else {
      const socket = new WebSocket(`${this.#base.replace('http', 'ws')}/ws`, 'throughline.v1');
      listen(socket, leg, this.#report);
      this.#behind.set(leg, socket);
    }
  }

  /** @param {Extract<SessionOutput, {type: 'write'}>} output */
  write({ leg, lines }) {
    const socket = this.#behind.get(leg);
    if (socket && 'send' in socket) for (const line of lines) socket.send(line);
  }

  /** Ends what is behind a leg. @param {number} leg */
  abort(leg) {
    const behind = this.#behind.get(leg);
    this.#behind.delete(leg);
    if (behind && 'send' in behind) behind.close();
    else behind?.abort();
  }

  /**
   * Issues a POST. A stream or a poll replaces the one before. A POST that outlives the page outlives its leg.
   * @param {Extract<SessionOutput, {type: 'post'}>} output
   */
  async post({ leg, route, lines, timeoutMs, outlivesPage }) {
    const isSend = route === 'send' || route === 'links';
    if (!this.#behind.has(leg) && !outlivesPage) return;
    const request = new AbortController();
    if (!isSend) {
      this.abort(leg);
      this.#behind.set(leg, request);
    }
    /** A request that was replaced, or whose leg is over, answers too late. @param {NetworkEvent} event */
    const report = (event) => (isSend || this.#behind.get(leg) === request) && this.#report(event);
    const { fetch, setTimeout, clearTimeout, credentials } = this.#platform;
    const timer = timeoutMs && setTimeout(() => request.abort(), timeoutMs);
    try {
      const answer = await post(fetch, `${this.#base}/${isSend ? 'send' : route}`, {
        lines,
        signal: request.signal,
        onEvent: route === 'stream' ? (frame) => report({ type: 'frameArrived', leg, frame }) : undefined,
        onBytes: (bytes) => report({ type: 'bytesArrived', leg, route, bytes }),
        credentials,
        outlivesPage,
      });
      if (answer.lines) report({ type: 'answerArrived', leg, route, lines: answer.lines });
      else report({ type: 'requestFailed', leg, route, status: answer.status });
    } catch (error) {
      /** @type {Failure} */
      const failure = {};
      if (error instanceof ThroughlineError) {
        report({ type: 'gatewayRefused', wait: error.wait, error });
        if (isOfBody(error.code)) failure.code = error.code;
        failure.error = error;
      }
      report({ type: 'requestFailed', leg, route, ...failure });
    } finally {
      clearTimeout(timer);
    }
  }
}
