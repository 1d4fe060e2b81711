// @ts-check
/** Listeners by name. One that throws never keeps the others, nor the caller, from going on. */

/** @template {Record<string, any>} Events the events' names and what each brings */
export function createEmitter() {
  /** @type {Set<[name: keyof Events, f: (value: any) => void]>} */
  const all = new Set();

  return {
    /**
     * Listens. The same function may listen twice.
     * @template {keyof Events} K
     * @param {K} name
     * @param {(value: Events[K]) => void} f
     * @returns {() => unknown} its undo
     */
    on(name, f) {
      /** @type {[K, typeof f]} */
      const listener = [name, f];
      all.add(listener);
      return () => all.delete(listener);
    },

    /**
     * @template {keyof Events} K
     * @param {K} name
     * @param {Events[K]} value
     */
    emit(name, value) {
      for (const [of, f] of [...all])
        try {
          if (of === name) f(value);
        } catch (error) {
          console.error(error);
        }
    },
  };
}
