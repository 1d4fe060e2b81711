// @ts-check
/** How both machines and the shell take an event: an object whose first key is its verb. */

/** A time that does not come. */
export const NEVER = Infinity;

/**
 * Hands an event to the rule of its verb: of one thing, where what the verb names is found; else in general. Events
 * that have no rule are ignored, and so is what is about a thing that is over.
 * @param {any} event
 * @param {Array<{n: number}>} things
 * @param {{[verb: string]: (thing: any, event: any) => unknown}} ofThing
 * @param {{[verb: string]: (subject: any, event: any) => unknown}} general
 */
export const dispatch = (event, things, ofThing, general) => {
  const verb = /** @type {string} */ (Object.keys(event)[0]);
  const subject = event[verb];
  const thing = things.find((thing) => thing.n === subject);
  (thing ? ofThing : general)[verb]?.(thing ?? subject, event);
};
