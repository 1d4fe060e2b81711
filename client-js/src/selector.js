// @ts-check
/**
 * Which transport to try when, and when to leave one. Pure: inputs and time in, outputs out; it owns no timer, no
 * request and no session. Legs are tried for one purpose at a time: a race when nothing carries the session, a better
 * transport or a faster one in the background, a switch asked for. Attempts start one after the other in order of
 * preference; the first usable leg carries the session, and another takes over once it is proven and measured.
 *
 * Inputs: `{go}` start a race (false: it could not be started) · `{want: transport}` a switch asked for from outside ·
 * `{opened|line|answer|usable|active: leg}` · `{pong: leg, rtt}` · `{failed: leg, route}` a request of it · `{close: leg, reason}`
 * the session gave a leg up · `{closed: leg}` it died · `{control}` what answers at the control resource · `{link: {goaway|config}}` ·
 * `{error: {wait}}` the gateway wants to be left alone for so many seconds · `{wake}` `{hidden}` `{park}` the page ·
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

import { backoff } from './backoff.js';
import { dispatch, NEVER } from './dispatch.js';
import { rhythm, suspectAt } from './liveness.js';
import { blame, clamp, later, recall, rto, sample } from './ways.js';

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
export function createSelector(session, memory, random, order, asked, maxLatencyMs = 1500) {
  /** What is known of each of them. @type {Way[]} */
  const ways = order.map((transport) => /** @type {any} */ ({ transport }));
  /** The same when the network was last known to be well. */
  let sure = ways;
  /** Attempts that are open. @type {Attempt[]} */
  let open = [];
  /** @type {Attempt | undefined} */
  let active;
  /** The active one, or the one that was asked to be. @type {Attempt | undefined} */
  let chosen;
  /** What attempts are made for. @type {Attempt['purpose']} */
  let purpose = 'race';
  /** Of these, the transports that were not tried. @type {Way[]} */
  let pending = [];
  /** One failed at once, or the way was good a moment ago: the others need not wait long. @type {unknown} */
  let hasty;
  /** What is to be done, and when. @type {Map<() => unknown, number>} */
  const timers = new Map();
  let holdUntil = 0;
  /** A timer came late: nothing is judged before what waits was heard. */
  let graceUntil = 0;
  /** @type {unknown} */
  let late;
  /** Races that failed in a row. */
  let failures = 0;
  /** Why the last leg failed. @type {Reason} */
  let last = 'better';
  /** What the control resource said, since a pong came. @type {Control | undefined} */
  let control;
  /** @type {unknown} */
  let checking;
  /** Networks this page was on. */
  const seen = new Set();
  /** @type {unknown} */
  let hidden;
  let wokenAt = 0;
  /** Since when every round trip of the leg in use is too long (0: it is not), the last of them, and when to look again. */
  let slowSince = 0;
  let slowTrip = 0;
  let slowPause = 60_000;
  /** The age at which an idle connection was cut. */
  let cutAge = NaN;
  /** Since when it looks for a connection, and what failed meanwhile, to be told the gateway. */
  let lookingAt = 0;
  /** @type {Array<[Transport, Reason]>} */
  let tried = [];
  /** When a WebSocket was opened. */
  let dialedAt = 0;
  let now = 0;
  /** @type {any[]} */
  const out = [];

  const self = {
    state: /** @type {State} */ ('connecting'),
    transport: /** @type {Transport | null} */ (null),
    /** The last attempts. @type {Attempt[]} */
    attempts: [],
    /** Legs opened. */
    legs: 0,

    pollOutput: () => out.shift(),

    /** When `{timeout: true}` is due; Infinity where nothing is. */
    pollTimeout: () =>
      Math.max(
        graceUntil,
        Math.min(
          doubtAt(),
          climbAt(),
          ...timers.values(),
          ...open.flatMap(({ until, pingAt }) => [until, pingAt]),
        ),
      ),

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

  /** @type {{[verb: string]: (subject: any, input: any) => unknown}} */
  const inputs = {
    go: (ok) => self.state !== 'parked' && (ok ? race() : rest()),

    /** Better than any other; those that are trying make room. */
    want(/** @type {Transport} */ transport) {
      begin('asked', []);
      start(/** @type {Way} */ (ways.find((way) => way.transport === transport)));
    },

    /** What answers where we should? If nobody gets through to us, no transport is to blame. */
    control(/** @type {Control} */ answer) {
      checking = false;
      control = answer;
      if (answer === 'ours') believe();
      if (active || self.state === 'parked') return;
      if (answer !== 'ours') {
        ways.forEach((way, place) => Object.assign(way, sure[place]));
        cutAge = NaN;
      }
      const down = DOWN.test(answer);
      if (down || DOWN.test(self.state)) become(down ? /** @type {any} */ (answer) : 'reconnecting');
      // Somebody may be signing in there just now; and who cannot be reached is not loaded by it.
      if (down && !open[0]) timers.set(again, Math.min(timers.get(again) ?? NEVER, now + 5000 * random()));
    },

    link({ goaway, config }) {
      if (goaway) timers.set(go, now + (goaway.after_ms + random() * goaway.jitter_ms || 0));
      if (!config?.transports) return;
      session.welcome.transports = config.transports;
      const at = now + (random() * config.jitter_ms || 0);
      timers.set(move, at);
      hint(at);
    },

    error({ wait }) {
      if (wait) holdUntil = now + 1000 * wait;
    },

    hidden(is) {
      hidden = is;
    },

    /** Nobody looked for a while, or the network may be another: never a proof, always a reason to ask. */
    wake() {
      if (now > wokenAt + 60_000) hint(now + 1000 + 2000 * random());
      if (self.state === 'parked') {
        become('reconnecting');
        failures = 0;
        lookingAt = now;
      }
      if (!open[0]) timers.set(again, now);
      // Such events come in bunches.
      if (active && now > wokenAt + 5000) suspect(2000);
      wokenAt = now;
    },

    park: () => leave('closed', 'parked'),

    stop: () => leave('closed', 'closed'),

    timeout() {
      // What waits with a late timer shall be heard before it is judged; once.
      late = !late && now > self.pollTimeout() + 1000;
      if (late) graceUntil = now + 1000;
      if (now < graceUntil) return;
      for (const [act, at] of timers)
        if (now >= at) {
          timers.delete(act);
          act();
        }
      if (now >= doubtAt()) {
        const { way, heard } = /** @type {Attempt} */ (active);
        // While something comes, the round trip may just have become longer.
        suspect(now < heard + 2000 ? 3000 : clamp(2 * rto(way), 1500, 3000));
      }
      for (const attempt of open) {
        if (now >= attempt.pingAt) ping(attempt);
        if (now >= attempt.until) {
          const { transport, opened, proven } = attempt;
          const why =
            attempt === active && proven
              ? 'stalled'
              : transport === 'sse'
                ? 'buffered'
                : opened
                  ? 'mute'
                  : 'timeout';
          end(attempt, why);
          fail(attempt, why);
        }
      }
      if (now >= climbAt()) begin('better', [better().find((way) => now >= dueAt(way))]);
    },
  };

  /** The gateway asked us to go: all legs, then at once a race. */
  function go() {
    leave('server', 'reconnecting');
    again();
  }

  /** What carries the session may not be offered any more. */
  const move = () => active && !offered().includes(active.way) && begin('server', offered());

  /** Who has to be asked for a token may never answer: then it is asked again. */
  function again() {
    timers.set(again, now + 15_000);
    out.push({ race: true });
  }

  /** @type {{[verb: string]: (attempt: any, input: any) => unknown}} */
  const ofAttempt = {
    line: heard,

    /** That sends are answered says nothing of the way down. */
    answer: (attempt, { route }) => (route === 'poll' ? heard : measure)(attempt),

    opened(/** @type {Attempt} */ attempt) {
      mark(attempt, 'opened');
      awaitWelcome(attempt);
    },

    usable(/** @type {Attempt} */ attempt) {
      mark(attempt, 'usable');
      tried = [];
      const { network } = session.welcome;
      // Addresses of two families may take turns; then it is known already.
      if (memory.enter(network) && !seen.has(network)) settle();
      seen.add(network);
      ping(attempt);
      if (!chosen) choose(attempt);
    },

    pong(/** @type {Attempt} */ attempt, { rtt }) {
      const { way, proven } = attempt;
      sample(way, rtt);
      attempt.ponged = now;
      // The turn that was asked for has still to be confirmed.
      if (attempt === active || attempt !== chosen) attempt.until = NEVER;
      const down = DOWN.test(/** @type {any} */ (control));
      control = undefined;
      if (!proven) proves(attempt, down);
      if (attempt !== chosen) measured(attempt, rtt);
      else if (
        attempt !== active ||
        hidden ||
        rtt <= Math.max(maxLatencyMs, 300 + 4 * Math.min(...ways.map(({ lowest }) => lowest)))
      )
        slowSince = 0;
      else {
        slowSince ||= now - rtt;
        slowTrip = rtt;
        attempt.pingAt = Math.max(now, slowSince) + 2000;
        // For 10 s every trip was too long, three at least. Where nothing is faster, it looks again after 2 minutes, 4 …
        if (now > slowSince + 10_000 && !open[1]) {
          slowSince = now + (slowPause *= 2);
          begin(
            'slow',
            offered().filter((other) => other !== way && !isShut(other)),
          );
        }
      }
    },

    active(/** @type {Attempt} */ attempt) {
      const from = active;
      active = attempt;
      chosen ??= attempt;
      mark(attempt, 'active');
      if (attempt.proven) attempt.until = NEVER;
      timers.delete(again);
      timers.delete(check);
      if (from === attempt) return;
      // Who asked to be left was another.
      timers.delete(go);
      // The session reads the loser to its end; we are through with it.
      if (from) forget(from, 'better');
      attempt.way.step = 0;
      for (const way of better(attempt)) if (way.retryAt <= now) later(way, now, random);
      slowSince = 0;
      const why = /** @type {Reason} */ (/^s/.test(attempt.purpose) ? attempt.purpose : 'better');
      tell(attempt.transport, from ? why : last, 'online');
    },

    /** Who cuts a poll that is held would cut it again. */
    failed(/** @type {Attempt} */ attempt, { route }) {
      if (route !== 'poll' || attempt !== active) return;
      cut(attempt, now - attempt.heard);
      attempt.heard = now;
    },

    close: died,
    closed: died,
  };

  // ---- attempts

  /** On a network that was not thought to be this one, nothing is known but what is remembered. */
  function settle() {
    for (const way of ways) recall(way, memory, now);
    believe();
  }

  /** What may be used, best first. Of what is not offered we try all, rather than nothing. */
  function offered() {
    /** @type {Transport[]} */
    const theirs = session.welcome.transports ?? order;
    const place = (/** @type {Way} */ way) => theirs.indexOf(way.transport);
    const all = ways.filter((way) => place(way) >= 0);
    if (!all[0]) return ways;
    return asked ? all : all.sort((a, b) => place(a) - place(b));
  }

  /** The breaker is open. @param {Way} way @returns {any} */
  const isShut = (way) => now < way.shut;

  function race() {
    if (open[0]) return;
    // After a dozen sockets in a row browsers delay the next, by seconds at last: then one in 30 s.
    const many = failures > 12 && now < dialedAt + 30_000;
    const all = offered();
    const others = all.filter(({ transport }) => transport !== 'websocket');
    lookingAt ||= now;
    timers.set(check, now + 2000);
    // What is shut is tried last.
    begin(
      'race',
      (many && others[0] ? others : all).sort((a, b) => isShut(a) - isShut(b)),
    );
  }

  /**
   * Those that are trying, and carry nothing, make room.
   * @param {Attempt['purpose']} what
   * @param {any[]} list
   */
  function begin(what, list) {
    for (const other of open) if (other !== active) end(other, 'better');
    purpose = what;
    pending = list;
    // After silence the network may be another; then all are as good.
    hasty = last === 'stalled';
    next();
  }

  function next() {
    const [way, ...rest] = pending;
    timers.delete(next);
    if (now < holdUntil) timers.set(next, holdUntil);
    else if (way) {
      pending = rest;
      start(way);
      // What was good here is waited for.
      const stagger = open[1] ? 1500 : clamp(2 * way.rtt + 1000, 1500, 4000) || 1000;
      if (rest[0]) timers.set(next, now + (hasty ? 300 : stagger));
    }
  }

  /** @param {Way} way */
  function start(way) {
    const { transport } = way;
    /** @type {Attempt} */
    const attempt = {
      n: ++self.legs,
      transport,
      way,
      purpose,
      at: now,
      heard: now,
      ponged: 0,
      pinged: 0,
      pingAt: NEVER,
      until: NEVER,
      trips: [],
    };
    if (transport === 'websocket') {
      dialedAt = now;
      // In the background nobody waits, and a browser lets one socket connect at a time.
      limit(attempt, purpose === 'better' ? 5000 : 10_000);
    } else awaitWelcome(attempt);
    open.push(attempt);
    self.attempts = [...self.attempts, attempt].slice(-20);
    out.push({ open: transport, leg: self.legs });
  }

  /**
   * It ends the race for those that are worse.
   * @param {Attempt} attempt
   * @param {boolean} down until now nobody could be reached
   */
  function proves(attempt, down) {
    const { way } = attempt;
    mark(attempt, 'proven');
    way.failures = 0;
    // Whoever said no says yes.
    if (!way.good) way.shut = -NEVER;
    way.good = true;
    memory.note(way.transport, way.rtt);
    believe();
    // What was opened while nobody could be reached hangs: it is better begun anew.
    const above = down ? [] : better(attempt);
    if (down) hint(now + 1000 + 2000 * random(), attempt);
    for (const other of open)
      if (other !== active && other !== chosen && other.way !== way && !above.includes(other.way))
        end(other, 'better');
    pending = [];
    // What was asked before it was proven has to be confirmed.
    if (attempt === chosen && attempt !== active) choose(attempt);
  }

  /**
   * Something else carries the session. A better transport takes over if it is not much slower, a faster one if it is much
   * faster: after three round trips within 1.4 s, which a socket that is killed 300 ms after it opened does not survive.
   * @param {Attempt} attempt
   * @param {number} rtt
   */
  function measured(attempt, rtt) {
    const { way, purpose, trips } = attempt;
    trips.push(rtt);
    if (!chosen || /k|v/.test(purpose)) choose(attempt);
    else if (trips.length < 3) attempt.pingAt = now + 700;
    else {
      const [, median] = trips.sort((a, b) => a - b);
      const most = purpose === 'slow' ? slowTrip / 2 : 1.25 * chosen.way.rtt + 100;
      if (/** @type {number} */ (median) > most) {
        end(attempt, 'slow');
        blame(way, 1.5, now);
        later(way, now, random);
      } else choose(attempt);
    }
  }

  /** @param {Attempt} attempt */
  function choose(attempt) {
    chosen = attempt;
    out.push({ ask: attempt.n });
    // The turn asked for has to be confirmed.
    if (attempt.proven) limit(attempt, 5000);
  }

  // ---- in the background

  /** What is better than a leg's, best first. @param {Attempt} [attempt] */
  function better(attempt = active) {
    const all = offered();
    return all.slice(0, Math.max(0, all.indexOf(/** @type {any} */ (attempt?.way))));
  }

  const dueAt = (/** @type {Way} */ way) => Math.max(way.retryAt, way.shut);

  const climbAt = () =>
    active?.proven && !hidden && !open[1] && !pending[0] ? Math.min(...better().map(dueAt)) : NEVER;

  /**
   * There is a reason to try what is better again.
   * @param {number} at
   * @param {Attempt} [attempt]
   */
  function hint(at, attempt) {
    for (const way of better(attempt)) Object.assign(way, { step: 0, retryAt: at, shut: -NEVER });
  }

  // ---- ends

  /**
   * @param {Attempt} attempt
   * @param {Reason} reason
   */
  function forget(attempt, reason) {
    open = open.filter((other) => other !== attempt);
    attempt.reason = reason;
    mark(attempt, 'ended');
    if (active === attempt) active = undefined;
    if (chosen === attempt) chosen = active;
  }

  /**
   * We give it up, though nothing is wrong with it.
   * @param {Attempt} attempt
   * @param {Reason} reason
   */
  function end(attempt, reason) {
    forget(attempt, reason);
    out.push({ closed: attempt.n, reason });
  }

  /**
   * A leg is over that should not be: who is to blame, and what goes on in its place?
   * @param {Attempt} attempt
   * @param {Reason} reason
   */
  function fail(attempt, reason) {
    const { transport, way, proven, heard } = attempt;
    const background = active && attempt !== active;
    const age = now - attempt.at - (attempt.active ?? 0);
    const idle = proven && !session.kept()[0] && now - heard > 2000;
    forget(attempt, reason);
    // What comes of the gateway's own will, or after a long life, is no failure; but of a leg that never was
    // proven it is one. (Two gateways behind one address may each say `gone` for ever.)
    const well = proven && (reason === 'server' || age > 30_000);
    if (age > 60_000) failures = 0;
    // No transport is to blame for the gateway's will; and who is told to come back is not to stay away for long.
    if (reason === 'server') {
      pending = [];
      failures = Math.min(failures, 3);
    } else {
      if (!well) {
        tried = [...tried, /** @type {[Transport, Reason]} */ ([transport, reason])].slice(-8);
        way.failures++;
        hasty = reason === 'refused';
        let minutes = idle || /re|ti/.test(reason) ? 2.5 : 7;
        // Where somebody says no to it and never said yes, the second time is enough; else trying costs nothing.
        if (hasty && !way.good) minutes = 6;
        else if (background) minutes = 0;
        if (proven && attempt.purpose === 'better') minutes *= 2;
        blame(way, minutes, now);
        if (background) {
          later(way, now, random);
          believe();
        }
      }
      if (idle) cut(attempt, Math.min(now - heard, rhythm(way, session.welcome)));
      if (control === 'offline' && !active) reason = control;
    }
    last = reason;
    if (self.transport && !active) tell(null, reason, reason === 'offline' ? reason : 'reconnecting');
    const heir = open.find((other) => other.usable);
    if (!chosen && heir) choose(heir);
    // The breaker keeps count of those that were proven; while it lets one pass, soon.
    const quick = well || (proven && !offered().every(isShut));
    // What was tried in the background is now all there is, and the others shall not wait for it.
    if (!chosen && !background && purpose !== 'race' && !pending[0] && open[0]) {
      purpose = 'race';
      pending = offered().filter((other) => !open.some((attempt) => attempt.way === other));
      hasty = true;
    }
    if (pending[0]) next();
    else if (!open[0]) rest(quick);
    if (!active && !well) check();
  }

  /** Nothing is open: wait, then race. @param {unknown} [quick] */
  function rest(quick) {
    timers.set(again, now + backoff(failures, random, !!quick));
    if (!DOWN.test(self.state)) become('reconnecting');
    if (quick) return;
    failures++;
    check();
  }

  /**
   * Gives everything up.
   * @param {Reason} reason
   * @param {State} state
   */
  function leave(reason, state) {
    for (const attempt of open) end(attempt, reason);
    pending = [];
    timers.clear();
    tell(null, reason, state);
  }

  /**
   * The session gave it up, or it did so itself.
   * @param {Attempt} attempt
   * @param {{reason: string}} event
   */
  function died(attempt, { reason }) {
    // It lost its turn to the one that we asked: of that one's confirmation we shall tell.
    if (reason === 'replaced' && chosen && chosen !== attempt) forget(attempt, (last = 'better'));
    else
      fail(attempt, /draining|gone|replaced/.test(reason) ? 'server' : attempt.usable ? 'closed' : 'refused');
  }

  // ---- the active leg

  /** @param {Attempt} attempt */
  function heard(attempt) {
    attempt.heard = now;
    measure(attempt);
  }

  /** @param {Attempt} attempt */
  function measure(attempt) {
    // It is measured when something comes anyway, so an idle session is as quiet as before; of polls each ping costs two.
    const every = attempt.transport === 'poll' ? 60_000 : 3000;
    if (attempt === active && attempt.proven && !hidden && now >= attempt.pinged + every) ping(attempt);
  }

  /** @param {Attempt} attempt */
  function ping(attempt) {
    attempt.pinged = now;
    attempt.pingAt = NEVER;
    out.push({ ping: attempt.n });
    if (attempt !== active || !attempt.proven)
      limit(attempt, patience(clamp(3 * rto(attempt.way), 1500, 5000)));
  }

  const doubtAt = () =>
    active?.proven && active.until === NEVER ? suspectAt(active, session.welcome, session.kept()[0]) : NEVER;

  /** Whatever is wrong, a pong clears it. @param {number} ms */
  function suspect(ms) {
    const leg = /** @type {Attempt} */ (active);
    ping(leg);
    limit(leg, ms);
    check();
  }

  /**
   * An idle connection was cut at this age. Twice alike is a rule, and no fault of the transport.
   * @param {Attempt} attempt
   * @param {number} age
   */
  function cut(attempt, age) {
    if (age <= 2000) return;
    if (Math.abs(age - cutAge) < cutAge / 5) {
      session.wish = { heartbeat_ms: age >> 1, hold_ms: (0.7 * age) | 0 };
      blame(attempt.way, -5, now);
    }
    cutAge = age;
  }

  // ---- small things

  /** Is anybody there, and is it us? */
  function check() {
    if (!checking) out.push({ check: true });
    checking = true;
  }

  /** The network is well, so what failed is to blame; if it goes on failing, the next page shall know. */
  function believe() {
    ways.forEach((way, place) => {
      if (way.failures > Math.max(way.good ? 3 : 1, /** @type {Way} */ (sure[place]).failures)) {
        way.good = false;
        memory.note(way.transport);
      }
    });
    sure = structuredClone(ways);
  }

  /**
   * @param {Attempt} attempt
   * @param {'opened' | 'usable' | 'proven' | 'active' | 'ended'} what
   */
  function mark(attempt, what) {
    attempt[what] ??= Math.ceil(now - attempt.at) || 1;
  }

  /**
   * @param {Attempt} attempt
   * @param {number} ms
   */
  function limit(attempt, ms) {
    attempt.until = now + ms;
  }

  /** @param {Attempt} attempt */
  function awaitWelcome(attempt) {
    const { way } = attempt;
    limit(attempt, patience(clamp(2.5 * rto(way), 2000, 5000)));
  }

  /** Where everything fails the way may just be slow: every further race waits longer. @param {number} ms */
  const patience = (ms) => Math.min(10_000, ms * (1 + failures));

  /**
   * @param {Transport | null} to
   * @param {Reason} reason
   * @param {State} state
   */
  function tell(to, reason, state) {
    const from = self.transport;
    self.transport = to;
    if (!to) lookingAt = now;
    if (from || to) out.push({ transport: { from, to, reason } });
    become(state);
  }

  /** @param {State} state */
  function become(state) {
    if (self.state !== state) out.push({ state });
    self.state = state;
  }

  session.report = (/** @type {number} */ time) => ({ ms: time - lookingAt, tried });
  settle();
  return self;
}
