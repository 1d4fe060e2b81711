// @ts-check
/**
 * A line of raw TCP between a client and a server: with a rate, a delay, or losses in bursts. Every byte that
 * goes in comes out, in order. The line does not know the protocol of the bytes.
 */
import { createConnection, createServer } from 'node:net';
import { pipeline, Transform } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';

/** The capacity of the line itself, each way. Further bytes wait at their sender. */
const HELD_BYTES = 4_096;
/** The interval at which a slow line passes bytes. */
const TICK_MS = 50;
/** The time after which a lost piece is repeated, as in TCP. It doubles with each repetition. */
const REPEATED_AFTER_MS = 200;

/**
 * @typedef {{ url: string, clients: Set<string>, stop: () => Promise<void> }} Line `clients`: the addresses of all connections so far
 *
 * @typedef {object} Faults
 * @property {{ up?: number, down?: number }} [rate] bytes a second of each connection; no limit without it
 * @property {number} [lateMs] the delay of each piece from the server
 * @property {{ chance: number, forMs: number, everyMs: number }} [losses] a burst of `forMs` ends every `everyMs`; in a burst, each
 *   piece and each repetition is lost with this chance, each way
 */

/**
 * Starts a line. Stop it in the test's `after`.
 * @param {Faults & { upstream: string, host?: string }} setup `host`: the address on which it listens
 * @returns {Promise<Line>}
 */
export async function startLine({ upstream, host = '127.0.0.1', rate = {}, lateMs = 0, losses }) {
  const begun = performance.now();
  const isBurst = (/** @type {number} */ at) =>
    losses && (at - begun) % losses.everyMs > losses.everyMs - losses.forMs;
  const lossy = () => (losses ? [repeated((at) => (isBurst(at) ? losses.chance : 0))] : []);
  const { hostname, port } = new URL(upstream);
  /** @type {Set<import('node:net').Socket>} */
  const sockets = new Set();
  /** @type {Set<string>} */
  const clients = new Set();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    clients.add(client.remoteAddress ?? 'unknown');
    const gateway = createConnection({
      host: hostname,
      port: Number(port),
      allowHalfOpen: true,
      noDelay: true,
    });
    for (const socket of [client, gateway]) {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    }
    // The end of one side ends the other. A failure anywhere cuts both.
    const cut = (/** @type {unknown} */ error) => {
      if (!error) return;
      client.destroy();
      gateway.destroy();
    };
    pipeline([client, ...(rate.up ? [slow(rate.up)] : []), ...lossy(), gateway], cut);
    pipeline(
      [
        gateway,
        ...(rate.down ? [slow(rate.down)] : []),
        ...(lateMs ? [late(lateMs)] : []),
        ...lossy(),
        client,
      ],
      cut,
    );
  });
  await new Promise((resolve, reject) => {
    server.once('error', reject).listen(0, host, () => resolve(undefined));
  });
  const address = /** @type {import('node:net').AddressInfo} */ (server.address());
  return {
    url: `http://${host}:${address.port}`,
    clients,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** @param {number} rate bytes a second */
function slow(rate) {
  const most = Math.max(1, Math.ceil((rate * TICK_MS) / 1000));
  /** The time at which the line has carried all bytes so far. */
  let free = 0;
  return new Transform({
    writableHighWaterMark: HELD_BYTES,
    readableHighWaterMark: most,
    async transform(/** @type {Buffer} */ chunk, _, done) {
      for (let at = 0; at < chunk.length && !this.destroyed; at += most) {
        const piece = chunk.subarray(at, at + most);
        // The line makes up for a late timer, but not for a quiet time.
        free = Math.max(free, performance.now() - TICK_MS) + (piece.length * 1000) / rate;
        await pause(Math.max(0, free - performance.now()));
        this.push(piece);
      }
      done();
    },
  });
}

/** @param {number} ms */
function late(ms) {
  return new Transform({
    transform(chunk, _, done) {
      // Timers of the same length fire in the order of their start.
      setTimeout(() => this.destroyed || this.push(chunk), ms);
      done();
    },
    flush: (done) => void setTimeout(done, ms),
  });
}

/** Delays a lost piece, and all that follows waits for it. @param {(at: number) => number} chance the chance of a loss at a time */
function repeated(chance) {
  /** The time at which the last piece arrives. */
  let last = 0;
  let coming = Promise.resolve();
  return new Transform({
    transform(piece, _, done) {
      let at = performance.now();
      for (let again = REPEATED_AFTER_MS; Math.random() < chance(at); again *= 2) at += again;
      last = Math.max(last, at);
      const due = last;
      coming = coming.then(async () => {
        if (performance.now() < due) await pause(due - performance.now());
        if (!this.destroyed) this.push(piece);
      });
      done();
    },
    flush: (done) => void coming.then(() => done()),
  });
}
