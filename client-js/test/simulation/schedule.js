// @ts-check
/**
 * One schedule: a client, the real server, and a network that misbehaves for a while.
 *
 * The seed decides when the applications speak, and which legs the owner opens and requests. It decides whether the gateway asks for tokens. It also decides what the network
 * cuts, delays, loses and duplicates.
 *
 * @import { Failure, Route, SessionInput, SessionOutput } from '../../src/session/events.js'
 * @import { Transport } from '../../src/types.js'
 * @import { Half } from './mutants.js'
 */

import { createDoor } from './door.js';
import { createGuest } from './guest.js';
import { Broken, createLedger } from './ledger.js';
import { createAgenda, createLine, createPath, LONGEST_WRITE } from './network.js';
import { createOwner } from './owner.js';
import { createRandom } from './random.js';

/** Everything arrives within this time after the faults stop. It is a few times as long as a dead leg takes to notice. */
const LONGEST_QUIET = 60_000;
/** How much longer an answer may take on a slow line, behind some 60 KB. */
const PATIENCE = 25_000;
/** The interval at which each application speaks after the faults, until everything has arrived. */
const PROBE_EVERY = 4_000;
const LOOK_EVERY = 250;
/** More events at one moment mean that something spins. */
const MOST_AT_ONCE = 5_000;

/** The gateway's route. @param {Route} route */
const kindOf = (route) => (route === 'links' ? 'send' : route);

/**
 * Runs a schedule to its end. Throws if an invariant breaks.
 * @param {number} seed
 * @param {ReturnType<typeof import('./peer.js').createPeer>} peer
 * @param {Half} half
 */
export function run(seed, peer, { Session, Identity }) {
  const random = createRandom(seed);
  const replayFrames = random.percent(25) ? 4 : 64;
  const resume = random.percent(40) ? 1_500 : 120_000;
  const room = 1 + random.below(4);
  const chance = random.below(30);
  const faultsStop = 3_000 + random.below(6) * 1_000;
  /** Some messages are long, and some are none that a gateway reads. */
  const isHard = random.percent(40);
  let secrets = 0;
  const client = new Session({ randomId: (words = 4) => `${++secrets}`.padStart(6 * words, '0') });
  const ledger = createLedger();
  const agenda = createAgenda();
  /** Leg n is at n - 1. @type {import('./network.js').Path[]} */
  const paths = [];
  /**
   * The reader of each carrier: a leg, and the route and the number of a request.
   * @type {Map<number, {leg: number, route?: Route, request: number}>}
   */
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
  /** The gateway said that a session is over. */
  let isGone = false;
  /** The lines that go up once the client leaves; none before. @type {string[] | undefined} */
  let parting;
  const line = createLine(random);
  const owner = createOwner(random, {
    now: () => now,
    say,
    open,
    drop,
    patience: line.rate < Infinity ? PATIENCE : 0,
  });
  const door = createDoor(random, {
    now: () => now,
    quiet: () => quiet(),
    plan: (at, happen) => agenda.plan(at, happen),
    tell,
    write: writeDown,
    gone: (carrier) => tell({ closed: carrier }),
  });
  const guest = createGuest(random, Identity, {
    isOpen: door.isOpen,
    session: client,
    now: () => now,
    quiet: () => quiet(),
    plan: (at, happen) => agenda.plan(at, happen),
    issue: () => door.issue(),
    say,
  });
  // A long line must have another way.
  if (owner.hasSocketsOnly) line.hole = 0;

  const quiet = () => now >= faultsStop;
  const path = (/** @type {number} */ leg) => /** @type {import('./network.js').Path} */ (paths[leg - 1]);
  const delay = () => now + random.below(!quiet() && random.percent(chance) ? 1_500 : 40);
  /** True if the network loses a request or its answer. */
  const lost = () => !quiet() && random.percent(chance / 2);

  // ---- the two halves

  /** Hands an input to the client's half. @param {SessionInput} input */
  function say(input) {
    client.handle(now, input);
    for (let output = client.pollOutput(); output; output = client.pollOutput()) clientDoes(output);
    const due = client.pollTimeout();
    if (due === Infinity || due >= (clientTimer ?? Infinity)) return;
    const at = Math.max(due, now);
    clientTimer = at;
    agenda.plan(at, () => {
      // A timer that was rearmed for an earlier time leaves a stale entry.
      if (clientTimer !== at) return;
      clientTimer = undefined;
      say({ type: 'timeout' });
    });
  }

  /** Hands a command to the server's half. @param {any} command */
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

  /** Lets the server write on. A carrier takes little at a time, and may have room again. */
  function nudge() {
    if (nudged) return;
    nudged = true;
    agenda.plan(now, () => {
      nudged = false;
      tell({});
    });
  }

  /** @param {SessionOutput} output */
  function clientDoes(output) {
    if (parting) return void parting.push(...('lines' in output ? output.lines : []));
    checkToken(output);
    guest.hears(output);
    switch (output.type) {
      case 'write':
        return writeUp(output.leg, output.lines);
      case 'post':
        return issue(output.leg, output.route, output.lines.join('\n'), output.timeoutMs);
      case 'legUsable':
        return void Object.assign(owner.legs.get(output.leg) ?? {}, { usable: true });
      case 'deliver':
        return ledger.received(output.frame);
      case 'legDropped':
        return dispose(output.leg);
      case 'reset':
        if (output.reason === 'gone' && !isGone) throw new Broken('the client gave up a session that lives');
        return ledger.reset(output.reason, output.lost);
      case 'unknownOutcome':
        return ledger.unknown(output.lines);
      case 'pong':
        return pong(output.leg, output.isLong);
      case 'lineStuck':
        return say({ type: 'withdrawLine' });
      case 'wait':
        return owner.waits(output.leg, output.ms);
      case 'oneRequest':
      case 'legActive':
      case 'tokenAnswered':
      case 'link':
        return undefined;
      default:
        // Only a mutant says this.
        if ('claim' in output) return ledger.claim(/** @type {any} */ (output).claim);
        throw new Broken(`the client gave an unknown output: ${JSON.stringify(output)}`);
    }
  }

  /** @param {SessionOutput} output */
  function checkToken(output) {
    if (output.type !== 'write' && output.type !== 'post') return;
    const isSend = output.type === 'post' && kindOf(output.route) === 'send';
    door.check(output.lines[0] ?? '', !isSend && owner.legs.get(output.leg)?.usable !== true);
  }

  /** @param {any} effect */
  function serverDoes(effect) {
    const carrier = effect.write ?? effect.finish;
    if (effect.command) ledger.taken(effect);
    else if (carrier) writeDown(carrier, door.lines(carrier, effect.lines));
    else if (effect.refused) answerNothing(effect.refused, effect.code);
    else if (effect.overrun) ledger.dropped(effect.overrun);
    else throw new Broken(`the server gave an unknown effect: ${JSON.stringify(effect)}`);
  }

  /** A long pong cannot come where long writes are lost. @param {number} leg @param {boolean} isLong */
  function pong(leg, isLong) {
    if (isLong && line.hole && path(leg).transport === 'websocket')
      throw new Broken(`leg ${leg} proved that long writes pass, where they are lost`);
    owner.heard(leg, isLong);
  }

  // ---- the network

  /** When so many characters that go up a leg's line now are through. @param {number} leg @param {number} size */
  function throughUp(leg, size) {
    const way = path(leg);
    way.upFree = Math.max(now, way.upFree) + size / line.rate;
    return Math.max(delay(), Math.ceil(way.upFree));
  }

  /** @param {number} leg @param {string[]} lines */
  function writeUp(leg, lines) {
    const { carrier, upCut } = path(leg);
    if (upCut) return;
    for (const text of lines) {
      path(leg).upLost ||= (line.hole & 1) !== 0 && text.length > LONGEST_WRITE;
      if (path(leg).upLost) return;
      const at = Math.max(throughUp(leg, text.length), path(leg).upLast);
      path(leg).upLast = at;
      agenda.plan(at, () => path(leg).upCut || !carrier || door.socket(carrier, text));
    }
  }

  /** @param {number} leg @param {Route} route @param {string} body @param {number} [timeoutMs] */
  function issue(leg, route, body, timeoutMs) {
    const request = ++counted;
    owner.issued(leg, route, request, timeoutMs);
    if (body.length > line.largest) return refuse(leg, route, request, body);
    const at = throughUp(leg, body.length);
    if (!path(leg).upCut && !lost()) agenda.plan(at, () => arrive(leg, route, request, body));
    else if (random.percent(50)) agenda.plan(at, () => respond(leg, route, request));
    // The network duplicates a request. The copy comes late, or it comes first, as when a browser repeats a POST. The client
    // does not read the answer to the copy, and the server may or may not notice that.
    if (lost())
      agenda.plan(random.percent(50) ? now : at + random.below(3_000), () => {
        const carrier = ++counted;
        door.request(carrier, kindOf(route), body, path(leg).carrier);
        if (random.percent(50)) agenda.plan(delay(), () => tell({ closed: carrier }));
      });
  }

  /**
   * A proxy refuses a body that is too large for it.
   * @param {number} leg
   * @param {Route} route
   * @param {number} request
   * @param {string} body
   */
  function refuse(leg, route, request, body) {
    if (line.delivers)
      agenda.plan(now + random.below(8_000), () =>
        door.request(++counted, kindOf(route), body, path(leg).carrier),
      );
    const { refusal } = line;
    if (refusal === 'silence') return;
    const page = refusal === 'page' ? ['<html>'] : undefined;
    const failure = Number(refusal) > 0 ? { status: Number(refusal) } : {};
    agenda.plan(delay(), () => respond(leg, route, request, page, failure));
  }

  /** @param {number} leg @param {Route} route @param {number} request @param {string} body */
  function arrive(leg, route, request, body) {
    const carrier = ++counted;
    const stream = route === 'stream';
    readers.set(carrier, { leg, route: stream ? undefined : route, request });
    if (stream) path(leg).carrier = carrier;
    door.request(carrier, kindOf(route), body, path(leg).carrier);
  }

  /** @param {number} carrier @param {string[]} lines */
  function writeDown(carrier, lines) {
    const reader = readers.get(carrier);
    if (!reader) return;
    isGone ||= lines.some((text) => text.includes('"code":"gone"'));
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
    const size = lines.join().length;
    way.downLost ||= (line.hole & 2) !== 0 && way.transport === 'websocket' && size > LONGEST_WRITE;
    if (way.downCut || way.downLost) return;
    way.downLast = Math.max(at, way.downLast);
    agenda.plan(way.downLast, () => {
      way.underWay--;
      nudge();
      for (const text of lines)
        if (!way.downCut && !way.disposed) say({ type: 'frameArrived', leg, frame: text });
    });
  }

  /** @param {number} carrier @param {string} code */
  function answerNothing(carrier, code) {
    const reader = readers.get(carrier);
    if (!reader) return;
    const { leg, route, request } = reader;
    const failure = code === 'bad_frame' || code === 'too_large' ? { code } : {};
    agenda.plan(delay(), () =>
      route ? respond(leg, route, request, undefined, /** @type {Failure} */ (failure)) : drop(leg),
    );
  }

  /**
   * Hands in an answer. Without lines, hands in a failure.
   * @param {number} leg
   * @param {Route} route
   * @param {number} request
   * @param {string[]} [lines]
   * @param {Failure} [failure]
   */
  function respond(leg, route, request, lines, failure) {
    if (!owner.awaits(leg, route, request)) return;
    say(
      lines
        ? { type: 'answerArrived', leg, route, lines }
        : { type: 'requestFailed', leg, route, ...failure },
    );
  }

  // ---- legs

  /** @param {Transport} transport */
  function open(transport) {
    const leg = paths.push(createPath(paths.length + 1, transport));
    guest.opened(leg);
    if (transport === 'websocket') {
      const carrier = ++counted;
      path(leg).carrier = carrier;
      readers.set(carrier, { leg, request: carrier });
      agenda.plan(delay(), () => say({ type: 'socketOpened', leg }));
    }
    return leg;
  }

  /** The owner drops a leg and tells its session. @param {number} leg */
  function drop(leg) {
    if (!owner.legs.has(leg)) return;
    say({ type: 'dropLeg', leg });
    dispose(leg);
  }

  /** @param {number} leg */
  function dispose(leg) {
    owner.forget(leg);
    const way = path(leg);
    const { carrier } = way;
    way.disposed = way.downCut = true;
    if (way.transport === 'websocket') way.upCut = true;
    // The server may hear of this, or may believe the leg alive for ever. That must not matter (rule 3).
    if (carrier && random.percent(60)) agenda.plan(delay(), () => tell({ closed: carrier }));
  }

  function fault() {
    if (quiet() || paths.length === 0) return;
    if (random.percent(15)) door.revoke();
    const way = random.pick(paths);
    const directions = 1 + random.below(3);
    way.upCut ||= (directions & 1) !== 0;
    way.downCut ||= (directions & 2) !== 0;
    if (random.percent(40)) agenda.plan(delay(), () => drop(way.leg));
    const { carrier } = way;
    if (carrier && random.percent(40)) agenda.plan(delay(), () => tell({ closed: carrier }));
  }

  // ---- the applications, and time

  const kinds = /** @type {const} */ (['short', 'short', 'short', 'short', 'long', 'long', 'unreadable']);
  /** @type {string[]} */
  const pushed = [];

  function pushUp() {
    const text = ledger.pushUp(isHard ? random.pick([...kinds]) : 'short');
    pushed.push(text);
    say({ type: 'push', line: text });
    // The application may give up a message. That succeeds only while no leg has it.
    const given = random.pick(pushed);
    if (random.percent(20) && client.recall(given)) ledger.recalled(given);
  }

  function pushDown() {
    const id = newest;
    const burst = random.percent(20) ? 7 : 1;
    if (id) tell({ push: id, lines: Array.from({ length: burst }, () => ledger.pushDown(id)) });
  }

  /** The client is done: all that waits goes before its bye, and nothing goes after it. */
  function leave() {
    if (![...owner.legs.values()].some(({ usable }) => usable)) return;
    parting = [];
    const last = [ledger.pushUp(), ledger.pushUp()];
    for (const text of last) say({ type: 'push', line: text });
    say({ type: 'bye' });
    const bye = parting.indexOf('{"bye":{}}');
    if (bye !== parting.length - 1) throw new Broken('the bye is not the last line');
    for (const text of last)
      if (!parting.includes(text)) throw new Broken('the client left without a message that waited');
    say({ type: 'push', line: ledger.pushUp() });
    say({ type: 'timeout' });
    if (parting.length - 1 > bye) throw new Broken('the client spoke after its bye');
  }

  function look() {
    if (guest.mayOpen(owner.legs.size)) owner.look(quiet());
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
    const isHardNetwork = line.rate < Infinity || line.largest < Infinity || line.hole > 0;
    if (probe > faultsStop && ledger.settled(newest)) return isHardNetwork || isHard ? undefined : leave();
    if (now > faultsStop + LONGEST_QUIET * (isHardNetwork ? 3 : 1)) throw new Broken(`stuck: ${ledger}`);
    probe = now + PROBE_EVERY;
    agenda.plan(now, () => say({ type: 'push', line: ledger.pushUp() }));
    agenda.plan(now, pushDown);
  }
}
