// @ts-check
/** The first question (does the gateway answer?), and the shortest request of a session. */

import { SLOW_MS } from './leg.js';
import { createSession, isFull, parse, post, request, route, Stop } from './speak.js';

const LIMIT_MS = 5000;

/** @returns {Promise<{ code: string, figures: import('./verdict.js').Figures }>} */
export async function askControl() {
  const { nonce } = createSession().hello();
  const url = route(`control?nonce=${nonce}`);
  const { status, text, type, ms } = await request(url, { redirect: 'manual' }, LIMIT_MS).catch((stop) => {
    if (stop.code === 'refused') stop.code = 'unreachable';
    throw stop;
  });
  const body = parse(text);
  if (status === 200 && body?.v === 1 && body.control === true && body.nonce === nonce)
    return { code: ms > SLOW_MS ? 'slow' : 'ours', figures: { ms } };
  if (status === 403 && body?.code === 'forbidden') throw new Stop('gate');
  if (isFull({ text, status })) throw new Stop('full');
  if (type === 'opaqueredirect') throw new Stop('portal', { status: 'a redirect' });
  throw new Stop(strangeness(status), { status });
}

/** Returns the code for the thing that answers in the gateway's place, by its status. @param {number} status */
function strangeness(status) {
  if (status === 407) return 'login';
  if (status < 400 || status === 511) return 'portal';
  return status < 500 ? 'not_here' : 'broken';
}

/** Sends in the name of a session that never existed. The gateway says so, and keeps nothing for it. */
export async function askSend() {
  const hello = createSession().hello();
  const { text, status, ms } = await post('send', hello.line);
  const end = parse(text.split('\n')[0] ?? '')?.end;
  if (end?.nonce !== hello.nonce) throw new Stop('answered', { status, after_ms: ms });
  return { code: 'works', figures: { ms } };
}
