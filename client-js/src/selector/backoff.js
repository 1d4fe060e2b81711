// @ts-check
/** Counts the races that failed in a row, and says how long to pause before the next one. */

/** The pause doubles from the first to the longest with each race that failed. */
const FIRST_PAUSE_MS = 300;
const LONGEST_PAUSE_MS = 20_000;
/** Someone waits before a visible page, so its first retries come within this pause each. */
const VISIBLE_PAUSE_MS = 1000;
const VISIBLE_RETRIES = 3;
/** A gateway that asks the client to go expects it back: then the pause starts from that after three failed races. */
const MOST_FAILURES_OF_GATEWAY = 3;

export class Backoff {
  /** Races that failed in a row. */
  failures = 0;

  /**
   * Returns the longest pause before the next race. One that is not short counts a failed race.
   * @param {boolean} isShort
   * @param {boolean} isVisible
   */
  pauseMs(isShort, isVisible) {
    if (isShort) return FIRST_PAUSE_MS;
    const failures = this.failures++;
    if (isVisible && failures < VISIBLE_RETRIES) return VISIBLE_PAUSE_MS;
    return Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures);
  }

  /** A refusal by the gateway is not a failure of the network. */
  limit() {
    this.failures = Math.min(this.failures, MOST_FAILURES_OF_GATEWAY);
  }
}
