// @ts-check
// Watches one connection of one client from its start until its outcome is clear. This file defines the words of the
// table.
import { Numbers } from './numbers.mjs';

/** A connection without a message after this time is 'never'. */
const FIRST_MS = 15_000;
/** A connection that stays on one transport for so long, with messages coming, has 'settled'. */
const SETTLED_MS = 5000;
/** A connection that has not settled after this time 'flaps'. */
const WATCH_MS = 20_000;
/** Messages are coming if the last one is no older than this. They are sent each 20 ms; a poll may pause between two. */
const FLOWING_MS = 1500;

/**
 * `up`: connected, or connected by another transport now. `down`: the connection was lost. `over`: the client has given up.
 * `news`: an application message.
 * @callback Tell
 * @param {'up' | 'down' | 'over' | 'news'} event
 * @param {any} value the transport, the reason, the number in the message
 *
 * @typedef {object} Verdict
 * @property {'settled' | 'flaps' | 'closes' | 'never'} outcome `closes`: it got messages, and has given up
 * @property {number} [first] ms from connect() to the first message
 * @property {number} [settled] ms from connect() to the last change
 * @property {string} [transport] the transport that carried it at the end
 * @property {number} [closed] ms from connect() until it gave up
 * @property {import('./numbers.mjs').Losses} losses
 * @property {string[]} log the events, for people
 */

/**
 * @param {(tell: Tell) => () => void} open connects; returns the function that closes
 * @param {(ms: number) => void} [onFirst]
 * @param {boolean} [onlyFirst] whether to stop after the first message
 * @returns {Promise<Verdict>}
 */
export function watch(open, onFirst = () => {}, onlyFirst = false) {
  return new Promise((resolve) => {
    /** @type {string[]} */
    const log = [];
    /** The transport, while it is connected. @type {string | undefined} */
    let on;
    let changed = 0;
    /** @type {number | undefined} */
    let first;
    let last = 0;
    /** @type {(() => void) | undefined} */
    let close;
    let ended = false;
    const numbers = new Numbers();
    const start = performance.now();
    const now = () => performance.now() - start;
    const timer = setInterval(judge, 50);

    function judge() {
      const at = now();
      if (first === undefined) {
        if (at >= FIRST_MS) end('never');
        return;
      }
      if (onlyFirst) return end('settled');
      const flowing = at - last < FLOWING_MS;
      if (on && flowing && at - changed >= SETTLED_MS) return end('settled', { settled: changed });
      if (at >= WATCH_MS) end('flaps');
    }

    /** @param {Verdict['outcome']} outcome @param {{ settled?: number, closed?: number }} [more] */
    function end(outcome, more) {
      if (ended) return;
      ended = true;
      clearInterval(timer);
      resolve({ outcome, first, transport: on, ...more, losses: numbers.count(), log });
      // The client may not have returned the function that closes it yet.
      queueMicrotask(() => close?.());
    }

    close = open((event, value) => {
      if (ended) return;
      const at = now();
      if (event === 'news') {
        numbers.take(value);
        last = at;
        if (first !== undefined) return;
        first = at;
        log.push(`${Math.round(at)} message`);
        onFirst(at);
        return;
      }
      log.push(`${Math.round(at)} ${event} ${value}`);
      on = event === 'up' ? value : undefined;
      if (event === 'over') return first === undefined ? end('never') : end('closes', { closed: at });
      changed = at;
    });
  });
}
