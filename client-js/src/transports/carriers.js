// @ts-check
/**
 * The sockets and requests behind the legs. It opens, writes and aborts what it is told to, reports what happens, and decides
 * nothing.
 *
 * @import { SessionOutput } from '../session/events.js'
 * @import { Transport } from '../types.js'
 * @import { NetworkEvent, Platform } from './events.js'
 * @import { SocketLike } from './websocket.js'
 */

import { ThroughlineError } from '../errors.js';
import { post } from './fetch.js';
import { listen } from './websocket.js';

/** A send that takes longer has failed. The selector decides how long a stream or a poll may take. */
const SEND_MS = 10_000;

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
  async post({ leg, route, lines, outlivesPage }) {
    const isSend = route === 'send';
    if (!this.#behind.has(leg) && !outlivesPage) return;
    const request = new AbortController();
    if (!isSend) {
      this.abort(leg);
      this.#behind.set(leg, request);
    }
    /** A request that was replaced, or whose leg is over, answers too late. @param {NetworkEvent} event */
    const report = (event) => (isSend || this.#behind.get(leg) === request) && this.#report(event);
    const { fetch } = this.#platform;
    try {
      const answer = await post(fetch, `${this.#base}/${route}`, {
        lines,
        signal: isSend ? AbortSignal.timeout(SEND_MS) : request.signal,
        onEvent: route === 'stream' ? (frame) => report({ type: 'frameArrived', leg, frame }) : undefined,
        outlivesPage,
      });
      if (answer.lines) report({ type: 'answerArrived', leg, route, lines: answer.lines });
      else report({ type: 'requestFailed', leg, route, status: answer.status });
    } catch (error) {
      if (error instanceof ThroughlineError) report({ type: 'gatewayRefused', wait: error.wait, error });
      report({ type: 'requestFailed', leg, route });
    }
  }
}
