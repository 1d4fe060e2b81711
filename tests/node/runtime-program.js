// @ts-check
/**
 * The program that runtimes.test.js runs in each runtime. It sends itself messages through a gateway, switches the transport in the
 * middle, prints one line of JSON about it, and closes the connection. It uses only globals that Node, Bun and Deno share.
 *
 * Arguments: the client's module, the gateway's URL, the first transport, and the transport to switch to.
 */

const MESSAGES = 100;
/** The switch begins after this message. */
const SWITCH_AFTER = 30;
/** After this message the program waits for the end of the switch. So messages go before, during and after it. */
const SWITCHED_BY = 60;

const [, , client = '', url = '', first, second] = process.argv;
/** @type {typeof import('../../client-js/src/index.js')} */
const { connect } = await import(client);
const from = /** @type {import('./lab.js').Transport} */ (first);
const to = /** @type {import('./lab.js').Transport} */ (second);

/** @param {number} ms */
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const connection = connect(url, { transports: from === to ? [from] : [from, to] });
/** @type {unknown[]} */
const problems = [];
connection.on('error', ({ code }) => problems.push({ error: code }));
connection.on('reset', (reset) => problems.push({ reset }));

// On a busy machine the client may start on the second transport. It then changes to the first by itself.
await new Promise((resolve) => {
  connection.on('transport', () => connection.transport === from && resolve(undefined));
});

const channel = connection.channel(`runtimes/${crypto.randomUUID()}`);
/** @type {unknown[]} */
const received = [];
const all = new Promise((resolve) => {
  channel.on('message', ({ data }) => received.push(data) === MESSAGES && resolve(undefined));
});
await channel.subscribed;

/** @type {Array<Promise<{ at: number }>>} */
const answers = [];
/** @type {Promise<void> | undefined} */
let switched;
for (let number = 1; number <= MESSAGES; number += 1) {
  answers.push(channel.publish(number));
  if (number === SWITCH_AFTER) switched = connection.switchTo(to);
  if (number === SWITCHED_BY) await switched;
  await pause(2);
}
const offsets = (await Promise.all(answers)).map(({ at }) => at);
await all;

const runtime = 'Bun' in globalThis ? 'bun' : 'Deno' in globalThis ? 'deno' : 'node';
const { transport } = connection;
const { attempts } = connection.explain();
const carried = attempts.filter(({ active }) => active !== undefined).map((attempt) => attempt.transport);
console.log(JSON.stringify({ runtime, transport, carried, received, offsets, problems }));
// In Deno 2.9.6, an abort does not end a stream whose response was collected as garbage.
if ('gc' in globalThis && typeof globalThis.gc === 'function') globalThis.gc();
connection.close();
