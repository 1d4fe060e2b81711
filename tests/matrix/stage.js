// @ts-check
/**
 * One row on its stage: a session behind its network, a witness straight at the gateway, numbered messages both ways, and what
 * every row asserts: each message exactly once and in order, no `reset`, the expected transport within the bound.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { createCounter } from '../counting.js';
import { connectTo, startLab } from '../node/lab.js';
import { steady } from '../steady.js';
import { createClients } from './clients.js';
import { createResults, WHOLE } from './results.js';
import { createSender } from './subject.js';

/** Messages a second, each way. */
export const RATE = 20;

/** What came late is waited for so long beyond a bound, to say how late; and what is under way at the end, to say what is lost. */
const PATIENCE_MS = 15_000;

/** Times at which a browser's own machinery counts, not the client's: the round trip of a call into a page. */
const WITHOUT_BOUND = Number.MAX_SAFE_INTEGER;

/**
 * @typedef {import('./clients.js').ClientName} ClientName
 * @typedef {import('./subject.js').Condition} Condition
 * @typedef {import('./subject.js').Report} Report
 * @typedef {'websocket' | 'sse' | 'poll'} Transport
 * @typedef {{ url: string, stop: () => Promise<unknown>, directory?: string, client?: import('./clients.js').Client }} Between what a row puts
 *   between the session and its front; `client`: where the session runs, if only it can reach the url
 * @typedef {Awaited<ReturnType<typeof openStage>>} Stage
 *
 * @typedef {{ ms?: number | null, note?: string, problems?: string[], late?: string[] }} Outcome `late`: what held, but too late
 *
 * @typedef {object} Row
 * @property {number} row
 * @property {string} condition
 * @property {ClientName[]} clients
 * @property {Transport | Transport[]} expect what is active at the end
 * @property {number} [bound] ms, of what `run` measures
 * @property {object} [network] of netlab, from the start; a clean one without it
 * @property {(upstream: string, gateway: string) => Promise<Between>} [proxy]
 * @property {(stage: Pick<Stage, 'front' | 'proxy'>) => Promise<unknown>} [turn] makes it hostile in another way than by `network`, once
 *   the page is loaded
 * @property {object} [options] of `connect`
 * @property {number} [pad] bytes more in each message of the session
 * @property {boolean} [idle] no messages but at the end
 * @property {string} [states] the exact sequence of states; without it any
 * @property {boolean} [told] a `reset` is expected
 * @property {boolean} [ownBrowser] it does something to all of it
 * @property {boolean} [scaled] the row's times are less than the matrix asks, in this run
 * @property {(stage: Stage) => Promise<Outcome>} [run] without it: the time from `connect` to being online on what is expected
 */

/** Of so many times, 95 in 100 are no longer. @param {number[]} times */
export const p95 = (times) => [...times].sort((a, b) => a - b)[Math.ceil(times.length * 0.95) - 1] ?? null;

/**
 * The rows of a file as its tests, each with each of its clients.
 * @param {string} file its `import.meta.url`
 * @param {string} name
 * @param {Row[]} rows
 * @param {{ concurrency?: number, results?: import('./results.js').Results, browser?: import('../browser/launch.js').Extra }} [options]
 *   rows that mostly wait may do so together; `results` of a file that has rows besides
 */
export function matrix(file, name, rows, { concurrency = 1, results = createResults(file), browser } = {}) {
  describe(name, { concurrency }, () => {
    const clients = createClients(browser);
    /** @type {Awaited<ReturnType<typeof startLab>>} */
    let lab;
    before(async () => {
      lab = await startLab();
      // They take seconds of both cores, in which nothing is to be measured.
      await clients.warm(rows.filter(({ ownBrowser }) => !ownBrowser).flatMap((row) => row.clients));
    });
    after(async () => {
      await clients.close();
      await lab?.gateway.stop();
    });
    for (const row of rows) {
      for (const client of row.clients) {
        const name = `row ${row.row}, ${client}: ${row.condition}`;
        test(name, async () => {
          const attempt = () => perform(row, client, lab, clients);
          const onlyLate = (/** @type {Performance} */ { problems, late }) => !problems[0] && late.join('; ');
          const [{ result, problems, late }, times] = await steady(name, attempt, onlyLate);
          if (times > 1) result.note += `; measured ${times} times`;
          results.add(result);
          assert.deepEqual([...problems, ...late], []);
        });
      }
    }
  });
}

/**
 * @param {Row} row
 * @param {ClientName} client
 * @param {Awaited<ReturnType<typeof startLab>>} lab
 * @param {import('./clients.js').Clients} clients
 */
async function perform(row, client, lab, clients) {
  /** @type {Stage | undefined} */
  let stage;
  /** @type {Outcome} */
  let outcome = {};
  /** What does not hold. @type {string[]} */
  const problems = [];
  /** @type {Awaited<ReturnType<Stage['finish']>> | undefined} */
  let end;
  try {
    stage = await openStage(row, client, lab, clients);
    outcome = await (row.run ?? online)(stage);
    end = await stage.finish();
  } catch (error) {
    problems.push(error instanceof Error ? error.message : `${error}`);
    end = await stage?.finish().catch((again) => void problems.push(`and at the end: ${again.message}`));
  }
  const { ms = null } = outcome;
  const bound = row.bound ?? WITHOUT_BOUND;
  problems.push(...(outcome.problems ?? []), ...(end ? judge(row, end) : []));
  /** What held, but too late. */
  const late = [
    ...(outcome.late ?? []),
    ...(ms !== null && ms > bound ? [`${ms} ms is above ${bound}`] : []),
  ];
  const amiss = [...problems, ...late];
  const gap = end && Math.max(end.up.longestGapMs, end.report.down.longestGapMs);
  const result = {
    row: row.row,
    condition: row.condition,
    client,
    expected: [row.expect].flat().join(' or '),
    observed: `${end?.report.transport ?? 'nothing'}`,
    ms,
    bound: row.bound ?? null,
    ok: amiss.length === 0,
    whole: WHOLE || !row.scaled,
    note: [outcome.note, gap ? `longest gap ${gap} ms` : '', ...amiss].filter(Boolean).join('; '),
  };
  if (amiss.length && end && process.env.THROUGHLINE_EXPLAIN) {
    console.log(JSON.stringify({ ...end.report, witnessed: end.up }, null, 1));
  }
  await stage?.close();
  return { result, problems, late };
}

/** @typedef {Awaited<ReturnType<typeof perform>>} Performance */

/** @param {Stage} stage @returns {Promise<Outcome>} */
async function online(stage) {
  const ms = await stage.until({ state: 'online', transport: stage.expected });
  await stage.traffic(1_500);
  return { ms };
}

/**
 * @param {Row} row
 * @param {Awaited<ReturnType<Stage['finish']>>} end
 */
function judge(row, { up, report }) {
  const problems = [];
  const { down, states, transport, resets, errors, rejected } = report;
  if (![row.expect].flat().some((expected) => expected === transport))
    problems.push(`it ended on ${transport}`);
  for (const [direction, count] of Object.entries({ up, down })) {
    const { sent, lost, duplicated, reordered } = count;
    if (lost || duplicated || reordered) {
      problems.push(
        `${direction} of ${sent}: ${lost} lost, ${duplicated} duplicated, ${reordered} reordered`,
      );
    }
  }
  if (!row.told && resets.length) problems.push(`reset ${JSON.stringify(resets)}`);
  // A row's bound says how long nothing may pass. This code says no more than that 5 s are over.
  const faults = errors.filter((code) => code !== 'unreachable');
  if (faults.length) problems.push(`errors ${faults}`);
  if (Object.keys(rejected).length) problems.push(`rejected ${JSON.stringify(rejected)}`);
  if (row.states && states.join(' ') !== row.states) problems.push(`states ${states.join(' ')}`);
  return problems;
}

/**
 * @param {Row} row
 * @param {ClientName} name
 * @param {Awaited<ReturnType<typeof startLab>>} lab
 * @param {import('./clients.js').Clients} clients
 */
async function openStage(row, name, lab, clients) {
  const front = await lab.front();
  const proxy = await row.proxy?.(front.url, lab.gateway.url);
  const base = proxy?.url ?? front.url;
  const client = proxy?.client ?? (await clients.open(name, base, row.ownBrowser));
  const witness = connectTo(lab.gateway.url);
  const channel = `matrix/${row.row}/${Math.random().toString(36).slice(2)}`;
  const up = createCounter();
  /** How long each took from its publication to the witness. @type {number[]} */
  const arrivedMs = [];
  witness.channel(`${channel}/up`).on('message', ({ data }) => {
    up.take(data.number);
    arrivedMs.push(Date.now() - data.at);
  });
  await witness.channel(`${channel}/up`).subscribed;
  const sender = createSender((number, pad) =>
    witness.channel(`${channel}/down`).publish({ number, at: Date.now(), padding: '.'.repeat(pad ?? 0) }),
  );
  const expected = [row.expect].flat()[0];
  /** What was to be told at the end, of a page that went. @type {{ sent: number, report: Report } | undefined} */
  let gone;

  if (row.network) await front.set(row.network);
  await row.turn?.({ front, proxy });
  let mark = performance.now();
  await client.begin({ url: `${base}/rt`, channel, options: row.options ?? {}, pad: row.pad });

  const stage = {
    row,
    lab,
    clients,
    front,
    base,
    client,
    proxy,
    expected,
    arrivedMs,

    /** From here on `until` counts. */
    mark() {
      mark = performance.now();
    },

    /** Since the mark. */
    elapsed: () => Math.round(performance.now() - mark),

    /**
     * Resolves with the time since the mark at which the condition held; it may be late, but not for ever.
     * @param {Condition} condition
     * @param {number} [bound] of the row without it
     */
    async until(condition, bound = row.bound ?? PATIENCE_MS) {
      const held = await client.call('until', condition, bound + PATIENCE_MS - stage.elapsed());
      const ms = stage.elapsed();
      if (held) return ms;
      const { state, transport } = await client.call('report', 0);
      throw new Error(`not ${JSON.stringify(condition)} after ${ms} ms, but ${state} on ${transport}`);
    },

    /** Resolves with the time since the mark at which the witness had so many messages of the session. @param {number} count */
    async arrived(count) {
      const bound = (row.bound ?? 0) + PATIENCE_MS;
      const held = await Promise.race([
        up.reached(count).then(() => true),
        pause(bound, false, { ref: false }),
      ]);
      if (!held) throw new Error(`${up.report(count).received} of ${count} messages arrived in ${bound} ms`);
      return stage.elapsed();
    },

    /** Resolves with the time since the mark at which the session had all that its witness sent it. */
    async received() {
      await client.call('received', sender.sent, (row.bound ?? 0) + PATIENCE_MS);
      return stage.elapsed();
    },

    /**
     * Resolves when the session and its witness have heard so many more messages of each other.
     * @param {number} more
     */
    async heard(more) {
      const { down } = await client.call('report', 0);
      await Promise.all([
        stage.arrived(up.report(0).received + more),
        client.call('received', down.received + more, (row.bound ?? 0) + PATIENCE_MS),
      ]);
    },

    /** The longest time between two messages of the session, as the witness saw them. */
    longestGap: () => up.report(0).longestGapMs,

    /** Resolves once the gateway has subscribed the session. */
    async subscribed() {
      const late = pause(PATIENCE_MS, true, { ref: false });
      if (await Promise.race([client.call('subscribed'), late])) throw new Error('it is not subscribed');
    },

    /**
     * Numbered messages both ways, for so long; without a time until the end.
     * @param {number} [ms]
     * @param {{ up?: number, down?: number }} [rates] a second
     */
    async traffic(ms, { up = RATE, down = RATE } = {}) {
      await stage.subscribed();
      sender.start(down);
      await client.call('start', up);
      if (ms === undefined) return;
      await pause(ms);
      await stage.quiet();
    },

    /**
     * So many more at once.
     * @param {'up' | 'down'} direction
     * @param {number} count
     * @param {number} pad bytes that each carries besides
     */
    async burst(direction, count, pad) {
      if (direction === 'up') await client.call('burst', count, pad);
      else sender.burst(count, pad);
    },

    /** What there is to say of it if it ever left a transport. @returns {Promise<string[]>} */
    async leavings() {
      /** @type {Report} */
      const { changes } = await client.call('report', 0);
      const left = changes.filter(({ from }) => from !== null);
      return left.length ? [`it left: ${JSON.stringify(left)}`] : [];
    },

    /** The session's page will go: what it has to tell is taken now. @param {number} sent it will have published by then */
    async leave(sent) {
      gone = { sent, report: await client.call('report', 0) };
    },

    /** No more messages for now. */
    async quiet() {
      sender.stop();
      await client.call('stop');
    },

    /** Waits until all arrived, and tells what did. */
    async finish() {
      if (gone) {
        await stage.arrived(gone.sent);
        return { up: up.report(gone.sent), report: gone.report };
      }
      await stage.quiet();
      if (sender.sent === 0) await stage.traffic(500);
      const sent = await client.call('stop');
      const late = pause(PATIENCE_MS, undefined, { ref: false });
      await Promise.all([
        Promise.race([up.reached(sent), late]),
        client.call('received', sender.sent, PATIENCE_MS),
      ]);
      /** @type {Report} */
      const report = await client.call('report', sender.sent);
      return { up: up.report(sent), report };
    },

    async close() {
      sender.stop();
      await client.close().catch(() => {});
      witness.close();
      await proxy?.stop();
    },
  };
  return stage;
}
