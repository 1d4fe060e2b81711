// @ts-check
/**
 * What other clients did behind the same kinds of network, as plain data: the medians of benches/peers/results.md. They are not
 * measured by the page, and the page says so.
 *
 * @typedef {'clear' | 'refused' | 'hole' | 'mute' | 'killed' | 'both'} Column
 * @typedef {object} Figure
 * @property {string} first the time to the first message, as measured
 * @property {string} then what carried messages from then on
 * @property {boolean} failed it did not get through, or not for good
 */

/** Where the figures come from, to stand beneath them. */
export const SOURCE =
  'This page’s line was measured in this browser just now. This project measured the others before: released clients, on ' +
  'loopback, behind the same kind of fault. Lost messages were not counted for them.';

/** @param {string} first @param {string} then @returns {Figure} */
const held = (first, then) => ({ first, then, failed: false });
/** @param {string} first @param {string} then @returns {Figure} */
const failed = (first, then) => ({ first, then, failed: true });
const never = failed('never', 'nothing');
const flaps = (/** @type {string} */ first) => failed(first, 'cut again and again');

/** @type {Array<[client: string, figures: {[column in Column]: Figure}]>} */
export const PEERS = [
  [
    'Socket.IO, default',
    {
      clear: held('20 ms', 'WebSocket'),
      refused: held('19 ms', 'polling'),
      hole: held('21 ms', 'polling'),
      mute: held('22 ms', 'polling'),
      killed: flaps('20 ms'),
      both: held('21 ms', 'polling'),
    },
  ],
  [
    'Socket.IO, WebSocket first',
    {
      clear: held('19 ms', 'WebSocket'),
      refused: never,
      hole: never,
      mute: never,
      killed: flaps('17 ms'),
      both: never,
    },
  ],
  [
    'SockJS',
    {
      clear: held('19 ms', 'WebSocket'),
      refused: held('18 ms', 'XHR stream'),
      hole: held('0.62 s', 'XHR stream'),
      mute: held('0.62 s', 'XHR stream'),
      killed: failed('19 ms', 'nothing: it closes'),
      both: held('0.62 s', 'polling'),
    },
  ],
  [
    'SignalR',
    {
      clear: held('19 ms', 'WebSocket'),
      refused: held('19 ms', 'SSE'),
      hole: never,
      mute: never,
      killed: flaps('20 ms'),
      both: never,
    },
  ],
  [
    'centrifuge-js',
    {
      clear: held('20 ms', 'WebSocket'),
      refused: held('19 ms', 'HTTP stream'),
      hole: held('5.0 s', 'HTTP stream'),
      mute: never,
      killed: flaps('19 ms'),
      both: never,
    },
  ],
  [
    'AnyCable',
    {
      clear: held('19 ms', 'WebSocket'),
      refused: never,
      hole: never,
      mute: never,
      killed: flaps('20 ms'),
      both: never,
    },
  ],
  [
    'Phoenix, fallback on',
    {
      clear: held('19 ms', 'WebSocket'),
      refused: held('21 ms', 'polling'),
      hole: held('2.5 s', 'polling'),
      mute: held('2.5 s', 'polling'),
      killed: flaps('19 ms'),
      both: held('26 ms', 'polling'),
    },
  ],
];
