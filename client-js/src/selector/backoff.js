// @ts-check
/** Counts the races that failed in a row, and says how long to pause before the next one. */

/** The pause doubles from the first to the longest with each race that failed. */
const FIRST_PAUSE_MS = 300;
const LONGEST_PAUSE_MS = 20_000;
/** A gateway that asks the client to go expects it back: then the pause starts from that after three failed races. */
const MOST_FAILURES_OF_GATEWAY = 3;

export class Backoff {
  /** Races that failed in a row. */
  failures = 0;

  /**
   * Returns the longest pause before the next race. One that is not short counts a failed race.
   * @param {boolean} isShort
   */
  pauseMs(isShort) {
    return isShort ? FIRST_PAUSE_MS : Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.failures++);
  }

  /** The gateway's own will is no failure of the network. */
  limit() {
    this.failures = Math.min(this.failures, MOST_FAILURES_OF_GATEWAY);
  }
}
