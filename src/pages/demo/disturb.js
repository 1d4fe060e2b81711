// @ts-check
/** The disturbances of the connection while a burst runs, if the visitor wants to watch with hands free. It knows no page. */

/**
 * @import { Transport } from '/rt/client/types.js'
 *
 * Each act is due at a part of the burst, and returns a promise.
 *
 * @typedef {{setNetwork: (name: string) => Promise<void>, kill: (route: string) => Promise<unknown>, switchTo: (transport: Transport) => Promise<void>}} Hands
 * @typedef {[part: number, act: (hands: Hands) => Promise<unknown>]} Step
 */

/** @param {string} name @returns {(hands: Hands) => Promise<unknown>} */
const move = (name) => async (hands) => {
  await hands.setNetwork(name);
  await hands.kill('any');
};

/** @param {Transport} transport @returns {(hands: Hands) => Promise<unknown>} */
const switchTo = (transport) => (hands) => hands.switchTo(transport);

/** Clears the network: the session moves back up, without a gap. @param {Hands} hands */
const clear = async (hands) => {
  await hands.setNetwork('clear');
  await hands.switchTo('websocket');
};

/** @param {Hands} hands */
const cut = (hands) => hands.kill('any');

/** @type {{[name: string]: Step[]}} */
const COURSES = {
  none: [],
  worse: [
    [0.2, move('websocket-refused')],
    [0.45, move('websocket-refused-and-streams-buffered')],
    [0.75, clear],
  ],
  switch: [
    [0.25, switchTo('sse')],
    [0.5, switchTo('poll')],
    [0.75, switchTo('websocket')],
  ],
  cut: [
    [0.25, cut],
    [0.5, cut],
    [0.75, cut],
  ],
};

/**
 * Makes a course of disturbances. The caller says how far the burst is.
 * @param {string} name none, worse, switch or cut
 * @param {Hands} hands
 */
export function createCourse(name, hands) {
  const steps = [...(COURSES[name] ?? [])];
  return {
    /** @param {number} part from 0 to 1 */
    async advance(part) {
      while (steps[0] && part >= steps[0][0]) {
        const [, act] = /** @type {Step} */ (steps.shift());
        // A switch may not succeed: the hands say so. The course goes on.
        await act(hands).catch(() => {});
      }
    },
  };
}
