// @ts-check
/** Finds the elements of the page, and writes texts into them. It knows no element by itself. */

/**
 * Returns the element with the attribute `data-NAME`. Throws if there is none of this kind.
 * @template {HTMLElement} Kind
 * @param {new () => Kind} kind
 * @param {string} name
 * @param {ParentNode} [within]
 * @returns {Kind}
 */
export function findAs(kind, name, within = document) {
  const element = within.querySelector(`[data-${name}]`);
  if (element instanceof kind) return element;
  throw new Error(`the page has no ${kind.name} with data-${name}`);
}

/** Returns the element with the attribute `data-NAME`. @param {string} name @param {ParentNode} [within] */
export const find = (name, within) => findAs(HTMLElement, name, within);

/** Writes a text. To write the same text again would cost a layout. @param {Element} element @param {string} text */
export const write = (element, text) => {
  if (element.textContent !== text) element.textContent = text;
};
