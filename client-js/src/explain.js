// @ts-check
/**
 * The text of `connection.explain()`: why this transport, what was tried, what failed, how and when. This is an entry of its own,
 * `throughline/explain`, since not every page needs it. Pure: it must never need more than the data it is given.
 *
 * @import { Control, ExplainedAttempt, ExplainedPath, Explanation, Reason } from './types.js'
 */

/** Why an attempt ended, or a transport was left. @type {Record<Reason, string>} */
const REASONS = {
  first: 'it was the first',
  refused: 'refused',
  timeout: 'no answer in time',
  mute: 'open, but nothing came through',
  buffered: 'what it brings is held back on the way',
  closed: 'the connection was closed',
  stalled: 'silent for too long',
  slow: 'too slow',
  better: 'a better one took over',
  asked: 'the application asked for another one',
  stuck: 'a message did not pass',
  age: 'a proxy ends streams at this age',
  server: 'the gateway asked us to go',
  offline: 'nobody can be reached',
};

/** The answer to the control request when everything failed. @type {Record<Control, string>} */
const CONTROLS = {
  ours: 'The gateway itself answers, but no transport gets through.',
  refused: 'The gateway itself answers, and refuses: the event `error` says why.',
  away: 'A proxy answers that the gateway is away.',
  portal: "Somebody else answers in the gateway's place: a sign-in page, perhaps.",
  offline: 'Nobody answers at all.',
};

/**
 * Returns why things stand as they do, in lines for a person.
 * @param {Explanation} data from `connection.explain()`
 */
export function describe({ now, heartbeat_ms, hold_ms, ...data }) {
  const lines = [data.transport ? `${data.state}, by ${data.transport}` : data.state];
  const carrier = data.attempts.find(({ active, ended }) => active !== undefined && ended === undefined);
  if (data.transport && carrier?.active !== undefined)
    lines[0] += ` for ${span(now - carrier.at - carrier.active)}`;
  // An answer of the gateway is news only if nothing else works.
  if (data.control && !data.transport) lines.push(CONTROLS[data.control]);
  if (data.missing.length) lines.push(`This platform lacks: ${data.missing.join(', ')}`);
  if (data.transports) lines.push(`The gateway offers: ${data.transports.join(', ')}`);
  if (data.network) lines.push(`Network: ${data.network}`);
  if (heartbeat_ms && hold_ms) lines.push(`Heartbeat ${span(heartbeat_ms)}, polls held ${span(hold_ms)}`);
  lines.push('', 'Transports');
  for (const path of data.paths) lines.push(`  ${path.transport}: ${standing(path, now)}`);
  lines.push('', 'Attempts, the latest last');
  for (const attempt of data.attempts) lines.push(`  ${span(now - attempt.at)} ago, ${course(attempt)}`);
  return lines.join('\n');
}

/** @param {ExplainedPath} path @param {number} now */
function standing({ rtt, failures, retryAt, good }, now) {
  const parts = [rtt === null ? 'not measured' : `there and back in ${span(rtt)}`];
  if (good) parts.push('proven on this network');
  if (failures) parts.push(`${failures} ${failures === 1 ? 'failure' : 'failures'} in a row`);
  if (retryAt > now) parts.push(`tried again in ${span(retryAt - now)}`);
  return parts.join(', ');
}

/** @param {ExplainedAttempt} attempt */
function course({ transport, leg, purpose, opened, usable, proven, active, ended, reason }) {
  /** @type {Array<[at: number | undefined, what: string]>} */
  const steps = [
    [opened, 'open'],
    [usable, 'welcomed'],
    [proven, 'proven'],
    [active, 'in use'],
    [ended, `ended (${reason ? REASONS[reason] : 'no reason told'})`],
  ];
  const told = steps.filter(([at]) => at !== undefined).map(([at, what]) => `${what} after ${span(at ?? 0)}`);
  return `${transport} (leg ${leg}, ${purpose}): ${told.join(', ') || 'nothing yet'}`;
}

/** Formats milliseconds for a person. @param {number} ms */
function span(ms) {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${(ms / 60_000).toFixed(1)} min`;
}
