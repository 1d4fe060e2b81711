// @ts-check
/**
 * One trial as it runs, as plain data, and the rules by which it changes: which carriers followed each other, how often
 * it moved, whether it is over. Pure: time is an argument, nothing here sends, waits or draws.
 *
 * @typedef {import('./trials.js').Trial} Trial
 * @typedef {import('./burst.js').Report} Report
 *
 * @typedef {object} Step one stretch of the way: the carrier of the session, or a failed attempt
 * @property {string} transport
 * @property {'carried' | 'failed'} how
 * @property {number} at ms since the beginning
 * @property {string | null} reason why it ended; null while it carries
 * @property {number} times how often, before the next carrier
 *
 * @typedef {object} Run
 * @property {Trial} trial
 * @property {number} seconds until it heals
 * @property {'preparing' | 'running' | 'counting' | 'over' | 'abandoned'} phase counting: it waits for the messages
 * that are out
 * @property {number} beganAt the time of `connect()`, or of the act on the session
 * @property {number} changedAt when the carrier or the state last changed
 * @property {number | null} healedAt
 * @property {number | null} returnedAt when WebSocket carried it again
 * @property {{ms: number, transport: string | null} | null} first
 * @property {string | null} transport
 * @property {string} state
 * @property {number} moves
 * @property {Step[]} path
 * @property {Array<{transport: string, at: number}>} trying attempts under way, and when they began
 * @property {boolean} settled it came to rest in time
 * @property {{up: Report, down: Report} | null} counts
 */

const STEPS_KEPT = 12;
/** A run is at rest when nothing changed for so long. */
const REST_MS = 3000;
/** A trial that is over at once shows nothing. */
const LEAST_MS = 4000;

/** @param {Trial} trial @param {number} seconds @param {number} now @returns {Run} */
export const createRun = (trial, seconds, now) => ({
  trial,
  seconds,
  phase: 'preparing',
  beganAt: now,
  changedAt: now,
  healedAt: null,
  returnedAt: null,
  first: null,
  transport: null,
  state: 'connecting',
  moves: 0,
  path: [],
  trying: [],
  settled: false,
  counts: null,
});

/** Starts to watch the run. @param {Run} run @param {number} now @param {string | null} transport @param {string} state */
export function beginRun(run, now, transport, state) {
  Object.assign(run, { phase: 'running', beganAt: now, changedAt: now, transport, state });
  run.path = transport ? [{ transport, how: 'carried', at: 0, reason: null, times: 1 }] : [];
}

/** @param {Run} run @param {Step} step */
function append(run, step) {
  // Attempts that failed in the same way since the last carrier share one line: if all fail, there are many.
  const since = run.path.findLastIndex(({ how }) => how === 'carried') + 1;
  const same = run.path.find(
    ({ transport, how, reason }, place) =>
      place >= since && how === step.how && transport === step.transport && reason === step.reason,
  );
  if (same) same.times += 1;
  else run.path = [...run.path, step].slice(-STEPS_KEPT);
}

/** Enters an event of the visit. @param {Run} run @param {import('./visit.js').Event & {at: number}} event */
export function follow(run, event) {
  if (run.phase !== 'running' && run.phase !== 'counting') return;
  const since = event.at - run.beganAt;
  if (event.kind === 'trying')
    run.trying = event.attempts.map(({ transport, at }) => ({ transport, at: at - run.beganAt }));
  else if (event.kind === 'state') {
    run.state = event.state;
    run.changedAt = event.at;
  } else if (event.kind === 'failed') {
    for (const { transport, reason, to } of event.attempts)
      append(run, { transport, how: 'failed', at: (to ?? event.at) - run.beganAt, reason, times: 1 });
  } else if (event.kind === 'transport') {
    const { to, reason } = event;
    run.transport = to;
    run.changedAt = event.at;
    const carrier = run.path.findLast(({ how }) => how === 'carried');
    if (carrier && !carrier.reason) carrier.reason = reason;
    if (!to) return;
    if (carrier) run.moves += 1;
    if (to === 'websocket' && run.healedAt) run.returnedAt ??= event.at;
    append(run, { transport: to, how: 'carried', at: since, reason: null, times: 1 });
  }
}

/** Returns when the failure must end, or null. @param {Run} run */
export const healsAt = ({ trial, seconds, beganAt }) => (trial.heals ? beganAt + 1000 * seconds : null);

/** Returns whether the run is at rest where the trial expects it. @param {Run} run @param {number} now */
export function isSettled({ trial, state, transport, beganAt, changedAt, healedAt, first }, now) {
  if (state !== 'online' || !transport || (trial.fresh && !first)) return false;
  if (trial.heals && !healedAt) return false;
  if (trial.until && (transport === 'websocket') !== (trial.until === 'websocket')) return false;
  return now - Math.max(changedAt, healedAt ?? 0) >= REST_MS && now - beganAt >= LEAST_MS;
}

/** Returns whether the time of the run is up. @param {Run} run @param {number} now */
export const isLate = ({ trial, beganAt, seconds }, now) =>
  now - beganAt > 1000 * (trial.most + (trial.heals ? seconds : 0));

/** @param {Run} run @returns {{lost: number, duplicated: number, reordered: number}} */
export function flaws({ counts }) {
  const sum = (/** @type {'lost' | 'duplicated' | 'reordered'} */ key) =>
    counts ? counts.up[key] + counts.down[key] : 0;
  return { lost: sum('lost'), duplicated: sum('duplicated'), reordered: sum('reordered') };
}

/** A longer wait than this is shown with a way out of it. */
const LONG_MS = 5000;

/**
 * Returns the wait that an audience would notice now, and the kind of transport that a switch would bring at once.
 * Returns null if nothing takes long.
 * @param {Run} run
 * @param {number} now
 * @param {number} retryAt when the client tries WebSocket again
 * @returns {{for: 'websocket' | 'other', ms: number} | null}
 */
export function wait(run, now, retryAt) {
  const { trial, phase, transport, healedAt, beganAt, seconds } = run;
  if (phase !== 'running' || !transport || !trial.until) return null;
  const end = beganAt + 1000 * (trial.most + (trial.heals ? seconds : 0));
  if (trial.until === 'other')
    return transport === 'websocket' && now - beganAt > LONG_MS ? { for: 'other', ms: end - now } : null;
  if (transport === 'websocket' || !healedAt || now - healedAt < REST_MS) return null;
  return { for: 'websocket', ms: (retryAt > now ? Math.min(retryAt, end) : end) - now };
}
