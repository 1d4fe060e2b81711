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
  /** @param {any} target @param {string[]} types */
  const listen = (target, ...types) => {
    for (const type of types)
      target?.addEventListener(
        type,
        (/** @type {Event} */ event) => {
          // To be left is to be frozen, for what we know. What was not acknowledged goes with it.
          if (/hide|freeze/.test(type)) tell({ flush: true }, { park: true });
          // Of a field that is entered we hear too.
          else if (type !== 'focus' || event.target === window) {
            const { hidden } = window.document;
            tell({ hidden });
            // pageshow may come without a pagehide before it, and the other way round.
            if (!hidden) tell({ wake: true });
          }
        },
        // The document's events pass by the window on their way down.
        { capture: true, signal: over.signal },
      );
  };
  listen(
    window,
    'online',
    'offline',
    'focus',
    'pageshow',
    'pagehide',
    'visibilitychange',
    'freeze',
    'resume',
  );
  listen(window?.navigator?.connection, 'change');
  return () => over.abort();
}
