// @ts-check
/**
 * The client's half of a session: it numbers, keeps and repeats, and decides which leg carries what.
 *
 * Sans-IO: `handle` an input, drain `pollOutput`, arm one timer for `pollTimeout` and hand in `{timeout: true}`
 * when it has come. It never touches a socket, a clock or the application. Its twin is `src/session/client` in
 * Rust: the same inputs, the same outputs in the same order, held to the same vectors. "Rule n" is PROTOCOL.md's
 * numbering. (A closure and not a class, here and in the selector, since the client shall stay small.)
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
 * @property {number} bytes of its body, as characters
 * @property {boolean} many it carried more than one line, so it can be smaller
 *
 * @typedef {object} Kept a frame that is not acknowledged
 * @property {Frame} frame
 * @property {number} bytes
 * @property {number} at since when it waits for that; Infinity while it was handed to no leg, and has no number
 *
 * @typedef {[verb?: string, value?: any, frame?: any, bytes?: number]} Read a frame that came down; empty where it is no frame
 *
 * @typedef {object} Leg
 * @property {number} n its name
 * @property {Transport} transport
 * @property {string} [nonce] of its first hello
 * @property {number} turn asked for on it; NaN for a candidate, since it compares with nothing
 * @property {boolean} [ask] the turn has yet to be asked for, or the send that carried it was not answered
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
 * @property {number} until a loser is read until then
 *
 * @typedef {object} Session
 * @property {string} [token] who the client is; goes with every hello
 * @property {object} [wish] how often it wants to be pinged, and how long a poll held at most; so does this
 * @property {(now: number) => any} [report] what it has to tell of itself, with a leg's first hello
 * @property {any} welcome the last: heartbeat and the like, for the owner
 * @property {() => Kept[]} kept the frames that are not acknowledged
 * @property {() => any} pollOutput
 * @property {() => number} pollTimeout when `{timeout: true}` is due; Infinity where nothing is
 * @property {(time: number, input: any) => void} handle milliseconds that never go back, and what happened: its first key is its
 *   verb; of a leg that is over, it is ignored
 */

import { dispatch, NEVER } from './dispatch.js';

/** What a line costs in every bound. @param {string} line */
export const cost = (line) => new Blob([line]).size;

/** @param {() => string} random 22 characters or more of `[A-Za-z0-9_-]`, new each time */
export const createSession = (random) => {
  const prefix = random().slice(0, 8);
  let secret = random();
  /** @type {Leg[]} */
  let legs = [];
  let opened = 0;
  /** @type {any[]} */
  const out = [];
  /** The greatest turn asked for. */
  let turn = 0;
  /** The incarnation, once known. @type {string | undefined} */
  let id;
  /** The last that a welcome showed to be its leg's own. */
  let confirmed = 0;
  /** What of what was received the server was told, the bytes since, and when it must be told at the latest (rule 11). */
  let told = 0;
  let owed = 0;
  let ackAt = NEVER;
  let ackDue = false;
  /** What a proxy on the way takes. */
  let bodyBytes = NEVER;
  let now = 0;
  /** Of the last welcome. @type {any} */
  let limits;
  let nonces = 0;
  let nonce = '';
  /** Numbered from acked + 1. @type {Kept[]} */
  const kept = [];
  let acked = 0;
  let sent = 0;
  let received = 0;
  /** @type {Session} */
  const self = {
    welcome: {},
    kept: () => kept,
    pollOutput: () => out.shift(),
    pollTimeout: () => Math.min(ackAt, ...legs.flatMap((leg) => [leg.retryAt, leg.until])),
    handle(time, input) {
      now = time;
      dispatch(input, legs, ofLeg, inputs);
      advance();
    },
  };

  /** @type {{[verb: string]: (subject: any) => void}} */
  const inputs = {
    open(/** @type {Transport} */ transport) {
      /** @type {Leg} */
      const leg = {
        n: ++opened,
        transport,
        // Rule 3: while no open leg carries a turn, the new one does.
        turn: greatest(legs).turn ? NaN : ++turn,
        retryAt: NEVER,
        until: NEVER,
        up: 0,
        links: [],
        failures: {},
      };
      legs.push(leg);
      if (transport === 'sse') post(leg, 'stream', leg.turn);
      if (transport === 'poll') post(leg, 'poll', leg.turn);
    },

    push(/** @type {Frame} */ frame) {
      kept.push({ frame, bytes: cost(frame), at: NEVER });
    },

    /** The page may end: what waits goes by a request that outlives it. Whatever comes of that, numbers make it safe. */
    park() {
      const leg = greatest(legs);
      if (leg.turn && kept[0]) post(leg, 'send', true, { last: true });
    },

    timeout() {
      if (now >= ackAt) {
        ackAt = NEVER;
        ackDue = true;
      }
      for (const leg of legs) {
        if (now >= leg.until) close(leg, 'replaced');
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
      if (!leg.usable && line[1]?.nonce !== leg.nonce) close(leg, 'foreign');
      else take(leg, line, 'stream');
    },

    /** The whole answer of a poll or a send. What does not begin with our nonce is foreign, and counts as a failure. */
    answer(leg, { route, lines: [first, ...rest] }) {
      const flown = leg[/** @type {'poll'} */ (route)];
      let line = read(first);
      // A brief welcome is the last one with these numbers.
      if (id && line[0] === 'nonce') line = ['welcome', { ...self.welcome, ...line[2], turn: flown?.turn }];
      if (!flown || line[1]?.nonce !== flown.nonce) return failed(leg, { route });
      const before = acked;
      leg[/** @type {'poll'} */ (route)] = undefined;
      take(leg, line, route);
      if (route === 'send') {
        leg.up = 0;
        if (flown.turn === leg.turn) leg.ask = false;
        // Nothing of what it carried was taken: not again at once.
        if (acked === before && flown.until > acked + 1) return fail(leg, route);
      } else {
        leg.down = line[1].next;
        for (const text of rest) if (legs.includes(leg)) take(leg, read(text), 'stream');
      }
      leg.failures[route] = 0;
    },

    failed,

    closed,

    /** Not where it has been asked already. */
    ask(leg) {
      if (leg !== greatest(legs)) ask(leg);
    },

    ping(leg) {
      leg.links.push(JSON.stringify({ ping: Math.floor(now) }));
    },
  };

  // ---- up

  /** The one with the greatest turn; where none has one, none, and its turn is 0. @param {Leg[]} among */
  const greatest = (among) =>
    among.reduce((best, leg) => (leg.turn > best.turn ? leg : best), /** @type {Leg} */ ({ turn: 0 }));

  /** Rules 3 and 4: the next turn, on this leg. @param {Leg} leg */
  function ask(leg) {
    if (!leg.usable) return;
    leg.turn = ++turn;
    leg.ask = true;
  }

  /** After every input the legs are looked at in the order of their opening, and whatever may go up, goes. */
  function advance() {
    // Rule 4: the leg with the greatest turn was dropped: ask anew on one that is kept, the newest first.
    if (greatest(legs).turn < turn) {
      const heir =
        legs.findLast((leg) => leg.usable && leg.until === NEVER) ?? legs.findLast((leg) => leg.usable);
      if (heir) {
        heir.until = NEVER;
        ask(heir);
      }
    }
    const current = greatest(legs.filter((leg) => leg.ready));
    for (const leg of legs) {
      const carries = leg === current;
      const hasLines = () => carries && kept[0] && leg.up <= acked + kept.length;
      if (!leg.ready) continue;
      if (leg.transport === 'websocket') {
        /** @type {Frame[]} */
        const lines = leg.links.splice(0);
        if (leg.ask) lines.unshift(hello(leg, leg.turn));
        leg.ask = false;
        const from = Math.max(leg.up, acked + 1);
        if (leg.stating || (carries && ackDue) || (hasLines() && from > leg.up)) {
          leg.stating = false;
          leg.up = from;
          tell();
          lines.push(JSON.stringify({ ack: received, next: from }));
        }
        while (hasLines()) lines.push(hand(leg.up++));
        if (lines[0]) out.push({ write: leg.n, lines });
      } else if (leg.retryAt === NEVER) {
        const poll = leg.transport === 'poll';
        const due = () => leg.ask || leg.links[0] || (carries && ackDue && !poll);
        // A candidate polls only to prove itself or to ask (rule 4).
        if (poll && (due() || (carries && !leg.poll))) post(leg, 'poll', leg.ask);
        if (!leg.send && (hasLines() || due())) post(leg, 'send', carries);
      }
    }
  }

  /**
   * One POST: a hello, link frames, and lines from the lowest unacknowledged number on (rule 6).
   * @param {Leg} leg
   * @param {Route} route
   * @param {unknown} [brings] lines
   * @param {{last: true}} [last] it shall outlive the page
   */
  function post(leg, route, brings, last) {
    // Rule 3: polls repeat their leg's turn, a send carries one only to ask.
    const asked = route === 'send' && !leg.ask ? 0 : leg.turn;
    if (route === 'poll') leg.ask = false;
    // A poll that takes the place of another brings what that one may not have delivered.
    const links = [...(leg[/** @type {'poll'} */ (route)]?.links ?? ''), ...leg.links.splice(0)];
    /** @type {Frame[]} */
    const lines = [hello(leg, asked), ...links];
    let until = acked + 1;
    // Rule 2: no line before the incarnation is known.
    if (brings && id) {
      // Browsers let 64 KB outlive a page.
      let room = Math.min(limits.body_bytes, bodyBytes, last ? 60_000 : NEVER) - lines.join().length - 1;
      for (const { bytes } of kept) {
        // The first line of a send goes however long it is; for a stream or a poll none is worth its refusal.
        if (lines.length >= limits.body_lines || (bytes >= room && (route !== 'send' || until > acked + 1)))
          break;
        room -= bytes + 1;
        lines.push(hand(until++));
      }
      leg.up = until;
    }
    if (id) tell();
    leg[/** @type {'poll'} */ (route)] = {
      nonce,
      turn: asked,
      until,
      links,
      bytes: lines.join().length,
      many: until > acked + 2,
    };
    out.push({ request: leg.n, route, lines, ...last });
  }

  /** The frame with this number; it counts as sent from now on (rule 10). @param {number} number */
  function hand(number) {
    const held = /** @type {Kept} */ (kept[number - acked - 1]);
    sent = Math.max(sent, number);
    held.at = Math.min(held.at, now);
    return held.frame;
  }

  /**
   * @param {Leg} leg
   * @param {number} asked
   */
  function hello(leg, asked) {
    nonce = `${prefix}.${++nonces}`;
    leg.nonce ||= nonce;
    return JSON.stringify({
      hello: {
        v: 1,
        session: secret,
        id,
        leg: leg.n,
        turn: asked || undefined,
        received,
        next: acked + 1,
        nonce,
        token: self.token,
        ...self.wish,
        client: leg.usable ? undefined : self.report?.(now),
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
      if (verb > '9') return [verb, frame[verb], frame, head.length + bytes.length];
    } catch {}
    return [];
  }

  /**
   * @param {Leg} leg
   * @param {Read} line
   * @param {Route} route
   */
  function take(leg, [verb, value, frame, bytes = 0], route) {
    if (verb === 'welcome') welcome(leg, value, route);
    else if (verb === 'end') {
      // Rule 2: only gone ends the session; any other code ends its leg.
      if (value.code === 'gone' && id) {
        // What was never handed to a leg goes into the next one, with a new secret.
        for (const leg of legs) close(leg, 'gone');
        const unknown = kept.splice(0, sent - acked).map((held) => held.frame);
        secret = random();
        id = undefined;
        turn = confirmed = acked = sent = received = 0;
        tell();
        out.push({ reset: 'gone', lost: unknown.length });
        if (unknown[0]) out.push({ unknown });
      } else close(leg, value.code);
    } else if (verb === 'ack') {
      if (acknowledged(leg, value) && frame.next) base((leg.down = frame.next));
    } else if (verb === 'ping') leg.links.push(JSON.stringify({ pong: value }));
    else if (verb === 'pong') out.push({ pong: leg.n, rtt: now - value });
    else if (verb === 'config' || verb === 'goaway') out.push({ link: frame });
    else if (verb && leg.down) {
      // What a poll's answer states counts only with its first line (rule 8); elsewhere this is no news.
      const number = leg.down++;
      base(number);
      ackAt = Math.min(ackAt, now + 3000);
      if (number <= received) return;
      received = number;
      owed += bytes;
      ackDue ||= received - told >= limits.replay_frames >> 2 || owed >= limits.replay_bytes >> 2;
      out.push({ frame });
    } else close(leg, 'bad_frame');
  }

  /**
   * @param {Leg} leg
   * @param {any} welcome
   * @param {Route} route
   */
  function welcome(leg, welcome, route) {
    if (id && welcome.id !== id) return close(leg, 'foreign');
    ({ id, limits } = self.welcome = welcome);
    // Of a send's welcome no more counts (rule 9).
    if (!acknowledged(leg, welcome.received) || route === 'send') return;
    const fresh = !leg.usable;
    leg.usable = leg.ready = true;
    if (leg.transport === 'websocket') leg.stating = true;
    else leg.up = 0;
    if (fresh) out.push({ usable: leg.n });
    const shown = welcome.turn === leg.turn;
    // A welcome that was held back on the way must not pass for the news of a turn since lost.
    if (shown && leg.turn === turn && confirmed < turn) {
      confirmed = turn;
      out.push({ active: leg.n });
      // Rule 5: the losers are read for a while.
      for (const other of legs) if (other.turn < turn) other.until = Math.min(other.until, now + 5000);
    }
    // Rule 6: a candidate's first welcome says nothing about the count.
    if (route === 'stream' && (shown || !fresh)) base((leg.down = welcome.next));
  }

  /**
   * Rule 7: the greatest counts; more than was ever sent is an error.
   * @param {Leg} leg
   * @param {number} upTo
   */
  function acknowledged(leg, upTo) {
    // What is no number compares with nothing.
    if (!(upTo <= sent)) return close(leg, 'bad_frame');
    kept.splice(0, upTo - acked);
    acked = Math.max(acked, upTo);
    return true;
  }

  /**
   * The number of the next line that comes down. Beyond what is expected, frames were dropped (rule 7).
   * @param {number} next
   */
  function base(next) {
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
    const tooLarge = status === 413;
    // A proxy takes no body of this size: half of it, but no less than 4 KB.
    if (tooLarge && flown && id)
      bodyBytes = Math.max(4096, Math.min(limits.body_bytes, bodyBytes, flown.bytes) / 2);
    if (route === 'stream' || !leg.usable) close(leg, 'failed');
    else if (flown) {
      leg[route] = undefined;
      leg.up = 0;
      leg.links.unshift(...flown.links);
      if (!tooLarge) fail(leg, route);
      // Not smaller, it waits. A line that is too large by itself holds up those behind it, but not what comes down.
      else if (!(flown.many && flown.bytes > bodyBytes)) leg.retryAt = now + 3000;
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
};
