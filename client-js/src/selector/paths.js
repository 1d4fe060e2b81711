// @ts-check
/**
 * The paths of all transports: their order of preference, and which are to blame for failures. A path that failed is suspected. It
 * is blamed once the network is known to be well, and cleared if no answer comes at all. This class never opens anything.
 *
 * @import { Reason, Transport } from '../types.js'
 * @import { Attempt } from './attempt.js'
 * @import { Deadlines } from './deadlines.js'
 * @import { SessionView } from './events.js'
 * @import { Memory } from './memory.js'
 * @import { Path, RoundTrip } from './path.js'
 */

import { reasonOf } from './attempt.js';
import { createPath, failed, failsOften, isLongAway, wentAway } from './path.js';

/** The gateway takes this many failed attempts in a report (PROTOCOL.md, client reports). */
const REPORTED = 8;

export class Paths {
  /** In the platform's order. */
  all;
  /** The round trip of any request on this network. @type {RoundTrip} */
  network = { rtt: null, deviation: null };
  /** What failed since the last report that a welcome answered. @type {Array<[Transport, Reason]>} */
  tried = [];
  /** Paths that failed, and whether the leg was proven; one may stand here twice. @type {Array<{path: Path, wasProven: boolean}>} */
  #suspects = [];
  /** The networks this page was on; addresses of two families may take turns. @type {Set<string | undefined>} */
  #networks = new Set();
  /**
   * The gateway's offer that `#offered` was made from. Every event asks for it, so it is kept.
   * @type {Transport[] | undefined}
   */
  #theirs;
  /** @type {Path[]} */
  #offered = [];
  #mayStream = true;
  #order;
  #isOrderChosen;
  #session;
  #memory;
  #deadlines;

  /**
   * @param {Transport[]} order the transports that this platform has, in order of preference
   * @param {boolean} isOrderChosen the application chose the order, so it comes before the gateway's
   * @param {SessionView} session
   * @param {Memory} memory
   * @param {Deadlines} deadlines
   */
  constructor(order, isOrderChosen, session, memory, deadlines) {
    this.all = order.map((transport) => createPath(transport, undefined, 0));
    this.#order = order;
    this.#isOrderChosen = isOrderChosen;
    this.#session = session;
    this.#memory = memory;
    this.#deadlines = deadlines;
    this.#readMemory();
  }

  /** The usable paths, best first. If the gateway offers none of them, all paths are usable. */
  get offered() {
    const theirs = this.#session.welcome?.transports ?? this.#order;
    if (theirs !== this.#theirs) {
      this.#offered = this.#usable(theirs);
      this.#theirs = theirs;
    }
    return this.#offered;
  }

  /** @param {Transport[]} theirs */
  #usable(theirs) {
    const order = this.#isOrderChosen
      ? this.#order.filter((transport) => theirs.includes(transport))
      : theirs;
    const ours = order.flatMap((transport) => this.all.filter((path) => path.transport === transport));
    const offered = ours.length > 0 ? ours : this.all;
    const canPoll = offered.some(({ transport }) => transport === 'poll');
    return canPoll && !this.#mayStream ? offered.filter(({ transport }) => transport !== 'sse') : offered;
  }

  /** @param {boolean} mayStream a stream may hold a connection; if not, polls take its place */
  set mayStream(mayStream) {
    this.#mayStream = mayStream;
    this.#theirs = undefined;
  }

  /** Returns why an attempt takes over from another one. @param {Attempt} next @param {Attempt} before @returns {Reason} */
  takeOverReason({ path, record: { purpose } }, before) {
    if (purpose !== 'race' && purpose !== 'better') return purpose;
    const used = before.path;
    // The gateway does not offer it any more. One that this client does without is another matter.
    if (!this.offered.includes(used) && !this.#theirs?.includes(used.transport)) return 'server';
    // A worse one takes over only from one that owes its first pong.
    return path === used || this.betterThan(used).includes(path) ? 'better' : reasonOf(before);
  }

  /** Returns what is better than a path, best first; all, if that path is not offered. @param {Path} path */
  betterThan(path) {
    const { offered } = this;
    const place = offered.indexOf(path);
    return place < 0 ? offered : offered.slice(0, place);
  }

  /** A welcome names the network. On one that was not expected, only what is remembered of it counts. Returns whether that is so. */
  enterNetwork() {
    const network = this.#session.welcome?.network;
    const isNew = this.#memory.enter(network) && !this.#networks.has(network);
    this.#networks.add(network);
    if (isNew) this.#readMemory();
    return isNew;
  }

  /**
   * A path that opened and was closed is suspected twice.
   * @param {Path} path
   * @param {Reason} reason
   * @param {boolean} isToBlame
   * @param {boolean} wasProven
   */
  failed(path, reason, isToBlame, wasProven) {
    this.tried = [...this.tried, /** @type {[Transport, Reason]} */ ([path.transport, reason])].slice(
      -REPORTED,
    );
    if (!isToBlame) return;
    this.#suspects.push({ path, wasProven });
    if (reason === 'closed') this.#suspects.push({ path, wasProven: false });
  }

  /** A path is proven, so the network is well. @param {Path} path */
  proven(path) {
    this.confirm();
    path.good = true;
    path.awaySince = null;
    this.#memory.note(path.transport, path.rtt);
  }

  /** Another path was proven while this one was silent. The next page need not wait for it. @param {Path} path */
  noteSilence(path) {
    this.#memory.note(path.transport, null, true);
  }

  /** The network is well, so its suspects are to blame. The next page must know of a path that goes on failing. */
  confirm() {
    const { now } = this.#deadlines;
    for (const { path, wasProven } of this.#suspects) {
      if (wasProven) path.cuts++;
      this.#rest(path, wentAway(path, now));
      const hasFailedOften = failsOften(path);
      // A path that is away stays good for this page, which tries it again soon.
      if (hasFailedOften) path.good = false;
      if (hasFailedOften || isLongAway(path, now)) this.#memory.note(path.transport, null);
    }
    this.clear();
  }

  /** No path is to blame. */
  clear() {
    this.#suspects = [];
  }

  /** A path rests, for a time that grows with each failure. @param {Path} path */
  blame(path) {
    this.#rest(path, failed(path));
  }

  /** @param {Path} path @param {number} ms ± 50 % */
  #rest(path, ms) {
    path.retryAt = this.#deadlines.after(ms / 2, ms);
  }

  /** There is a reason to try again what failed. @param {number} pauseMs @param {number} jitterMs */
  forgive(pauseMs, jitterMs) {
    const retryAt = this.#deadlines.after(pauseMs, jitterMs);
    for (const path of this.all) Object.assign(path, { failures: 0, cuts: 0, awaySince: null, retryAt });
  }

  #readMemory() {
    this.network = { rtt: null, deviation: null };
    for (const path of this.all) {
      const fact = this.#memory.factOn(path.transport);
      Object.assign(path, createPath(path.transport, fact, this.#deadlines.now));
    }
    this.clear();
  }
}
