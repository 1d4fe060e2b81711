// The news that every server here sends: a number each 20 ms, to each subscriber. It knows no protocol.

/** The part of each figure that may be the wait for the next message; it is the same for all. */
export const TICK_MS = 20;

const readers = new Set();
let number = 0;
let timer;

/** @param {(number: number) => void} read @returns {() => void} its undo */
export function subscribe(read) {
  timer ??= setInterval(() => {
    number++;
    for (const reader of [...readers]) reader(number);
  }, TICK_MS);
  readers.add(read);
  return () => {
    readers.delete(read);
    if (readers.size) return;
    clearInterval(timer);
    timer = undefined;
  };
}
