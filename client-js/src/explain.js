// @ts-check
/**
 * The text of `connection.explain()`: why this transport, what was tried, what failed, how and when. An entry of its own,
 * `throughline/explain`, since not every page needs it. Pure; it must never need more than the data it is given.
 *
 * @typedef {import('./types.js').Explanation} Explanation
 * @typedef {import('./types.js').ExplainedAttempt} ExplainedAttempt
 * @typedef {import('./types.js').ExplainedWay} ExplainedWay
 */

/** Why an attempt ended, or a transport was left. @type {Record<import('./types.js').Reason, string>} */
const REASONS = {
  refused: 'refused',
  timeout: 'no answer in time',
  mute: 'open, but nothing came through',
  buffered: 'what it brings is held back on the way',
  closed: 'the connection was closed',
  stalled: 'silent for too long',
  slow: 'too slow',
  better: 'a better one took over',
  server: 'the gateway asked us to go',
  offline: 'nobody can be reached',
};

/** Who answered when everything failed. @type {Record<'ours' | 'away' | 'portal' | 'offline', string>} */
const CONTROLS = {
  ours: 'The gateway itself answers, but no transport gets through.',
  away: 'A proxy answers that the gateway is away.',
  portal: "Somebody else answers in the gateway's place: a sign-in page, perhaps.",
  offline: 'Nobody answers at all.',
};

/**
 * Says why things stand as they do, in lines for a person.
 * @param {Explanation} data what `connection.explain()` gave
 */
export function describe({ now, heartbeat_ms, hold_ms, ...data }) {
  const lines = [data.transport ? `${data.state}, by ${data.transport}` : data.state];
  const carrier = data.attempts.find(({ active, ended }) => active && !ended);
  if (data.transport && carrier?.active) lines[0] += ` for ${span(now - carrier.at - carrier.active)}`;
  // That the gateway answers is news only where nothing else works.
  if (data.control && !data.transport) lines.push(CONTROLS[data.control]);
  if (data.missing.length) lines.push(`This platform lacks: ${data.missing.join(', ')}`);
  if (data.transports) lines.push(`The gateway offers: ${data.transports.join(', ')}`);
  if (data.network) lines.push(`Network: ${data.network}`);
  if (heartbeat_ms && hold_ms) lines.push(`Heartbeat ${span(heartbeat_ms)}, polls held ${span(hold_ms)}`);
  lines.push('', 'Transports');
  for (const way of data.ways) lines.push(`  ${way.transport}: ${standing(way, now)}`);
  lines.push('', 'Attempts, the latest last');
  for (const attempt of data.attempts) lines.push(`  ${span(now - attempt.at)} ago, ${course(attempt)}`);
  return lines.join('\n');
}

/** @param {ExplainedWay} way @param {number} now */
function standing({ rtt, failures, retryAt, good }, now) {
  const parts = [rtt === null ? 'not measured' : `there and back in ${span(rtt)}`];
  if (good) parts.push('proven on this network');
  if (failures) parts.push(`${failures} ${failures === 1 ? 'failure' : 'failures'} in a row`);
  if (retryAt > now) parts.push(`tried again in ${span(retryAt - now)}`);
  return parts.join(', ');
}

/** @param {ExplainedAttempt} attempt */
function course({ transport, n, purpose, opened, usable, proven, active, ended, reason }) {
  /** @type {Array<[at: number | undefined, what: string]>} */
  const steps = [
    [opened, 'open'],
    [usable, 'welcomed'],
    [proven, 'proven'],
    [active, 'in use'],
    [ended, `ended (${reason ? REASONS[reason] : 'no reason told'})`],
  ];
  const told = steps.filter(([at]) => at !== undefined).map(([at, what]) => `${what} after ${span(at ?? 0)}`);
  return `${transport} (leg ${n}, ${purpose}): ${told.join(', ') || 'nothing yet'}`;
}

/** Milliseconds, as people say them. @param {number} ms */
function span(ms) {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${(ms / 60_000).toFixed(1)} min`;
}
