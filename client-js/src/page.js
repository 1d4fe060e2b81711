// @ts-check
/**
 * Watches the page around the client, and reports when it wakes or is parked. It uses no unload handler: those keep a page out of
 * the back/forward cache.
 *
 * @import { PageEvent, PageWindow } from './transports/events.js'
 */

const PARKING = ['pagehide', 'freeze'];
const WAKING = ['online', 'focus', 'pageshow', 'visibilitychange', 'resume', 'change'];

/**
 * @param {PageWindow | undefined} window none outside a page
 * @param {(event: PageEvent) => void} report
 * @param {AbortSignal} signal ends the watching
 */
export const watchPage = (window, report, signal) => {
  // The document's events pass by the window on their way down.
  const options = { capture: true, signal };
  // A page that is left may be frozen, and loses what is not acknowledged.
  /** A page in the back/forward cache is `persisted`. @param {Event} event */
  const park = (event) =>
    report({ type: 'park', isLeft: event.type === 'pagehide' && 'persisted' in event && !event.persisted });
  /** @param {Event} event */
  const wake = ({ type, target }) => {
    // A form field fires `focus` and `change` too; the target of those is an element.
    if (target && 'tagName' in target) return;
    // `pageshow` may come without a `pagehide`, and the other way round. A page that resumes is looked at.
    report({ type: 'wake', isVisible: !window?.document?.hidden || type === 'resume' });
  };
  for (const target of [window, window?.navigator?.connection]) {
    for (const type of PARKING) target?.addEventListener?.(type, park, options);
    for (const type of WAKING) target?.addEventListener?.(type, wake, options);
  }
};
