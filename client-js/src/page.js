// @ts-check
/**
 * What happens to the page around us, as events of the bus: `{hidden}`, `{wake}` (something may have changed while nobody
 * looked: never a proof), `{park}` (it is frozen or left; it may come back). No unload handlers: they would keep the page
 * out of the back/forward cache.
 */

/**
 * @param {any} window none outside a page
 * @param {(...events: any[]) => void} tell
 * @returns {() => void} its undo
 */
export function watchPage(window, tell) {
  const over = new AbortController();
  const { document, navigator } = window ?? {};
  const hear = (/** @type {Event} */ { type }) => {
    // To be left is to be frozen, for what we know. What was not acknowledged goes with it.
    if (/hide|freeze/.test(type)) tell({ flush: true }, { park: true });
    else {
      tell({ hidden: document.hidden });
      // pageshow may come without a pagehide before it, and the other way round.
      if (!document.hidden) tell({ wake: type });
    }
  };
  const listen = (/** @type {any} */ target, /** @type {string} */ types) => {
    for (const type of types.split(' ')) target?.addEventListener?.(type, hear, { signal: over.signal });
  };
  listen(window, 'online offline focus pageshow pagehide');
  listen(document, 'visibilitychange freeze resume');
  listen(navigator?.connection, 'change');
  return () => over.abort();
}
