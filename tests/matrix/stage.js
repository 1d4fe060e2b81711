// @ts-check
/**
 * One row on its stage: a session behind its network, a witness directly at the gateway, and numbered
 * messages both ways. Every row asserts that each message arrives exactly once and in order, without a
 * `reset`. It also asserts that the session has the expected transport within the bound.
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

/**
 * The time beyond a bound for which a row waits for late messages, to report how late they are. At the end,
 * it is the time for messages in flight, to report the lost ones.
 */
const PATIENCE_MS = 15_000;

/** The bound of times that include the browser's own work, such as the round trip of a call into a page. */
const WITHOUT_BOUND = Number.MAX_SAFE_INTEGER;

/**
 * @typedef {import('./clients.js').ClientName} ClientName
 * @typedef {import('./subject.js').Condition} Condition
 * @typedef {import('./subject.js').Report} Report
 * @typedef {'websocket' | 'sse' | 'poll'} Transport
 * @typedef {{ url: string, stop: () => Promise<unknown>, directory?: string, client?: import('./clients.js').Client }} Between the part
 *   between the session and its front; `client`: where the session runs, if only that client reaches the url
 * @typedef {Awaited<ReturnType<typeof openStage>>} Stage
 *
 * @typedef {{ ms?: number | null, note?: string, problems?: string[], late?: string[] }} Outcome `late`: the conditions that held too late
 *
 * @typedef {object} Row
 * @property {number} row
 * @property {string} condition
 * @property {ClientName[]} clients
 * @property {Transport | Transport[]} expect the transport at the end
 * @property {number} [bound] the most ms for the time that `run` measures
 * @property {object} [network] netlab's network from the start; without it the network is clean
 * @property {(upstream: string, gateway: string) => Promise<Between>} [proxy]
 * @property {(stage: Pick<Stage, 'front' | 'proxy'>) => Promise<unknown>} [turn] makes the network hostile after the page has loaded, in
 *   another way than by `network`
 * @property {object} [options] the options of `connect`
 * @property {number} [pad] additional bytes in each message of the session
 * @property {boolean} [idle] no messages until the end
 * @property {string} [states] the exact sequence of states; without it any
 * @property {boolean} [told] the row expects a `reset`
 * @property {boolean} [ownBrowser] the row affects the whole browser
 * @property {boolean} [scaled] the row's times are shorter in this run than the matrix requires
 * @property {(stage: Stage) => Promise<Outcome>} [run] without it: the time from `connect` to being online on the expected transport
 */

/** Returns the time that 95 in 100 of these do not exceed. @param {number[]} times */
export const p95 = (times) => [...times].sort((a, b) => a - b)[Math.ceil(times.length * 0.95) - 1] ?? null;

/**
 * Makes tests of a file's rows: each row with each of its clients.
 * @param {string} file its `import.meta.url`
 * @param {string} name
 * @param {Row[]} rows
 * @param {{ concurrency?: number, results?: import('./results.js').Results, browser?: import('../browser/launch.js').Extra }} [options]
 *   `concurrency`: for rows that mostly wait; `results`: of a file that has other rows too
 */
export function matrix(file, name, rows, { concurrency = 1, results = createResults(file), browser } = {}) {
  describe(name, { concurrency }, () => {
    const clients = createClients(browser);
    /** @type {Awaited<ReturnType<typeof startLab>>} */
    let lab;
    before(async () => {
      lab = await startLab();
      // The browsers' start uses both cores for seconds, so no measurement may run meanwhile.
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
  /** The conditions that do not hold. @type {string[]} */
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
  /** The conditions that held too late. */
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
  // The row's bound covers a silence. This code only means that 5 s have passed.
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
  /** The time of each message from its publication to the witness. @type {number[]} */
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
  /** The last report of a page that left. @type {{ sent: number, report: Report } | undefined} */
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

    /** Starts the time that `until` reports. */
    mark() {
      mark = performance.now();
    },

    /** Returns the time since the mark. */
    elapsed: () => Math.round(performance.now() - mark),

    /**
     * Waits for a condition, and resolves with the time since the mark. It accepts a late condition, up to a
     * limit.
     * @param {Condition} condition
     * @param {number} [bound] without it the row's bound
     */
    async until(condition, bound = row.bound ?? PATIENCE_MS) {
      const held = await client.call('until', condition, bound + PATIENCE_MS - stage.elapsed());
      const ms = stage.elapsed();
      if (held) return ms;
      const { state, transport } = await client.call('report', 0);
      throw new Error(`not ${JSON.stringify(condition)} after ${ms} ms, but ${state} on ${transport}`);
    },

    /** Resolves with the time since the mark at which the witness had this many messages of the session. @param {number} count */
    async arrived(count) {
      const bound = (row.bound ?? 0) + PATIENCE_MS;
      const held = await Promise.race([
        up.reached(count).then(() => true),
        pause(bound, false, { ref: false }),
      ]);
      if (!held) throw new Error(`${up.report(count).received} of ${count} messages arrived in ${bound} ms`);
      return stage.elapsed();
    },

    /** Resolves with the time since the mark at which the session had all messages of its witness. */
    async received() {
      await client.call('received', sender.sent, (row.bound ?? 0) + PATIENCE_MS);
      return stage.elapsed();
    },

    /**
     * Resolves when the session and its witness have heard this many more messages of each other.
     * @param {number} more
     */
    async heard(more) {
      const { down } = await client.call('report', 0);
      await Promise.all([
        stage.arrived(up.report(0).received + more),
        client.call('received', down.received + more, (row.bound ?? 0) + PATIENCE_MS),
      ]);
    },

    /** Returns the longest time between two messages of the session, as the witness saw them. */
    longestGap: () => up.report(0).longestGapMs,

    /** Resolves once the gateway has subscribed the session. */
    async subscribed() {
      const late = pause(PATIENCE_MS, true, { ref: false });
      if (await Promise.race([client.call('subscribed'), late])) throw new Error('no subscription');
    },

    /**
     * Sends numbered messages both ways for this time, or until the end if there is no time.
     * @param {number} [ms]
     * @param {{ up?: number, down?: number }} [rates] messages a second
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
     * Sends this many more messages at once.
     * @param {'up' | 'down'} direction
     * @param {number} count
     * @param {number} pad additional bytes in each message
     */
    async burst(direction, count, pad) {
      if (direction === 'up') await client.call('burst', count, pad);
      else sender.burst(count, pad);
    },

    /** Returns a note on the transports that the session left, if any. @returns {Promise<string[]>} */
    async leavings() {
      /** @type {Report} */
      const { changes } = await client.call('report', 0);
      const left = changes.filter(({ from }) => from !== null);
      return left.length ? [`it left: ${JSON.stringify(left)}`] : [];
    },

    /** Takes the session's report now, because its page will leave. @param {number} sent the publications by then */
    async leave(sent) {
      gone = { sent, report: await client.call('report', 0) };
    },

    /** Stops the messages for now. */
    async quiet() {
      sender.stop();
      await client.call('stop');
    },

    /** Waits until all messages arrived, and reports the counts. */
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
