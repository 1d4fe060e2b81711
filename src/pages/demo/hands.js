// @ts-check
/** Everything that the page can do to the connection from outside. The log reports each act, and the timeline marks it. */

import { networkName, reasonWords, transportName } from './words.js';

const TRIES = 10;

/**
 * @param {object} parts
 * @param {import('./front.js').Front} parts.front
 * @param {import('./visit.js').Visits} parts.visits
 * @param {import('./history.js').History} parts.history
 * @param {(text: string, kind?: 'event' | 'act' | 'bad') => void} parts.say
 * @param {(name: string) => void} parts.onNetwork the network of this name is in force now
 */
export function createHands({ front, visits, history, say, onNetwork }) {
  /** @template T @param {Promise<T>} promise @param {string} what @returns {Promise<T>} */
  const orSay = (promise, what) =>
    promise.catch((error) => {
      say(`${what}: ${error.message}.`, 'bad');
      throw error;
    });

  return {
    /** @param {string} name */
    async setNetwork(name) {
      await orSay(front.set(name), 'The network could not be changed');
      onNetwork(name);
      history.mark(performance.now(), networkName(name).replace('WebSocket', 'WS'));
      say(`Network: ${networkName(name)}.`, 'act');
    },

    /** @param {string} route */
    async kill(route) {
      let killed = 0;
      // Between two polls nothing can be cut, for a moment.
      for (
        let tries = 0;
        !killed && tries < TRIES && (!tries || visits.current?.connection.transport);
        tries += 1
      )
        killed = await orSay(front.kill(route), 'Nothing could be cut');
      history.mark(performance.now(), 'cut');
      if (killed === 0) say('Nothing was open to be cut.', 'act');
      else say(killed === 1 ? 'Cut 1 connection.' : `Cut ${killed} connections.`, 'act');
      return killed;
    },

    /** @param {import('/rt/client/types.js').Transport} transport */
    async switchTo(transport) {
      history.mark(performance.now(), `→ ${transportName(transport)}`);
      say(`Switching to ${transportName(transport)}.`, 'act');
      await visits.current?.connection.switchTo(transport).catch((/** @type {any} */ error) => {
        say(`No switch to ${transportName(transport)}: ${reasonWords(error.code ?? `${error}`)}.`, 'bad');
        throw error;
      });
    },
  };
}
