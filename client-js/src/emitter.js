// @ts-check
/** Listeners by event. A listener that throws must never keep the others, nor the caller, from going on. */

/** @param {unknown} error */
const report = (error) => console.error(error);

/** @template {object} Events the events' names, and what the listeners of each receive */
export class Emitter {
  /** @type {Set<{event: keyof Events, call: (value: never) => unknown}>} */
  listeners = new Set();

  /**
   * Adds a listener; the same function may be added twice. Returns a function that removes it, and then returns whether it was
   * still there.
   * @template {keyof Events} Event
   * @param {Event} event
   * @param {(value: Events[Event]) => unknown} call
   */
  on(event, call) {
    const listener = { event, call };
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Says whether an event has a listener. @param {keyof Events} event */
  has(event) {
    return [...this.listeners].some((listener) => listener.event === event);
  }

  /**
   * Calls the listeners that an event has when it begins, but not those that are removed before their turn.
   * @template {keyof Events} Event
   * @param {Event} event
   * @param {Events[Event]} value
   */
  emit(event, value) {
    for (const listener of [...this.listeners])
      try {
        if (listener.event !== event || !this.listeners.has(listener)) continue;
        const result = listener.call(/** @type {never} */ (value));
        // An async function throws later.
        if (result instanceof Promise) result.catch(report);
      } catch (error) {
        report(error);
      }
  }
}
