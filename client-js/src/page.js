// @ts-check
/**
 * What happens to the page around us, as events of the bus: `{wake: seen}` (something may have changed while nobody
 * looked: never a proof), `{park}` (it is frozen or left; it may come back). No unload handlers: they would keep the page
 * out of the back/forward cache.
 */

/**
 * @param {any} window none outside a page
 * @param {(...events: any[]) => void} tell
 * @param {AbortSignal} signal that nobody listens any more
 */
export const watchPage = (window, tell, signal) => {
  for (const target of [window, window?.navigator?.connection])
    for (const type of 'online focus pageshow pagehide visibilitychange freeze resume change'.split(' '))
      target?.addEventListener?.(
        type,
        (/** @type {any} */ event) => {
          // To be left is to be frozen, for what we know. What was not acknowledged goes with it.
          if (/hide|freeze/.test(type)) tell({ park: true });
          // Of a field that is entered or changed we hear too: of those the target is an element.
          // pageshow may come without a pagehide before it, and the other way round; and who resumes is looked after.
          else if (!event.target.tagName) tell({ wake: !window.document.hidden || type === 'resume' });
        },
        // The document's events pass by the window on their way down.
        { capture: true, signal },
      );
};
