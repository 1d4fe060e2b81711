// @ts-check
/**
 * A session under test, counted from inside. The same code runs in Node and in a page, so it imports nothing
 * and returns only plain data. It must not judge: the row decides.
 *
 * @typedef {import('../counting.js').Count} Count
 *
 * @typedef {object} Condition a condition that holds when all of its parts do
 * @property {string} [state]
 * @property {string | null} [transport]
 * @property {string} [not] any other transport than this
 *
 * @typedef {object} Report
 * @property {string} state
 * @property {string | null} transport
 * @property {string[]} states all states in order
 * @property {Array<{ at: number, from: string | null, to: string | null, reason: string }>} changes `at`: ms after the start
 * @property {any[]} resets
 * @property {string[]} errors
 * @property {number} sent
 * @property {Record<string, number>} rejected the number of publications by code
 * @property {number[]} fulfilledMs the time until each numbered publication was fulfilled
 * @property {Count} down
 * @property {Array<{ at: number, ms: number }>} deliveries the wall clock time of each publication to this session, and the time it took
 * @property {any} explain
 */

/**
 * Creates a sender that publishes 1, 2, 3 … at a rate that holds despite late timers.
 * @param {(number: number, pad?: number) => Promise<unknown>} publish
 */
export function createSender(publish) {
  /** The cap on messages at once, which matters after a long sleep. */
  const MOST_AT_ONCE = 50;
  /** @type {Record<string, number>} */
  const rejected = {};
  let sent = 0;
  /** @type {any} */
  let timer;
  const self = {
    rejected,
    get sent() {
      return sent;
    },
    /** @param {number} count the number of messages at once @param {number} [pad] additional bytes in each message */
    burst(count, pad) {
      for (let i = 0; i < count; i += 1) {
        publish(++sent, pad).catch(({ code = 'unknown' }) => {
          rejected[code] = (rejected[code] ?? 0) + 1;
        });
      }
    },
    /** @param {number} rate messages a second */
    start(rate) {
      self.stop();
      const begun = performance.now();
      const before = sent;
      timer = setInterval(() => {
        const due = before + Math.floor(((performance.now() - begun) * rate) / 1000);
        self.burst(Math.min(MOST_AT_ONCE, due - sent));
      }, 20);
    },
    stop: () => clearInterval(timer),
  };
  return self;
}

/**
 * @param {{ connect: any, createCounter: any, createSender: any }} parts the parts, including the client under test
 * @param {{ url: string, channel: string, options: object, pad?: number }} setup `pad`: additional bytes in each message
 */
export function createSubject({ connect, createCounter, createSender }, { url, channel, options, pad = 0 }) {
  const begun = performance.now();
  const connection = connect(url, options);
  const down = createCounter();
  const up = connection.channel(`${channel}/up`);
  /** @type {number[]} */
  const fulfilledMs = [];
  /** @type {Set<Promise<unknown>>} */
  const open = new Set();
  const sender = createSender((/** @type {number} */ number, more = pad) => {
    const at = performance.now();
    const publishing = up
      .publish({ number, at: Date.now(), padding: '.'.repeat(more) })
      .then(() => fulfilledMs.push(Math.round(performance.now() - at)))
      .finally(() => open.delete(publishing));
    open.add(publishing);
    return publishing;
  });
  /** @type {Pick<Report, 'states' | 'changes' | 'resets' | 'errors'>} */
  const log = { states: [connection.state], changes: [], resets: [], errors: [] };
  connection.on('state', (/** @type {string} */ state) => log.states.push(state));
  connection.on('transport', (/** @type {any} */ change) =>
    log.changes.push({ at: Math.round(performance.now() - begun), ...change }),
  );
  connection.on('reset', (/** @type {any} */ reset) => log.resets.push(reset));
  connection.on('error', (/** @type {any} */ error) => log.errors.push(error.code));
  /** @type {Report['deliveries']} */
  const deliveries = [];
  connection.channel(`${channel}/down`).on('message', (/** @type {any} */ { data }) => {
    down.take(data.number);
    deliveries.push({ at: data.at, ms: Date.now() - data.at });
  });

  const holds = (/** @type {Condition} */ { state, transport, not }) =>
    (state === undefined || connection.state === state) &&
    (transport === undefined || connection.transport === transport) &&
    (not === undefined || (connection.transport !== null && connection.transport !== not));

  return {
    connection,
    sender,

    /**
     * Resolves with true as soon as the condition holds, or with false after this time.
     * @param {Condition} condition
     * @param {number} withinMs
     * @returns {Promise<boolean>}
     */
    until: (condition, withinMs) =>
      new Promise((resolve) => {
        const look = () => holds(condition) && done(true);
        const undos = [connection.on('state', look), connection.on('transport', look)];
        const deadline = setTimeout(() => done(false), withinMs);
        const done = (/** @type {boolean} */ held) => {
          clearTimeout(deadline);
          for (const undo of undos) undo();
          resolve(held);
        };
        look();
      }),

    /** Resolves once the gateway has subscribed this session. */
    subscribed: async () => {
      await connection.channel(`${channel}/down`).subscribed;
    },

    /** @param {number} rate messages a second */
    start: (rate) => sender.start(rate),

    /** @param {number} count @param {number} [pad] */
    burst: (count, pad) => sender.burst(count, pad),

    /**
     * Publishes a message without a number, since the gateway may reject it. It keeps its place among the
     * numbered ones.
     * @param {number} pad
     * @returns {Promise<{ ms: number, code: string }>} the code is `ok` or the reason of the rejection
     */
    async publishAside(pad) {
      const at = performance.now();
      const publishing = connection.channel(`${channel}/aside`).publish('.'.repeat(pad));
      const code = await publishing.then(
        () => 'ok',
        (/** @type {any} */ error) => error.code ?? `${error}`,
      );
      return { ms: Math.round(performance.now() - at), code };
    },

    /** @returns {number} the number of messages sent */
    stop() {
      sender.stop();
      return sender.sent;
    },

    /**
     * Resolves when this many messages have arrived, or after this time.
     * @param {number} count
     * @param {number} withinMs
     * @returns {Promise<void>}
     */
    received: (count, withinMs) =>
      new Promise((resolve) => {
        const late = setTimeout(resolve, withinMs);
        down.reached(count).then(() => {
          clearTimeout(late);
          resolve();
        });
      }),

    /**
     * Resolves when all publications are fulfilled or rejected, or after this time.
     * @param {number} withinMs
     * @returns {Promise<void>}
     */
    settled: (withinMs) =>
      new Promise((resolve) => {
        const late = setTimeout(resolve, withinMs);
        Promise.allSettled(open).then(() => {
          clearTimeout(late);
          resolve();
        });
      }),

    /** @param {string} transport */
    switchTo: (transport) => connection.switchTo(transport),

    /** @param {number} sent the number of messages sent to this session @returns {Report} */
    report: (sent) => ({
      state: connection.state,
      transport: connection.transport,
      ...log,
      sent: sender.sent,
      rejected: sender.rejected,
      fulfilledMs,
      down: down.report(sent),
      deliveries,
      explain: connection.explain(),
    }),

    close() {
      sender.stop();
      connection.close();
    },
  };
}

/** @typedef {ReturnType<typeof createSubject>} Subject */
