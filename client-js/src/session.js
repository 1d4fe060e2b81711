// @ts-check
/**
 * The client's half of a session: it numbers, keeps and repeats, and decides which leg carries what.
 *
 * Sans-IO: `handle` an input, drain `pollOutput`, arm one timer for `pollTimeout` and hand in `{timeout: true}`
 * when it has come. It never touches a socket, a clock or the application. Its twin is `src/session/client` in
 * Rust: the same inputs, the same outputs in the same order, held to the same vectors. "Rule n" is PROTOCOL.md's
 * numbering. (A closure and not a class, here and in the selector, since the whole client has to fit into 8 KB.)
 *
 * @typedef {import('./types.js').Frame} Frame
 * @typedef {import('./types.js').BinaryFrame} BinaryFrame
 * @typedef {import('./types.js').Transport} Transport
 * @typedef {import('./types.js').Route} Route
 *
 * @typedef {object} Flight a request under way
 * @property {string} nonce what the answer must echo
 * @property {number} turn that it carried, if it carried one
 * @property {number} until the number after the last line it carried
 * @property {string[]} links the link frames it carried, for a repetition
 *
 * @typedef {object} Kept a frame that is not acknowledged
 * @property {Frame} frame
 * @property {number} bytes
 * @property {number} at since when it waits for that; Infinity while it was handed to no leg, and has no number
 *
 * @typedef {object} Read a frame that came down
 * @property {string} [verb] none where it is no frame
 * @property {any} [value]
 * @property {any} [frame]
 * @property {number} [bytes]
 *
 * @typedef {object} Leg
 * @property {number} n its name
 * @property {Transport} kind
 * @property {string} [nonce] of its first hello
 * @property {number} turn asked for on it; NaN for a candidate, since it compares with nothing
 * @property {number} [confirmed] the turn that a welcome showed to be its own
 * @property {boolean} [asking] the turn has yet to be asked for, or the send that carried it was not answered
 * @property {boolean} [usable] its welcome was read
 * @property {unknown} [ready] for lines to go up: when it is usable, and on a socket at once in a resume
 * @property {unknown} [stating] on a socket, the number of the next line is to be stated
 * @property {number} up the number of the next line that goes up on it
 * @property {number} [down] the number of the next line that comes down on it, once stated
 * @property {string[]} links link frames for the next write, send or poll
 * @property {Flight} [send]
 * @property {Flight} [poll]
 * @property {Record<string, number>} failures requests that failed since the last that did not, by route: while sends
 *   get through, polls may not, and the other way round
 * @property {number} retryAt no request before this
 * @property {number} retireAt a loser is read until then
 */

import { dispatch, NEVER } from './dispatch.js';

/** What a line costs in every bound. @param {string} line */
export const cost = (line) => new Blob([line]).size;

/** @param {() => string} random 22 characters or more of `[A-Za-z0-9_-]`, new each time */
export function createSession(random) {
  const prefix = random().slice(0, 8);
  let secret = random();
  /** The incarnation, once known. @type {string | undefined} */
  let id;
  let nonces = 0;
  /** @type {Leg[]} */
  let legs = [];
  let opened = 0;
  /** The greatest turn asked for. */
  let turn = 0;
  /** Numbered from acked + 1. @type {Kept[]} */
  const kept = [];
  let acked = 0;
  let sent = 0;
  let received = 0;
  /** What of it the server was told, the bytes since, and when it must be told at the latest (rule 11). */
  let told = 0;
  let owed = 0;
  let ackAt = NEVER;
  let ackDue = false;
  /** What a proxy on the way takes. */
  let bodyBytes = NEVER;
  let now = 0;
  /** @type {any[]} */
  const out = [];

  const self = {
    /** Who the client is; goes with every hello. @type {string | undefined} */
    token: undefined,
    /** How often it wants to be pinged, and how long a poll held at most; so does this. @type {object} */
    wish: {},
    /** What it has to tell of itself, with a leg's first hello. @type {(now: number) => any} */
    report: () => undefined,
    /** The last welcome: heartbeat and the like, for the owner. @type {any} */
    welcome: {},
    /** The frames that are not acknowledged. */
    kept: () => kept,

    pollOutput: () => out.shift(),

    /** When `{timeout: true}` is due; Infinity where nothing is. */
    pollTimeout: () => Math.min(ackAt, ...legs.flatMap((leg) => [leg.retryAt, leg.retireAt])),

    /**
     * @param {number} time milliseconds that never go back
     * @param {any} input its first key is its verb; of a leg that is over, it is ignored
     */
    handle(time, input) {
      now = time;
      dispatch(input, legs, ofLeg, inputs);
      advance();
    },
  };

  /** @type {{[verb: string]: (subject: any) => void}} */
  const inputs = {
    open(/** @type {Transport} */ kind) {
      /** @type {Leg} */
      const leg = {
        n: ++opened,
        kind,
        // Rule 3: while no open leg carries a turn, the new one does.
        turn: greatest(legs) ? NaN : ++turn,
        up: 0,
        links: [],
        failures: {},
        retireAt: NEVER,
        retryAt: NEVER,
      };
      legs.push(leg);
      if (kind !== 'websocket') post(leg, kind === 'sse' ? 'stream' : 'poll', leg.turn);
    },

    push(/** @type {Frame} */ frame) {
      kept.push({ frame, bytes: cost(frame), at: NEVER });
    },

    /** The page may end: what waits goes by a request that outlives it. Whatever comes of that, numbers make it safe. */
    flush() {
      const leg = greatest(legs);
      if (leg && kept[0]) post(leg, 'send', true, true);
    },

    timeout() {
      if (now >= ackAt) {
        ackAt = NEVER;
        ackDue = true;
      }
      for (const leg of legs) {
        if (now >= leg.retireAt) close(leg, 'replaced');
        if (now >= leg.retryAt) leg.retryAt = NEVER;
      }
    },
  };

  /** @type {{[verb: string]: (leg: Leg, input: any) => unknown}} */
  const ofLeg = {
    /** A socket opened: hello, and on a resume the lines at once behind the number of the first. */
    opened(leg) {
      out.push({ write: leg.n, lines: [hello(leg, leg.turn)] });
      leg.ready = leg.stating = leg.turn && id;
    },

    /** The first frame must be ours (P1): a welcome or an end with our nonce. */
    line(leg, { text }) {
      const line = read(text);
      if (leg.usable || line.value?.nonce === leg.nonce) take(leg, line, 'stream');
      else close(leg, 'foreign');
    },

    /** The whole answer of a poll or a send. What does not begin with our nonce is foreign, and counts as a failure. */
    answer(leg, { route, lines: [first, ...rest] }) {
      const flown = leg[/** @type {'poll'} */ (route)];
      const line = read(first);
      const before = acked;
      if (!flown) return;
      if (line.value?.nonce !== flown.nonce) return failed(leg, { route });
      leg[/** @type {'poll'} */ (route)] = undefined;
      take(leg, line, route);
      if (route === 'send') {
        leg.up = 0;
        if (flown.turn === leg.turn) leg.asking = false;
        // Nothing of what it carried was taken: not again at once.
        if (flown.until > acked + 1 && acked === before) return fail(leg, route);
      } else {
        leg.down = line.value.next;
        for (const text of rest) if (legs.includes(leg)) take(leg, read(text), 'stream');
      }
      leg.failures[route] = 0;
    },

    failed,

    closed,

    /** Not where it has been asked already. */
    ask: (leg) => leg === greatest(legs) || ask(leg),

    ping(leg) {
      leg.links.push(`{"ping":${Math.floor(now)}}`);
    },
  };

  // ---- up

  /** @param {Leg[]} among */
  function greatest(among) {
    return among.reduce(
      (/** @type {Leg | undefined} */ best, leg) => (leg.turn > (best?.turn ?? 0) ? leg : best),
      undefined,
    );
  }

  /** Rules 3 and 4: the next turn, on this leg. @param {Leg} leg */
  function ask(leg) {
    if (!leg.usable) return;
    leg.turn = ++turn;
    leg.asking = true;
  }

  /** After every input the legs are looked at in the order of their opening, and whatever may go up, goes. */
  function advance() {
    // Rule 4: the leg with the greatest turn was dropped: ask anew on one that is kept, the newest first.
    if ((greatest(legs)?.turn ?? 0) < turn) {
      const usable = legs.filter((leg) => leg.usable);
      const heir = usable.findLast((leg) => leg.retireAt === NEVER) ?? usable.pop();
      if (heir) {
        heir.retireAt = NEVER;
        ask(heir);
      }
    }
    const current = greatest(legs.filter((leg) => leg.ready));
    for (const leg of legs) {
      const { kind, n } = leg;
      const carries = leg === current;
      const hasLines = () => carries && kept[0] && leg.up <= acked + kept.length;
      if (kind === 'websocket') {
        if (leg.ready) {
          /** @type {Frame[]} */
          const lines = leg.asking ? [hello(leg, leg.turn)] : [];
          leg.asking = false;
          lines.push(...leg.links.splice(0));
          const from = Math.max(leg.up, acked + 1);
          if (leg.stating || (carries && ackDue) || (hasLines() && from > leg.up)) {
            leg.stating = false;
            leg.up = from;
            tell();
            lines.push(`{"ack":${received},"next":${from}}`);
          }
          while (hasLines()) lines.push(hand(leg.up++));
          if (lines[0]) out.push({ write: n, lines });
        }
      } else if (leg.usable && leg.retryAt === NEVER) {
        const poll = kind === 'poll';
        const due = () => leg.asking || leg.links[0] || (carries && ackDue && !poll);
        // A candidate polls only to prove itself or to ask (rule 4).
        if (poll && (due() || (carries && !leg.poll))) post(leg, 'poll', leg.asking);
        if (!leg.send && (hasLines() || due())) post(leg, 'send', carries);
      }
    }
  }

  /**
   * One POST: a hello, link frames, and lines from the lowest unacknowledged number on (rule 6).
   * @param {Leg} leg
   * @param {Route} route
   * @param {unknown} [brings] lines
   * @param {boolean} [last] it shall outlive the page
   */
  function post(leg, route, brings, last) {
    // Rule 3: polls repeat their leg's turn, a send carries one only to ask.
    const asked = route === 'send' && !leg.asking ? 0 : leg.turn;
    if (route === 'poll') leg.asking = false;
    // A poll that takes the place of another brings what that one may not have delivered.
    const links = [...(leg[/** @type {'poll'} */ (route)]?.links ?? ''), ...leg.links.splice(0)];
    /** @type {Frame[]} */
    const lines = [hello(leg, asked), ...links];
    let until = acked + 1;
    // Rule 2: no line before the incarnation is known.
    if (brings && id) {
      const { body_lines, body_bytes } = self.welcome.limits;
      // Browsers let 64 KB outlive a page.
      let room = Math.min(body_bytes, bodyBytes, last ? 60_000 : NEVER) - lines.join().length - 1;
      for (const { bytes } of kept) {
        // The first line goes however long it is: no line is longer than a body may be.
        if (lines.length >= body_lines || (bytes >= room && until > acked + 1)) break;
        room -= bytes + 1;
        lines.push(hand(until++));
      }
      leg.up = until;
    }
    if (id) tell();
    leg[/** @type {'poll'} */ (route)] = { nonce: nonce(), turn: asked, until, links };
    out.push({ request: leg.n, route, lines, ...(last && { last }) });
  }

  const nonce = () => `${prefix}.${nonces}`;

  /** The frame with this number; it counts as sent from now on (rule 10). @param {number} number */
  function hand(number) {
    const held = /** @type {Kept} */ (kept[number - acked - 1]);
    held.at = Math.min(held.at, now);
    sent = Math.max(sent, number);
    return held.frame;
  }

  /**
   * @param {Leg} leg
   * @param {number} asked
   */
  function hello(leg, asked) {
    nonces++;
    leg.nonce ||= nonce();
    return JSON.stringify({
      hello: {
        v: 1,
        session: secret,
        id,
        leg: leg.n,
        turn: asked || undefined,
        received,
        next: acked + 1,
        nonce: nonce(),
        token: self.token,
        ...self.wish,
        client: leg.usable ? undefined : self.report(now),
      },
    });
  }

  /** What was received is being told. */
  function tell() {
    told = received;
    owed = 0;
    ackAt = NEVER;
    ackDue = false;
  }

  // ---- down

  /**
   * @param {Frame | BinaryFrame} text
   * @returns {Read}
   */
  function read(text) {
    try {
      const { head = /** @type {string} */ (text), bytes = '' } = /** @type {any} */ (text);
      const frame = JSON.parse(head);
      const verb = /** @type {string} */ (Object.keys(frame)[0]);
      if (bytes) frame.bytes = bytes;
      // Of a text or a list, the first key is 0.
      // (Characters for bytes, and bytes as they came: at worst the acknowledgement comes at three quarters of the
      // bound in place of one.)
      if (verb > '9') return { verb, value: frame[verb], frame, bytes: head.length + bytes.length };
    } catch {}
    return {};
  }

  /**
   * @param {Leg} leg
   * @param {Read} line
   * @param {Route} route
   */
  function take(leg, { verb, value, frame, bytes = 0 }, route) {
    if (verb === 'welcome') welcome(leg, value, route);
    else if (verb === 'end') {
      // Rule 2: only gone ends the session; any other code ends its leg.
      if (value.code === 'gone' && id) {
        // What was never handed to a leg goes into the next one, with a new secret.
        for (const leg of legs) close(leg, 'gone');
        const unknown = kept.splice(0, sent - acked).map(({ frame }) => frame);
        secret = random();
        id = undefined;
        turn = acked = sent = received = 0;
        tell();
        out.push({ reset: 'gone', lost: unknown.length });
        if (unknown[0]) out.push({ unknown });
      } else close(leg, value.code);
    } else if (verb === 'ack') {
      if (acknowledged(leg, value) && frame.next) base(leg, frame.next);
    } else if (verb === 'ping') leg.links.push(`{"pong":${value}}`);
    else if (verb === 'pong') out.push({ pong: leg.n, rtt: now - value });
    else if (verb === 'config' || verb === 'goaway') out.push({ link: frame });
    else if (verb && leg.down) {
      const number = leg.down;
      // What a poll's answer states counts only with its first line (rule 8); elsewhere this is no news.
      base(leg, number);
      leg.down++;
      ackAt = Math.min(ackAt, now + 1000);
      if (number <= received) return;
      received = number;
      owed += bytes;
      const { replay_frames, replay_bytes } = self.welcome.limits;
      ackDue ||= received - told >= replay_frames >> 2 || owed >= replay_bytes >> 2;
      out.push({ frame });
    } else close(leg, 'bad_frame');
  }

  /**
   * @param {Leg} leg
   * @param {any} welcome
   * @param {Route} route
   */
  function welcome(leg, welcome, route) {
    if (id && welcome.id !== id) return close(leg, 'other_incarnation');
    id = welcome.id;
    self.welcome = welcome;
    // Of a send's welcome no more counts (rule 9).
    if (!acknowledged(leg, welcome.received) || route === 'send') return;
    const fresh = !leg.usable;
    leg.usable = leg.ready = true;
    if (leg.kind === 'websocket') leg.stating = true;
    else leg.up = 0;
    if (fresh) out.push({ usable: leg.n });
    const shown = welcome.turn === leg.turn;
    // A welcome that was held back on the way must not pass for the news of a turn since lost.
    if (shown && leg.turn === turn && leg.confirmed !== turn) {
      leg.confirmed = turn;
      out.push({ active: leg.n });
      // Rule 5: the losers are read for a while.
      for (const other of legs) if (other.turn < turn) other.retireAt = Math.min(other.retireAt, now + 5000);
    }
    // Rule 6: a candidate's first welcome says nothing about the count.
    if (route === 'stream' && (shown || !fresh)) base(leg, welcome.next);
  }

  /**
   * Rule 7: the greatest counts; more than was ever sent is an error.
   * @param {Leg} leg
   * @param {number} upTo
   */
  function acknowledged(leg, upTo) {
    // What is no number compares with nothing.
    if (!(upTo <= sent)) return close(leg, 'bad_frame');
    if (upTo > acked) {
      kept.splice(0, upTo - acked);
      acked = upTo;
    }
    return true;
  }

  /**
   * The number of the leg's next line. Beyond what is expected, frames were dropped (rule 7).
   * @param {Leg} leg
   * @param {number} next
   */
  function base(leg, next) {
    leg.down = next;
    const lost = next - 1 - received;
    if (lost > 0) {
      received += lost;
      out.push({ reset: 'overrun', lost });
    }
  }

  // ---- ends

  /** @param {Leg} leg */
  function closed(leg) {
    legs = legs.filter((other) => other !== leg);
  }

  /**
   * The same numbers again after a while; a stream, or a leg's first poll, is the leg.
   * @param {Leg} leg
   * @param {{route: Route, status?: unknown}} input
   */
  function failed(leg, { route, status }) {
    const flown = leg[/** @type {'poll'} */ (route)];
    if (route === 'stream' || !leg.usable) close(leg, 'failed');
    else if (flown) {
      leg[route] = undefined;
      leg.up = 0;
      leg.links.unshift(...flown.links);
      // A proxy takes no body of this size: half of it, but no less than 4 KB.
      if (status === 413 && bodyBytes > 4096)
        bodyBytes = Math.max(4096, Math.min(bodyBytes, self.welcome.limits.body_bytes) / 2);
      else fail(leg, route);
    }
  }

  /**
   * @param {Leg} leg
   * @param {string} reason
   */
  function close(leg, reason) {
    if (!legs.includes(leg)) return;
    closed(leg);
    out.push({ close: leg.n, reason });
  }

  /**
   * A request was for nothing: a pause before each try; after the last the leg has failed.
   * @param {Leg} leg
   * @param {Route} route
   */
  function fail(leg, route) {
    // One more than before, or the first.
    const wait = [0, 100, 300][(leg.failures[route] = -~(/** @type {number} */ (leg.failures[route])))];
    if (wait) leg.retryAt = now + wait;
    else close(leg, 'failed');
  }

  return self;
}
