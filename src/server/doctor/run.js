// @ts-check
/**
 * The order of the questions. Each transport has a session of its own; all three are asked at the same time, and watched at the same time.
 * It ends within 40 s and the watch, whatever the network does. It knows no page: findings and progress go to callbacks.
 *
 * @typedef {import('./verdict.js').Finding} Finding
 */

import { tryClient } from './client.js';
import { askControl, askSend } from './control.js';
import { prove, watch } from './leg.js';
import { openPoll } from './poll.js';
import { findSize } from './size.js';
import { Stop } from './speak.js';
import { openSse } from './sse.js';
import { openWebSocket } from './websocket.js';

const OPENERS = { websocket: openWebSocket, sse: openSse, poll: openPoll };

/**
 * @param {{ watchMs: number, found: (finding: Finding) => void, begun: (probe: string) => void, told: (text: string) => void }} options
 */
export async function run({ watchMs, found, begun, told }) {
  /** @param {string} probe @param {() => Promise<{ code: string, figures: import('./verdict.js').Figures }>} work */
  const ask = async (probe, work) => {
    begun(probe);
    const { code, figures } = await work().catch((error) => {
      if (error instanceof Stop) return error;
      throw error;
    });
    found({ probe, code, figures });
    return code;
  };
  // A gateway that turns this address away would turn away all that follows, too.
  if ((await ask('control', askControl)) === 'gate') return;
  /** @type {Map<string, import('./leg.js').Leg>} */
  const legs = new Map();
  const transports = Object.entries(OPENERS).map(([transport, open]) =>
    ask(transport, async () => {
      const leg = await open();
      try {
        const proven = await prove(leg);
        legs.set(transport, leg);
        return proven;
      } catch (error) {
        leg.close();
        throw error;
      }
    }),
  );
  const [, , poll] = await Promise.all([...transports, ask('send', askSend)]);
  const hopeful = legs.size > 0;
  const watches = [...legs].map(async ([transport, leg]) => {
    await ask(`idle-${transport}`, () => watch(leg, watchMs));
    leg.close();
  });
  // Where not even short requests pass, sizes say nothing.
  if (poll === 'works' || poll === 'slow') await ask('size', findSize);
  await ask('client', async () => {
    const outcome = await tryClient(hopeful);
    if (outcome.told) told(outcome.told);
    return outcome;
  });
  await Promise.all(watches);
}
