// @ts-check
/** Text that is too faint by the rule of WCAG 2: 4.5 to 1, and 3 to 1 for large text. This check must not skip disabled controls. */

/**
 * Returns the texts that are too faint at the moment.
 * @param {import('puppeteer-core').Page} page
 * @returns {Promise<string[]>}
 */
export const faint = (page) => page.evaluate(findFaint);

/** Finds the faint texts. It runs in the page, so it contains all its functions. */
function findFaint() {
  /** @typedef {[number, number, number, number]} Color red, green, blue and opacity */
  /** @param {string} text @returns {Color} */
  const parse = (text) => {
    const [red = 0, green = 0, blue = 0, alpha = 1] = (text.match(/[\d.]+/g) ?? []).map(Number);
    return [red, green, blue, alpha];
  };
  /** @param {Color} top @param {Color} below @param {number} alpha @returns {Color} */
  const over = (top, below, alpha) => {
    const mix = (/** @type {0 | 1 | 2} */ part) => top[part] * alpha + below[part] * (1 - alpha);
    return [mix(0), mix(1), mix(2), 1];
  };
  /** @param {Color} color */
  const luminance = ([red, green, blue]) => {
    const linear = [red, green, blue].map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * (linear[0] ?? 0) + 0.7152 * (linear[1] ?? 0) + 0.0722 * (linear[2] ?? 0);
  };
  /** @param {Element} element @returns {Element[]} from the root to the element */
  const line = (element) => (element.parentElement ? [...line(element.parentElement), element] : [element]);
  /** @param {Element} element */
  const ratio = (element) => {
    /** @type {Color} */
    let ground = [255, 255, 255, 1];
    let opacity = 1;
    for (const each of line(element)) {
      const style = getComputedStyle(each);
      const color = parse(style.backgroundColor);
      opacity *= Number(style.opacity);
      ground = over(color, ground, color[3] * opacity);
    }
    const color = parse(getComputedStyle(element).color);
    const lights = [luminance(over(color, ground, color[3] * opacity)), luminance(ground)].sort(
      (a, b) => a - b,
    );
    return ((lights[1] ?? 0) + 0.05) / ((lights[0] ?? 0) + 0.05);
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  /** @type {Set<Element>} */
  const elements = new Set();
  while (texts.nextNode())
    if (texts.currentNode.textContent?.trim() && texts.currentNode.parentElement)
      elements.add(texts.currentNode.parentElement);
  return [...elements]
    .filter((element) => element.checkVisibility() && !element.closest('noscript'))
    .map((element) => {
      const { fontSize, fontWeight } = getComputedStyle(element);
      const size = Number.parseFloat(fontSize);
      const least = size >= 24 || (size >= 18.66 && Number(fontWeight) >= 700) ? 3 : 4.5;
      const seen = ratio(element);
      return seen < least ? `${seen.toFixed(2)}: ${element.className} ${element.textContent}` : '';
    })
    .filter(Boolean);
}
