// @ts-check
/**
 * The first thing on the page: the same messages twice through the same network, by a plain WebSocket and by
 * Throughline, and the button that breaks the network. It sends the messages and shows both counts; ticks.js counts
 * them.
 */

import { BREAKS, tour } from './breaks.js';
import { find, write } from './dom.js';
import { openPlain } from './plain.js';
import { createPanel } from './sides.js';
import * as words from './stage-words.js';
import { createTicks } from './ticks.js';

/** 20 messages a second. */
const TICK_MS = 50;
/** No one can read a faster change. */
const SHOW_MS = 200;
/** An outcome is spoken after this time, when it is clear. */
const SPEAK_MS = 2500;
/** A plain WebSocket sends nothing again: a message that is so late counts as lost until it comes. */
const PLAIN_PATIENCE_MS = 1500;
/** Throughline keeps the messages that it could not send. Its client gives up a connection long before this time. */
const SESSION_PATIENCE_MS = 10_000;

/**
 * @param {object} parts
 * @param {import('./visit.js').Visits} parts.visits
 * @param {import('./front.js').Front} parts.front
 * @param {import('/rt/client/types.js').Connection} parts.witness straight to the gateway: it publishes the messages
 * @param {string} parts.own the beginning of this tab's channels
 * @param {Pick<import('./disturb.js').Hands, 'setNetwork' | 'switchTo'>} parts.hands
 * @param {() => void} parts.abandon ends everything else that changes the network
 */
export function openStage({ visits, front, witness, own, hands, abandon }) {
  const name = `${own}/ticks`;
  const sides = { plain: createTicks(PLAIN_PATIENCE_MS), session: createTicks(SESSION_PATIENCE_MS) };
  const latest = sendTicks(witness.channel(name), sides);
  /** @type {ReturnType<typeof openPlain> | null} */
  let plain = null;
  // A visit begins with a cut of all that is open, so the plain WebSocket begins with the first visit.
  visits.listen(({ kind }) => {
    if (kind !== 'began') return;
    plain ??= followPlain(`${front.url.replace('http', 'ws')}/demo/plain?channel=${name}`, sides.plain, latest);
  });
  followVisits(visits, name, sides.session, latest);
  const shown = showSides(visits, sides, latest);
  /** @type {AbortController | null} */
  let touring = null;

  function stopTour() {
    touring?.abort();
    touring = null;
    showStep(null);
  }

  /** @param {import('./breaks.js').Break} broken */
  async function strike({ network, what }) {
    await hands.setNetwork(network);
    shown.breaks(what);
    await front.kill('any');
  }

  /** @param {boolean} [another] the tour has another failure, which must find Throughline on a WebSocket */
  async function heal(another = false) {
    await hands.setNetwork('clear');
    const next = another && touring !== null;
    shown.heals(next);
    // A WebSocket that opened behind the failure may hang for minutes. A visitor would reload the page.
    if (sides.plain.count(performance.now()).silentMs > words.FROZEN_MS) plain?.reopen();
    // The log reports a switch that a new failure overtakes.
    if (next) await hands.switchTo('websocket').catch(() => {});
  }

  find('break').addEventListener('click', async () => {
    stopTour();
    abandon();
    await (front.network === 'clear' ? strike(BREAKS[0]) : heal()).catch(() => {});
  });

  find('tour').addEventListener('click', async () => {
    const wasTouring = touring;
    stopTour();
    abandon();
    if (wasTouring) return heal().catch(() => {});
    const mine = new AbortController();
    touring = mine;
    await tour({ strike, heal, onStep: showStep, signal: mine.signal }).catch(() => {});
    if (touring === mine) stopTour();
  });

  return {
    sides,
    stopTour,

    /**
     * Notes that another part of the page has changed the network.
     * @param {string | object} network
     * @param {string} what it does
     */
    onNetwork(network, what) {
      if (network === 'clear') shown.heals(false);
      else shown.breaks(what);
    },

    close: () => plain?.close(),
  };
}

/**
 * @param {import('/rt/client/types.js').Channel<number>} channel
 * @param {{[side: string]: import('./ticks.js').Ticks}} sides
 * @returns {() => number} the number that was sent last
 */
function sendTicks(channel, sides) {
  let latest = 0;
  const both = Object.values(sides);
  setInterval(() => {
    if (document.hidden) return;
    latest += 1;
    const n = latest;
    for (const side of both) side.send(n, performance.now());
    channel.publish(n).catch(() => {
      for (const side of both) side.withdraw(n);
    });
  }, TICK_MS);
  return () => latest;
}

/** @param {string} url @param {import('./ticks.js').Ticks} ticks @param {() => number} latest */
function followPlain(url, ticks, latest) {
  return openPlain({
    url,
    onMessage: (n) => ticks.receive(n, performance.now()),
    onOpen: (open) => {
      if (open && !ticks.isStarted) ticks.startAfter(latest());
      ticks.cut(!open);
    },
  });
}

/** @param {import('./visit.js').Visits} visits @param {string} name @param {import('./ticks.js').Ticks} ticks @param {() => number} latest */
function followVisits(visits, name, ticks, latest) {
  visits.listen(async (event, { connection }) => {
    if (event.kind !== 'began') return;
    ticks.startAfter(Infinity);
    const channel = connection.channel(name);
    channel.on('message', ({ data }) => ticks.receive(data, performance.now()));
    await channel.subscribed.catch(() => {});
    if (connection === visits.current?.connection) ticks.startAfter(latest());
  });
}

/** @param {number | null} step */
function showStep(step) {
  const [title, note] = find('tour').children;
  write(title, step ? 'Stop the tour' : 'Break it five ways');
  write(note, step ? `${step} of ${BREAKS.length}` : '30 s');
}

/**
 * @param {import('./visit.js').Visits} visits
 * @param {{plain: import('./ticks.js').Ticks, session: import('./ticks.js').Ticks}} sides
 * @param {() => number} latest
 */
function showSides(visits, sides, latest) {
  const stage = find('stage');
  const [situation, result, spoken] = [find('situation'), find('result'), find('stage-spoken')];
  const button = find('break');
  /** @type {import('./stage-words.js').Condition} */
  let condition = 'rest';
  let what = '';
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let speaking;
  const panels = {
    plain: createPanel('plain', sides.plain, latest),
    session: createPanel('session', sides.session, latest),
  };

  function show() {
    const now = performance.now();
    const transport = visits.current?.connection.transport ?? null;
    const [plain, session] = [sides.plain, sides.session].map((ticks) => {
      const count = ticks.count(now);
      return { count, moves: words.motion(count, ticks.isStarted) };
    });
    if (!plain || !session) return;
    stage.dataset.condition = condition;
    panels.plain.show(plain.moves, words.plainPill(plain.moves, plain.count), plain.count);
    const { moves, count } = session;
    panels.session.show(moves === 'frozen' ? 'waiting' : moves, words.sessionPill(moves, count, transport), count);
    write(situation, words.situation(condition, what));
    write(result, words.result(condition, plain, { ...session, transport }));
    write(button, condition === 'broken' ? 'Repair the network' : 'Break the network');
  }

  function changed() {
    show();
    clearTimeout(speaking);
    speaking = setTimeout(() => write(spoken, `${situation.textContent} ${result.textContent}`), SPEAK_MS);
  }

  setInterval(show, SHOW_MS);
  show();
  return {
    /** @param {string} by the act of the network */
    breaks(by) {
      condition = 'broken';
      what = by;
      changed();
    },

    /** @param {boolean} another failure of the tour follows */
    heals(another) {
      if (condition !== 'rest') condition = another ? 'between' : 'healed';
      changed();
    },
  };
}
