// @ts-check
/**
 * One WebSocket on which messages go both ways all the time, and on which now and then a piece is held up, with all that follows
 * it: the selector's view of a network that stalls and lives.
 */

import { createMemory } from '../../src/memory.js';
import { createSelector } from '../../src/selector.js';

const EVERY_MS = 50;
const TRIP_MS = 5;
/** A frame is acknowledged by what comes down anyway, a second later at most. */
const ACK_MS = 1000;

/**
 * @param {() => number} random
 * @param {{chance: number, stall: number, minutes: number}} network how often a piece is held up, and for how many ms
 * @returns {number} how many legs were opened
 */
export function throughStalls(random, { chance, stall, minutes }) {
  let now = 0;
  /** Frames that wait for their acknowledgement, the oldest first. @type {Array<{at: number}>} */
  const kept = [];
  const session = {
    welcome: { heartbeat_ms: 15_000, hold_ms: 25_000, transports: ['websocket'] },
    kept: () => kept,
  };
  const selector = createSelector(
    session,
    createMemory(null, 'k', () => now),
    random,
    ['websocket', 'sse', 'poll'],
  );
  /** @type {Array<{at: number, act: () => void}>} */
  let due = [];
  const free = { up: 0, down: 0 };
  /** @param {'up' | 'down'} way @param {() => void} act */
  const piece = (way, act) => {
    free[way] = Math.max(free[way], now + TRIP_MS + (random() < chance ? stall : 0));
    due.push({ at: free[way], act });
  };
  /** @param {any} input */
  const take = (input) => {
    selector.handle(now, input);
    for (let output = selector.pollOutput(); output; output = selector.pollOutput()) {
      const { open, leg, ask, ping, race, check } = output;
      if (race) take({ go: true });
      if (check) due.push({ at: now + 40, act: () => take({ control: 'ours' }) });
      if (open) {
        // A new socket is a new path, with nothing held up on it.
        free.up = free.down = now;
        due = due.filter(({ act }) => act === tick);
        kept.length = 0;
        piece('up', () => piece('down', () => take({ usable: leg })));
      }
      if (ask) piece('up', () => piece('down', () => take({ active: ask })));
      if (ping) {
        const at = now;
        piece('up', () =>
          piece('down', () => {
            take({ line: ping });
            take({ pong: ping, rtt: now - at });
          }),
        );
      }
    }
  };
  const tick = () => {
    due.push({ at: now + EVERY_MS, act: tick });
    const frame = { at: now };
    kept.push(frame);
    const acknowledged = () => {
      const at = kept.indexOf(frame);
      if (at >= 0) kept.splice(0, at + 1);
    };
    piece('up', () => due.push({ at: now + ACK_MS * random(), act: () => piece('down', acknowledged) }));
    const { legs } = selector;
    piece('down', () => take({ line: legs }));
  };
  take({ go: true });
  tick();
  const end = minutes * 60_000;
  for (;;) {
    due.sort((a, b) => a.at - b.at);
    const timer = selector.pollTimeout();
    const at = Math.min(due[0]?.at ?? Infinity, timer);
    if (at > end) return selector.legs;
    now = Math.max(now, at);
    if (due[0] && due[0].at <= timer) due.shift()?.act();
    else take({ timeout: true });
  }
}
