// @ts-check
/** Shared code of the captive portal rows: a portal answers instead of the gateway, and then stops. */

import { setTimeout as pause } from 'node:timers/promises';

/** A time that exceeds the first race. No user signs in that fast. */
const PORTAL_MS = 6_000;

/** The bound of NETWORKS.md on the time to distinguish a portal from a network that is down. */
const TOLD_WITHIN_MS = 2_000;

/**
 * Waits for `portal`, checks that no transport gets the blame, and lifts the portal. Then measures the time
 * to being online.
 * @param {(stage: import('./stage.js').Stage) => Promise<unknown>} lift
 * @param {string} [state] the expected state if the client cannot distinguish the two
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
 * Returns the blame that stays. A recent failure is in doubt until the control request has an answer.
 * @param {import('./stage.js').Stage} stage
 */
export async function blamedForLong(stage) {
  /** @type {string[]} */
  let all = [];
  // The client needs 3 s to find that no server answers.
  for (let look = 0; look < 60; look++) {
    all = blamed(await stage.client.call('report', 0));
    if (all.length === 0) break;
    await pause(100);
  }
  return all;
}

/** Returns the transports that have failed according to `explain()`. @param {import('./subject.js').Report} report */
const blamed = ({ explain }) =>
  /** @type {Array<{ transport: string, failures: number }>} */ (explain.paths)
    .filter(({ failures }) => failures > 0)
    .map(({ transport, failures }) => `${transport} is blamed for ${failures} failures`);
