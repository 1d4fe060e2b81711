// @ts-check
/**
 * One WebSocket on which messages go both ways all the time. Now and then the network holds up a piece, and all that follows
 * it. This is the selector's view of a network that stalls and lives.
 *
 * @import { SelectorInput } from '../../src/selector/events.js'
 */

import { Memory } from '../../src/selector/memory.js';
import { Selector } from '../../src/selector/selector.js';
import { ALL } from './world.js';

const EVERY_MS = 50;
const TRIP_MS = 5;
/** The gateway acknowledges a frame with the next thing that it sends, a second later at most. */
const ACK_MS = 1000;

/**
 * @param {() => number} random
 * @param {{chance: number, stall: number, minutes: number}} network how often it holds up a piece, and for how many milliseconds
 * @returns {number} how many legs were opened
 */
export function throughStalls(random, { chance, stall, minutes }) {
  let now = 1;
  /** When each frame was sent that waits for its acknowledgement, the oldest first. @type {Array<{at: number}>} */
  const waiting = [];
  const session = {
    welcome: /** @type {any} */ ({ heartbeat_ms: 15_000, hold_ms: 25_000, transports: ['websocket'] }),
    get unacknowledgedFrames() {
      return waiting.length;
    },
    get oldestHandedAt() {
      return waiting[0]?.at ?? Infinity;
    },
    oldestHandedBytes: 100,
    acknowledgedAt: -Infinity,
    announcedBytes: 0,
  };
  const memory = new Memory(null, 'k', () => now);
  const selector = new Selector({ session, memory, now, random, order: ALL });
  /** @type {Array<{at: number, act: () => void}>} */
  let due = [];
  const free = { up: 0, down: 0 };
  /** @param {'up' | 'down'} way @param {() => void} act */
  const piece = (way, act) => {
    free[way] = Math.max(free[way], now + TRIP_MS + (random() < chance ? stall : 0));
    due.push({ at: free[way], act });
  };
  /** @param {() => void} act */
  const roundTrip = (act) => piece('up', () => piece('down', act));
  /** @param {SelectorInput} input */
  const take = (input) => {
    selector.handle(now, input);
    for (let output = selector.pollOutput(); output; output = selector.pollOutput()) {
      if (output.type === 'prepareRace') take({ type: 'raceReady' });
      else if (output.type === 'probeControl') {
        const askedAt = now;
        due.push({ at: now + 40, act: () => take({ type: 'controlAnswered', control: 'ours', askedAt }) });
      } else if (output.type === 'openLeg') {
        const { leg } = output;
        // A new socket is a new way, and the network holds up nothing on it.
        free.up = free.down = now;
        due = due.filter(({ act }) => act === tick);
        waiting.length = 0;
        roundTrip(() => take({ type: 'legUsable', leg }));
      } else if (output.type === 'requestTurn') {
        const { leg, pings, isLong } = output;
        const at = now;
        roundTrip(() => take({ type: 'legActive', leg }));
        if (pings) roundTrip(() => take({ type: 'pong', leg, rtt: now - at, isLong }));
      } else if (output.type === 'sendPing') {
        const { leg, isLong } = output;
        const at = now;
        roundTrip(() => {
          take({ type: 'frameArrived', leg });
          take({ type: 'pong', leg, rtt: now - at, isLong });
        });
      }
    }
  };
  const tick = () => {
    due.push({ at: now + EVERY_MS, act: tick });
    const frame = { at: now };
    waiting.push(frame);
    const acknowledge = () => {
      const at = waiting.indexOf(frame);
      if (at < 0) return;
      waiting.splice(0, at + 1);
      session.acknowledgedAt = now;
    };
    piece('up', () => due.push({ at: now + ACK_MS * random(), act: () => piece('down', acknowledge) }));
    const leg = selector.openedLegs;
    piece('down', () => take({ type: 'frameArrived', leg }));
  };
  take({ type: 'raceReady' });
  tick();
  const end = now + minutes * 60_000;
  for (;;) {
    due.sort((a, b) => a.at - b.at);
    const timer = selector.pollTimeout();
    const at = Math.min(due[0]?.at ?? Infinity, timer);
    if (at > end) return selector.openedLegs;
    now = Math.max(now, at);
    if (due[0] && due[0].at <= timer) due.shift()?.act();
    else take({ type: 'timeout' });
  }
}
