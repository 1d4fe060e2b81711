// @ts-check
/**
 * What other clients did behind the same kinds of network, as plain data: the medians of benches/peers/results.json. They are not
 * measured by the page, and the page says so.
 *
 * @typedef {'clear' | 'refused' | 'hole' | 'mute' | 'killed' | 'both'} Column
 * @typedef {object} Figure
 * @property {string} first the time to the first message, as measured
 * @property {string} then what carried messages from then on, and how many of them were lost
 * @property {boolean} failed it did not get through, or not for good
 */

/** Where the figures come from, to stand beneath them. */
export const SOURCE =
  'This page’s line was measured in this browser just now. This project measured the others before: released clients, on ' +
  'loopback, behind the same kind of fault. ¹ Loss not measured: a stand-in took the place of its server.';

const NONE = ', none lost';
/** @param {number} count @param {number} sent */
const lost = (count, sent) => `, ${count.toLocaleString('en')} of ${sent.toLocaleString('en')} lost`;
/** Behind a stand-in: the note says it. */
const UNMEASURED = ' ¹';

/** @param {string} first @param {string} carrier @param {string} losses @returns {Figure} */
const held = (first, carrier, losses) => ({ first, then: carrier + losses, failed: false });
/** @param {string} first @param {string} then @returns {Figure} */
const failed = (first, then) => ({ first, then, failed: true });
const never = failed('never', 'nothing');
/** @param {string} first @param {string} losses */
const flaps = (first, losses) => failed(first, `cut again and again${losses}`);
/** @param {string} first */
const closes = (first) => failed(first, 'nothing: it closes');

/** @type {Array<[client: string, figures: {[column in Column]: Figure}]>} */
export const PEERS = [
  [
    'Socket.IO, default',
    {
      clear: held('18 ms', 'WebSocket', NONE),
      refused: held('20 ms', 'polling', NONE),
      hole: held('20 ms', 'polling', NONE),
      mute: held('21 ms', 'polling', NONE),
      killed: flaps('19 ms', lost(726, 983)),
      both: held('19 ms', 'polling', NONE),
    },
  ],
  [
    'Socket.IO, recovery on',
    {
      clear: held('18 ms', 'WebSocket', NONE),
      refused: held('19 ms', 'polling', NONE),
      hole: held('21 ms', 'polling', NONE),
      mute: held('19 ms', 'polling', NONE),
      killed: flaps('20 ms', NONE),
      both: held('21 ms', 'polling', NONE),
    },
  ],
  [
    'Socket.IO, WebSocket first',
    {
      clear: held('18 ms', 'WebSocket', NONE),
      refused: never,
      hole: never,
      mute: never,
      killed: flaps('17 ms', lost(746, 968)),
      both: never,
    },
  ],
  [
    'SockJS',
    {
      clear: held('19 ms', 'WebSocket', NONE),
      refused: held('16 ms', 'XHR stream', NONE),
      hole: held('630 ms', 'XHR stream', NONE),
      mute: held('623 ms', 'XHR stream', NONE),
      killed: closes('19 ms'),
      both: held('624 ms', 'polling', NONE),
    },
  ],
  [
    'SignalR',
    {
      clear: held('19 ms', 'WebSocket', UNMEASURED),
      refused: held('20 ms', 'SSE', UNMEASURED),
      hole: never,
      mute: never,
      killed: flaps('19 ms', UNMEASURED),
      both: never,
    },
  ],
  [
    'centrifuge-js',
    {
      clear: held('20 ms', 'WebSocket', UNMEASURED),
      refused: held('20 ms', 'HTTP stream', UNMEASURED),
      hole: held('5.02 s', 'HTTP stream', UNMEASURED),
      mute: never,
      killed: flaps('20 ms', UNMEASURED),
      both: never,
    },
  ],
  [
    'AnyCable',
    {
      clear: held('19 ms', 'WebSocket', UNMEASURED),
      refused: never,
      hole: never,
      mute: never,
      killed: flaps('19 ms', UNMEASURED),
      both: never,
    },
  ],
  [
    'Phoenix, fallback on',
    {
      clear: held('19 ms', 'WebSocket', UNMEASURED),
      refused: held('21 ms', 'polling', UNMEASURED),
      hole: held('2.53 s', 'polling', UNMEASURED),
      mute: held('2.52 s', 'polling', UNMEASURED),
      killed: flaps('20 ms', UNMEASURED),
      both: held('28 ms', 'polling', UNMEASURED),
    },
  ],
];
