// From runs to the tables, the checks, and the files with the results. It measures nothing.
import { readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { KILLED, NETWORKS, PEERS, SLACK_MS } from './peers.mjs';
import { cell, firstWords, median, ms, runWords, thenWords } from './words.mjs';

/** With so many equal outcomes, further runs cannot change the median of five. */
const MAJORITY = 3;

/** @param {any[]} runs so far */
export const decided = (runs) =>
  ['never', 'flaps', 'closes'].some(
    (outcome) => runs.filter((run) => run.outcome === outcome).length >= MAJORITY,
  );

/** Returns every claim, with its figure and its bound. */
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
  checks.push(...checkKilled(at(KILLED.network, ours)), checkLosses(columns, ours));
  return checks;
}

function checkKilled(killed) {
  const settles = killed.outcome === 'settled';
  return [
    {
      claim: 'killed: ours settles',
      figure: settles ? ms(killed.settled) : killed.outcome,
      bound: ms(KILLED.settledMs),
      holds: settles && killed.settled <= KILLED.settledMs,
    },
    {
      claim: 'killed: WebSockets that ours opens',
      figure: `${killed.opens}`,
      bound: `${KILLED.opens}`,
      holds: settles && killed.opens <= KILLED.opens,
    },
  ];
}

/** Checks every run, not the median. */
function checkLosses(columns, ours) {
  const runs = NETWORKS.flatMap(({ name }) => columns[name].runs[ours]);
  const sum = (key) => runs.reduce((total, { losses }) => total + losses[key], 0);
  const flaws = ['lost', 'duplicated', 'reordered'].map(sum);
  return {
    claim: `messages that ours lost, duplicated, reordered, of ${sum('sent')} in all runs`,
    figure: flaws.join(', '),
    bound: '0, 0, 0',
    holds: flaws.every((flaw) => flaw === 0),
  };
}

const version = (name) =>
  JSON.parse(readFileSync(new URL(`node_modules/${name}/package.json`, import.meta.url), 'utf8')).version;

/** Returns a table with a row for each client and a column for each network. */
function table(columns, words) {
  const row = (cells) => `| ${cells.join(' | ')} |`;
  return [
    row(['client', ...NETWORKS.map(({ name }) => name)]),
    row(['---', ...NETWORKS.map(() => '---')]),
    ...PEERS.map(({ title, standIn }) =>
      row([
        `${title}${standIn ? ' ¹' : ''}`,
        ...NETWORKS.map(({ name }) => words(name, cell(columns[name].runs[title]), standIn)),
      ]),
    ),
  ];
}

/** Returns the times of each client by each of its transports alone. */
function warmTimes(columns) {
  return PEERS.map(({ title }) => {
    const times = NETWORKS.map(({ name }) => columns[name].warm[title]);
    const each = Object.keys(times[0]).map(
      (transport) => `${transport} ${ms(median(times.map((t) => t[transport])))}`,
    );
    return `- ${title}: ${each.join(', ')}`;
  });
}

function about(day) {
  const versions = [...new Set(PEERS.flatMap(({ packages }) => packages))].map(
    (name) => `${name} ${version(name)}`,
  );
  return [
    `- Measured on ${day} by \`make bench-peers\`; Node ${process.version}, ${os.cpus().length} cores, load average ${os.loadavg()[1].toFixed(1)}.`,
    `- Clients and servers: ${versions.join(', ')}, ws ${version('ws')}, eventsource ${version('eventsource')}.`,
    '- Time from connect() to the first application message, on loopback, median of 5 (of 3, where those 3 agree that it does not hold).',
  ];
}

/** Prints the report, and writes results.md and results.json. */
export function report(columns, checks) {
  const day = new Date().toISOString().slice(0, 10);
  const top = about(day);
  const lines = [
    ...table(columns, firstWords),
    '',
    '¹ Its server is a stand-in that speaks the wire protocol (see README.md); the client is the released one.',
    '',
    ...checks.map(
      ({ claim, figure, bound, holds }) =>
        `- ${holds ? 'holds' : 'MISSED'}: ${claim}: ${figure}, bound ${bound}`,
    ),
    '',
    '## Then carried by, and lost',
    '',
    'The figures cover the time from the first message to the last one that came. They leave out later losses.',
    '',
    ...table(columns, (_, one, standIn) => thenWords(one, standIn)),
  ];
  const each = NETWORKS.flatMap(({ name }) => [
    `### ${name}`,
    '',
    ...PEERS.map(
      ({ title, standIn }) =>
        `- ${title}: ${columns[name].runs[title].map((run) => runWords(run, standIn)).join('; ')}`,
    ),
    '',
  ]);
  const text = [
    '# Clients behind hostile networks',
    '',
    'Written by `run.mjs`. What the words mean, and what is a stand-in, is in README.md.',
    '',
    ...top,
    '',
    ...lines,
    '',
    '## Each client by each of its transports alone, on a clear network',
    '',
    ...warmTimes(columns),
    '',
    '## Every run',
    '',
    'First message, outcome, WebSockets begun and requests made while it was watched, messages lost.',
    '',
    ...each,
  ];
  const write = (name, content) => writeFileSync(new URL(name, import.meta.url), `${content.trimEnd()}\n`);
  write('results.md', text.join('\n'));
  write('results.json', JSON.stringify({ measured: day, clients: results(columns) }, null, 2));
  console.log(`\n${top.join('\n')}\n\n${lines.join('\n')}\n`);
}

/**
 * Returns the cells of the tables for programs, in ms. `first` is null if no message came, `losses` if they were not
 * measured.
 */
function results(columns) {
  const one = ({ title, standIn = false }) => {
    const networks = NETWORKS.map(({ name }) => [name, plain(cell(columns[name].runs[title]), standIn)]);
    return { title, standIn, networks: Object.fromEntries(networks) };
  };
  return PEERS.map(one);
}

function plain({ outcome, first, settled, closed, transport, opens, losses }, standIn) {
  const whole = (value) => (Number.isFinite(value) ? Math.round(value) : null);
  return {
    outcome,
    first: whole(first),
    settled: whole(settled),
    closed: whole(closed),
    transport: outcome === 'never' ? null : transport,
    websockets: opens,
    losses: standIn || outcome === 'never' ? null : losses,
  };
}
