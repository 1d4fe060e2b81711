// @ts-check
/**
 * The failures of the big button and of its tour, as plain data, and the tour's way through them. The caller breaks and
 * repairs the network; nothing here draws.
 *
 * @typedef {object} Break
 * @property {string} network a preset's name
 * @property {string} what it does, in one sentence
 * @property {number} brokenMs how long the tour leaves it broken
 */

/** The time from one failure of the tour to the next. */
const STEP_MS = 6000;

/** The first is the button's. @type {[Break, ...Break[]]} */
export const BREAKS = [
  {
    network: 'websocket-refused',
    what: 'Open connections are cut, and a proxy refuses each new WebSocket.',
    brokenMs: 4000,
  },
  {
    network: 'websocket-mute',
    what: 'Open connections are cut. New WebSockets open, but nothing comes through.',
    brokenMs: 4000,
  },
  {
    network: 'websocket-killed',
    what: 'Each WebSocket is cut 300 ms after it opens, every time.',
    brokenMs: 4000,
  },
  {
    network: 'websocket-refused-and-streams-buffered',
    what: 'WebSockets are refused, and streamed answers are held back.',
    brokenMs: 4000,
  },
  { network: 'offline', what: 'Nothing gets through at all, for 2 s.', brokenMs: 2000 },
];

/**
 * Shows one failure after the other, in half a minute.
 * @param {object} parts
 * @param {(broken: Break) => Promise<void>} parts.strike
 * @param {(another: boolean) => Promise<void>} parts.heal `another`: another failure follows
 * @param {(step: number | null) => void} parts.onStep from 1; null at its end
 * @param {AbortSignal} parts.signal
 */
export async function tour({ strike, heal, onStep, signal }) {
  for (const [place, broken] of BREAKS.entries()) {
    onStep(place + 1);
    await strike(broken);
    await wait(broken.brokenMs, signal);
    await heal(place + 1 < BREAKS.length);
    await wait(STEP_MS - broken.brokenMs, signal);
  }
  onStep(null);
}

/** @param {number} ms @param {AbortSignal} signal */
const wait = (ms, signal) =>
  new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
