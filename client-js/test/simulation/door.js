// @ts-check
/**
 * The gateway's door in a schedule: it stands before the server's half, checks the token of each leg that attaches, and may take its
 * time for that. The server's half sees neither tokens nor the legs that the door refuses.
 *
 * @typedef {object} Guest a leg that the door let in, or decides about
 * @property {number} decidesAt
 * @property {Map<number, string>} carriers the carriers of the leg that are open, with the nonces of their hellos
 */

import { Broken } from './ledger.js';

const UNAUTHORIZED = 'unauthorized';

/**
 * @param {ReturnType<typeof import('./random.js').createRandom>} random
 * @param {object} world
 * @param {() => number} world.now
 * @param {() => boolean} world.quiet
 * @param {(at: number, happen: () => void) => void} world.plan
 * @param {(command: any) => void} world.tell the server's half
 * @param {(carrier: number, lines: string[]) => void} world.write
 * @param {(carrier: number) => void} world.gone closes a carrier at the server's half
 */
export function createDoor(random, { now, quiet, plan, tell, write, gone }) {
  const isOpen = random.percent(50);
  /** In so many of a hundred cases the door takes its time. */
  const slowness = random.percent(30) ? 100 : 30;
  /** When each token ends. @type {Map<string, number>} */
  const tokens = new Map();
  /** @type {Map<number, Guest>} */
  const guests = new Map();
  /** The legs of the sockets; texts of any other socket are lost. @type {Map<number, number>} */
  const sockets = new Map();
  /** Answers to fresh tokens, by the polls that brought those. @type {Map<number, string[]>} */
  const answers = new Map();
  let endsAt = 0;
  const end = (/** @type {string} */ nonce) => JSON.stringify({ end: { v: 1, nonce, code: UNAUTHORIZED } });
  const lifeOf = (/** @type {string | undefined} */ token) => (tokens.get(token ?? '') ?? 0) - now();

  /** The session has a token for so long. Its legs end with it, unless a fresh one came. */
  function lasts(/** @type {number} */ ms) {
    endsAt = now() + ms;
    plan(endsAt, () => now() >= endsAt && expel());
  }

  function expel() {
    for (const [leg, { carriers }] of guests) {
      guests.delete(leg);
      for (const [carrier, nonce] of carriers) {
        write(carrier, [end(nonce)]);
        sockets.delete(carrier);
        gone(carrier);
      }
    }
  }

  /** A fresh token came up: returns the answer. @param {string} line */
  function answerTo(line) {
    const life = lifeOf(JSON.parse(line).token);
    if (life <= 0) return JSON.stringify({ token: { code: UNAUTHORIZED } });
    lasts(life);
    return JSON.stringify({ token: { expires_ms: life } });
  }

  /** Calls back once it has decided about a guest, after `wait` if that takes time. @param {Guest} guest @param {() => void} pass */
  const decide = ({ decidesAt }, pass) => (decidesAt > now() ? plan(decidesAt, pass) : pass());

  /** @param {any} hello @param {number} carrier @param {boolean} isPoll */
  function welcomes(hello, carrier, isPoll) {
    const life = lifeOf(hello.token);
    if (life <= 0) return write(carrier, [end(hello.nonce)]);
    lasts(Math.max(life, endsAt - now()));
    const ms = random.percent(slowness) ? 1 + random.below(quiet() ? 500 : 2_500) : 0;
    /** @type {Guest} */
    const guest = { decidesAt: now() + ms, carriers: new Map([[carrier, hello.nonce]]) };
    guests.set(hello.leg, guest);
    if (ms > 0) write(carrier, [JSON.stringify({ wait: { nonce: hello.nonce, ms } })]);
    if (ms > 0 && isPoll) return undefined;
    return guest;
  }

  return {
    isOpen,

    /** Makes a token. Some are refused from the start. */
    issue() {
      const token = `token-${tokens.size + 1}`;
      const isBad = !quiet() && random.percent(15);
      // A line that does not pass is tried for half a minute before another way is.
      const life = quiet() ? 60_000 : 1_500 + random.below(6_000);
      tokens.set(token, isBad ? 0 : now() + life);
      return token;
    },

    /** The gateway revokes all tokens, which no client can know. */
    revoke() {
      for (const token of tokens.keys()) tokens.set(token, 0);
      expel();
    },

    /** A text came up a socket. @param {number} carrier @param {string} text */
    socket(carrier, text) {
      if (!isOpen) return tell({ socket: carrier, text });
      const { hello } = JSON.parse(text);
      const known = sockets.get(carrier);
      if (known === undefined) {
        if (!hello || sockets.has(carrier) || !welcomes(hello, carrier, false)) return;
        sockets.set(carrier, hello.leg);
      }
      const leg = sockets.get(carrier) ?? 0;
      const guest = guests.get(leg);
      if (!guest) return;
      if (text.startsWith('{"token"')) return write(carrier, [answerTo(text)]);
      decide(guest, () => guests.get(leg) === guest && tell({ socket: carrier, text }));
    },

    /** @param {number} carrier @param {'stream' | 'send' | 'poll'} kind @param {string} body @param {number} [down] the stream of the leg */
    request(carrier, kind, body, down) {
      if (!isOpen) return tell({ request: carrier, kind, body });
      const [first = '', ...lines] = body.split('\n');
      const { hello } = JSON.parse(first);
      const guest =
        guests.get(hello.leg) ?? (kind === 'send' ? undefined : welcomes(hello, carrier, kind === 'poll'));
      // A poll about which it decides was answered.
      if (!guest) return kind === 'send' ? write(carrier, [end(hello.nonce)]) : undefined;
      if (kind !== 'send') guest.carriers.set(carrier, hello.nonce);
      const told = lines.filter((line) => line.startsWith('{"token"')).map(answerTo);
      if (told.length > 0 && down !== undefined) write(down, told);
      else answers.set(carrier, told);
      const rest = [first, ...lines.filter((line) => !line.startsWith('{"token"'))].join('\n');
      decide(guest, () => guests.get(hello.leg) === guest && tell({ request: carrier, kind, body: rest }));
    },

    /** Returns the lines of the server's half as the gateway writes them. @param {number} carrier @param {string[]} lines */
    lines(carrier, lines) {
      if (!isOpen) return lines;
      const told = lines.map((line) => {
        if (!line.startsWith('{"welcome"')) return line;
        const { welcome } = JSON.parse(line);
        return JSON.stringify({
          welcome: { ...welcome, user: '42', expires_ms: Math.max(0, endsAt - now()) },
        });
      });
      return [...told.slice(0, 1), ...(answers.get(carrier) ?? []), ...told.slice(1)];
    },

    /** Checks where a hello of the client has its token. @param {string} line @param {boolean} attaches */
    check(line, attaches) {
      if (!line.startsWith('{"hello"')) return;
      const { token } = JSON.parse(line).hello;
      if (isOpen && attaches !== (token !== undefined))
        throw new Broken(
          attaches ? 'a leg came without its token' : 'a hello that attaches nothing has a token',
        );
    },
  };
}
