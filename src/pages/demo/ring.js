// @ts-check
/**
 * Draws one of the two moving things: a ball, which each message moves one step further round a ring. Each of the last
 * messages leaves a dot, filled if it arrived. It reads a count and changes nothing. The words beside it say the same.
 */

const DOTS = 60;
const SIZE = 220;
const MIDDLE = SIZE / 2;
const RADIUS = 94;
/** With reduced motion the ball steps instead of gliding. */
const STEP_MS = 1000;
const SVG = 'http://www.w3.org/2000/svg';

/** @param {string} name @param {{[attribute: string]: string | number}} attributes @param {Element} parent */
function append(name, attributes, parent) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, `${value}`);
  parent.append(element);
  return element;
}

/**
 * @param {Element} place
 * @param {import('./ticks.js').Ticks} ticks
 * @param {() => number} latest the number that was sent last
 */
export function drawRing(place, ticks, latest) {
  const calm = matchMedia('(prefers-reduced-motion: reduce)');
  const svg = append('svg', { viewBox: `0 0 ${SIZE} ${SIZE}`, 'aria-hidden': 'true' }, place);
  append('circle', { class: 'track', cx: MIDDLE, cy: MIDDLE, r: RADIUS }, svg);
  const dots = Array.from({ length: DOTS }, (_, place) => {
    const angle = (place / DOTS) * 2 * Math.PI;
    const [cx, cy] = [MIDDLE + RADIUS * Math.sin(angle), MIDDLE - RADIUS * Math.cos(angle)];
    return append('circle', { class: 'unknown', cx, cy, r: 3.2 }, svg);
  });
  const ball = append('circle', { class: 'ball', cx: MIDDLE, cy: MIDDLE - RADIUS, r: 11 }, svg);
  const number = append('text', { class: 'number', x: MIDDLE, y: MIDDLE - 2 }, svg);
  append('text', { class: 'unit', x: MIDDLE, y: MIDDLE + 24 }, svg).textContent = 'last message';
  let drawnAt = -Infinity;
  let shown = 0;

  return function draw() {
    const now = performance.now();
    if (calm.matches && now - drawnAt < STEP_MS) return;
    drawnAt = now;
    const newest = latest();
    for (let n = Math.max(1, newest - DOTS + 1); n <= newest; n += 1) {
      const dot = dots[n % DOTS];
      const fate = ticks.fate(n, now);
      if (dot && dot.getAttribute('class') !== fate) dot.setAttribute('class', fate);
    }
    const { last } = ticks.count(now);
    if (last === shown) return;
    shown = last;
    number.textContent = last.toLocaleString('en');
    /** @type {SVGElement} */ (ball).style.transform = `rotate(${(last / DOTS) * 360}deg)`;
  };
}
