// @ts-check
/**
 * Draws the timeline: a lane per transport, two strips of arrivals, and lines where somebody did something to the
 * network. It reads the history and changes nothing. The log says the same in words, for those who cannot see it.
 */

import { isOvertaken } from './attempts.js';
import { BIN_MS } from './history.js';
import { duration, transportName } from './words.js';

const TRANSPORTS = ['websocket', 'sse', 'poll'];
const LANE = 34;
const STRIP = 42;
const TOP = 20;
const AXIS = 18;
/** What one second takes: as many seconds are shown as have room. */
const PIXELS_PER_SECOND = 24;
const HEIGHT = TOP + TRANSPORTS.length * LANE + 2 * STRIP + AXIS;
/** With reduced motion the picture steps instead of gliding. */
const STEP_MS = 1000;
const FONT = '12px system-ui, sans-serif';
const FONT_BOLD = '600 12px system-ui, sans-serif';
/** Of the longest name. */
const NAME_WIDTH = 74;

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

/**
 * @typedef {{[name: string]: string}} Colours
 * @typedef {{context: CanvasRenderingContext2D, colours: Colours, width: number, history: import('./history.js').History, now: number}} Picture
 */

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
  paintAxis(picture, x);
  for (const [index, transport] of TRANSPORTS.entries()) paintLane(picture, x, transport, TOP + index * LANE);
  for (const change of history.switches) paintSwitch(picture, x, change);
  const strips = TOP + TRANSPORTS.length * LANE;
  paintStrip(picture, x, 'up', strips);
  paintStrip(picture, x, 'down', strips + STRIP);
  paintMarks(picture, x);
}

/** @typedef {(at: number) => number} Scale */

/** @param {Picture} picture @param {Scale} x */
function paintAxis({ context, colours, width, now }, x) {
  const bottom = HEIGHT - AXIS;
  context.fillStyle = colours.muted ?? '';
  context.textAlign = 'center';
  for (let ago = 5; ago * PIXELS_PER_SECOND < width - 16; ago += 5) {
    const at = x(now - ago * 1000);
    context.fillRect(Math.round(at), bottom, 1, 4);
    context.fillText(`−${ago} s`, at, bottom + 11);
  }
  context.textAlign = 'right';
  context.fillText('now', width, bottom + 11);
  context.textAlign = 'left';
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
    const left = Math.max(0, x(from));
    const right = x(to ?? now);
    if (right < 0) continue;
    context.fillStyle = colour;
    context.fillRect(left, middle - 5, Math.max(2, right - left), 11);
  }
  context.fillStyle = colours.text ?? '';
  context.font = FONT_BOLD;
  context.fillText(transportName(transport), 0, top + 8);
  context.font = FONT;
  const rtt = history.rtts[transport];
  const name = NAME_WIDTH + 4;
  context.fillStyle = colours.muted ?? '';
  if (rtt) context.fillText(duration(rtt), name, top + 8);
  paintReason({ context, colours, history, now, width }, x, transport, top + 8);
}

/**
 * An attempt under way: a dotted line up to now.
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
 * From one lane to another, without a gap.
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
 * An attempt in vain: a thin line that ends in a cross.
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
 * Above the lane, why it was lost or tried in vain, in the client's word. Where there is no room the newest stand.
 * @param {Picture} picture
 * @param {Scale} x
 * @param {string} transport
 * @param {number} middle
 */
function paintReason({ context, colours, history, width }, x, transport, middle) {
  const ended = [...history.tries, ...history.carriers].filter(
    (span) => span.transport === transport && span.ended && !isOvertaken(span.ended),
  );
  context.fillStyle = colours.muted ?? '';
  let free = width;
  for (const { to, ended: why = '' } of ended.sort((a, b) => Number(b.to) - Number(a.to))) {
    const size = context.measureText(why).width;
    const at = Math.min(x(Number(to)) + 5, width - size);
    // The lane's name and round trip stand at the left.
    if (at < NAME_WIDTH + 56) break;
    if (at + size > free - 6) continue;
    context.fillText(why, at, middle);
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
    // The root keeps a single message visible beside what was held back and comes at once.
    const height = Math.min(STRIP - 18, 3 + 2.6 * Math.sqrt(count));
    context.fillStyle = (strip.flaws(bin) ? colours.bad : colours.accent) ?? '';
    context.fillRect(x(bin * BIN_MS), base - height, Math.max(1, step - 0.6), height);
  }
  context.fillStyle = colours.text ?? '';
  context.fillText(direction === 'up' ? 'Up: arrived at the witness' : 'Down: arrived here', 0, top + 9);
  paintGaps({ context, colours, width, history, now }, x, strip.gaps(now), base);
}

/**
 * Stretches in which nothing arrived, and how long they were. Where there is no room the newest are labelled.
 * @param {Picture} picture
 * @param {Scale} x
 * @param {import('./history.js').Gap[]} gaps
 * @param {number} base
 */
function paintGaps({ context, colours, width, now }, x, gaps, base) {
  let free = width;
  for (const { from, to } of [...gaps].reverse()) {
    const left = x(from);
    const right = x(to ?? now);
    if (right < 0) break;
    context.fillStyle = colours.text ?? '';
    context.fillRect(left, base - 1, right - left, 3);
    const label = duration((to ?? now) - from);
    const size = context.measureText(label).width;
    const at = Math.max(0, Math.min((left + right - size) / 2, width - size));
    if (at + size > free) continue;
    // Its neighbours' bars must not run through it.
    context.fillStyle = colours.card ?? '';
    context.fillRect(at - 3, base - 18, size + 6, 15);
    context.fillStyle = colours.text ?? '';
    context.fillText(label, at, base - 10);
    free = at - 8;
  }
}

/** @param {Picture} picture @param {Scale} x */
function paintMarks({ context, colours, width, history }, x) {
  context.textAlign = 'left';
  let right = width;
  for (const { at, label } of [...history.marks].reverse()) {
    const left = Math.round(x(at));
    if (left < -200) break;
    context.fillStyle = colours.text ?? '';
    for (let y = TOP - 4; y < HEIGHT - AXIS; y += 6) context.fillRect(left, y, 1, 3);
    const size = context.measureText(label).width;
    // At the right edge it stands to the left of its line.
    const edge = right === width && left + size > width;
    if (edge) context.fillText(label, Math.max(0, width - size), 8);
    else context.fillText(fit(context, label, right - left - 8), left, 8);
    right = edge ? Math.min(left, width - size) : left;
  }
}

/** As much of a text as has room. @param {CanvasRenderingContext2D} context @param {string} text @param {number} room */
function fit(context, text, room) {
  for (let letters = text.length; letters > 2; letters -= 1) {
    const part = letters < text.length ? `${text.slice(0, letters)}…` : text;
    if (context.measureText(part).width <= room) return part;
  }
  return '';
}
