// @ts-check
/**
 * A client that moves from one network to another. Its session runs in a process with its own network
 * namespace, which two links join to this one. It needs root on Linux. The namespace has no name, so it ends
 * with its process, and removes both links. Sockets with unsent data keep it for minutes, so `stop` deletes
 * the links.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { printed, startChild } from '../browser/child.js';
import { startLine } from '../proxies/line.js';

/** @typedef {import('./clients.js').Client} Client */
/** @typedef {Awaited<ReturnType<typeof startMoving>>} Moving */

const PROGRAM = fileURLToPath(new URL('./moving-child.js', import.meta.url));

/** A name that the gateway accepts as loopback, because it ends in `localhost`. Here it leads to the links' address. */
const NAME = 'gateway.localhost';

/**
 * Returns four addresses of 198.18.0.0/15, which RFC 2544 reserves for tests: two links, each with our end
 * and the session's.
 * @param {number} pid distinguishes the addresses of concurrent processes
 */
function addresses(pid) {
  const first = 198 * 2 ** 24 + 18 * 2 ** 16 + (pid % 2 ** 14) * 8;
  const address = (/** @type {number} */ offset) =>
    [24, 16, 8, 0].map((shift) => ((first + offset) >>> shift) & 255).join('.');
  return [0, 4].map((offset) => ({ ours: address(offset + 1), theirs: address(offset + 2) }));
}

/**
 * Runs `ip`, which stops at the first line that fails.
 * @param {string[]} lines
 * @param {number} [pid] the process in whose namespace it runs
 * @returns {Promise<void>}
 */
function ip(lines, pid) {
  const within = pid === undefined ? [] : ['nsenter', `--net=/proc/${pid}/ns/net`];
  const [command = '', ...args] = [...within, 'ip', '-batch', '-'];
  return new Promise((resolve, reject) => {
    const running = execFile(command, args, (error, _, complaint) =>
      error ? reject(new Error(`${error.message}: ${complaint}`)) : resolve(),
    );
    running.stdin?.end(`${lines.join('\n')}\n`);
  });
}

/** Returns the functions that call the process. @param {import('node:child_process').ChildProcess} child */
export function createAsking(child) {
  /** @type {Map<number, (answer: import('./moving-child.js').Answer) => void>} */
  const waiting = new Map();
  let last = 0;
  child.on('message', (/** @type {any} */ answer) => {
    waiting.get(answer.id)?.(answer);
    waiting.delete(answer.id);
  });
  child.once('exit', () => {
    for (const [id, resolve] of waiting) resolve({ id, error: 'the process of the session ended' });
  });
  return (/** @type {string} */ method, /** @type {any[]} */ ...args) =>
    new Promise((resolve, reject) => {
      const id = ++last;
      waiting.set(id, ({ value, error }) =>
        error === undefined ? resolve(value) : reject(new Error(error)),
      );
      child.send({ id, method, args });
    });
}

/** Starts a process that has no network. @throws {Error} with what is missing */
async function startApart() {
  const program = startChild('unshare', ['--net', process.execPath, PROGRAM], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  try {
    await printed(program, /^ready$/m);
  } catch (cause) {
    throw missing(cause);
  }
  return program;
}

/** @param {unknown} cause */
const missing = (cause) =>
  new Error(
    `The two networks of a session could not be made. They need Linux, root (CAP_SYS_ADMIN and CAP_NET_ADMIN), and \`ip\` of iproute2. ${cause}`,
    { cause },
  );

/** Ignores a missing link: a process that crashed removes its links. @param {Error} error */
const unlessGone = (error) => {
  if (!error.message.includes('Cannot find device')) throw error;
};

/**
 * Starts a process for a session, on the first of its two networks. Stop it in the test's `after`.
 * @param {string} upstream the target of the session's requests
 */
export async function startMoving(upstream) {
  const program = await startApart();
  const pid = Number(program.child.pid);
  const [first, second] = /** @type {[ReturnType<typeof addresses>[0], ReturnType<typeof addresses>[0]]} */ (
    addresses(pid)
  );
  /** @type {import('../proxies/line.js').Line} */
  let line;
  try {
    const link = (/** @type {typeof first} */ { ours }, /** @type {string} */ name) => [
      `link add tl-${pid}-${name} type veth peer name ${name} netns ${pid}`,
      `address add ${ours}/30 dev tl-${pid}-${name}`,
      `link set tl-${pid}-${name} up`,
    ];
    const far = (/** @type {typeof first} */ { theirs }, /** @type {string} */ name) => [
      `address add ${theirs}/30 dev ${name}`,
      `link set ${name} up`,
    ];
    await ip([...link(first, 'first'), ...link(second, 'second')]);
    await ip([...far(first, 'first'), ...far(second, 'second')], pid);
    line = await startLine({ upstream, host: first.ours });
  } catch (cause) {
    await program.stop();
    throw missing(cause);
  }
  const ask = createAsking(program.child);
  const end = async () => {
    // The links must go first, while the namespace exists. A closed socket that repeats its last packet would
    // keep both for minutes.
    await ip(['first', 'second'].map((name) => `link delete tl-${pid}-${name}`)).catch(unlessGone);
    await program.stop();
    await line.stop();
  };
  /** @type {Promise<void> | undefined} */
  let ending;
  const stop = () => {
    ending ??= end();
    return ending;
  };
  /** @type {Client} */
  const client = {
    name: 'node',
    begin: (setup) => ask('begin', setup, first.ours),
    call: ask,
    close: stop,
  };
  return {
    url: `http://${NAME}:${new URL(line.url).port}`,
    client,
    stop,

    /** Removes the first network. The second leads to the gateway. No socket gets an event. */
    move: () =>
      ip(
        [
          'link set first down',
          'address flush dev first',
          `route add ${first.ours} via ${second.ours} dev second`,
        ],
        pid,
      ),

    /** Fires the page's `online` event, as a browser does when it has a network. @returns {Promise<unknown>} */
    tell: () => ask('tell', 'online'),

    /** Returns whether any connection has come from the second network. */
    hasMoved: () => line.clients.has(second.theirs),
  };
}
