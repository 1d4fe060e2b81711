// @ts-check
/**
 * Measurements on a machine that now and then stands still. A time that was measured meanwhile says nothing of what is measured, so it is
 * measured again, and told. It must not be used for anything but times, and knows nothing of what is measured.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';

/** Where this process was kept from running for so long, others were too, and a bound of a second or less may be missed for it. */
const STOOD_STILL_MS = 150;
const MOST = 3;

/**
 * Tries until the machine did not stand still, at most three times.
 * @template T
 * @param {string} name
 * @param {() => Promise<T>} attempt
 * @param {(outcome: T) => string | false} late what was late, where nothing else is wrong
 * @returns {Promise<[outcome: T, times: number]>} of the last, and how many there were
 */
export async function steady(name, attempt, late) {
  const loop = monitorEventLoopDelay({ resolution: 20 });
  for (let times = 1; ; times += 1) {
    loop.reset();
    loop.enable();
    const outcome = await attempt().finally(() => loop.disable());
    const stillMs = Math.round(loop.max / 1e6);
    const why = times < MOST && stillMs > STOOD_STILL_MS && late(outcome);
    if (!why) return [outcome, times];
    console.log(`again ${name}: ${why}, and this process stood still for ${stillMs} ms`);
  }
}
