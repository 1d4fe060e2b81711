// @ts-check
/**
 * Drives the pair of sessions, before and after the rewrite, with random inputs and a small fake gateway.
 *
 * `THROUGHLINE_SEED=n` replays one seed and prints its inputs; `THROUGHLINE_SEEDS=n` runs `n` seeds. Temporary: it goes with this
 * folder.
 *
 * @import { RawFrame } from '../../src/protocol/frames.js'
 * @import { Route, SessionInput, SessionOutput } from '../../src/session/events.js'
 * @import { Transport } from '../../src/types.js'
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import { createRandom } from '../simulation/random.js';
import { Difference, SessionPair } from './session-pair.js';

const SEEDS = 2_000;
const STEPS = 150;
const MOST_LEGS = 4;

/**
 * @typedef {object} FakeLeg
 * @property {number} number
 * @property {Transport} transport
 * @property {boolean} isOpen its socket opened, or its stream was posted
 * @property {boolean} isWelcomed its first welcome went
 * @property {boolean} isCut its writes are lost
 * @property {any[]} hellos the hellos of its writes and its stream
 * @property {Map<Route, {hello: any, lines: string[]}>} flights
 * @property {number} up the number of the next line up, on a socket
 * @property {number} down the number of the next line down
 * @property {number[]} pings the pings that the gateway has not answered
 */

const LINKS = ['hello', 'ack', 'ping', 'pong'];
const MALFORMED = ['', '<html>', 'null', '7', '"text"', '[1]', '{}', '{"pub":"c"'];

/** A gateway with one session. It answers in good faith, and forgets its session when told. */
class FakeGateway {
  /** @type {string | undefined} */
  #secret;
  #incarnations = 0;
  received = 0;
  /** The frames that went down. @type {RawFrame[]} */
  frames = [];

  /** @param {ReturnType<typeof createRandom>} random */
  constructor(random) {
    this.random = random;
    this.limits = {
      replay_frames: random.pick([8, 64, 4096]),
      replay_bytes: random.pick([2_000, 1 << 20]),
      body_bytes: random.pick([4_096, 16_384, 65_536]),
      body_lines: random.pick([4, 16, 512]),
      line_bytes: 65_536,
    };
  }

  get id() {
    return `s${this.#incarnations}`;
  }

  /** Loses the session. The next hello with its id is answered by `gone`. */
  lose() {
    this.#secret = undefined;
  }

  /** True if the gateway has the session of this hello. @param {any} hello */
  knows(hello) {
    return hello?.session === this.#secret;
  }

  /** @param {any} hello */
  greet(hello) {
    if (hello.id || this.knows(hello)) return;
    this.#secret = hello.session;
    this.#incarnations++;
    this.received = 0;
    this.frames = [];
  }

  /** Takes numbered lines. @param {number} next @param {string[]} lines */
  take(next, lines) {
    for (const line of lines) {
      if (LINKS.includes(Object.keys(JSON.parse(line))[0] ?? '')) continue;
      if (next === this.received + 1) this.received = next;
      next++;
    }
    return next;
  }

  /** The first frame for a hello. @param {any} hello @param {any} [fields] */
  welcome(hello, fields) {
    const { random } = this;
    if (!this.knows(hello)) return JSON.stringify({ end: { v: 1, nonce: hello.nonce, code: 'gone' } });
    const welcome = {
      v: 1,
      nonce: hello.nonce,
      id: this.id,
      leg: hello.leg,
      turn: hello.turn ?? 0,
      received: random.percent(90) ? this.received : random.below(this.received + 1),
      next: hello.received + 1,
      transports: ['websocket', 'sse', 'poll'],
      heartbeat_ms: 15_000 + random.below(3),
      hold_ms: 25_000,
      resume_ms: 120_000,
      network: random.percent(50) ? 'home' : undefined,
      limits: this.limits,
      ...fields,
    };
    return JSON.stringify({ welcome });
  }

  /** The frame with this number. @param {number} number @param {boolean} mayBeBinary @returns {RawFrame} */
  frame(number, mayBeBinary) {
    const { random } = this;
    const known = this.frames[number];
    if (known !== undefined && (mayBeBinary || typeof known === 'string')) return known;
    const head = `{"pub":"c","at":${number},"epoch":"e"}`;
    const lines = [
      `{"pub":"c","at":${number},"data":"${'é'.repeat(random.below(200))}"}`,
      `{"ok":${number},"at":1}`,
      `{"err":${number},"code":"forbidden"}`,
      `{"moonrise":${number}}`,
      `{"nonce":"n${number}"}`,
    ];
    const bytes = new Uint8Array(random.below(300)).fill(number);
    const frame = mayBeBinary && random.percent(30) ? { head, bytes } : random.pick(lines);
    this.frames[number] = frame;
    return frame;
  }
}

/**
 * Runs one seed. Throws at the first difference.
 * @param {number} seed
 * @param {(name: string) => void} count
 * @param {boolean} isTold prints the inputs and the outputs
 */
function drive(seed, count, isTold) {
  const random = createRandom(seed);
  const gateway = new FakeGateway(random);
  let ids = 0;
  const report = random.percent(50)
    ? (/** @type {number} */ now) => ({ ms: Math.floor(now), tried: ['websocket refused'] })
    : undefined;
  const pair = new SessionPair({ randomId: () => `${seed}-${++ids}`.padEnd(24, '_'), report });
  /** @type {Map<number, FakeLeg>} */
  const legs = new Map();
  let opened = 0;
  let pushed = 0;
  let now = random.below(10_000) / 10;
  const chaos = random.below(12);

  // ---- to the pair, and from it

  /** @param {SessionInput} input */
  function say(input) {
    count(`input ${input.type}`);
    if (isTold) console.log(now, JSON.stringify(input));
    pair.handle(now, input);
    for (let output = pair.pollOutput(); output; output = pair.pollOutput()) {
      if (isTold) console.log('   ', JSON.stringify(output));
      hear(output);
    }
  }

  /** @param {SessionOutput} output */
  function hear(output) {
    count(`output ${output.type}`);
    if ('reason' in output) count(`${output.type} ${output.reason}`);
    if (output.type === 'legDropped') legs.delete(output.leg);
    if (output.type !== 'write' && output.type !== 'post') return;
    const leg = /** @type {FakeLeg} */ (legs.get(output.leg));
    for (const line of output.lines) {
      const { ping } = JSON.parse(line);
      if (ping !== undefined) leg.pings.push(ping);
    }
    if (output.type === 'post') issue(leg, output);
    else if (!leg.isCut) takeWrite(leg, output.lines);
  }

  /** @param {FakeLeg} leg @param {Extract<SessionOutput, {type: 'post'}>} post */
  function issue(leg, { route, lines, outlivesPage }) {
    count(`post ${route}`);
    if (outlivesPage) count('post that outlives the page');
    const { hello } = JSON.parse(lines[0] ?? '{}');
    leg.flights.set(route, { hello, lines });
    if (route === 'stream') Object.assign(leg, { isOpen: true, hellos: [hello] });
    if (random.percent(chaos)) return;
    gateway.greet(hello);
    if (gateway.knows(hello)) gateway.take(hello.next, lines);
    if (route === 'send' && hello.turn) leg.hellos.push(hello);
  }

  /** @param {FakeLeg} leg @param {string[]} lines */
  function takeWrite(leg, lines) {
    for (const line of lines) {
      const { hello, ack, next } = JSON.parse(line);
      if (hello) {
        leg.hellos.push(hello);
        gateway.greet(hello);
      } else if (ack !== undefined) leg.up = next;
      else leg.up = gateway.take(leg.up, [line]);
    }
  }

  // ---- what a gateway says

  /** @param {FakeLeg} leg @param {boolean} mayBeBinary */
  const nextFrame = (leg, mayBeBinary) => gateway.frame(leg.down++, mayBeBinary);

  /** A frame that is not numbered, or is wrong. @param {FakeLeg} leg @returns {RawFrame} */
  function otherFrame(leg) {
    const { received } = gateway;
    return random.pick([
      () => `{"ack":${received}}`,
      () => `{"ack":${random.below(received + 1)}}`,
      () => `{"ack":${received},"next":${leg.down}}`,
      () => `{"ping":${random.below(99)}}`,
      () => `{"pong":${leg.pings.shift() ?? 0}}`,
      () => '{"goaway":{"after_ms":5,"jitter_ms":6}}',
      () => '{"config":{"transports":["sse","poll"],"jitter_ms":5}}',
      () => '{"config":{"jitter_ms":5}}',
      () => (random.percent(80) ? `{"ping":1}` : `{"ack":${received + 1 + random.below(99)}}`),
      () => (random.percent(50) ? `{"pong":1}` : random.pick(MALFORMED)),
      () => {
        if (random.percent(50)) return nextFrame(leg, false);
        leg.down += 1 + random.below(9);
        return `{"ack":${received},"next":${leg.down}}`;
      },
      () => JSON.stringify({ end: { v: 1, code: random.pick(['draining', 'slow', 'unauthorized']) } }),
    ])();
  }

  /** The answer to a hello, or what a stranger says instead. @param {any} hello */
  function firstFrame(hello) {
    const { nonce } = hello;
    if (!random.percent(chaos)) return gateway.welcome(hello);
    return random.pick([
      () => random.pick(MALFORMED),
      () => gateway.welcome({ ...hello, nonce: `${nonce}0` }),
      () => gateway.welcome(hello, { id: 'stranger' }),
      () => gateway.welcome(hello, { received: gateway.received + 50 }),
      () => gateway.welcome(hello, { next: hello.received + 1 + random.below(5) }),
      () => gateway.welcome(hello, { turn: random.below(5) }),
      () => gateway.welcome(hello, { received: undefined }),
      () => JSON.stringify({ end: { v: 1, nonce, code: random.pick(['gone', 'draining', 'bad_frame']) } }),
      () => '{"pub":"c","at":1}',
      () => `{"ack":0,"nonce":"${nonce}"}`,
    ])();
  }

  /** @param {FakeLeg} leg */
  function speak(leg) {
    const say1 = (/** @type {RawFrame} */ frame) => {
      if (typeof frame !== 'string') count('binary frame');
      if (legs.get(leg.number) === leg) say({ type: 'frameArrived', leg: leg.number, frame });
    };
    const newest = leg.hellos.at(-1);
    if (!leg.isWelcomed) {
      const hello = leg.hellos[0];
      if (!hello) return;
      leg.isWelcomed = true;
      leg.down = hello.received + 1;
      return say1(firstFrame(hello));
    }
    if (!gateway.knows(newest)) return;
    if (random.percent(20)) {
      // The confirmation of a turn, or a welcome that a proxy held back.
      const hello = random.percent(80) ? newest : random.pick(leg.hellos);
      if (hello.turn) leg.down = hello.received + 1;
      return say1(gateway.welcome(hello));
    }
    const isSocket = leg.transport === 'websocket';
    if (random.percent(40)) return say1(otherFrame(leg));
    for (let n = 1 + random.below(6); n > 0; n--) say1(nextFrame(leg, isSocket));
  }

  /** @param {FakeLeg} leg @param {Route} route */
  function reply(leg, route) {
    const flight = leg.flights.get(route);
    if (!flight) return;
    leg.flights.delete(route);
    const { hello } = flight;
    const { nonce } = hello;
    leg.down = hello.received + 1;
    let first = firstFrame(hello);
    if (gateway.knows(hello) && random.percent(40)) {
      count('brief welcome');
      const { received } = gateway;
      first = random.pick([
        JSON.stringify({ nonce, received: route === 'send' ? received : undefined, next: leg.down }),
        JSON.stringify({ nonce, received, next: leg.down }),
        JSON.stringify({ nonce, received }),
        JSON.stringify({ nonce }),
      ]);
    }
    const lines = random.percent(chaos / 4) ? [] : [first];
    if (route === 'poll')
      for (let n = random.below(5); n > 0; n--) {
        const frame = random.percent(70) ? nextFrame(leg, false) : otherFrame(leg);
        // An answer holds lines only.
        lines.push(typeof frame === 'string' ? frame : frame.head);
      }
    say({ type: 'answerArrived', leg: leg.number, route, lines });
  }

  // ---- what happens

  const anyLeg = () => (legs.size > 0 ? random.pick([...legs.values()]) : undefined);
  /** @param {(leg: FakeLeg) => void} act */
  const onLeg = (act) => {
    const leg = anyLeg();
    if (leg) act(leg);
  };
  /** @param {(leg: FakeLeg, route: Route) => void} act */
  const onFlight = (act) => {
    const flights = [...legs.values()].flatMap((leg) =>
      [...leg.flights.keys()].map((route) => /** @type {const} */ ([leg, route])),
    );
    if (flights.length > 0) act(...random.pick(flights));
  };

  function open() {
    if (legs.size >= MOST_LEGS) return;
    const transport = random.pick(/** @type {Transport[]} */ (['websocket', 'sse', 'poll']));
    const number = ++opened;
    const [hellos, pings] = [/** @type {any[]} */ ([]), /** @type {number[]} */ ([])];
    const flights = new Map();
    const isCut = random.percent(chaos / 2);
    const leg = {
      number,
      transport,
      isOpen: false,
      isWelcomed: false,
      isCut,
      hellos,
      flights,
      up: 1,
      down: 1,
      pings,
    };
    legs.set(number, leg);
    say({ type: 'openLeg', transport });
  }

  function push() {
    const length = random.pick([1, 5, 50, 500, 500, 2_000, 2_000, 9_000, 70_000]);
    const letter = random.pick(['x', 'x', 'é', '😀']);
    const burst = length < 2_000 && random.percent(20) ? 20 : 1;
    for (let n = burst; n > 0; n--)
      say({ type: 'push', line: `{"pub":"c","id":${++pushed},"data":"${letter.repeat(length)}"}` });
  }

  /** An event of a leg that is over, or was never opened. */
  function stray() {
    const leg = random.percent(50) ? opened + 1 + random.below(3) : random.below(opened + 1);
    if (legs.has(leg)) return;
    const route = random.pick(/** @type {Route[]} */ (['stream', 'send', 'poll']));
    say(
      random.pick(
        /** @type {SessionInput[]} */ ([
          { type: 'socketOpened', leg },
          { type: 'frameArrived', leg, frame: '{"pub":"c"}' },
          { type: 'answerArrived', leg, route, lines: ['{}'] },
          { type: 'requestFailed', leg, route },
          { type: 'legDied', leg },
          { type: 'dropLeg', leg },
          { type: 'requestTurn', leg },
          { type: 'sendPing', leg },
        ]),
      ),
    );
  }

  /** @type {Array<[number, () => void]>} */
  const actions = [
    [20, () => onLeg((leg) => leg.isOpen && speak(leg))],
    [22, () => onFlight((leg, route) => route !== 'stream' && reply(leg, route))],
    [6, open],
    [
      10,
      () => {
        const waiting = [...legs.values()].filter((leg) => leg.transport === 'websocket' && !leg.isOpen);
        const [leg] = waiting;
        if (!leg) return;
        leg.isOpen = true;
        say({ type: 'socketOpened', leg: leg.number });
      },
    ],
    [10, push],
    [
      4,
      () =>
        onFlight((leg, route) => {
          const status = random.pick([undefined, undefined, 413, 413, 413, 502, 200]);
          count(`failure with status ${status}`);
          leg.flights.delete(route);
          if (route === 'stream' && !random.percent(30)) return;
          say({ type: 'requestFailed', leg: leg.number, route, status });
        }),
    ],
    [
      2,
      () =>
        onLeg(({ number }) => {
          legs.delete(number);
          say({ type: random.pick(/** @type {const} */ (['legDied', 'dropLeg'])), leg: number });
        }),
    ],
    [5, () => onLeg(({ number }) => say({ type: 'requestTurn', leg: number }))],
    [5, () => onLeg(({ number }) => say({ type: 'sendPing', leg: number }))],
    [1, () => say({ type: 'park' })],
    [2, () => say({ type: 'timeout' })],
    [
      10,
      () => {
        const due = pair.pollTimeout();
        if (due === Infinity) return;
        now = Math.max(now, due);
        say({ type: 'timeout' });
      },
    ],
    [1, () => random.percent(30) && gateway.lose()],
    [
      1,
      () => {
        pair.token = random.pick([undefined, 'me', 'you']);
        pair.wish = { heartbeat_ms: 1_000 * random.below(30), hold_ms: 20_000 };
      },
    ],
    [1, stray],
  ];
  const total = actions.reduce((sum, [weight]) => sum + weight, 0);

  for (let step = 0; step < STEPS; step++) {
    now += random.below(400) / 10;
    let place = random.below(total);
    const [, act] = actions.find(([weight]) => (place -= weight) < 0) ?? [];
    act?.();
  }
}

/** Each of these happens, so the two sessions agree on them. */
const COVERED = [
  'input openLeg',
  'input socketOpened',
  'input frameArrived',
  'input answerArrived',
  'input requestFailed',
  'input legDied',
  'input dropLeg',
  'input requestTurn',
  'input sendPing',
  'input push',
  'input park',
  'input timeout',
  'output write',
  'output post',
  'output legUsable',
  'output legActive',
  'output pong',
  'output deliver',
  'output legDropped',
  'output reset',
  'output unknownOutcome',
  'output link',
  'legDropped foreign',
  'legDropped failed',
  'legDropped bad_frame',
  'legDropped replaced',
  'legDropped gone',
  'legDropped draining',
  'reset gone',
  'reset overrun',
  'post stream',
  'post send',
  'post poll',
  'post that outlives the page',
  'failure with status 413',
  'binary frame',
  'brief welcome',
];

test('the session before the rewrite and the session after it do the same', () => {
  const { THROUGHLINE_SEED: one, THROUGHLINE_SEEDS: many } = process.env;
  const first = Number(one ?? 0);
  const seeds = one ? 1 : Number(many ?? SEEDS);
  /** @type {Map<string, number>} */
  const counts = new Map();
  const count = (/** @type {string} */ name) => void counts.set(name, (counts.get(name) ?? 0) + 1);
  for (let seed = first; seed < first + seeds; seed++)
    try {
      drive(seed, count, one !== undefined);
    } catch (error) {
      const { message, stack } = /** @type {Error} */ (error);
      assert.fail(`seed ${seed}: ${error instanceof Difference ? message : stack}`);
    }
  if (one) return;
  if (process.env.THROUGHLINE_COUNTS) console.log(Object.fromEntries([...counts].sort()));
  const rare = COVERED.filter((name) => (counts.get(name) ?? 0) < seeds / 20);
  assert.deepEqual(rare, [], 'the seeds cover every event');
});
