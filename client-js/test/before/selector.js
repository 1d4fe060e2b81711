// @ts-check
/**
 * Which transport to try when, and when to leave one. Pure: inputs and time in, outputs out; it owns no timer, no
 * request and no session. Legs are tried for one purpose at a time: a race when nothing carries the session, a better
 * transport or a faster one in the background, a switch asked for. Attempts start one after the other in order of
 * preference; the first usable leg carries the session, and another takes over once it is proven and measured.
 *
 * Inputs: `{go}` start a race (false: it could not be started) · `{want: transport}` a switch asked for from outside ·
 * `{opened|line|answer|write|usable|active: leg}` · `{pong: leg, rtt}` · `{failed: leg, route}` a request of it · `{close: leg, reason}`
 * the session gave a leg up · `{closed: leg}` it died · `{control}` what answers at the control resource · `{link: {goaway|config}}` ·
 * `{error: {wait}}` the gateway wants to be left alone for so many seconds · `{wake: seen}` `{park}` the page ·
 * `{stop}` · `{timeout}`. What it does not know it ignores.
 * Outputs: `{race}` one is due: answer with `{go}` · `{open: transport, leg}` · `{ask: leg}` it shall carry the session ·
 * `{ping: leg}` · `{closed: leg, reason}` · `{check}` ask the control resource · `{state}` · `{transport: {from, to, reason}}`.
 *
 * Left for later, at their marks: one-behind and size proofs [P], streams that are cut at an age [C].
 *
 * @typedef {import('./types.js').Transport} Transport
 * @typedef {import('./types.js').Reason} Reason
 * @typedef {import('./types.js').State} State
 * @typedef {import('./types.js').Attempt} Attempt
 * @typedef {import('./types.js').Control} Control
 * @typedef {import('./types.js').Way} Way
 */

import { dispatch, NEVER } from './dispatch.js';
import { rhythm, suspectAt } from './liveness.js';
import { clamp, recall, rto, sample } from './ways.js';

/** States in which nobody is there. */
const DOWN = /off|port/;

/**
 * @param {any} session of which it reads the last welcome and since when frames wait, and which sends what it wishes and reports
 * @param {import('./memory.js').Memory} memory
 * @param {() => number} random from 0 to 1
 * @param {Transport[]} order those that can be had here, in order of preference
 * @param {unknown} [asked] the application gave that order: then it comes before the gateway's
 * @param {number} [maxLatencyMs] above it a transport is too slow, if another is faster
 */
export const createSelector = (session, memory, random, order, asked, maxLatencyMs = 1500) => {
  /** What is known of each of them. @type {Way[]} */
  const ways = order.map((transport) => /** @type {any} */ ({ transport }));
  /** @type {Attempt | undefined} */
  let active;
  /** Since when it looks for a connection. */
  let lookingAt = 0;
  /** One failed at once, or the way was good a moment ago: the others need not wait long. @type {unknown} */
  let hasty;
  /** Those that failed, by the network's fault perhaps; blamed once the network is known to be well. @type {Way[]} */
  let doubts = [];
  /** The shortest trip measured on this network. */
  let lowest = NEVER;
  /** Why the last leg failed. @type {Reason} */
  let last = 'better';
  /** Of what attempts are made for, the transports that were not tried. @type {Way[]} */
  let pending = [];
  /** The active one, or the one that was asked to be. @type {Attempt | undefined} */
  let chosen;
  /** What failed meanwhile, to be told the gateway. @type {Array<[Transport, Reason]>} */
  let tried = [];
  /** A timer came late: nothing is judged before what waits was heard. */
  let graceUntil = -NEVER;
  /** What attempts are made for. @type {Attempt['purpose']} */
  let purpose = 'race';
  /** @type {any[]} */
  const out = [];
  /** Since when every round trip of the leg in use is too long. */
  let slowSince = NEVER;
  /** Races that failed in a row. */
  let failures = 0;
  /** When a WebSocket was opened. */
  let dialedAt = 0;
  let now = 0;
  /** What the control resource said, since a pong came. @type {Control | undefined} */
  let control;
  /** Networks this page was on. */
  const known = new Set();
  /** What is to be done, and when. @type {Map<() => unknown, number>} */
  const timers = new Map();
  /** The age at which an idle connection was cut. */
  let cutAge = NaN;
  /** The page, by somebody. @type {unknown} */
  let seen = true;
  let wokenAt = 0;
  /** @type {unknown} */
  let checking;
  /** Attempts that are open. @type {Attempt[]} */
  let open = [];
  const self = {
    state: /** @type {State} */ ('connecting'),
    transport: /** @type {Transport | null} */ (null),
    /** The last attempts. @type {Attempt[]} */
    attempts: [],
    /** Legs opened. */
    legs: 0,

    pollOutput: () => out.shift(),

    /** When `{timeout: true}` is due; Infinity where nothing is. */
    pollTimeout: () => Math.max(graceUntil, Math.min(doubtAt(), climbAt(), ...timers.values())),

    /**
     * @param {number} time milliseconds that never go back
     * @param {any} input its first key is its verb; of a leg that is over, it is ignored
     */
    handle(time, input) {
      now = time;
      if (self.state !== 'closed') dispatch(input, open, ofAttempt, inputs);
    },

    /** What happened and what is known, as plain data. @param {number} now it is told */
    explain: (now) => ({ ...session.welcome, ...self, control, ways, now }),
  };

  /** The gateway asked us to go: all legs, then at once a race. */
  const go = () => {
    leave('reconnecting', 'server');
    again();
  };

  /** Who has to be asked for a token may never answer: then it is asked again. */
  const again = () => {
    timers.set(again, now + 15_000);
    out.push({ race: true });
  };

  // ---- attempts

  /** On a network that was not thought to be this one, nothing is known but what is remembered. */
  const settle = () => {
    for (const way of ways) recall(way, memory, now);
    doubts = [];
    lowest = NEVER;
  };

  /** What may be used, best first. Of what is not offered we try all, rather than nothing. */
  const offered = () => {
    const /** @type {Transport[]} */ theirs = session.welcome.transports ?? order;
    const all = (asked ? order.filter((transport) => theirs.includes(transport)) : theirs).flatMap(named);
    return all[0] ? all : ways;
  };

  const named = (/** @type {Transport} */ transport) => ways.filter((way) => way.transport === transport);

  /** It keeps failing: it is tried last. @param {Way} way @returns {any} */
  const isShut = (way) => way.failures > 2 && now < way.retryAt;

  /**
   * Those that are trying, and carry nothing, make room.
   * @param {Attempt['purpose']} what
   * @param {any[]} list
   */
  const begin = (what, list) => {
    for (const other of open) if (other !== active) end(other, 'better');
    purpose = what;
    pending = list;
    // After silence the network may be another; then all are as good.
    hasty = last === 'stalled';
    next();
  };

  const next = () => {
    const [way, ...rest] = pending;
    timers.delete(next);
    if (way && !timers.has(hold)) {
      pending = rest;
      start(way);
      // What was good here is waited for.
      const stagger = open[1] ? 1500 : clamp(2 * way.rtt + 1000, 1500, 4000) || 1000;
      if (rest[0]) timers.set(next, now + (hasty ? 300 : stagger));
    }
  };

  /** The gateway wants to be left alone until this is due. */
  const hold = () => next();

  /** @param {Way} way */
  const start = (way) => {
    const { transport } = way;
    /** @type {Attempt} */
    const attempt = /** @type {any} */ ({
      // Inherited, it is not told.
      __proto__: { way },
      n: ++self.legs,
      transport,
      purpose,
      at: now,
      heard: now,
      trips: 0,
      put: now,
      ping: () => ping(attempt),
      over() {
        // It fell silent before we asked.
        attempt.put = 0;
        fail(
          attempt,
          attempt.proven ? 'stalled' : transport === 'sse' ? 'buffered' : attempt.opened ? 'mute' : 'timeout',
        );
      },
    });
    if (transport === 'websocket') {
      dialedAt = now;
      timers.set(attempt.over, now + 10_000);
    } else wait(attempt);
    open.push(attempt);
    self.attempts = [...self.attempts, attempt].slice(-20);
    out.push({ open: transport, leg: self.legs });
  };

  /** @param {Attempt} attempt */
  const choose = (attempt) => {
    chosen = attempt;
    out.push({ ask: attempt.n });
    wait(attempt);
  };

  // ---- in the background

  /** What is better than a leg's, best first; where that is not offered, all that is. @param {Attempt} [attempt] */
  const better = (attempt = active) => {
    const all = offered();
    return all.slice(0, all.indexOf(/** @type {any} */ (attempt?.way)) >>> 0);
  };

  /** For 10 s every trip was too long. */
  const isSlow = () => now > slowSince + 10_000;

  /** What may be had in place of the leg in use: where that is slow, anything. */
  const aims = () =>
    isSlow() ? offered().filter((way) => way !== /** @type {Attempt} */ (active).way) : better();

  const climbAt = () =>
    active?.proven && seen && !open[1] && !pending[0]
      ? Math.min(...aims().map(({ retryAt }) => retryAt))
      : NEVER;

  /** It is left alone for 10 s (± 50 %), twice as long each time it fails, 15 minutes at last. @param {Way} way */
  const blame = (way) => {
    const ms = Math.min(900_000, 10_000 * 2 ** way.failures++);
    way.retryAt = soon(ms / 2, ms);
  };

  /** The network may be another: there is a reason to try what is better again. @param {number} at */
  const hint = (at) => {
    for (const way of ways) Object.assign(way, { failures: 0, retryAt: at });
  };

  // ---- ends

  /**
   * @param {Attempt} attempt
   * @param {Reason} reason
   */
  const forget = (attempt, reason) => {
    open = open.filter((other) => other !== attempt);
    timers.delete(attempt.over);
    timers.delete(attempt.ping);
    attempt.reason = reason;
    mark(attempt, 'ended');
    if (active === attempt) active = undefined;
    if (chosen === attempt) chosen = active;
  };

  /**
   * It is over for all.
   * @param {Attempt} attempt
   * @param {Reason} reason
   */
  const end = (attempt, reason) => {
    forget(attempt, reason);
    out.push({ closed: attempt.n, reason });
  };

  /**
   * A leg is over that should not be: who is to blame, and what goes on in its place?
   * @param {Attempt} attempt
   * @param {Reason} reason
   */
  const fail = (attempt, reason) => {
    const { transport, way, proven } = attempt;
    const background = active && attempt !== active;
    const learned = proven && reason !== 'server' && !session.kept()[0] && cut(attempt);
    // What comes of the gateway's own will, or after a long life, is no failure; but of a leg that never was
    // proven it is one. (Two gateways behind one address may each say `gone` for ever.)
    const well = proven && (reason === 'server' || now - attempt.at - (attempt.active ?? 0) > 30_000);
    end(attempt, reason);
    if (well) failures = 0;
    // No transport is to blame for the gateway's will; and who is told to come back is not to stay away for long.
    if (reason === 'server') {
      pending = [];
      failures = Math.min(failures, 3);
    } else {
      if (!well) {
        tried = [...tried, /** @type {[Transport, Reason]} */ ([transport, reason])].slice(-8);
        hasty = reason === 'refused';
        // To open and to be closed counts twice.
        if (!learned) doubts.push(...(reason === 'closed' ? [way, way] : [way]));
        if (background) believe();
      }
      if (control === 'offline' && !active) reason = control;
    }
    last = reason;
    if (self.transport && !active) tell(null, reason, 'reconnecting');
    for (const other of open) if (!chosen && other.usable) choose(other);
    // What was tried in the background is now all there is, and the others shall not wait for it.
    if (!chosen && purpose !== 'race' && open[0]) {
      purpose = 'race';
      pending = offered().filter((other) => other !== open[0]?.way);
      hasty = true;
    }
    if (pending[0]) next();
    // The breaker keeps count of those that were proven; while it lets one pass, soon.
    else if (!open[0]) rest(proven && (well || !offered().every(isShut)));
    if (!active && !well) check();
  };

  /** Nothing is open: wait, then race. @param {unknown} [quick] */
  const rest = (quick) => {
    timers.set(again, soon(0, quick ? 300 : Math.min(20_000, 300 * 2 ** failures++)));
    if (!DOWN.test(self.state)) become('reconnecting');
  };

  /**
   * Gives everything up.
   * @param {State} state
   * @param {Reason} [reason]
   */
  const leave = (state, reason = 'closed') => {
    for (const attempt of open) end(attempt, reason);
    pending = [];
    timers.clear();
    tell(null, reason, state);
  };

  /**
   * The session gave it up, or it did so itself.
   * @param {Attempt} attempt
   * @param {{reason: string}} event
   */
  const died = (attempt, { reason }) => {
    // It lost its turn to the one that we asked: of that one's confirmation we shall tell.
    if (reason === 'replaced' && chosen && chosen !== attempt) end(attempt, (last = 'better'));
    else
      fail(attempt, /draining|gone|replaced/.test(reason) ? 'server' : attempt.usable ? 'closed' : 'refused');
  };

  // ---- the active leg

  /**
   * @param {Attempt} attempt
   * @param {{route?: string}} input
   */
  const heard = (attempt, { route }) => {
    // That sends are answered says nothing of the way down.
    if (route !== 'send') attempt.heard = now;
    // It is measured when something comes anyway, so an idle session is as quiet as before; of polls each ping costs two.
    const every = attempt.transport === 'poll' ? 60_000 : 3000;
    if (attempt === active && attempt.proven && seen && now >= attempt.pinged + every) ping(attempt);
  };

  /** @param {Attempt} attempt */
  const ping = (attempt) => {
    attempt.pinged = now;
    timers.delete(attempt.ping);
    out.push({ ping: attempt.n });
    if (attempt !== active || !attempt.proven) wait(attempt);
  };

  /** When the leg in use becomes suspect; then, when it is dead. While something comes, answers may just be late. */
  const doubtAt = () => {
    if (!active?.proven) return NEVER;
    const late = timers.get(active.over);
    return late
      ? Math.max(active.heard, late - 8000) + 4000
      : suspectAt(active, session.welcome, session.kept()[0]);
  };

  /** Whatever is wrong, a pong clears it. */
  const suspect = () => {
    const leg = /** @type {Attempt} */ (active);
    ping(leg);
    timers.set(leg.over, now + 6000);
    check();
  };

  /**
   * An idle connection was cut. Twice at the same age is a rule, and no fault of the transport. What goes up a socket keeps the way
   * open as well.
   * @param {Attempt} attempt
   * @returns {unknown} whether it is
   */
  const cut = ({ way, heard, put }) => {
    const age = Math.min(now - heard, now - put, rhythm(way, session.welcome));
    const rule = Math.abs(age - cutAge) < cutAge / 5;
    if (rule) session.wish = { heartbeat_ms: age >> 1, hold_ms: (0.7 * age) | 0 };
    if (age > 2000) cutAge = age;
    return rule;
  };

  // ---- small things

  /** Not all at once. @param {number} ms @param {number} jitter */
  const soon = (ms, jitter) => now + (ms + random() * jitter || 0);

  /** Is anybody there, and is it us? */
  const check = () => {
    checking ||= out.push({ check: true });
  };

  /** The network is well, so what failed is to blame; if it goes on failing, the next page shall know. */
  const believe = () => {
    for (const way of doubts) {
      blame(way);
      if (way.failures > (way.good ? 3 : 1)) {
        way.good = false;
        memory.note(way.transport, -1);
      }
    }
    doubts = [];
  };

  /**
   * @param {Attempt} attempt
   * @param {'opened' | 'usable' | 'proven' | 'active' | 'ended'} what
   */
  const mark = (attempt, what) => {
    attempt[what] ??= now - attempt.at || 1;
  };

  /** For an answer. Where everything fails the way may just be slow: every further race waits longer. @param {Attempt} attempt */
  const wait = ({ way, over }) => {
    timers.set(over, now + clamp(2.5 * rto(way) * (failures || 1), 2000, 10_000));
  };

  /**
   * @param {Transport | null} to
   * @param {Reason} reason
   * @param {State} state
   */
  const tell = (to, reason, state) => {
    const from = self.transport;
    self.transport = to;
    if (!to) lookingAt = now;
    if (from || to) out.push({ transport: { from, to, reason } });
    become(state);
  };

  /** @param {State} state */
  const become = (state) => {
    if (self.state !== state) out.push({ state });
    self.state = state;
  };

  // ---- what comes in

  /** @type {{[verb: string]: (subject: any, input: any) => void}} */
  const inputs = {
    go(ok) {
      if (self.state === 'parked' || open[0]) return;
      if (ok) {
        lookingAt ||= now;
        timers.set(check, now + 2000);
        begin(
          'race',
          offered()
            // After a dozen sockets in a row browsers delay the next, by seconds at last: then one in 30 s.
            .filter(({ transport }) => transport !== 'websocket' || failures < 13 || now > dialedAt + 30_000)
            // What keeps failing comes last.
            .sort((a, b) => isShut(a) - isShut(b)),
        );
      } else {
        rest();
        check();
      }
    },

    /** Better than any other; those that are trying make room. */
    want(/** @type {Transport} */ transport) {
      begin('asked', []);
      start(.../** @type {[Way]} */ (named(transport)));
    },

    /** What answers where we should? If nobody gets through to us, no transport is to blame. */
    control(/** @type {Control} */ answer) {
      checking = false;
      control = answer;
      if (answer === 'ours') believe();
      if (active || self.state === 'parked') return;
      doubts = [];
      const down = DOWN.test(answer);
      if (down || DOWN.test(self.state)) become(down ? /** @type {any} */ (answer) : 'reconnecting');
      // Somebody may be signing in there just now; and who cannot be reached is not loaded by it.
      if (down && !open[0]) timers.set(again, soon(0, 4000));
    },

    link({ goaway, config }) {
      if (goaway) timers.set(go, soon(goaway.after_ms, goaway.jitter_ms));
      if (!config?.transports) return;
      session.welcome.transports = config.transports;
      // What carries the session may not be among them: then each of them is better.
      hint(soon(0, config.jitter_ms));
    },

    error({ wait }) {
      if (wait) timers.set(hold, now + 1000 * wait);
    },

    /** Nobody looked for a while, or the network may be another: never a proof, always a reason to ask. */
    wake(is) {
      seen = is;
      if (!is) return;
      if (now > wokenAt + 60_000) hint(soon(1000, 2000));
      if (self.state === 'parked') tell(null, last, 'reconnecting');
      failures = 0;
      if (!open[0]) timers.set(again, now);
      // Such events come in bunches.
      if (active && now > wokenAt + 5000) suspect();
      wokenAt = now;
    },

    park: () => leave('parked'),

    stop: () => leave('closed'),

    timeout() {
      // What waits with a late timer shall be heard before it is judged; not twice in two minutes.
      if (now > self.pollTimeout() + 1000 && now > graceUntil + 120_000) graceUntil = now + 1000;
      if (now < graceUntil) return;
      for (const [act, at] of timers)
        if (now >= at) {
          timers.delete(act);
          act();
        }
      if (now >= doubtAt()) {
        const { over } = /** @type {Attempt} */ (active);
        timers.has(over) ? over() : suspect();
      }
      if (now >= climbAt()) begin(isSlow() ? 'slow' : 'better', [aims().find((way) => now >= way.retryAt)]);
    },
  };

  /** @type {{[verb: string]: (attempt: any, input: any) => unknown}} */
  const ofAttempt = {
    line: heard,
    answer: heard,

    opened(/** @type {Attempt} */ attempt) {
      mark(attempt, 'opened');
      wait(attempt);
    },

    usable(/** @type {Attempt} */ attempt) {
      mark(attempt, 'usable');
      tried = [];
      const { network } = session.welcome;
      // Addresses of two families may take turns; then it is known already.
      if (memory.enter(network) && !known.has(network)) settle();
      known.add(network);
      ping(attempt);
      if (!chosen) choose(attempt);
    },

    pong(/** @type {Attempt} */ attempt, { rtt }) {
      const { way, purpose } = attempt;
      sample(way, rtt);
      lowest = Math.min(lowest, rtt);
      attempt.ponged = now;
      // It lives.
      if (now > attempt.at + 30_000) way.failures = 0;
      // The turn that was asked for has still to be confirmed.
      if (attempt === active || attempt !== chosen) timers.delete(attempt.over);
      const down = DOWN.test(/** @type {any} */ (control));
      control = undefined;
      // It ends the race for those that are worse.
      if (!attempt.proven) {
        mark(attempt, 'proven');
        believe();
        way.good = true;
        memory.note(way.transport, way.rtt);
        // What was opened while nobody could be reached hangs: it is better begun anew.
        if (down) hint(soon(1000, 2000));
        for (const other of open)
          if (
            other !== active &&
            other !== chosen &&
            other !== attempt &&
            (down || better(other).includes(way))
          )
            end(other, 'better');
        pending = [];
      }
      // Something else carries the session. A better transport takes over if it is not much slower, a faster one if it is
      // much faster: by the third of three round trips within 1.4 s, which a socket that is killed 300 ms after it opened does not survive.
      if (attempt !== chosen && attempt !== active) {
        if (!chosen || purpose === 'asked' || !offered().includes(chosen.way)) choose(attempt);
        else if (++attempt.trips < 3) timers.set(attempt.ping, now + 700);
        else if (rtt > chosen.way.rtt * (purpose === 'slow' ? 0.5 : 1.25) + 100) {
          end(attempt, 'slow');
          blame(way);
        } else choose(attempt);
      } else if (attempt !== active || !seen || rtt <= Math.max(maxLatencyMs, 300 + 4 * lowest))
        slowSince = NEVER;
      else {
        slowSince = Math.min(slowSince, now - rtt);
        if (isSlow()) way.rtt = rtt;
        else timers.set(attempt.ping, now + 2000);
      }
    },

    active(/** @type {Attempt} */ attempt) {
      const from = active;
      active = attempt;
      chosen ??= attempt;
      mark(attempt, 'active');
      if (attempt.proven) timers.delete(attempt.over);
      timers.delete(again);
      timers.delete(check);
      if (from === attempt) return;
      // Who asked to be left was another.
      timers.delete(go);
      // The session reads the loser to its end; we are through with it.
      if (from) forget(from, 'better');
      for (const way of better()) way.retryAt = Math.max(way.retryAt, soon(5000, 10_000));
      slowSince = NEVER;
      const why = /** @type {Reason} */ (attempt.purpose === 'slow' ? 'slow' : 'better');
      tell(attempt.transport, from ? why : last, 'online');
    },

    /** Who cuts a poll that is held would cut it again. */
    failed(/** @type {Attempt} */ attempt, { route }) {
      if (route !== 'poll' || attempt !== active) return;
      cut(attempt);
      attempt.heard = now;
    },

    close: died,
    closed: died,

    write(/** @type {Attempt} */ attempt) {
      attempt.put = now;
    },
  };

  session.report = (/** @type {number} */ time) => ({ ms: time - lookingAt, tried });
  settle();
  return self;
};
