// @ts-check
/**
 * Draws the timeline: a lane for each transport, two strips of arrivals, and a line at each act on the network. It
 * reads the history and changes nothing. The log says the same in words, for people who cannot see it.
 */

import { isOvertaken } from './attempts.js';
import { BIN_MS } from './history.js';
import {
  FONT,
  HEIGHT,
  LANE,
  NAMES,
  PIXELS_PER_SECOND,
  paintAxis,
  paintLabel,
  paintMarks,
  paintName,
  paintText,
  STRIP,
  TOP,
  TRANSPORTS,
} from './lane-names.js';
import { duration } from './words.js';

/** With reduced motion the picture steps instead of gliding. */
const STEP_MS = 1000;

/** @typedef {import('./lane-names.js').Picture} Picture */
/** @typedef {import('./lane-names.js').Colours} Colours */
/** @typedef {import('./lane-names.js').Scale} Scale */

/**
 * @param {HTMLCanvasElement} canvas
 * @param {import('./history.js').History} history
 */
export function drawLanes(canvas, history) {
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
  const calm = matchMedia('(prefers-reduced-motion: reduce)');
  let colours = readColours(canvas);
  let width = 0;
  let drawnAt = 0;
  let visible = true;

  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    colours = readColours(canvas);
  });
  new IntersectionObserver(([entry]) => {
    visible = entry?.isIntersecting ?? true;
  }).observe(canvas);
  new ResizeObserver(([entry]) => {
    width = Math.floor(entry?.contentRect.width ?? 0);
    const scale = devicePixelRatio || 1;
    canvas.width = width * scale;
    canvas.height = HEIGHT * scale;
    context.setTransform(scale, 0, 0, scale, 0, 0);
    // A new size empties the canvas.
    paint({ context, colours, width, history, now: performance.now() });
  }).observe(canvas);

  /** @param {number} frameAt */
  function frame(frameAt) {
    requestAnimationFrame(frame);
    if (!visible || !width || (calm.matches && frameAt - drawnAt < STEP_MS)) return;
    drawnAt = frameAt;
    paint({ context, colours, width, history, now: performance.now() });
  }
  requestAnimationFrame(frame);
}

/** @param {Element} element @returns {Colours} */
function readColours(element) {
  const style = getComputedStyle(element);
  const names = ['text', 'muted', 'rule', 'ground', 'bad', 'accent', 'card', ...TRANSPORTS];
  return Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
}

/** @param {Picture} picture */
function paint(picture) {
  const { context, width, now, history } = picture;
  const x = (/** @type {number} */ at) => width - ((now - at) / 1000) * PIXELS_PER_SECOND;
  context.clearRect(0, 0, width, HEIGHT);
  context.font = FONT;
  context.textBaseline = 'middle';
  const strips = TOP + TRANSPORTS.length * LANE;
  for (const [index, transport] of TRANSPORTS.entries()) paintName(picture, transport, TOP + index * LANE);
  paintText(picture, ['Up', 'came to the', 'other end'], strips);
  paintText(picture, ['Down', 'came here'], strips + STRIP);
  paintAxis(picture, x);
  context.save();
  context.beginPath();
  context.rect(NAMES, 0, width - NAMES, HEIGHT);
  context.clip();
  paintMarks(picture, x);
  for (const [index, transport] of TRANSPORTS.entries()) paintLane(picture, x, transport, TOP + index * LANE);
  for (const change of history.switches) paintSwitch(picture, x, change);
  paintStrip(picture, x, 'up', strips);
  paintStrip(picture, x, 'down', strips + STRIP);
  context.restore();
}

/** @param {Picture} picture @param {Scale} x @param {string} transport @param {number} top */
function paintLane({ context, colours, width, history, now }, x, transport, top) {
  const middle = top + 23;
  context.fillStyle = colours.rule ?? '';
  context.fillRect(0, middle, width, 1);
  const colour = colours[transport] ?? '';
  for (const span of history.tries)
    if (span.transport === transport) paintTry(context, x, span, middle, colour);
  for (const { transport: of, from } of history.trying)
    if (of === transport) paintTrying(context, x(from), width, middle, colour);
  for (const { transport: of, from, to } of history.carriers) {
    if (of !== transport) continue;
    const left = Math.max(NAMES, x(from));
    const right = x(to ?? now);
    if (right < NAMES) continue;
    context.fillStyle = colour;
    context.fillRect(left, middle - 5, Math.max(2, right - left), 11);
  }
  paintReason({ context, colours, history, now, width }, x, transport, top + 8);
}

/**
 * Paints an attempt under way: a dotted line up to now.
 * @param {CanvasRenderingContext2D} context
 * @param {number} left
 * @param {number} right
 * @param {number} middle
 * @param {string} colour
 */
function paintTrying(context, left, right, middle, colour) {
  context.fillStyle = colour;
  for (let at = left; at < right; at += 5) context.fillRect(at, middle - 0.5, 3, 2);
}

/**
 * Paints a switch from one lane to another, without a gap.
 * @param {Picture} picture
 * @param {Scale} x
 * @param {{at: number, from: string, to: string}} change
 */
function paintSwitch({ context, colours }, x, { at, from, to }) {
  const left = x(at);
  if (left < 0) return;
  const middle = (/** @type {string} */ transport) => TOP + TRANSPORTS.indexOf(transport) * LANE + 23.5;
  context.strokeStyle = colours[to] ?? '';
  context.lineWidth = 2;
  context.beginPath();
  context.moveTo(left, middle(from));
  context.lineTo(left, middle(to));
  context.stroke();
}

/**
 * Paints a failed attempt: a thin line that ends in a cross.
 * @param {CanvasRenderingContext2D} context
 * @param {Scale} x
 * @param {import('./history.js').Span} span
 * @param {number} middle
 * @param {string} colour
 */
function paintTry(context, x, { from, to }, middle, colour) {
  const left = x(from);
  const right = x(/** @type {number} */ (to));
  if (right < -4) return;
  context.strokeStyle = colour;
  context.lineWidth = 1.5;
  context.beginPath();
  context.moveTo(left, middle + 0.5);
  context.lineTo(right, middle + 0.5);
  context.moveTo(right - 3, middle - 2.5);
  context.lineTo(right + 3, middle + 3.5);
  context.moveTo(right - 3, middle + 3.5);
  context.lineTo(right + 3, middle - 2.5);
  context.stroke();
}

/**
 * Paints above the lane why a carrier was lost or an attempt failed, in the client's word. If there is no room, the
 * newest reasons stay.
 * @param {Picture} picture
 * @param {Scale} x
 * @param {string} transport
 * @param {number} middle
 */
function paintReason(picture, x, transport, middle) {
  const { context, colours, history, width } = picture;
  const ended = [...history.tries, ...history.carriers].filter(
    (span) => span.transport === transport && span.ended && !isOvertaken(span.ended),
  );
  context.fillStyle = colours.muted ?? '';
  let free = width;
  for (const { to, ended: why = '' } of ended.sort((a, b) => Number(b.to) - Number(a.to))) {
    const size = context.measureText(why).width;
    const at = Math.min(x(Number(to)) + 5, width - size);
    if (at < NAMES + 2) break;
    if (at + size > free - 6) continue;
    paintLabel(picture, why, at, middle);
    free = at;
  }
}

/** @param {Picture} picture @param {Scale} x @param {'up' | 'down'} direction @param {number} top */
function paintStrip({ context, colours, width, history, now }, x, direction, top) {
  const strip = history.strips[direction];
  const base = top + STRIP - 4;
  const first = Math.floor((now - (width / PIXELS_PER_SECOND) * 1000) / BIN_MS);
  const last = Math.floor(now / BIN_MS);
  const step = (BIN_MS / 1000) * PIXELS_PER_SECOND;
  context.fillStyle = colours.rule ?? '';
  context.fillRect(0, base, width, 1);
  for (let bin = Math.max(0, first); bin <= last; bin += 1) {
    const count = strip.count(bin);
    if (!count) continue;
    // The square root keeps a single message visible beside held-back messages that come at once.
    const height = Math.min(STRIP - 18, 3 + 2.6 * Math.sqrt(count));
    context.fillStyle = (strip.flaws(bin) ? colours.bad : colours.accent) ?? '';
    context.fillRect(x(bin * BIN_MS), base - height, Math.max(1, step - 0.6), height);
  }
  paintGaps({ context, colours, width, history, now }, x, strip.gaps(now), base);
}

/**
 * Paints the stretches in which nothing arrived, with their lengths. If there is no room, the newest lengths stay.
 * @param {Picture} picture
 * @param {Scale} x
 * @param {import('./history.js').Gap[]} gaps
 * @param {number} base
 */
function paintGaps(picture, x, gaps, base) {
  const { context, colours, width, now } = picture;
  let free = width;
  for (const { from, to } of [...gaps].reverse()) {
    const left = x(from);
    const right = x(to ?? now);
    if (right < NAMES) break;
    context.fillStyle = colours.text ?? '';
    context.fillRect(left, base - 1, right - left, 3);
    const label = duration((to ?? now) - from);
    const size = context.measureText(label).width;
    const at = Math.min((left + right - size) / 2, width - size);
    // A label without enough room goes as a whole.
    if (at < NAMES + 2 || at + size > free) continue;
    paintLabel(picture, label, at, base - 10);
    free = at - 8;
  }
}
