// @ts-check
/** Listeners by name. One that throws never keeps the others, nor the caller, from going on. */

/** @template {Record<string, any>} Events the events' names and what each brings */
export const createEmitter = () => {
  /** @type {Set<(name: keyof Events, value: any) => void>} */
  const all = new Set();

  return /** @type {const} */ ([
    /**
     * Listens. The same function may listen twice.
     * @template {keyof Events} K
     * @param {K} name
     * @param {(value: Events[K]) => void} f
     * @returns {() => unknown} its undo
     */
    (name, f) => {
      const listener = (/** @type {keyof Events} */ what, /** @type {any} */ value) =>
        what === name && f(value);
      all.add(listener);
      return () => all.delete(listener);
    },

    /**
     * @template {keyof Events} K
     * @param {K} name
     * @param {Events[K]} value
     */
    (name, value) => {
      for (const listener of [...all])
        try {
          listener(name, value);
        } catch (error) {
          console.error(error);
        }
    },

    /** Those that listen. */
    all,
  ]);
};
