// @ts-check
/**
 * Which transport to try when, and when to leave one. Pure: inputs and time in, outputs out; it owns no timer, no
 * request and no session. Legs are tried for one purpose at a time: a race when nothing carries the session, a better
 * transport or a faster one in the background, a switch asked for. Attempts start one after the other in order of
 * preference; the first usable leg carries the session, and another takes over once it is proven and measured.
 *
 * Inputs: `{go}` start a race (false: it could not be started) · `{want: transport}` a switch asked for from outside ·
 * `{opened|line|answer|usable|active: leg}` · `{pong: leg, rtt}` · `{failed: leg, route}` a request of it · `{close: leg, reason}`
 * the session gave a leg up · `{closed: leg}` it died · `{control: 'ours'|'away'|'offline'|'portal'}` · `{link: {goaway|config}}` ·
 * `{error: {wait}}` the gateway wants to be left alone for so many seconds · `{wake}` `{hidden}` `{park}` the page ·
 * `{stop}` · `{timeout}`. What it does not know it ignores.
 * Outputs: `{race}` one is due: answer with `{go}` · `{open: transport, leg}` · `{ask: leg}` it shall carry the session ·
 * `{ping: leg}` · `{closed: leg, reason}` · `{check}` ask the control resource · `{state}` · `{transport: {from, to, reason}}`.
 *
 * Left for later, at their marks: one-behind and size proofs [P3], streams that are cut at an age [C].
 *
 * @typedef {import('./types.js').Transport} Transport
 * @typedef {import('./types.js').Reason} Reason
 * @typedef {import('./types.js').State} State
 * @typedef {import('./types.js').Attempt} Attempt
 *
 * @typedef {'ours' | 'away' | 'offline' | 'portal'} Control what answers at the control resource: the gateway, a proxy in
 *   front of one that is not there, nobody, or somebody else
 */

import { backoff } from './backoff.js';
import { dispatch, NEVER } from './dispatch.js';
import { createSlowness, silenceAt, unansweredAt } from './liveness.js';
import { blame, clamp, createWay, pause, rto, sample } from './way.js';

/**
 * @param {object} parts
 * @param {Transport[]} parts.order those that can be had here, in order of preference
 * @param {boolean} [parts.asked] the application gave that order: then it comes before the gateway's
 * @param {() => number} parts.random from 0 to 1
 * @param {any} parts.session of which it reads the last welcome and since when frames wait, and which sends what it wishes and reports
 * @param {import('./memory.js').Memory} parts.memory
 * @param {number} [parts.maxLatencyMs] above it a transport is too slow, if another is faster
 */
export function createSelector({ order, asked, random, session, memory, maxLatencyMs = 1500 }) {
  /** Attempts that are open. @type {Attempt[]} */
  let open = [];
  /** @type {Attempt | undefined} */
  let active;
  /** The active one, or the one that was asked to be. @type {Attempt | undefined} */
  let chosen;
  /** What the attempts that are being made are for. @type {Attempt['purpose']} */
  let purpose = 'race';
  /** Of these, the transports that were not tried. @type {Transport[]} */
  let pending = [];
  /** One failed at once, or the way was good a moment ago: the others need not wait long. @type {unknown} */
  let hasty;
  let nextAt = NEVER;
  let raceAt = NEVER;
  let leaveAt = NEVER;
  let moveAt = NEVER;
  let checkAt = NEVER;
  let holdUntil = 0;
  /** A timer came late: nothing is judged before what waits was heard. */
  let graceUntil = 0;
  /** @type {unknown} */
  let late;
  /** Races that failed in a row. */
  let failures = 0;
  /** Why the last leg failed. @type {Reason} */
  let last = 'better';
  /** What the control resource said, since a leg was proven. @type {Control | undefined} */
  let control;
  /** @type {unknown} */
  let checking;
  /** Blame that is taken back if nobody can be reached. @type {Array<[way: import('./way.js').Way, points: number]>} */
  let doubts = [];
  /** @type {unknown} */
  let hidden;
  let hiddenAt = NEVER;
  let wokenAt = 0;
  let switchedAt = 0;
  /** The age at which an idle connection was cut. */
  let cutAge = NaN;
  /** Since when it looks for a connection, and what failed meanwhile, to be told the gateway. */
  let lookingAt = 0;
  /** @type {Array<[Transport, Reason]>} */
  let tried = [];
  let now = 0;
  /** When the WebSockets of the last two minutes were opened. @type {number[]} */
  let dials = [];
  const slowness = createSlowness();
  /** @type {{[transport: string]: import('./way.js').Way}} */
  let ways = {};
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
          nextAt,
          raceAt,
          leaveAt,
          moveAt,
          checkAt,
          suspectAt(),
          climbAt(),
          ...open.map(({ until, pingAt }) => Math.min(until, pingAt)),
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

    /** What happened and what is known, as plain data. */
    explain: () => ({
      ...self,
      since: active ? now - active.at - (active.active ?? 0) : null,
      network: memory.network,
      control,
      offered: offered(),
      transports: ways,
      remembered: memory,
      heartbeat_ms: session.welcome.heartbeat_ms,
      hold_ms: session.welcome.hold_ms,
      now,
    }),
  };

  /** On another network nothing is known but what is remembered of it. */
  function settle() {
    ways = {};
    for (const transport of order) {
      const way = createWay();
      const { good, rtt = NaN, bad } = memory.recall(transport);
      if (good) Object.assign(way, { good, rtt, spread: rtt / 2, lowest: rtt });
      // It was refused here, so it is tried last, and seldom.
      if (bad) way.refusals = 2;
      ways[transport] = way;
    }
  }

  /** What may be used, best first. @returns {Transport[]} */
  function offered() {
    /** @type {Transport[]} */
    const theirs = session.welcome.transports ?? order;
    const [first, then] = asked ? [order, theirs] : [theirs, order];
    return first.filter((transport) => then.includes(transport));
  }

  /** @param {Transport} transport */
  const way = (transport) => /** @type {import('./way.js').Way} */ (ways[transport]);

  /** @type {{[verb: string]: (subject: any, input: any) => void}} */
  const inputs = {
    go: (ok) => (ok ? race() : rest()),

    /** Better than any other; those that are trying make room. */
    want(/** @type {Transport} */ transport) {
      raceAt = NEVER;
      begin('asked', []);
      start(transport);
    },

    /** What answers where we should? If nobody gets through to us, no transport is to blame. */
    control(/** @type {Control} */ answer) {
      checking = false;
      control = answer;
      if (answer === 'ours') believe();
      if (active) return;
      for (const [way, points] of doubts) {
        blame(way, -points, now);
        way.failures--;
        way.refusals = 0;
      }
      doubts = [];
      if (answer !== 'ours') cutAge = NaN;
      if (answer === 'offline' || answer === 'portal') become(answer);
      else if (self.state !== 'connecting') become('reconnecting');
      // Somebody may be signing in there just now.
      if (answer === 'portal') raceAt = Math.min(raceAt, now + 5000);
    },

    link({ goaway, config }) {
      if (goaway) leaveAt = now + (goaway.after_ms + random() * goaway.jitter_ms || 0);
      if (!config?.transports) return;
      session.welcome.transports = config.transports;
      const when = now + (random() * config.jitter_ms || 0);
      moveAt = active && !offered().includes(active.transport) ? when : NEVER;
      for (const transport of better()) hint(transport, when);
    },

    error({ wait }) {
      // One without a wait takes nothing back.
      holdUntil = Math.max(holdUntil, now + 1000 * wait || 0);
    },

    hidden(/** @type {boolean} */ is) {
      if (is && !hidden) hiddenAt = now;
      hidden = is;
    },

    /** Nobody looked for a while, or the network may be another: never a proof, always a reason to ask. */
    wake(/** @type {string} */ type) {
      if (type === 'focus' && now - wokenAt < 30_000) return;
      if (/change$|line$/.test(type) ? type !== 'visibilitychange' : now - hiddenAt > 60_000)
        for (const transport of better()) hint(transport, now + 1000 + 2000 * random());
      wokenAt = now;
      hiddenAt = NEVER;
      if (self.state === 'parked') become('reconnecting');
      if (active) suspect(2000);
      else if (!open[0]) raceAt = now;
    },

    park: () => leave('closed', 'parked'),

    stop: () => leave('closed', 'closed'),

    timeout() {
      const overdue = now - self.pollTimeout() > 1000;
      // Of events that wait with a late timer, the others shall come first; once.
      late = overdue && !late;
      if (late) graceUntil = now + 1000;
      if (now < graceUntil) return;
      if (now >= leaveAt) {
        // The gateway asked us to go: all legs, then at once a race.
        leave('server', 'reconnecting');
        raceAt = now;
      }
      if (now >= moveAt) {
        moveAt = NEVER;
        begin('server', offered());
      }
      if (now >= checkAt) check();
      if (now >= suspectAt())
        suspect(clamp(2 * rto(way(/** @type {Attempt} */ (active).transport)), 1500, 3000));
      for (const attempt of open) {
        if (now >= attempt.pingAt) ping(attempt);
        if (now >= attempt.until) {
          out.push({ closed: attempt.n, reason: attempt.why });
          fail(attempt, attempt.why);
        }
      }
      if (now >= nextAt) next();
      if (now >= climbAt())
        begin(
          'better',
          better()
            .filter((transport) => now >= dueAt(transport))
            .slice(0, 1),
        );
      if (now >= raceAt) {
        raceAt = NEVER;
        out.push({ race: true });
      }
    },
  };

  /** @type {{[verb: string]: (attempt: any, input: any) => void}} */
  const ofAttempt = {
    line: heard,
    answer: heard,

    opened(/** @type {Attempt} */ attempt) {
      mark(attempt, 'opened');
      welcomeLimit(attempt, 'mute');
    },

    usable(/** @type {Attempt} */ attempt) {
      mark(attempt, 'usable');
      tried = [];
      if (memory.enter(session.welcome.network)) settle();
      limit(
        attempt,
        patience(clamp(3 * rto(way(attempt.transport)), 1500, 5000)),
        attempt.transport === 'sse' ? 'buffered' : 'mute',
      );
      out.push({ ping: attempt.n });
      if (!chosen) choose(attempt);
    },

    pong(/** @type {Attempt} */ attempt, { rtt }) {
      const { transport } = attempt;
      if (!hidden || !attempt.proven) sample(way(transport), rtt);
      attempt.ponged = now;
      attempt.pinged = attempt.until = NEVER;
      control = undefined;
      if (!attempt.proven) proves(attempt);
      if (attempt !== chosen) measured(attempt, rtt);
      else if (attempt === active && !hidden) {
        const lowest = Math.min(...Object.values(ways).map((way) => way.lowest));
        if (slowness.is(now, rtt, Math.max(maxLatencyMs, 4 * lowest + 300)) && !open[1])
          begin(
            'slow',
            offered().filter((other) => other !== transport && now >= way(other).shutUntil),
          );
        if (slowness.trip < NEVER) attempt.pingAt = now + 2000;
      }
    },

    active(/** @type {Attempt} */ attempt) {
      const from = active;
      active = attempt;
      chosen ??= attempt;
      mark(attempt, 'active');
      if (attempt.proven) attempt.until = NEVER;
      raceAt = checkAt = NEVER;
      if (from === attempt) return;
      // The session reads the loser to its end; we are through with it.
      if (from) forget(from, 'better');
      const { transport } = attempt;
      way(transport).step = 0;
      for (const other of better()) {
        const known = way(other);
        if (known.retryAt <= now) known.retryAt = now + pause(known, random);
      }
      switchedAt = now;
      slowness.reset();
      tell(
        transport,
        from ? (/slow|server/.test(attempt.purpose) ? /** @type {any} */ (attempt.purpose) : 'better') : last,
        'online',
      );
    },

    /** A poll that was held and got lost: who holds it too long is cut. */
    failed(/** @type {Attempt} */ attempt, { route }) {
      if (route === 'poll' && attempt === active) cut(attempt, now - attempt.heard);
    },

    close: died,
    closed: died,
  };

  // ---- attempts

  function race() {
    if (open[0]) return;
    dials = dials.filter((at) => now - at < 120_000);
    // What is shut, or is known not to work here, is tried last; and of more than 8 sockets in
    // two minutes browsers delay the next by seconds: then one in 30 s.
    const bad = (/** @type {Transport} */ transport) =>
      Number(now < way(transport).shutUntil || (way(transport).refusals > 1 && !way(transport).good));
    checkAt = now + 2000;
    lookingAt ||= now;
    const all = offered().sort((a, b) => bad(a) - bad(b));
    const others = all.filter((transport) => transport !== 'websocket');
    const many = dials.length > 7 && now < 30_000 + (dials.at(-1) ?? 0);
    begin('race', many && others[0] ? others : all);
  }

  /**
   * Those that are trying, and carry nothing, make room.
   * @param {Attempt['purpose']} what
   * @param {Transport[]} list
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
    nextAt = NEVER;
    const transport = pending[0];
    if (!transport) return;
    if (holdUntil > now) {
      nextAt = holdUntil;
      return;
    }
    pending = pending.slice(1);
    start(transport);
    if (!pending[0]) return;
    const { good, rtt } = way(transport);
    let stagger = rtt >= 0 ? clamp(6 * rtt, 800, 2500) : 1000;
    if (good && transport === 'websocket') stagger = clamp(2 * rtt + 1000, 1500, 4000);
    if (open[1]) stagger = 1500;
    nextAt = now + (hasty ? 300 : stagger);
  }

  /** @param {Transport} transport */
  function start(transport) {
    /** @type {Attempt} */
    const attempt = {
      n: ++self.legs,
      transport,
      purpose,
      at: now,
      heard: now,
      ponged: 0,
      pinged: NEVER,
      pingAt: NEVER,
      until: NEVER,
      why: 'timeout',
      trips: [],
    };
    if (transport === 'websocket') {
      dials.push(now);
      // In the background nobody waits, and a browser lets one socket connect at a time.
      limit(attempt, purpose === 'better' ? 5000 : 10_000, 'timeout');
    } else welcomeLimit(attempt, transport === 'sse' ? 'buffered' : 'timeout');
    open.push(attempt);
    self.attempts = [...self.attempts, attempt].slice(-20);
    out.push({ open: transport, leg: self.legs });
  }

  /** It ends the race for those that are worse. @param {Attempt} attempt */
  function proves(attempt) {
    const { transport } = attempt;
    const { rtt } = way(transport);
    mark(attempt, 'proven');
    Object.assign(way(transport), { failures: 0, refusals: 0, good: true });
    memory.note(transport, rtt);
    believe();
    const ranks = offered();
    for (const other of open)
      if (other !== active && other !== chosen && ranks.indexOf(other.transport) > ranks.indexOf(transport))
        end(other, 'better');
    pending = [];
    nextAt = NEVER;
    // What was asked before it was proven has to be confirmed.
    if (attempt === chosen && attempt !== active) limit(attempt, 5000, 'mute');
  }

  /**
   * Something else carries the session. A better transport takes over if it is not much slower, a faster one if it is much
   * faster: after three round trips within 1.4 s, which a socket that is killed 300 ms after it opened does not survive.
   * @param {Attempt} attempt
   * @param {number} rtt
   */
  function measured(attempt, rtt) {
    const { transport, purpose: why, trips } = attempt;
    const current = chosen ? way(chosen.transport).rtt : NaN;
    trips.push(rtt);
    trips.sort((a, b) => a - b);
    if (!chosen || /asked|server/.test(why)) choose(attempt);
    else if (trips.length < 3) attempt.pingAt = now + 700;
    else {
      const median = /** @type {number} */ (trips[1]);
      const slow = slowness.trip;
      if (
        why === 'slow'
          ? slow < NEVER && median <= Math.min(slow / 2, slow - 500)
          : !(median > Math.max(1.25 * current, current + 100))
      )
        choose(attempt);
      else {
        end(attempt, 'slow');
        if (why !== 'slow') {
          blame(way(transport), 300, now);
          later(transport);
        }
      }
    }
  }

  /** @param {Attempt} attempt */
  function choose(attempt) {
    chosen = attempt;
    out.push({ ask: attempt.n });
    // The turn asked for has to be confirmed.
    if (attempt.proven) limit(attempt, 5000, 'mute');
  }

  // ---- in the background

  /** What is better than the transport in use, best first. */
  function better() {
    const all = offered();
    return active ? all.slice(0, Math.max(0, all.indexOf(active.transport))) : all;
  }

  /** @param {Transport} transport */
  const dueAt = (transport) => Math.max(way(transport).retryAt, way(transport).shutUntil);

  function climbAt() {
    if (!active?.proven || hidden || open[1] || pending[0]) return NEVER;
    return Math.max(switchedAt + 5000, Math.min(NEVER, ...better().map(dueAt)));
  }

  /** The next try, in the background. @param {Transport} transport */
  function later(transport) {
    const known = way(transport);
    known.step++;
    known.retryAt = now + pause(known, random);
  }

  /**
   * There is a reason to try it again.
   * @param {Transport} transport
   * @param {number} when
   */
  const hint = (transport, when) => Object.assign(way(transport), { step: 0, retryAt: when, refusals: 0 });

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
    const { transport, proven, heard } = attempt;
    const known = way(transport);
    const background = active && attempt !== active;
    const age = now - attempt.at - (attempt.active ?? 0);
    const idle = !session.kept()[0] && reason !== 'server' && proven ? now - heard : 0;
    forget(attempt, reason);
    // What comes of the gateway's own will, or after a long life, is no failure; but of a leg that never was
    // proven it is one. (Two gateways behind one address may each say `gone` for ever.)
    const well = proven && (reason === 'server' || age > 30_000);
    if (proven && age > 60_000) failures = 0;
    // No transport is to blame for the gateway's will.
    if (reason === 'server') pending = [];
    else if (!well) {
      tried = [...tried, /** @type {[Transport, Reason]} */ ([transport, reason])].slice(-8);
      let points = proven || attempt.usable || /mute|buf/.test(reason) ? 1000 : 500;
      if (idle > 2000) points = 500;
      if (attempt.purpose === 'better' && proven) points *= 2;
      known.failures++;
      if (reason === 'refused') {
        known.refusals++;
        hasty = true;
      }
      doubts.push([known, background ? 0 : points]);
      if (background) {
        later(transport);
        believe();
      } else blame(known, points, now);
    }
    if (idle > 2000)
      cut(
        attempt,
        Math.min(idle, transport === 'poll' ? session.welcome.hold_ms : session.welcome.heartbeat_ms),
      );
    if (control === 'offline' && !active && reason !== 'server') reason = control;
    last = reason;
    if (self.transport && !active) {
      lookingAt = now;
      tell(null, reason, reason === 'offline' ? reason : 'reconnecting');
    }
    const heir = open.find((other) => other.usable);
    if (!chosen && heir) choose(heir);
    if (pending[0]) next();
    else if (!open[0]) rest(well || (proven && !failures), well);
    if (!active && !well) check();
  }

  /**
   * Nothing is open: wait, then race.
   * @param {unknown} [quick]
   * @param {unknown} [well] nothing failed
   */
  function rest(quick, well) {
    raceAt = now + (control === 'portal' ? 5000 * random() : backoff(failures, random, !!quick));
    if (!well) failures++;
    if (self.state === 'connecting') become('reconnecting');
    if (!quick) check();
  }

  /**
   * Gives everything up.
   * @param {Reason} reason
   * @param {State} state
   */
  function leave(reason, state) {
    for (const attempt of open) end(attempt, reason);
    pending = [];
    nextAt = raceAt = leaveAt = moveAt = checkAt = NEVER;
    lookingAt = now;
    tell(null, reason, state);
  }

  /**
   * The session gave it up, or it did so itself.
   * @param {Attempt} attempt
   * @param {{reason: string}} event
   */
  function died(attempt, { reason }) {
    // It lost its turn to the one that we asked: of that one's confirmation we shall tell.
    if (reason === 'replaced' && chosen !== attempt) forget(attempt, (last = 'better'));
    else
      fail(
        attempt,
        /draining|gone|refused/.test(reason)
          ? 'server'
          : reason === 'timeout'
            ? 'stalled'
            : attempt.usable
              ? 'closed'
              : 'refused',
      );
  }

  // ---- the active leg

  /** @param {Attempt} attempt */
  function heard(attempt) {
    attempt.heard = now;
    // It is measured by what comes anyway, so an idle session is as quiet as before.
    if (
      attempt === active &&
      !hidden &&
      now >= attempt.ponged + 5000 &&
      attempt.ponged &&
      attempt.pinged === NEVER
    )
      ping(attempt);
  }

  /** @param {Attempt} attempt */
  function ping(attempt) {
    attempt.pinged = now;
    attempt.pingAt = NEVER;
    out.push({ ping: attempt.n });
    if (attempt !== active) limit(attempt, clamp(3 * rto(way(attempt.transport)), 1500, 5000), 'mute');
  }

  function suspectAt() {
    if (!active?.proven || active.until < NEVER) return NEVER;
    const wait = rto(way(active.transport));
    return Math.min(silenceAt(active, session.welcome, wait), unansweredAt(active, session.kept()[0], wait));
  }

  /** Whatever is wrong, a pong clears it. @param {number} ms */
  function suspect(ms) {
    const leg = /** @type {Attempt} */ (active);
    ping(leg);
    limit(leg, ms, 'stalled');
    check();
  }

  /**
   * An idle connection was cut at this age. Twice alike is a rule, and no fault of the transport.
   * @param {Attempt} attempt
   * @param {number} age
   */
  function cut({ transport }, age) {
    if (age <= 2000) return;
    if (Math.abs(age - cutAge) < cutAge / 5) {
      session.wish = { heartbeat_ms: Math.ceil(age / 2), hold_ms: Math.ceil(0.7 * age) };
      blame(way(transport), -1000, now);
    }
    cutAge = age;
  }

  // ---- small things

  /** Is anybody there, and is it us? */
  function check() {
    checkAt = NEVER;
    if (!checking) out.push({ check: true });
    checking = true;
  }

  /** The network is well, so what failed is to blame; again and again, and the next page shall know. */
  function believe() {
    for (const transport of order) {
      const known = way(transport);
      if (doubts.some(([doubted]) => doubted === known) && known.failures > (known.good ? 3 : 1)) {
        known.good = false;
        memory.note(transport);
      }
    }
    doubts = [];
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
   * @param {Reason} why
   */
  function limit(attempt, ms, why) {
    attempt.until = now + ms;
    attempt.why = why;
  }

  /**
   * @param {Attempt} attempt
   * @param {Reason} why
   */
  function welcomeLimit(attempt, why) {
    const known = way(attempt.transport);
    limit(attempt, patience(known.rtt >= 0 ? clamp(4 * rto(known), 2000, 5000) : 2500), why);
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
    if (from || to) out.push({ transport: { from, to, reason } });
    become(state);
  }

  /** @param {State} state */
  function become(state) {
    if (self.state !== state) out.push({ state });
    self.state = state;
  }

  settle();
  session.report = (/** @type {number} */ time) => ({
    ms: active ? undefined : Math.ceil(time - lookingAt),
    tried,
  });
  return self;
}
