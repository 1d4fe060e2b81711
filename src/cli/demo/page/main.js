// @ts-check
/** Wires the page: visits behind this tab's front, one witness straight to the gateway, and the parts that show them. */

import { connect } from '/rt/client/index.js';
import { prepareBurst } from './burst-form.js';
import { openChat } from './chat.js';
import { offerTrials } from './chooser.js';
import { listNetworks, makeFront } from './front.js';
import { createHands } from './hands.js';
import { createHistory } from './history.js';
import { drawLanes } from './lanes.js';
import { createLog } from './log.js';
import { narrate } from './narrate.js';
import { offerNetworks } from './networks.js';
import { createOffers } from './offers.js';
import { showOutcome } from './outcome.js';
import { createTrials } from './run-trial.js';
import { fillSides } from './sides.js';
import { openStage } from './stage.js';
import { showStatus } from './status.js';
import { createTotals } from './totals.js';
import { TRIALS } from './trials.js';
import { createVisits } from './visit.js';
import { explainWhy } from './why.js';

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
  const own = `demo/${crypto.randomUUID()}`;
  const witness = connect('/rt');
  const visits = createVisits({ connect, front, own });
  const history = createHistory();
  const totals = createTotals();
  const offers = createOffers();
  const say = createLog(find('log'));
  narrate(visits, history, say);
  const { measured, trip } = showStatus(visits, totals, `${own}/pulse`);
  openChat(visits);
  drawLanes(find('lanes'), history);
  explainWhy({ visits, trip, onRtts: history.measure });

  const chooser = offerNetworks(find('networks'), networks, async (name) => {
    stage.stopTour();
    trials.abandon();
    await hands.setNetwork(name);
    if (find('cut').checked) await hands.kill('any');
  });
  /** @param {string | object} network @param {string} [what] it does */
  const onNetwork = (network, what) => {
    chooser.show(network);
    const preset = networks.find(({ name }) => name === network);
    stage.onNetwork(network, what || preset?.description || '');
  };
  const hands = createHands({ front, visits, history, say, onNetwork });
  const stage = openStage({
    visits,
    front,
    witness,
    own,
    setNetwork: hands.setNetwork,
    switchTo: hands.switchTo,
    abandon: () => trials.abandon(),
  });
  const burst = prepareBurst({
    visits,
    witness,
    own,
    hands,
    history,
    totals,
    say,
    onRoundTrip: measured,
  });
  const card = find('outcome');
  const buttons = offerTrials({
    trials: TRIALS,
    start(trial, seconds) {
      reveal(card);
      return startTrial(trial, seconds);
    },
  });
  const trials = createTrials({
    visits,
    front,
    offers,
    witness,
    own,
    totals,
    history,
    say,
    onNetwork,
    show: showOutcome(
      card,
      visits,
      (transport) => hands.switchTo(transport).catch(() => {}),
      () => stage.sides.plain.count(performance.now()).lost,
    ),
  });

  /** @param {import('./trials.js').Trial} trial @param {number} seconds */
  function startTrial(trial, seconds) {
    stage.stopTour();
    burst.abandon();
    buttons.mark(trial.id);
    return trials.start(trial, seconds);
  }

  // What fails is in the log.
  find('kill').addEventListener('click', () => hands.kill('any').catch(() => {}));
  for (const button of document.querySelectorAll('[data-switch]')) {
    const { dataset } = /** @type {HTMLElement} */ (button);
    button.addEventListener('click', () => hands.switchTo(dataset.switch ?? '').catch(() => {}));
  }
  watchFront(visits, front);
  addEventListener('pagehide', () => {
    if (offers.withdrawn) offers.restore(true).catch(() => {});
    visits.end();
    stage.close();
    witness.close();
  });
  // From the browser's cache it would come back with closed connections.
  addEventListener('pageshow', ({ persisted }) => persisted && location.reload());
  /** For the tests, and for whoever opens the console. */
  const demo = { visits, witness, front, trials, stage, startBurst: burst.start, hands };
  Object.assign(window, { demo });
  startTrial(/** @type {import('./trials.js').Trial} */ (TRIALS[0]), 1);
}

/** On a phone the outcome is beneath the buttons. @param {HTMLElement} card */
function reveal(card) {
  const { top, bottom } = card.getBoundingClientRect();
  if (top >= 0 && Math.min(bottom, top + 240) <= innerHeight) return;
  const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
  card.scrollIntoView({ block: 'start', behavior: calm ? 'auto' : 'smooth' });
}

/**
 * A gateway that was started anew has forgotten this tab's front: no waiting will bring it back.
 * @param {import('./visit.js').Visits} visits
 * @param {import('./front.js').Front} front
 */
function watchFront(visits, front) {
  setInterval(async () => {
    if (visits.current?.connection.transport) return;
    try {
      if (!(await front.exists()))
        alarm('The gateway was started anew. Reload this page to get a new network.');
    } catch {
      alarm('The gateway itself cannot be reached: is it still running?');
    }
  }, LOOK_MS);
  visits.listen(({ kind }) => kind === 'transport' && alarm(''));
}

fillSides();
start().catch((error) => alarm(`The demo could not start: ${error.message}. Is the gateway still running?`));
