// @ts-check
/**
 * The client's identity in a schedule, and the application behind it, whose function may fail or take its time.
 *
 * @import { SessionInput, SessionOutput } from '../../src/session/events.js'
 * @import { IdentityInput } from '../../src/identity/events.js'
 */

import { ThroughlineError } from '../../src/errors.js';
import { Broken } from './ledger.js';

/**
 * @param {ReturnType<typeof import('./random.js').createRandom>} random
 * @param {typeof import('../../src/identity/identity.js').Identity} Identity
 * @param {object} world
 * @param {boolean} world.isOpen the gateway asks for tokens
 * @param {import('../../src/session/session.js').Session} world.session
 * @param {() => number} world.now
 * @param {() => boolean} world.quiet
 * @param {(at: number, happen: () => void) => void} world.plan
 * @param {() => string} world.issue
 * @param {(input: SessionInput) => void} world.say hands an input to the session
 */
export function createGuest(random, Identity, { isOpen, session, now, quiet, plan, issue, say }) {
  const source = isOpen ? 'function' : 'none';
  const identity = new Identity({ source, session, random: () => random.below(1000) / 1000 });
  let mayRace = false;
  let calls = 0;
  /** @type {number | undefined} */
  let timer;

  /** @param {IdentityInput} input */
  function take(input) {
    identity.handle(now(), input);
    for (let output = identity.pollOutput(); output; output = identity.pollOutput()) {
      if (output.type === 'askToken') ask(output.call);
      else if (output.type === 'useToken') session.token = output.token;
      else if (output.type === 'sendToken') say(output);
      else if (output.type === 'raceReady') mayRace = true;
      else if (output.type === 'signedOut') throw new Broken('the client signed its user out');
    }
    const due = identity.pollTimeout();
    if (due === Infinity || due >= (timer ?? Infinity)) return;
    // The peer counts whole milliseconds.
    const at = Math.ceil(Math.max(due, now()));
    timer = at;
    plan(at, () => {
      if (timer !== at) return;
      timer = undefined;
      take({ type: 'timeout' });
    });
  }

  /** @param {number} call */
  function ask(call) {
    if (++calls > 1) throw new Broken('the client asks for two tokens at once');
    const fails = !quiet() && random.percent(20);
    plan(now() + random.below(quiet() ? 50 : 1_500), () => {
      calls--;
      if (fails) take({ type: 'tokenFailed', call, error: new ThroughlineError('unauthorized') });
      else take({ type: 'tokenGiven', call, token: issue() });
    });
  }

  return {
    /** True if the owner may open a leg. A first leg waits for the token. @param {number} open */
    mayOpen(open) {
      if (!isOpen || open > 0) return true;
      take({ type: 'transportChanged', to: null });
      mayRace = false;
      take({ type: 'prepareRace' });
      return mayRace;
    },

    /** @param {number} leg */
    opened: (leg) => take({ type: 'openLeg', leg }),

    /** @param {SessionOutput} output */
    hears(output) {
      if (output.type === 'legActive') take({ type: 'transportChanged', to: 'websocket' });
      if (
        output.type === 'legUsable' ||
        output.type === 'legActive' ||
        output.type === 'legDropped' ||
        output.type === 'tokenAnswered'
      )
        take(output);
    },
  };
}
