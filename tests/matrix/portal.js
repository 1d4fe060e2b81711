// @ts-check
/** What the rows of captive portals share: somebody else answers in the gateway's place, and then no longer. */

import { setTimeout as pause } from 'node:timers/promises';

/** Longer than the first race: nobody signs in that fast. */
const PORTAL_MS = 6_000;

/** As NETWORKS.md bounds it: how soon a portal is told from a network that is down. */
const TOLD_WITHIN_MS = 2_000;

/**
 * Waits for `portal`, sees that no transport is blamed, has it lifted, and measures from there to being online.
 * @param {(stage: import('./stage.js').Stage) => Promise<unknown>} lift
 * @param {string} [state] where the two cannot be told apart
 * @returns {(stage: import('./stage.js').Stage) => Promise<import('./stage.js').Outcome>}
 */
export const portal =
  (lift, state = 'portal') =>
  async (stage) => {
    const told = await stage.until({ state }, TOLD_WITHIN_MS);
    const late = told > TOLD_WITHIN_MS ? [`${state} only after ${told} ms`] : [];
    await pause(PORTAL_MS - stage.elapsed());
    const problems = await blamedForLong(stage);
    stage.mark();
    await lift(stage);
    const ms = await stage.until({ state: 'online' });
    await stage.until({ state: 'online', transport: stage.expected }, 20_000);
    await stage.traffic(1_000);
    return { ms, note: `${state} after ${told} ms`, problems, late };
  };

/**
 * Blame that is not taken back: what failed a moment ago is in doubt until the control request is answered.
 * @param {import('./stage.js').Stage} stage
 */
export async function blamedForLong(stage) {
  /** @type {string[]} */
  let all = [];
  // It takes 3 s to say that nobody is there.
  for (let look = 0; look < 60; look++) {
    all = blamed(await stage.client.call('report', 0));
    if (all.length === 0) break;
    await pause(100);
  }
  return all;
}

/** Which transports are held to have failed, as `explain()` tells. @param {import('./subject.js').Report} report */
const blamed = ({ explain }) =>
  /** @type {Array<{ transport: string, failures: number }>} */ (explain.paths)
    .filter(({ failures }) => failures > 0)
    .map(({ transport, failures }) => `${transport} is blamed for ${failures} failures`);
