// @ts-check
/** Wires the page: one connection behind this tab's front, one witness straight to the gateway, and the parts that show them. */

import { connect } from '/rt/client/index.js';
import { prepareBurst } from './burst-form.js';
import { openChat } from './chat.js';
import { listNetworks, makeFront } from './front.js';
import { createHands } from './hands.js';
import { createHistory } from './history.js';
import { drawLanes } from './lanes.js';
import { createLog } from './log.js';
import { narrate } from './narrate.js';
import { offerNetworks } from './networks.js';
import { showStatus } from './status.js';

/** How often, without a carrier, it is asked whether the front is there at all. */
const LOOK_MS = 5000;

const find = (/** @type {string} */ name) => /** @type {any} */ (document.querySelector(`[data-${name}]`));

/** @param {string} text */
function alarm(text) {
  find('banner').textContent = text;
  find('banner').hidden = !text;
}

async function start() {
  const [front, networks] = await Promise.all([makeFront(), listNetworks()]);
  const connection = connect(`${front.url}/rt`);
  const witness = connect('/rt');
  const own = `demo/${crypto.randomUUID()}`;
  const history = createHistory();
  const say = createLog(find('log'));
  const { measured } = showStatus(connection, `${own}/pulse`);
  const chooser = offerNetworks(find('networks'), networks, async (name) => {
    await hands.setNetwork(name);
    if (find('cut').checked) await hands.kill('any');
  });
  const hands = createHands({ front, connection, history, say, onNetwork: chooser.show });
  narrate(connection, history, say);
  drawLanes(find('lanes'), history);
  openChat(connection);
  const startBurst = prepareBurst({ connection, witness, own, hands, history, say, onRoundTrip: measured });

  // What fails is in the log.
  find('kill').addEventListener('click', () => hands.kill('any').catch(() => {}));
  for (const button of document.querySelectorAll('[data-switch]')) {
    const { dataset } = /** @type {HTMLElement} */ (button);
    button.addEventListener('click', () => hands.switchTo(dataset.switch ?? '').catch(() => {}));
  }
  watchFront(connection, front);
  addEventListener('pagehide', () => {
    connection.close();
    witness.close();
  });
  // From the browser's cache it would come back with closed connections.
  addEventListener('pageshow', ({ persisted }) => persisted && location.reload());
  /** For the tests, and for whoever opens the console. */
  const demo = { connection, witness, front, startBurst, setNetwork: hands.setNetwork, kill: hands.kill };
  Object.assign(window, { demo });
}

/**
 * A gateway that was started anew has forgotten this tab's front: no waiting will bring it back.
 * @param {any} connection
 * @param {import('./front.js').Front} front
 */
function watchFront(connection, front) {
  setInterval(async () => {
    if (connection.transport) return;
    try {
      if (!(await front.exists()))
        alarm('The gateway was started anew. Reload this page to get a new network.');
    } catch {
      alarm('The gateway itself cannot be reached: is it still running?');
    }
  }, LOOK_MS);
  connection.on('transport', () => alarm(''));
}

start().catch((error) => alarm(`The demo could not start: ${error.message}. Is the gateway still running?`));
