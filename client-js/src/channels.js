// @ts-check
/**
 * The channels of a connection. Those to which something listens stay. Any other one stays for as long as the application holds it,
 * so that a name means one object, and a name that nothing uses costs nothing.
 */

/** As many entries may be dead before the first look at them. */
const FIRST_SWEEP = 1000;

/** @template {{name: string}} Member */
export class Channels {
  /** The channels to which something listens. @type {Map<string, Member>} */
  listening = new Map();
  /** All that the application may hold. @type {Map<string, WeakRef<Member>>} */
  #known = new Map();
  #sweepAt = FIRST_SWEEP;
  #create;

  /** @param {(name: string) => Member} create */
  constructor(create) {
    this.#create = create;
  }

  /** Returns the channel of a name. @param {string} name */
  get(name) {
    const known = this.#known.get(name)?.deref();
    if (known) return known;
    if (this.#known.size >= this.#sweepAt) this.#sweep();
    const channel = this.#create(name);
    this.#known.set(name, new WeakRef(channel));
    return channel;
  }

  /** Forgets the channels that are gone. The next look comes once there are twice as many, so each entry costs little. */
  #sweep() {
    for (const [name, channel] of this.#known) if (!channel.deref()) this.#known.delete(name);
    this.#sweepAt = Math.max(FIRST_SWEEP, 2 * this.#known.size);
  }
}
