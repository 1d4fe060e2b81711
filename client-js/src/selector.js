// @ts-check
/**
 * Which transport to try when, and when to leave one. Pure: inputs and time in, outputs out; it owns no timer, no
 * request and no session. One race at a time: attempts start one after the other in order of preference, the first
 * usable leg carries the session, a better one still running takes over once it is proven.
 *
 * Inputs: `{go}` start a race (false: it could not be started) · `{want: transport}` a switch asked for from outside ·
 * `{line|answer|usable|active: leg}` · `{pong: leg, rtt}` · `{close: leg, reason}` the session gave a leg up ·
 * `{closed: leg}` it died · `{control: 'reconnecting'|'offline'|'portal'}` · `{link: {goaway: {after_ms, jitter_ms}}}` ·
 * `{error: {wait}}` the gateway wants to be left alone for so many seconds · `{stop}` · `{timeout}`. What it does not know it ignores.
 * Outputs: `{race}` one is due: answer with `{go}` · `{open: transport, leg}` ·
 * `{ask: leg}` it shall carry the session · `{ping: leg}` · `{closed: leg, reason}` · `{check}` ask the control
 * resource · `{state}` · `{transport: {from, to, reason}}`.
 *
 * Left for later, each at its mark: the flap breaker [F], memory [M], the way back up [U], page life [P].
 *
 * @typedef {import('./types.js').Transport} Transport
 * @typedef {import('./types.js').Reason} Reason
 * @typedef {import('./types.js').State} State
 *
 * @typedef {object} Attempt
 * @property {number} n the leg
 * @property {Transport} transport
 * @property {number} rank lower is better
 * @property {number} at when it was opened
 * @property {number} [heard] when anything came
 * @property {number} [ponged] when a pong came
 * @property {boolean} [usable] its welcome came
 * @property {boolean} [proven] and a pong
 * @property {number} until when it will have failed
 * @property {Reason} why it will have failed then
 * @property {Reason} [reason] why it ended
 */

import { backoff } from './backoff.js';
import { dispatch, NEVER } from './dispatch.js';

/**
 * @param {Transport[]} order of preference
 * @param {() => number} random from 0 to 1
 * @param {{welcome: any, kept: () => Array<{at: number}>}} session of which it reads the last welcome, and since when frames wait
 */
export function createSelector(order, random, session) {
  /** Attempts that are open. @type {Attempt[]} */
  let open = [];
  /** @type {Attempt | undefined} */
  let active;
  /** The active one, or the one that was asked to be. @type {Attempt | undefined} */
  let chosen;
  /** Of this race, those not started. @type {Transport[]} */
  let pending = [];
  let rank = 0;
  let nextAt = NEVER;
  let raceAt = NEVER;
  let leaveAt = NEVER;
  let holdUntil = 0;
  /** Races that failed in a row. */
  let failures = 0;
  /** When a transport's debt will be paid. @type {{[transport: string]: number}} */
  let debts = {};
  /** Why the last leg failed. @type {Reason} */
  let last = 'better';
  /** The last round trip, or a guess. [U] Smoothed as in RFC 6298, once 'too slow' is judged by it. */
  let trip = 333;
  let now = 0;
  /** @type {any[]} */
  const out = [];

  const self = {
    state: /** @type {State} */ ('connecting'),
    transport: /** @type {Transport | null} */ (null),
    /** The last attempts, for `explain`. @type {Attempt[]} */
    attempts: [],
    /** Legs opened. */
    legs: 0,

    pollOutput: () => out.shift(),

    /** When `{timeout: true}` is due; Infinity where nothing is. */
    pollTimeout: () => Math.min(nextAt, raceAt, leaveAt, quietAt(), ...open.map(({ until }) => until)),

    /**
     * @param {number} time milliseconds that never go back
     * @param {any} input its first key is its verb; of a leg that is over, it is ignored
     */
    handle(time, input) {
      now = time;
      if (self.state !== 'closed') dispatch(input, open, ofAttempt, inputs);
    },
  };

  /** @type {{[verb: string]: (subject: any, input: any) => void}} */
  const inputs = {
    go: (ok) => (ok ? race() : rest()),

    /** Better than any other; those that are trying make room. */
    want(/** @type {Transport} */ transport) {
      only(-NEVER);
      raceAt = NEVER;
      start(transport, -self.legs);
    },

    /** What answers where we should? If nobody gets through to us, no transport is to blame. */
    control(/** @type {State} */ state) {
      if (active) return;
      become(state);
      if (state !== 'reconnecting') debts = {};
      // Somebody may be signing in there just now.
      if (state === 'portal') raceAt = Math.min(raceAt, now + 5000);
    },

    link({ goaway }) {
      if (goaway) leaveAt = now + (goaway.after_ms + random() * goaway.jitter_ms || 0);
    },

    error({ wait }) {
      // One without a wait takes nothing back.
      holdUntil = Math.max(holdUntil, now + 1000 * wait || 0);
    },

    stop: () => leave('closed', 'closed'),

    timeout() {
      if (now >= leaveAt) {
        // The gateway asked us to go: all legs, then at once a race.
        leave('server', 'reconnecting');
        raceAt = now;
      }
      if (active && now >= quietAt()) {
        out.push({ ping: active.n });
        limit(active, 2000, 'stalled');
      }
      for (const attempt of open)
        if (now >= attempt.until) {
          out.push({ closed: attempt.n, reason: attempt.why });
          fail(attempt, attempt.why);
        }
      if (now >= nextAt) next();
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

    usable(/** @type {Attempt} */ attempt) {
      attempt.usable = true;
      // Three times RFC 6298's time-out, which after one sample is three times the sample.
      limit(attempt, patience(Math.min(5000, Math.max(1500, 9 * trip))), 'mute');
      out.push({ ping: attempt.n });
      if (!chosen) choose(attempt);
    },

    pong(/** @type {Attempt} */ attempt, { rtt }) {
      trip = rtt;
      attempt.ponged = now;
      attempt.until = NEVER;
      if (attempt.proven) return;
      attempt.proven = true;
      // [U] Once there is a way back up, a better leg is measured before it is taken.
      if (!chosen || attempt.rank < chosen.rank) choose(attempt);
      only(attempt.rank);
    },

    active(/** @type {Attempt} */ attempt) {
      const from = active;
      active = attempt;
      chosen ??= attempt;
      if (attempt.proven) attempt.until = NEVER;
      raceAt = NEVER;
      if (from === attempt) return;
      // The session reads the loser to its end; we are through with it.
      if (from) forget(from, 'better');
      // [U] From here on the better transports are tried again, in the background.
      tell(attempt.transport, from ? 'better' : last, 'online');
    },

    close: died,
    closed: died,
  };

  // ---- a race

  function race() {
    if (open[0]) return;
    // [F] Debts are paid by time; above 50 s a transport is tried last.
    const bad = (/** @type {any} */ transport) =>
      Number(/** @type {any} */ (debts)[transport] > now + 50_000);
    pending = [...order].sort((a, b) => bad(a) - bad(b));
    rank = 0;
    next();
  }

  function next() {
    nextAt = NEVER;
    if (!pending[0]) return;
    if (holdUntil > now) nextAt = holdUntil;
    else {
      start(/** @type {Transport} */ (pending.shift()), ++rank);
      if (pending[0]) nextAt = now + (rank < 2 ? 1000 : 1500);
    }
  }

  /**
   * @param {Transport} transport
   * @param {number} rank
   */
  function start(transport, rank) {
    /** @type {Attempt} */
    const attempt = {
      n: ++self.legs,
      transport,
      rank,
      at: now,
      until: now + (transport === 'websocket' ? 10_000 : patience(2500)),
      why: transport === 'sse' ? 'buffered' : 'timeout',
    };
    open.push(attempt);
    self.attempts = [...self.attempts, attempt].slice(-20);
    out.push({ open: transport, leg: self.legs });
  }

  /** Ends the race for those below a rank. @param {number} rank */
  function only(rank) {
    for (const other of open) if (other.rank > rank && other !== active) end(other, 'better');
    pending = [];
    nextAt = NEVER;
  }

  /** @param {Attempt} attempt */
  function choose(attempt) {
    chosen = attempt;
    out.push({ ask: attempt.n });
    // The turn asked for has to be confirmed.
    if (attempt.proven) limit(attempt, 5000, 'mute');
  }

  // ---- ends

  /**
   * @param {Attempt} attempt
   * @param {Reason} reason
   */
  function forget(attempt, reason) {
    open = open.filter((other) => other !== attempt);
    attempt.reason = reason;
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
   * A leg is over that should not be: what goes on in its place?
   * @param {Attempt} attempt
   * @param {Reason} reason
   */
  function fail(attempt, reason) {
    const { transport, at, proven } = attempt;
    forget(attempt, reason);
    // [F] What comes of the gateway's own will, or after a long life, is no failure; but of a leg that never was
    // proven it is one. (Two gateways behind one address may each say `gone` for ever.)
    const well = proven && (reason === 'server' || now - at > 2000);
    last = reason;
    // No transport is to blame for the gateway's will.
    if (reason === 'server') pending = [];
    else if (!well) debts[transport] = Math.max(debts[transport] ?? 0, now) + (proven ? 25_000 : 110_000);
    if (self.transport && !active) tell(null, reason, 'reconnecting');
    const heir = open.find((other) => other.usable);
    if (!chosen && heir) choose(heir);
    if (pending[0]) next();
    else if (!open[0]) {
      // [F] A leg that was well for long proves the way; one that was not counts.
      if (now - at > 60_000) failures = 0;
      rest(well);
    }
  }

  /** Nothing is open: wait, then race. @param {boolean} [quick] */
  function rest(quick) {
    raceAt = now + backoff(failures, random, quick);
    if (quick) return;
    failures++;
    out.push({ check: true });
  }

  /**
   * Gives everything up.
   * @param {Reason} reason
   * @param {State} state
   */
  function leave(reason, state) {
    for (const attempt of open) end(attempt, reason);
    pending = [];
    nextAt = raceAt = leaveAt = NEVER;
    tell(null, reason, state);
  }

  // ---- small things

  /**
   * The session gave it up, or it did so itself.
   * @param {Attempt} attempt
   * @param {{reason: string}} event
   */
  function died(attempt, { reason }) {
    // It lost its turn to the one that we asked: of that one's confirmation we shall tell.
    if (reason === 'replaced' && chosen !== attempt) forget(attempt, (last = 'better'));
    else fail(attempt, /draining|gone/.test(reason) ? 'server' : attempt.usable ? 'closed' : 'refused');
  }

  /** @param {Attempt} attempt */
  function heard(attempt) {
    attempt.heard = now;
  }

  /**
   * When the active leg is under suspicion: it was quiet for too long, or frames wait for their acknowledgement. What
   * still comes down hides that nothing goes up any more; only a pong clears it. [P] After a sleep this judges late.
   */
  function quietAt() {
    if (!active?.proven || active.until < NEVER) return NEVER;
    const { heard = 0, ponged = 0 } = active;
    // A poll that is held is silent.
    const quiet =
      active.transport === 'poll' ? session.welcome.hold_ms + 10_000 : session.welcome.heartbeat_ms + 5000;
    return Math.min(heard + quiet, Math.max(ponged, session.kept()[0]?.at ?? NEVER) + 6000);
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

  return self;
}
