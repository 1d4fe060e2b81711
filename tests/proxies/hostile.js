// @ts-check
/**
 * A reverse proxy of HTTP/1.1 that treats requests as filters, scanners and small proxies do. It refuses long
 * bodies, allows few requests at once, answers with pages of its own, holds streams back, and disappears for
 * a while. It knows the paths of a gateway, but nothing of sessions. A line, in contrast, affects bytes of
 * any kind.
 */
import http from 'node:http';
import { createConnection } from 'node:net';
import { Transform } from 'node:stream';

/**
 * @typedef {'413' | '403' | '400' | '429' | '503' | '200' | 'reset' | 'silence'} Refusal a status has a page
 *
 * @typedef {object} Faults
 * @property {'passed' | 'refused'} [websocket]
 * @property {{ bytes: number, how: Refusal }} [bodyLimit] a longer body never reaches the server
 * @property {{ most: number, how: 'refused' | 'queued' }} [requestsAtOnce] the requests of one address, including waiting and upgraded ones
 * @property {boolean} [alteredSends] the server gets each send, and the client gets a page as the answer
 *
 * @typedef {'at_once' | 'one_behind' | number} Holding how the pieces of a stream pass: at once, each when the next one comes, or in
 *   blocks of this many bytes
 *
 * @typedef {object} Hostile
 * @property {string} url
 * @property {() => void} cut resets all connections, and each new one
 * @property {() => void} mend
 * @property {(how: Holding) => void} hold holds streams back from now on, including open ones
 * @property {Record<'limited' | 'turnedAway' | 'waited' | 'left' | 'altered', number>} tally the number of requests that met a fault;
 *   `left`: the client gave up while its request waited
 * @property {() => Promise<void>} stop
 */

/** @type {NonNullable<Faults['bodyLimit']>} */
const NO_LIMIT = { bytes: Number.MAX_SAFE_INTEGER, how: '413' };

/** Headers that belong to a connection and not to a message. */
const OF_A_CONNECTION = ['connection', 'keep-alive', 'transfer-encoding'];

/**
 * Starts the proxy. Stop it in the test's `after`.
 * @param {Faults & { upstream: string }} setup
 * @returns {Promise<Hostile>}
 */
export async function startHostile({ upstream, websocket, bodyLimit, requestsAtOnce, alteredSends }) {
  const tally = { limited: 0, turnedAway: 0, waited: 0, left: 0, altered: 0 };
  const admit = createAdmission(requestsAtOnce, tally);
  /** @type {Set<import('node:net').Socket>} */
  const sockets = new Set();
  let isCut = false;
  /** @type {Holding} */
  let holding = 'at_once';

  /** @param {http.IncomingMessage} request @param {http.ServerResponse} response */
  const handle = async (request, response) => {
    // The proxy reads the whole body first: unread bytes would hide the end of a client that leaves while its
    // request waits.
    const body = await take(request, response, bodyLimit, tally);
    if (!body || request.socket.destroyed) return;
    const isAltered = alteredSends && request.url?.endsWith('/send');
    const go = () => {
      if (isAltered) tally.altered += 1;
      const held = request.url?.endsWith('/stream') && holdBack(() => holding);
      pass(upstream, request, response, body, { isAltered, held });
    };
    if (!admit(request.socket.remoteAddress, response, go)) answer(response, 503);
  };
  const server = http.createServer({ keepAliveTimeout: 0, requestTimeout: 0 }, (request, response) => {
    // A client may leave in the middle of its body.
    handle(request, response).catch(() => response.destroy());
  });
  server.on('upgrade', (request, /** @type {import('node:net').Socket} */ socket, head) => {
    const refuse = (/** @type {number} */ status) =>
      socket.end(
        `HTTP/1.1 ${status} ${http.STATUS_CODES[status]}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`,
      );
    if (websocket === 'refused') return refuse(403);
    const go = () => tunnel(upstream, request, socket, head);
    if (!admit(socket.remoteAddress, socket, go)) refuse(503);
  });
  server.on('connection', (socket) => {
    if (isCut) return socket.resetAndDestroy();
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    // No other handler listens to an upgraded socket.
    socket.on('error', () => socket.destroy());
  });

  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const address = /** @type {import('node:net').AddressInfo} */ (server.address());
  return {
    url: `http://127.0.0.1:${address.port}`,
    tally,
    cut() {
      isCut = true;
      for (const socket of sockets) socket.resetAndDestroy();
    },
    mend() {
      isCut = false;
    },
    hold(how) {
      holding = how;
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/**
 * Admits this many requests of one address at once. A request leaves when its emitter closes, for any reason.
 * @param {Faults['requestsAtOnce']} limit
 * @param {Hostile['tally']} tally
 */
function createAdmission(limit, tally) {
  /** @type {Map<string | undefined, { inside: number, waiting: Array<() => void> }>} */
  const clients = new Map();
  /**
   * Calls `go` once there is room. Returns false if there never will be.
   * @param {string | undefined} address
   * @param {import('node:events').EventEmitter} one the emitter that closes when the request leaves
   * @param {() => void} go
   */
  return (address, one, go) => {
    if (!limit) {
      go();
      return true;
    }
    const client = clients.get(address) ?? { inside: 0, waiting: [] };
    clients.set(address, client);
    const begin = () => {
      client.inside += 1;
      one.once('close', () => {
        client.inside -= 1;
        client.waiting.shift()?.();
      });
      go();
    };
    if (client.inside < limit.most) begin();
    else if (limit.how === 'refused') {
      tally.turnedAway += 1;
      return false;
    } else {
      tally.waited += 1;
      client.waiting.push(begin);
      one.once('close', () => {
        const others = client.waiting.filter((other) => other !== begin);
        tally.left += client.waiting.length - others.length;
        client.waiting = others;
      });
    }
    return true;
  };
}

/**
 * Resolves with the whole body, or with nothing after it has refused a body that is too long.
 * @param {http.IncomingMessage} request
 * @param {http.ServerResponse} response
 * @param {Faults['bodyLimit']} limit
 * @param {Hostile['tally']} tally
 */
async function take(request, response, limit, tally) {
  const { bytes, how } = limit ?? NO_LIMIT;
  /** @type {Buffer[]} */
  const chunks = [];
  let length = 0;
  for await (const chunk of request) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > bytes && how === 'reset') break;
  }
  if (length <= bytes) return Buffer.concat(chunks);
  tally.limited += 1;
  if (how === 'reset') request.socket.resetAndDestroy();
  else if (how !== 'silence') answer(response, Number(how));
  return undefined;
}

/** Answers with a page, instead of the server. @param {http.ServerResponse} response @param {number} status */
function answer(response, status) {
  const page = `<!doctype html><title>${status} ${http.STATUS_CODES[status]}</title>\n`;
  response.writeHead(status, { 'content-type': 'text/html', 'content-length': page.length });
  response.end(page);
}

/**
 * Forwards a request, and streams its answer back.
 * @param {string} upstream
 * @param {http.IncomingMessage} request
 * @param {http.ServerResponse} response
 * @param {Buffer} body
 * @param {{ isAltered?: boolean, held?: Transform | false }} how the treatment of the answer
 */
function pass(upstream, request, response, body, { isAltered, held }) {
  const { method, url = '/' } = request;
  const length = method === 'GET' ? {} : { 'content-length': body.length };
  const headers = { ...without(request.headers), ...length };
  const asking = http.request(new URL(url, upstream), { method, headers, agent: false });
  asking.on('response', (answered) => {
    if (isAltered) {
      answered.resume().once('end', () => answer(response, 200));
      return;
    }
    response.writeHead(answered.statusCode ?? 502, without(answered.headers));
    response.flushHeaders();
    (held ? answered.pipe(held) : answered).pipe(response);
    answered.once('error', () => response.destroy());
  });
  asking.on('error', () => (response.headersSent ? response.destroy() : answer(response, 502)));
  response.once('close', () => asking.destroy());
  asking.end(body);
}

/** Holds pieces back. All bytes pass in order, and the rest passes at the end. @param {() => Holding} holding */
function holdBack(holding) {
  let kept = Buffer.alloc(0);
  return new Transform({
    transform(/** @type {Buffer} */ piece, _, done) {
      const before = kept.length;
      kept = Buffer.concat([kept, piece]);
      const how = holding();
      const free =
        how === 'at_once' ? kept.length : how === 'one_behind' ? before : kept.length - (kept.length % how);
      this.push(kept.subarray(0, free));
      kept = kept.subarray(free);
      done();
    },
    flush(done) {
      this.push(kept);
      done();
    },
  });
}

/** @param {http.IncomingHttpHeaders} headers */
const without = (headers) =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !OF_A_CONNECTION.includes(name)));

/**
 * Forwards an upgrade, and then all bytes.
 * @param {string} upstream
 * @param {http.IncomingMessage} request
 * @param {import('node:net').Socket} socket
 * @param {Buffer} head
 */
function tunnel(upstream, { method, url, rawHeaders }, socket, head) {
  const { hostname, port } = new URL(upstream);
  const gateway = createConnection({ host: hostname, port: Number(port), noDelay: true });
  const lines = rawHeaders.flatMap((name, at) => (at % 2 ? [] : [`${name}: ${rawHeaders[at + 1]}`]));
  gateway.write(`${[`${method} ${url} HTTP/1.1`, ...lines].join('\r\n')}\r\n\r\n`);
  gateway.write(head);
  socket.setNoDelay(true);
  socket.pipe(gateway).pipe(socket);
  gateway.on('error', () => socket.destroy());
  gateway.once('close', () => socket.destroy());
  socket.once('close', () => gateway.destroy());
}
