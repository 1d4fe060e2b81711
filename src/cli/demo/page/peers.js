// @ts-check
/**
 * What other clients did behind the same kinds of network, as plain data: time to the first application message on
 * loopback, with released clients, measured once by this project. It is not measured by the page, and the page says so.
 *
 * @typedef {'refused' | 'hole' | 'mute' | 'killed' | 'both'} Column
 * @typedef {object} Figure
 * @property {string} text as measured
 * @property {number | null} ms the bar's length; null where the client did not get through, or not for good
 */

/** Where the figures come from, to stand beneath them. */
export const SOURCE =
  'Your line was measured in this browser just now. The others were measured before, once, by this project: ' +
  'released clients on loopback behind the same kind of fault, time to the first application message.';

/** @param {string} text @param {number | null} [ms] @returns {Figure} */
const figure = (text, ms = null) => ({ text, ms });
const never = figure('never');
const flaps = figure('flaps for ever');

/** @type {Array<[client: string, figures: {[column in Column]: Figure}]>} */
export const PEERS = [
  [
    'Socket.IO, default',
    {
      refused: figure('44 ms', 44),
      hole: figure('52 ms (starts on polling)', 52),
      mute: figure('60 ms', 60),
      killed: flaps,
      both: figure('41–137 ms', 137),
    },
  ],
  ['Socket.IO, WebSocket first', { refused: never, hole: never, mute: never, killed: flaps, both: never }],
  [
    'SockJS',
    {
      refused: figure('30 ms', 30),
      hole: figure('0.66 s', 660),
      mute: figure('0.65 s', 650),
      killed: figure('closes'),
      both: figure('0.7–1.9 s', 1900),
    },
  ],
  ['SignalR', { refused: figure('0.29 s', 290), hole: never, mute: never, killed: flaps, both: never }],
  [
    'centrifuge-js',
    { refused: figure('0.21 s', 210), hole: figure('5.2 s', 5200), mute: never, killed: flaps, both: never },
  ],
  [
    'AnyCable',
    {
      refused: figure('0.25 s', 250),
      hole: never,
      mute: never,
      killed: flaps,
      both: figure('0.12 s or never'),
    },
  ],
  [
    'Phoenix, fallback on',
    {
      refused: figure('0.15 s', 150),
      hole: figure('2.7 s', 2700),
      mute: figure('2.6 s', 2600),
      killed: flaps,
      both: figure('2.7 s', 2700),
    },
  ],
];
