// From runs to medians, the table, and the checks. It measures nothing.
import { readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { KILLED, NETWORKS, PEERS, SLACK_MS } from './peers.mjs';

/** More of the same can no longer change the median of five. */
const MAJORITY = 3;

/** @param {any[]} runs so far */
export const decided = (runs) =>
  ['never', 'flaps', 'closes'].some(
    (outcome) => runs.filter((run) => run.outcome === outcome).length >= MAJORITY,
  );

/** Of what never came, Infinity. @param {(number | undefined)[]} values */
function median(values) {
  const sorted = values.map((value) => value ?? Number.POSITIVE_INFINITY).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

/** What most runs came to. */
function cell(runs) {
  const counts = new Map();
  for (const { outcome } of runs) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  const [outcome] = [...counts].sort(([, a], [, b]) => b - a)[0];
  const of = runs.filter((run) => run.outcome === outcome);
  return {
    outcome,
    first: median(runs.map(({ first }) => first)),
    settled: median(of.map(({ settled }) => settled)),
    transport: of[0].transport,
    opens: median(of.map(({ websockets }) => websockets)),
    others: runs.length - of.length,
    runs,
  };
}

const ms = (value) => (value < 999.5 ? `${Math.round(value)} ms` : `${(value / 1000).toFixed(2)} s`);

function words(network, { outcome, first, settled, transport, opens, others, runs }) {
  const rest = others ? ` (${others} of ${runs.length} otherwise)` : '';
  if (outcome === 'never' || first === Number.POSITIVE_INFINITY) return `never${rest}`;
  const tried = `${opens} open${opens === 1 ? '' : 's'}`;
  if (outcome === 'flaps') return `${ms(first)}, then flaps, ${tried}${rest}`;
  if (outcome === 'closes') return `${ms(first)}, then closes${rest}`;
  if (network.name !== KILLED.network) return `${ms(first)}${rest}`;
  return `${ms(first)}, settles on ${transport} at ${ms(settled)}, ${tried}${rest}`;
}

/** Every claim, with its figure and its bound. */
export function check(columns) {
  const at = (name, title) => cell(columns[name].runs[title]);
  const checks = [];
  const say = (claim, figure, bound, holds) => checks.push({ claim, figure, bound, holds });
  const peers = PEERS.filter(({ ours }) => !ours);
  const [{ title: ours }] = PEERS.filter((peer) => peer.ours);
  const bounded = NETWORKS.filter(({ bound }) => bound !== false);
  for (const { name, within } of bounded) {
    const best = Math.min(...peers.map(({ title }) => at(name, title).first));
    if (best === Number.POSITIVE_INFINITY && !within) continue;
    const bound = within ?? best + SLACK_MS;
    const told = within ? ms(within) : `${ms(bound)} (the best peer's ${ms(best)} + ${SLACK_MS} ms)`;
    const { first } = at(name, ours);
    say(
      `${name}: ours has its first message`,
      first === Number.POSITIVE_INFINITY ? 'never' : ms(first),
      told,
      first <= bound,
    );
  }
  const bad = bounded.flatMap(({ name }) =>
    columns[name].runs[ours]
      .filter(({ outcome }) => outcome !== 'settled')
      .map(({ outcome }) => `${name}: ${outcome}`),
  );
  say('ours settles in every run of every network', bad.join('; ') || 'yes', 'yes', !bad.length);
  const sound = peers.filter(({ title }) =>
    bounded.every(({ name }) => at(name, title).outcome === 'settled'),
  );
  say('ours is the only one', sound.map(({ title }) => title).join(', ') || 'yes', 'yes', !sound.length);
  const killed = at(KILLED.network, ours);
  const settles = killed.outcome === 'settled';
  say(
    'killed: ours settles',
    settles ? ms(killed.settled) : killed.outcome,
    ms(KILLED.settledMs),
    settles && killed.settled <= KILLED.settledMs,
  );
  say(
    'killed: WebSockets that ours opens',
    `${killed.opens}`,
    `${KILLED.opens}`,
    settles && killed.opens <= KILLED.opens,
  );
  return checks;
}

const version = (name) =>
  JSON.parse(readFileSync(new URL(`node_modules/${name}/package.json`, import.meta.url), 'utf8')).version;

/** Prints it, and writes results.md. */
export function report(columns, checks) {
  const row = (cells) => `| ${cells.join(' | ')} |`;
  const table = [
    row(['client', ...NETWORKS.map(({ name }) => name)]),
    row(['---', ...NETWORKS.map(() => '---')]),
    ...PEERS.map(({ title, standIn }) =>
      row([
        `${title}${standIn ? ' ¹' : ''}`,
        ...NETWORKS.map((n) => words(n, cell(columns[n.name].runs[title]))),
      ]),
    ),
  ];
  const warm = PEERS.map(({ title }) => {
    const times = NETWORKS.map(({ name }) => columns[name].warm[title]);
    const each = Object.keys(times[0]).map(
      (transport) => `${transport} ${ms(median(times.map((t) => t[transport])))}`,
    );
    return `- ${title}: ${each.join(', ')}`;
  });
  const versions = [...new Set(PEERS.flatMap(({ packages }) => packages))].map(
    (name) => `${name} ${version(name)}`,
  );
  const lines = [
    ...table,
    '',
    '¹ Its server is a stand-in that speaks the wire protocol (see README.md); the client is the released one.',
    '',
    ...checks.map(
      ({ claim, figure, bound, holds }) =>
        `- ${holds ? 'holds' : 'MISSED'}: ${claim}: ${figure}, bound ${bound}`,
    ),
  ];
  const about = [
    `- Measured on ${new Date().toISOString().slice(0, 10)} by \`make bench-peers\`; Node ${process.version}, ${os.cpus().length} cores, load average ${os.loadavg()[1].toFixed(1)}.`,
    `- Clients and servers: ${versions.join(', ')}, ws ${version('ws')}, eventsource ${version('eventsource')}.`,
    '- Time from connect() to the first application message, on loopback, median of 5 (of 3, where those 3 agree that it does not hold).',
  ];
  const each = NETWORKS.flatMap(({ name }) => [
    `### ${name}`,
    '',
    ...PEERS.map(({ title }) => `- ${title}: ${columns[name].runs[title].map(one).join('; ')}`),
    '',
  ]);
  const text = [
    '# Clients behind hostile networks',
    '',
    'Written by `run.mjs`. What the words mean, and what is a stand-in, is in README.md.',
    '',
    ...about,
    '',
    ...lines,
    '',
    '## Each client by each of its transports alone, on a clear network',
    '',
    ...warm,
    '',
    '## Every run',
    '',
    'First message, outcome, WebSockets begun and requests made while it was watched.',
    '',
    ...each,
  ];
  writeFileSync(new URL('results.md', import.meta.url), `${text.join('\n').trimEnd()}\n`);
  console.log(`\n${about.join('\n')}\n\n${lines.join('\n')}\n`);
}

function one({ outcome, first, settled, transport, websockets, requests }) {
  const end = outcome === 'settled' ? `settled on ${transport} at ${ms(settled)}` : outcome;
  return `${first === undefined ? '' : `${ms(first)}, `}${end}, ${websockets} of ${requests}`;
}
