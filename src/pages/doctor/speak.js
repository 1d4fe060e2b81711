// @ts-check
/**
 * The protocol of PROTOCOL.md, as raw as can be: a hello, a POST with a time limit, and an inbox of frames. It must use
 * nothing of the client: the question here is whether the network carries the protocol, not whether the client copes.
 */

/** Returns the URL of one of the session's routes, beside this page. @param {string} path */
export const route = (path) => new URL(`../rt/${path}`, import.meta.url);

/** How long each step may take before it counts as lost. */
export const LIMITS = { open: 6000, frame: 4000, nudge: 2000 };

/** The fault that a probe found: a code of words.json, and its figures. */
export class Stop extends Error {
  /** @param {string} code @param {import('./verdict.js').Figures} [figures] */
  constructor(code, figures = {}) {
    super(code);
    this.code = code;
    this.figures = figures;
  }
}

export const now = () => Math.round(performance.now());
/** @param {number} ms @returns {Promise<void>} */
export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
/** @param {number} bytes */
const random = (bytes) =>
  [...crypto.getRandomValues(new Uint8Array(bytes))]
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('');

/** A session of a probe's own, on one leg. Its secret lives here and nowhere else. */
export function createSession() {
  const secret = random(16);
  /** @type {string | undefined} */
  let id;
  /** @type {string | undefined} */
  let user;
  return {
    /** The user whom the gateway welcomed; undefined without a sign-in. */
    get user() {
      return user;
    },
    /**
     * Returns a hello with a new nonce. Only the hello that attaches the leg asks for its turn.
     * @param {{ attach?: boolean }} [how] only what attaches the leg asks for its turn
     */
    hello({ attach = false } = {}) {
      const nonce = random(8);
      const turn = attach ? { turn: 1 } : {};
      const known = id ? { id } : {};
      const hello = { v: 1, session: secret, ...known, leg: 1, ...turn, received: 0, next: 1, nonce };
      return { nonce, line: JSON.stringify({ hello }) };
    },
    /** Accepts the answer to a hello, or says what is wrong with it. @param {any} frame @param {string} nonce */
    welcome(frame, nonce) {
      if (frame?.end?.v === 1 && ['refused', 'forbidden'].includes(frame.end.code)) throw new Stop('off');
      if (frame?.end?.v === 1 && frame.end.code === 'unauthorized') throw new Stop('unauthorized');
      if (frame?.end?.code === 'full' || frame?.code === 'full') throw new Stop('full');
      // This is a brief welcome.
      if (id && frame?.nonce === nonce) return;
      if (frame?.welcome?.v !== 1 || frame.welcome.nonce !== nonce) throw new Stop('foreign');
      ({ id, user } = frame.welcome);
    },
  };
}

/** @param {string} text @returns {any} */
export function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * Issues a POST. A failure rejects with a Stop. The answer has status 200, but may come from something else than the
 * gateway.
 * @param {string} path
 * @param {string} body
 * @param {{ limitMs?: number, signal?: AbortSignal }} [options]
 */
export async function post(path, body, { limitMs = LIMITS.open, signal } = {}) {
  const begun = now();
  const answer = await request(route(path), { method: 'POST', body }, limitMs, signal);
  if (answer.status !== 200) throw wrong(answer, begun);
  return answer;
}

/**
 * Issues a request and reads its whole answer, of any status.
 * @param {URL} url
 * @param {RequestInit} options
 * @param {number} limitMs
 * @param {AbortSignal} [signal]
 */
export async function request(url, options, limitMs, signal) {
  const begun = now();
  const abort = new AbortController();
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    abort.abort();
  }, limitMs);
  const stop = () => abort.abort();
  signal?.addEventListener('abort', stop);
  try {
    const response = await fetch(url, { cache: 'no-store', signal: abort.signal, ...options });
    const text = await response.text();
    return { text, ms: now() - begun, status: response.status, type: response.type };
  } catch {
    throw new Stop(late ? 'no_answer' : 'refused', { after_ms: now() - begun });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
  }
}

/**
 * Returns what a status other than 200 means.
 * @param {{ text: string, status: number }} answer
 * @param {number} begun
 */
export function wrong({ text, status }, begun) {
  const code = parse(text)?.code;
  if (status === 403 && code === 'forbidden') return new Stop('off');
  if (status === 401 && code === 'unauthorized') return new Stop('unauthorized');
  if (isFull({ text, status })) return new Stop('full');
  return new Stop('answered', { status, after_ms: now() - begun });
}

/** Returns what a send's failure means: it was lost, or it is not let through. @param {Stop} stop */
export function sendFailed({ code }) {
  if (code === 'refused' || code === 'no_answer') return new Stop('lost');
  return new Stop(code === 'full' || code === 'unauthorized' ? code : 'send_failed');
}

/** Returns whether the gateway says that it is full. @param {{ text: string, status: number }} answer */
export const isFull = ({ text, status }) => status === 503 && parse(text)?.code === 'full';

/** The frames of a leg, as they come. */
export class Inbox {
  /** @type {any[]} */
  #frames = [];
  /** @type {Stop | undefined} */
  #ended;
  #endedAt = 0;
  #moved = now();
  #longest = 0;
  /** Set when a request was lost and the next one is under way. */
  #lost = false;
  #wake = () => {};

  /** @param {string} text */
  push(text) {
    this.#longest = this.longestSilence();
    this.#moved = now();
    this.#frames.push(parse(text));
    this.#wake();
  }

  lose() {
    this.#endedAt ||= now();
    this.#lost = true;
    this.#wake();
  }

  /** @param {Stop} stop */
  end(stop) {
    this.#endedAt ||= now();
    this.#ended ??= stop;
    this.#wake();
  }

  get isOver() {
    return this.#ended !== undefined;
  }

  /** Returns for how long no frame has come: until now, or until the leg ended. */
  silence() {
    return (this.#endedAt || now()) - this.#moved;
  }

  /** Returns the longest stretch without a frame, the present one included. */
  longestSilence() {
    return Math.max(this.#longest, this.silence());
  }

  /** Restarts the count of the longest silence. */
  forgetSilence() {
    this.#longest = 0;
  }

  /** Returns the time from `opened` until the leg ended, or until now. @param {number} opened */
  age(opened) {
    return (this.#endedAt || now()) - opened;
  }

  /**
   * Returns the next frame. Rejects with the leg's end, or with a Stop of this code at the limit.
   * @param {number} limitMs
   * @param {string} code
   */
  async next(limitMs, code) {
    const begun = now();
    for (;;) {
      if (this.#frames.length > 0) return this.#frames.shift();
      if (this.#lost) {
        this.#lost = false;
        throw new Stop('lost');
      }
      if (this.#ended) throw this.#ended;
      const left = limitMs - (now() - begun);
      if (left <= 0) throw new Stop(code, { after_ms: now() - begun });
      await new Promise((resolve) => {
        this.#wake = () => resolve(undefined);
        setTimeout(resolve, left);
      });
    }
  }
}
