// @ts-check
/**
 * The shell: it owns timers, fetch and WebSocket. Session and selector stand on one bus: every event, from outside or
 * from one of the two, is handed to both, which ignore what they do not know, and then carried out here. It decides
 * nothing itself.
 */

/**
 * @typedef {import('./types.js').Connection} Connection
 * @typedef {import('./types.js').ConnectionEvents} ConnectionEvents
 * @typedef {import('./types.js').Options} Options
 * @typedef {import('./types.js').Route} Route
 * @typedef {import('./types.js').Transport} Transport
 *
 * @typedef {object} Leg what stands behind a leg's number; of sse and poll it is what ends their request
 * @property {() => void} abort
 * @property {any} [send] a line, to a socket
 * @property {AbortSignal} [signal]
 */

import { createChannel } from './channel.js';
import { dispatch, NEVER } from './dispatch.js';
import { createEmitter } from './emitter.js';
import { ThroughlineError } from './errors.js';
import { post } from './legs/post.js';
import { carry } from './legs/websocket.js';
import { createMemory } from './memory.js';
import { watchPage } from './page.js';
import { promise } from './promise.js';
import { createSelector } from './selector.js';
import { cost, createSession } from './session.js';

/** In the order in which they are tried. @type {Transport[]} */
const TRANSPORTS = ['websocket', 'sse', 'poll'];

/** 128 bits that nobody guesses, in some 40 characters. */
const secret = () => crypto.getRandomValues(new Uint32Array(4)).join('-');

/**
 * Connects to a gateway, and stays connected until `close()`.
 *
 * Events: `state`, `transport` ({from, to, reason}), `reset` ({reason, channel}: messages of it may have been missed),
 * `error` (a ThroughlineError).
 * @param {string} url the gateway's base path, e.g. `https://example.org/rt`
 * @param {Options} [options]
 * @returns {Connection}
 */
export const connect = (url, options) => {
  const {
    transports,
    token,
    window,
    maxLatencyMs,
    queue: { messages = 2000, bytes = 1 << 20 } = {},
    storage,
    now = () => performance.now(),
    WebSocket,
    fetch,
    setTimeout,
    clearTimeout,
  } = /** @type {Options & import('./types.js').Platform} */ (
    // What is not given is the platform's; the window not by inheritance: its getter takes no other object for the global one.
    /** @type {any} */ ({ __proto__: globalThis, window: globalThis.window, ...options })
  );
  const base = new URL(url, /** @type {any} */ (globalThis.location)).href.replace(/\/$/, '');
  const session = createSession(secret);
  const memory = createMemory(storage, `throughline ${base}`, Date.now);
  const wanted = transports ?? TRANSPORTS;
  /** @type {Transport[]} */
  const missing = WebSocket ? [] : ['websocket'];
  const order = wanted.filter((transport) => !missing.includes(transport));
  const unknown = wanted.filter((transport) => !TRANSPORTS.includes(transport));
  if (unknown.length || !order[0])
    throw new ThroughlineError('refused', `no such transport here: ${unknown.length ? unknown : wanted}`);
  const selector = createSelector(session, memory, Math.random, order, transports, maxLatencyMs);
  /** @type {ReturnType<typeof createEmitter<ConnectionEvents>>} */
  const [on, emit] = createEmitter();
  /** @type {Map<string, import('./channel.js').Channel>} */
  const channels = new Map();
  /** @type {Map<number, Leg>} */
  const legs = new Map();
  /** Requests not answered. @type {Map<number, (error?: any, ok?: any) => void>} */
  const requests = new Map();
  /** @type {any} */
  let timer;
  /** Switches asked for, by leg. @type {Map<number, (error?: ThroughlineError) => void>} */
  const switches = new Map();
  let ids = 0;
  /** @type {boolean | undefined} */
  let busy;
  /** @type {any[]} */
  const events = [];

  // ---- the bus

  /** Called from within, it leaves the rest to its caller. @param {any[]} more */
  function run(...more) {
    events.push(...more);
    if (busy) return;
    busy = true;
    for (let event; (event = events.shift() ?? session.pollOutput() ?? selector.pollOutput()); )
      try {
        session.handle(now(), event);
        selector.handle(now(), event);
        dispatch(event, [], acts, acts);
      } catch (error) {
        // A platform that will not open a socket, or write to it.
        console.error(error);
        if (event.leg) run({ closed: event.leg });
      }
    clearTimeout(timer);
    // Closed, it stays busy: nothing that comes is heard any more.
    if (selector.state === 'closed') return;
    busy = false;
    const at = Math.min(session.pollTimeout(), selector.pollTimeout());
    // One that comes too early does no harm: it is armed again.
    if (at < NEVER) timer = setTimeout(() => run({ timeout: true }), at - now());
  }

  /** What is to be done, by the event's verb. @type {{[verb: string]: (subject: any, event: any) => unknown}} */
  const acts = {
    state: (state) => emit('state', state),
    transport: (change) => emit('transport', change),
    park() {
      for (const leg of legs.keys()) run({ closed: leg });
    },
    frame,
    open,
    request,
    write(leg, { lines }) {
      for (const line of lines) legs.get(leg)?.send(line);
    },
    active: (leg) => settle(leg),

    /** The session gave it up. */
    close(leg, { reason }) {
      abort(leg);
      // Of these the application has to know: they will not mend by themselves.
      if (/auth|forb|rate|bad/.test(reason)) run({ error: new ThroughlineError(reason) });
    },

    /** A socket closed; or the selector is through with a leg, and says why. */
    closed(leg, { reason }) {
      abort(leg);
      if (reason) settle(leg, new ThroughlineError(reason));
    },

    /** Who we are is asked anew before every race. (What can be called is a function.) */
    async race() {
      try {
        session.token = /** @type {any} */ (token)?.call ? await /** @type {any} */ (token)() : token;
        run({ go: true });
      } catch (error) {
        run({ error: new ThroughlineError('unauthorized', `${error}`) }, { go: false });
      }
    },

    error: (error) => error instanceof ThroughlineError && emit('error', error),

    /** Everything fails: is anybody there, and is it us? */
    async check() {
      const nonce = secret();
      let control = 'offline';
      try {
        const response = await fetch(`${base}/control?nonce=${nonce}`, { signal: AbortSignal.timeout(3000) });
        // The nonce alone a page that tells its own address has too.
        const ours = (await response.text()).includes(`"nonce":"${nonce}"`);
        // A gateway that is being restarted is answered for by its proxy, with 502 or so: that is no portal.
        control = ours ? 'ours' : response.status > 499 ? 'away' : 'portal';
      } catch {}
      run({ control });
    },

    /** What was handed to a leg and not answered has an unknown outcome; subscriptions go on from their positions. */
    reset(reason) {
      giveUp(
        'unknown_outcome',
        session.kept().map((held) => held.at === NEVER && JSON.parse(held.frame).id),
        reason,
      );
    },
  };

  // ---- legs

  /**
   * Selector and session number legs alike: in the order of opening.
   * @param {Transport} transport
   * @param {{leg: number}} event
   */
  function open(transport, { leg: number }) {
    legs.set(
      number,
      transport === 'websocket'
        ? carry(new WebSocket(`${base.replace('http', 'ws')}/ws`, 'throughline.v1'), number, run)
        : new AbortController(),
    );
  }

  /**
   * @param {number} number
   * @param {{route: Route, lines: string[], last?: boolean}} event
   */
  function request(number, { route, lines: sent, last }) {
    const send = route === 'send';
    let leg = /** @type {Leg} */ (legs.get(number));
    // What outlives the page outlives its leg.
    if (!leg && !last) return;
    if (!send) {
      // A newer poll takes the place of the older. How long it may take, the selector decides.
      leg.abort();
      legs.set(number, (leg = new AbortController()));
    }
    /** What belongs to a request that was replaced, or to a leg that is over, is late. @param {any} event */
    const tell = (event) => (send || leg === legs.get(number)) && run(event);
    post(
      fetch,
      `${base}/${route}`,
      sent,
      send ? AbortSignal.timeout(10_000) : /** @type {AbortSignal} */ (leg.signal),
      route === 'stream' ? (text) => tell({ line: number, text }) : undefined,
      last,
    )
      .catch((error) => tell({ error }))
      .then((/** @type {any} */ lines) =>
        tell({ [lines?.at ? 'answer' : 'failed']: number, route, lines, status: lines }),
      );
  }

  /** If somebody asked for a switch to it, that was made, or not. @param {number} number @param {ThroughlineError} [error] */
  function settle(number, error) {
    switches.get(number)?.(error);
    switches.delete(number);
  }

  /** Whoever gave it up: the leg is over. @param {number} number */
  function abort(number) {
    legs.get(number)?.abort();
    legs.delete(number);
  }

  // ---- frames

  /** Its first key is the verb. @param {any} request @param {(error?: any, ok?: any) => any} done @returns {number | undefined} */
  function ask(request, done) {
    const frame = JSON.stringify({ ...request, id: ++ids });
    const kept = session.kept();
    const size = cost(frame);
    let code;
    // PROTOCOL.md's limit: what fits into a body, behind the longest hello.
    if (size > 56_320) code = 'too_large';
    // Twice as many where nothing is published: a page that is full may still subscribe.
    else if (
      kept.length >= (request.pub ? messages : 2 * messages) ||
      (request.pub && kept.reduce((sum, kept) => sum + kept.bytes, size) > bytes)
    )
      code = 'queue_full';
    if (selector.state === 'closed') code = selector.state;
    if (code) return done(new ThroughlineError(code));
    requests.set(ids, done);
    // Not by the bus: the next must see it in the queue.
    session.handle(now(), { push: frame });
    run();
    return ids;
  }

  /** @param {any} frame */
  function frame(frame) {
    const { ok, err = ok, b64 } = frame;
    if (b64) frame.bytes = Uint8Array.from(atob(b64), (character) => character.charCodeAt(0));
    channels.get(frame.pub)?.deliver(frame);
    const done = requests.get(err);
    requests.delete(err);
    done?.(ok ? null : new ThroughlineError(frame.code, frame.message), frame);
  }

  /**
   * Requests are lost. The channels go on from their positions, unless we are closed.
   * @param {string} code
   * @param {unknown[]} kept ids of the requests that are not
   * @param {any} [reason]
   */
  function giveUp(code, kept, reason) {
    // Those that the channels add are not among them.
    const open = [...requests];
    channels.forEach((channel) => channel.resume(reason, kept));
    for (const [id, done] of open)
      if (!kept.includes(id)) {
        requests.delete(id);
        done(new ThroughlineError(code));
      }
  }

  /** Its end. */
  const over = new AbortController();
  watchPage(window, run, over.signal);
  run({ race: true });

  return {
    on,

    /** What carries the session, or null. */
    get transport() {
      return selector.transport;
    },

    get state() {
      return selector.state;
    },

    /**
     * The channel of this name: the same object each time.
     * @param {string} name
     */
    channel(name) {
      const channel = channels.get(name) ?? createChannel(name, ask, emit);
      channels.set(name, channel);
      return channel;
    },

    /**
     * Changes over to a transport, without a gap: a second leg is opened, proves itself, and takes over. Also to the
     * transport in use, on a fresh leg. Of two in a row the first is given up.
     * @param {Transport} transport
     * @returns {Promise<void>} rejects with a ThroughlineError whose code is the reason; the session is then where it was
     */
    switchTo: (transport) =>
      promise((done) => {
        if (selector.state === 'closed' || !order.includes(transport))
          return done(new ThroughlineError(selector.state === 'closed' ? 'closed' : 'refused'));
        // Not by the bus: the leg that was opened is the switch's.
        selector.handle(now(), { want: transport });
        switches.set(selector.legs, done);
        run();
      }),

    /** What was tried, what came of it and what is known, as plain data. `throughline/explain` makes a text of it. */
    explain: () => JSON.parse(JSON.stringify({ ...selector.explain(now()), missing })),

    /** Forgets what worked on which network. */
    forget: memory.forget,

    /** Ends it for good. What is open is rejected with `closed`. */
    close() {
      over.abort();
      // Not by the bus: whoever calls, it is closed from here on.
      selector.handle(now(), { stop: true });
      // The session's too that the selector is through with.
      for (const leg of legs.keys()) abort(leg);
      giveUp('closed', []);
      run();
    },
  };
};
