// @ts-check
/**
 * One schedule: a client, the real server and a network that misbehaves for a while and then stops. The seed decides when
 * the applications speak, what is cut, delayed, lost and doubled, which legs are opened and asked for.
 */

import { Broken, createLedger } from './ledger.js';
import { createAgenda, createPath } from './network.js';
import { createOwner } from './owner.js';
import { createRandom } from './random.js';

/** Once the faults stop, everything is delivered within this: what it takes to notice a dead leg, a few times over. */
const LONGEST_QUIET = 60_000;
/** After the faults each application speaks that often, until all has arrived. */
const PROBE_EVERY = 4_000;
const LOOK_EVERY = 250;
/** So much happening at one moment means that something spins. */
const MOST_AT_ONCE = 5_000;

/**
 * Runs to the end; throws where an invariant is broken.
 * @param {number} seed
 * @param {ReturnType<typeof import('./peer.js').createPeer>} peer
 * @param {typeof import('../../src/session.js').createSession} createSession
 */
export function run(seed, peer, createSession) {
  const random = createRandom(seed);
  const replayFrames = random.percent(25) ? 4 : 64;
  const resume = random.percent(40) ? 1_500 : 120_000;
  const room = 1 + random.below(4);
  const chance = random.below(30);
  const faultsStop = 3_000 + random.below(6) * 1_000;
  let secrets = 0;
  const client = createSession(() => `${++secrets}`.padStart(24, '0'));
  const ledger = createLedger();
  const agenda = createAgenda();
  /** The leg n is at n - 1. @type {import('./network.js').Path[]} */
  const paths = [];
  /** Who reads a carrier: a leg, and for a request its number. @type {Map<number, {leg: number, route?: string, request: number}>} */
  const readers = new Map();
  let now = 0;
  let counted = 0;
  /** @type {number | undefined} */
  let clientTimer;
  /** @type {number | undefined} */
  let serverTimer;
  let nudged = false;
  /** @type {string | null} */
  let newest = null;
  const owner = createOwner(random, { now: () => now, say, open, drop });

  const quiet = () => now >= faultsStop;
  const path = (/** @type {number} */ leg) => /** @type {import('./network.js').Path} */ (paths[leg - 1]);
  const delay = () => now + random.below(!quiet() && random.percent(chance) ? 1_500 : 40);
  /** Whether a request or its answer gets lost. */
  const lost = () => !quiet() && random.percent(chance / 2);

  // ---- the two halves

  /** To the client's half. @param {any} input */
  function say(input) {
    client.handle(now, input);
    for (let output = client.pollOutput(); output; output = client.pollOutput()) clientDoes(output);
    const due = client.pollTimeout();
    if (due === Infinity || due >= (clientTimer ?? Infinity)) return;
    const at = Math.max(due, now);
    clientTimer = at;
    agenda.plan(at, () => {
      // One that was armed anew for an earlier moment leaves a stale one behind.
      if (clientTimer !== at) return;
      clientTimer = undefined;
      say({ timeout: true });
    });
  }

  /** To the server's half. @param {any} command */
  function tell(command) {
    const full = paths.filter(({ underWay }) => underWay >= room).flatMap(({ carrier }) => carrier ?? []);
    const answer = peer.tell({ now, ...command, full });
    newest = answer.newest;
    for (const effect of answer.effects) serverDoes(effect);
    if (answer.kept > replayFrames) throw new Broken(`${answer.kept} frames are kept of ${replayFrames}`);
    const due = answer.timeout;
    if (due === null || due >= (serverTimer ?? Infinity)) return;
    const at = Math.max(due, now);
    serverTimer = at;
    agenda.plan(at, () => {
      if (serverTimer !== at) return;
      serverTimer = undefined;
      tell({ timeout: true });
    });
  }

  /** Lets the server write on: a carrier takes little at a time, and may have room again. */
  function nudge() {
    if (nudged) return;
    nudged = true;
    agenda.plan(now, () => {
      nudged = false;
      tell({});
    });
  }

  /** @param {any} output */
  function clientDoes(output) {
    if (output.write) writeUp(output.write, output.lines);
    else if (output.request) issue(output.request, output.route, output.lines.join('\n'));
    else if (output.usable) Object.assign(owner.legs.get(output.usable) ?? {}, { usable: true });
    else if (output.frame) ledger.received(output.frame);
    else if (output.close) dispose(output.close);
    else if (output.reset) ledger.reset(output.reset, output.lost);
    else if (output.unknown) ledger.unknown(output.unknown);
    else if (output.pong) owner.heard(output.pong);
    else if (!output.active && !output.link) throw new Broken(`what is ${JSON.stringify(output)}?`);
  }

  /** @param {any} effect */
  function serverDoes(effect) {
    const carrier = effect.write ?? effect.finish;
    if (effect.command) ledger.taken(effect);
    else if (carrier) writeDown(carrier, effect.lines);
    else if (effect.refused) answerNothing(effect.refused);
    else if (effect.overrun) ledger.dropped(effect.overrun);
    else throw new Broken(`what is ${JSON.stringify(effect)}?`);
  }

  // ---- the network

  /** @param {number} leg @param {string[]} lines */
  function writeUp(leg, lines) {
    const { carrier, upCut, upLast } = path(leg);
    const at = Math.max(delay(), upLast);
    if (upCut) return;
    path(leg).upLast = at;
    for (const text of lines) agenda.plan(at, () => path(leg).upCut || tell({ socket: carrier, text }));
  }

  /** @param {number} leg @param {string} route @param {string} body */
  function issue(leg, route, body) {
    const request = ++counted;
    owner.issued(leg, route, request);
    const at = delay();
    if (!path(leg).upCut && !lost()) agenda.plan(at, () => arrive(leg, route, request, body));
    else if (random.percent(50)) agenda.plan(at, () => respond(leg, route, request));
    // Delivered twice: the copy late; or first, and it is the second whose answer is read, as when a browser repeats a POST.
    // Nobody reads a copy's answer, and the server may notice that or not.
    if (lost())
      agenda.plan(random.percent(50) ? now : at + random.below(3_000), () => {
        const carrier = ++counted;
        tell({ request: carrier, kind: route, body });
        if (random.percent(50)) agenda.plan(delay(), () => tell({ closed: carrier }));
      });
  }

  /** @param {number} leg @param {string} route @param {number} request @param {string} body */
  function arrive(leg, route, request, body) {
    const carrier = ++counted;
    const stream = route === 'stream';
    readers.set(carrier, { leg, route: stream ? undefined : route, request });
    if (stream) path(leg).carrier = carrier;
    tell({ request: carrier, kind: route, body });
  }

  /** @param {number} carrier @param {string[]} lines */
  function writeDown(carrier, lines) {
    const reader = readers.get(carrier);
    if (!reader) return;
    const { leg, route, request } = reader;
    const at = delay();
    if (route) {
      const gone = lost();
      if (!gone || random.percent(50))
        agenda.plan(at, () => respond(leg, route, request, gone ? undefined : lines));
      return;
    }
    nudge();
    const way = path(leg);
    way.underWay++;
    if (way.downCut) return;
    way.downLast = Math.max(at, way.downLast);
    agenda.plan(way.downLast, () => {
      way.underWay--;
      nudge();
      for (const text of lines) if (!way.downCut && !way.disposed) say({ line: leg, text });
    });
  }

  /** @param {number} carrier */
  function answerNothing(carrier) {
    const reader = readers.get(carrier);
    if (!reader) return;
    const { leg, route, request } = reader;
    agenda.plan(delay(), () => (route ? respond(leg, route, request) : drop(leg)));
  }

  /** An answer, or the news that there is none. @param {number} leg @param {string} route @param {number} request @param {string[]} [lines] */
  function respond(leg, route, request, lines) {
    if (!owner.awaits(leg, route, request)) return;
    say(lines ? { answer: leg, route, lines } : { failed: leg, route });
  }

  // ---- legs

  /** @param {import('./network.js').Transport} transport */
  function open(transport) {
    const leg = paths.push(createPath(paths.length + 1, transport));
    if (transport === 'websocket') {
      const carrier = ++counted;
      path(leg).carrier = carrier;
      readers.set(carrier, { leg, request: carrier });
      agenda.plan(delay(), () => say({ opened: leg }));
    }
    return leg;
  }

  /** The owner drops a leg and tells its session. @param {number} leg */
  function drop(leg) {
    if (!owner.legs.has(leg)) return;
    say({ closed: leg });
    dispose(leg);
  }

  /** @param {number} leg */
  function dispose(leg) {
    owner.forget(leg);
    const way = path(leg);
    const { carrier } = way;
    way.disposed = way.downCut = true;
    if (way.transport === 'websocket') way.upCut = true;
    // The server may hear of it, or believe the leg alive for ever: it must not matter (rule 3).
    if (carrier && random.percent(60)) agenda.plan(delay(), () => tell({ closed: carrier }));
  }

  function fault() {
    if (quiet() || paths.length === 0) return;
    const way = random.pick(paths);
    const directions = 1 + random.below(3);
    way.upCut ||= (directions & 1) !== 0;
    way.downCut ||= (directions & 2) !== 0;
    if (random.percent(40)) agenda.plan(delay(), () => drop(way.leg));
    const { carrier } = way;
    if (carrier && random.percent(40)) agenda.plan(delay(), () => tell({ closed: carrier }));
  }

  // ---- the applications, and time

  const pushUp = () => say({ push: ledger.pushUp() });

  function pushDown() {
    const id = newest;
    const burst = random.percent(20) ? 7 : 1;
    if (id) tell({ push: id, lines: Array.from({ length: burst }, () => ledger.pushDown(id)) });
  }

  function look() {
    owner.look(quiet());
    agenda.plan(now + LOOK_EVERY, look);
  }

  peer.tell({ new: { replay_frames: replayFrames, resume_ms: resume, hold_ms: 2_000 } });
  agenda.plan(0, look);
  for (let n = 4 + random.below(20); n > 0; n--)
    agenda.plan(random.below(9_000), random.percent(50) ? pushUp : pushDown);
  for (let n = random.below(14); n > 0; n--) agenda.plan(random.below(9_000), fault);
  let probe = faultsStop;
  let atOnce = 0;
  for (let next = agenda.next(); next; next = agenda.next()) {
    atOnce = next.at > now ? 0 : atOnce + 1;
    if (atOnce > MOST_AT_ONCE) throw new Broken(`busy without end at ${now}: ${ledger}`);
    now = next.at;
    next.happen();
    if (now < probe) continue;
    if (probe > faultsStop && ledger.settled(newest)) return;
    if (now > faultsStop + LONGEST_QUIET) throw new Broken(`stuck: ${ledger}`);
    probe = now + PROBE_EVERY;
    agenda.plan(now, pushUp);
    agenda.plan(now, pushDown);
  }
}
