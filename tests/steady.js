// @ts-check
/**
 * Measurements on a machine that now and then stands still. What was measured meanwhile says nothing of what is measured, so it is
 * measured again; told, and never for anything but time. Knows nothing of what is measured.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';

/** Where a time is wrong by as much, a bound of this repository may be missed for it. */
const STOOD_STILL_MS = 150;
const MOST = 3;

/**
 * Tries until the machine did not stand still, at most three times.
 * @template T
 * @param {string} name
 * @param {() => Promise<T>} attempt
 * @param {(outcome: T) => unknown} doubted why it is doubted, where nothing but a time speaks against what came of it
 * @returns {Promise<T>} what came of the last
 */
export async function steady(name, attempt, doubted) {
  for (let tries = 1; ; tries += 1) {
    const loop = monitorEventLoopDelay({ resolution: 20 });
    loop.enable();
    const outcome = await attempt();
    loop.disable();
    const stillMs = Math.round(loop.max / 1e6);
    const doubt = stillMs > STOOD_STILL_MS && doubted(outcome);
    if (!doubt || tries === MOST) return outcome;
    console.log(`again ${name}: ${doubt}, while this process stood still for ${stillMs} ms`);
  }
}
