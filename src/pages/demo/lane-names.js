// @ts-check
/**
 * The texts of the timeline, and the place of everything in it: names at the left, the axis below, marks above. No line
 * runs through a text, and no text is cut. It reads the history and changes nothing.
 */

import { duration, transportName } from './words.js';

export const TRANSPORTS = ['websocket', 'sse', 'poll'];
export const LANE = 34;
export const STRIP = 42;
/** Two rows of names above the lanes. */
const MARK_ROW = 16;
export const TOP = 2 * MARK_ROW + 6;
const AXIS = 18;
/** The width of one second. The timeline shows as many seconds as there is room for. */
export const PIXELS_PER_SECOND = 24;
export const HEIGHT = TOP + TRANSPORTS.length * LANE + 2 * STRIP + AXIS;
export const FONT = '12px system-ui, sans-serif';
const FONT_BOLD = '600 12px system-ui, sans-serif';
/** The names stand at the left, and nothing that moves goes there. */
export const NAMES = 88;

/**
 * @typedef {{[name: string]: string}} Colours
 * @typedef {{context: CanvasRenderingContext2D, colours: Colours, width: number, history: import('./history.js').History, now: number}} Picture
 */

/** @typedef {(at: number) => number} Scale */

/**
 * Paints the name of a lane at its left, with the round trip beneath.
 * @param {Picture} picture
 * @param {string} transport
 * @param {number} top
 */
export function paintName({ context, colours, history }, transport, top) {
  const rtt = history.rtts[transport];
  context.fillStyle = colours.text ?? '';
  context.font = FONT_BOLD;
  context.fillText(transportName(transport), 0, top + 15);
  context.font = FONT;
  context.fillStyle = colours.muted ?? '';
  if (rtt) context.fillText(duration(rtt), 0, top + 29);
}

/** Paints the text at the left of a strip. @param {Picture} picture @param {string[]} lines @param {number} top */
export function paintText({ context, colours }, [name = '', ...rest], top) {
  context.fillStyle = colours.text ?? '';
  context.font = FONT_BOLD;
  context.fillText(name, 0, top + 8);
  context.font = FONT;
  context.fillStyle = colours.muted ?? '';
  for (const [index, line] of rest.entries()) context.fillText(line, 0, top + 21 + 13 * index);
}

/**
 * Paints a text that no line runs through.
 * @param {Picture} picture
 * @param {string} text
 * @param {number} at
 * @param {number} middle
 */
export function paintLabel({ context, colours }, text, at, middle) {
  const colour = context.fillStyle;
  context.fillStyle = colours.card ?? '';
  context.fillRect(at - 2, middle - 7, context.measureText(text).width + 4, 14);
  context.fillStyle = colour;
  context.fillText(text, at, middle);
}

/** @param {Picture} picture @param {Scale} x */
export function paintAxis({ context, colours, width, now }, x) {
  const bottom = HEIGHT - AXIS;
  context.fillStyle = colours.muted ?? '';
  context.textAlign = 'center';
  for (let ago = 5; ago * PIXELS_PER_SECOND < width - NAMES - 16; ago += 5) {
    const at = x(now - ago * 1000);
    context.fillRect(Math.round(at), bottom, 1, 4);
    context.fillText(`−${ago} s`, at, bottom + 11);
  }
  context.textAlign = 'right';
  context.fillText('now', width, bottom + 11);
  context.textAlign = 'left';
}

/**
 * Paints a line at each act on the network, with a name above it: in the row that has room for all of the name, or in
 * none.
 * @param {Picture} picture
 * @param {Scale} x
 */
export function paintMarks(picture, x) {
  const { context, colours, width, history } = picture;
  context.fillStyle = colours.text ?? '';
  const free = [width, width];
  const marks = history.marks.map(({ at, label }) => ({ line: Math.round(x(at)), label })).reverse();
  const shown = marks.filter(({ line }) => line >= NAMES);
  const rows = shown.map(({ line, label }) => {
    const left = Math.min(line, width - context.measureText(label).width);
    const row = free.findIndex((end) => left + context.measureText(label).width <= end);
    if (row >= 0) free[row] = left - 8;
    return { line, label, left, row };
  });
  for (const { line, row } of rows)
    for (let y = row < 0 ? TOP - 4 : row * MARK_ROW + 16; y < HEIGHT - AXIS; y += 6)
      context.fillRect(line, y, 1, 3);
  // The names follow all lines, so that no line runs through a name.
  for (const { label, left, row } of rows)
    if (row >= 0) paintLabel(picture, label, left, row * MARK_ROW + 8);
}
