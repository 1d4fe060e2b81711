// @ts-check
/** Wires the page: visits behind this tab's front, one witness straight to the gateway, and the parts that show them. */

import { connect } from '/rt/client/index.js';
import { BurstForm } from './burst-form.js';
import { openChat } from './chat.js';
import { offerTrials } from './chooser.js';
import { find, findAs } from './dom.js';
import { listNetworks, makeFront } from './front.js';
import { createHands } from './hands.js';
import { createHistory } from './history.js';
import { drawLanes } from './lanes.js';
import { createLog } from './log.js';
import { narrate } from './narrate.js';
import { offerNetworks } from './networks.js';
import { createOffers } from './offers.js';
import { OutcomeCard } from './outcome.js';
import { Trials } from './run-trial.js';
import { fillSides } from './sides.js';
import { openStage } from './stage.js';
import { StatusBar } from './status.js';
import { createTotals } from './totals.js';
import { TRIALS } from './trials.js';
import { createVisits } from './visit.js';
import { explainWhy } from './why.js';

/** How often, without a carrier, the page asks whether the front still exists. */
const LOOK_MS = 5000;

/** @param {string} text */
function alarm(text) {
  find('banner').textContent = text;
  find('banner').hidden = !text;
}

/** Returns the objects that every part of the page shares. @param {import('./front.js').Front} front */
function createShared(front) {
  const own = `demo/${crypto.randomUUID()}`;
  return {
    own,
    front,
    witness: connect('/rt'),
    visits: createVisits({ connect, front, own }),
    history: createHistory(),
    totals: createTotals(),
    offers: createOffers(),
    say: createLog(find('log')),
  };
}

/** @typedef {ReturnType<typeof createShared>} Shared */

/** Opens the parts that only show the session. Returns the function that reports a measured round trip. @param {Shared} shared */
function showSession({ visits, history, totals, say, own }) {
  narrate(visits, history, say);
  const status = new StatusBar(visits, totals, `${own}/pulse`);
  openChat(visits);
  drawLanes(findAs(HTMLCanvasElement, 'lanes'), history);
  explainWhy({ visits, trip: () => status.trip, onRtts: history.measure });
  return (/** @type {number} */ ms) => status.measured(ms);
}

/**
 * Opens the parts that change the network: the visitor's hands, the stage, and the trials. When one of them begins, the
 * others end.
 * @param {Shared} shared
 * @param {Awaited<ReturnType<typeof listNetworks>>} networks
 */
function openPlay(shared, networks) {
  const { visits } = shared;
  const chooser = offerNetworks(find('networks'), networks, async (name) => {
    stage.stopTour();
    trials.abandon();
    await hands.setNetwork(name);
    if (findAs(HTMLInputElement, 'cut').checked) await hands.kill('any');
  });
  /** @param {string | object} network @param {string} [what] it does */
  const onNetwork = (network, what) => {
    chooser.show(network);
    const preset = networks.find(({ name }) => name === network);
    stage.onNetwork(network, what || preset?.description || '');
  };
  const hands = createHands({ ...shared, onNetwork });
  const stage = openStage({ ...shared, hands, abandon: () => trials.abandon() });
  const card = new OutcomeCard(
    find('outcome'),
    visits,
    (transport) => hands.switchTo(transport).catch(() => {}),
    () => stage.sides.plain.count(performance.now()).lost,
  );
  const trials = new Trials({ ...shared, onNetwork, show: (run) => card.show(run) });
  return { hands, stage, trials };
}

/** Wires the buttons beside the timeline. The log reports failures. @param {import('./disturb.js').Hands} hands */
function offerHands(hands) {
  find('kill').addEventListener('click', () => hands.kill('any').catch(() => {}));
  for (const button of document.querySelectorAll('[data-switch]')) {
    const { dataset } = /** @type {HTMLElement} */ (button);
    const transport = /** @type {import('/rt/client/types.js').Transport} */ (dataset.switch);
    button.addEventListener('click', () => hands.switchTo(transport).catch(() => {}));
  }
}

async function start() {
  const [front, networks] = await Promise.all([makeFront(), listNetworks()]);
  const shared = createShared(front);
  const { visits, witness, offers } = shared;
  const measured = showSession(shared);
  const { hands, stage, trials } = openPlay(shared, networks);
  const burst = new BurstForm({ ...shared, hands, onRoundTrip: measured });
  const buttons = offerTrials({
    trials: TRIALS,
    start(trial, seconds) {
      reveal(find('outcome'));
      return startTrial(trial, seconds);
    },
  });

  /** @param {import('./trials.js').Trial} trial @param {number} seconds */
  function startTrial(trial, seconds) {
    stage.stopTour();
    burst.abandon();
    buttons.mark(trial.id);
    return trials.start(trial, seconds);
  }

  offerHands(hands);
  watchFront(visits, front);
  addEventListener('pagehide', () => {
    if (offers.withdrawn) offers.restore(true).catch(() => {});
    visits.end();
    stage.close();
    witness.close();
  });
  // A page from the browser's cache would come back with closed connections.
  addEventListener('pageshow', ({ persisted }) => persisted && location.reload());
  /** For the tests, and for anyone who opens the console. */
  const demo = { visits, witness, front, trials, stage, startBurst: burst.start.bind(burst), hands };
  Object.assign(window, { demo });
  startTrial(/** @type {import('./trials.js').Trial} */ (TRIALS[0]), 1);
}

/** Shows the outcome: on a phone it is beneath the buttons. @param {HTMLElement} card */
function reveal(card) {
  const { top, bottom } = card.getBoundingClientRect();
  if (top >= 0 && Math.min(bottom, top + 240) <= innerHeight) return;
  const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
  card.scrollIntoView({ block: 'start', behavior: calm ? 'auto' : 'smooth' });
}

/**
 * Watches the front. A gateway that was restarted has forgotten this tab's front, and no waiting brings it back.
 * @param {import('./visit.js').Visits} visits
 * @param {import('./front.js').Front} front
 */
function watchFront(visits, front) {
  setInterval(async () => {
    if (visits.current?.connection.transport) return;
    try {
      if (!(await front.exists()))
        alarm('The gateway was restarted. Reload this page to get a new network.');
    } catch {
      alarm('The gateway itself cannot be reached: is it still running?');
    }
  }, LOOK_MS);
  visits.listen(({ kind }) => kind === 'transport' && alarm(''));
}

fillSides();
start().catch((error) => alarm(`The demo could not start: ${error.message}. Is the gateway still running?`));
