// @ts-check
/**
 * Measurements on a machine that sometimes stalls. A time that includes a stall is meaningless, so the
 * measurement runs again, with a message. Use this for times only. It knows nothing about the measurement.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';

/** The pause of this process that counts as a stall. Other processes pause too, and may miss a bound of a second or less. */
const STOOD_STILL_MS = 150;
const MOST = 3;

/**
 * Tries until the machine did not stall, at most three times.
 * @template T
 * @param {string} name
 * @param {() => Promise<T>} attempt
 * @param {(outcome: T) => string | false} late the late parts, if nothing else is wrong
 * @returns {Promise<[outcome: T, times: number]>} the last outcome, and the number of attempts
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
