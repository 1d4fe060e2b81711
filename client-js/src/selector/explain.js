// @ts-check
/**
 * Says what was tried and what is known, as plain data for the application. It never changes anything, nor gives anything away that
 * the application could change.
 *
 * @import { SessionView } from './events.js'
 * @import { Paths } from './paths.js'
 * @import { Race } from './race.js'
 * @import { Status } from './status.js'
 */

/** @param {SessionView} session @param {Status} status @param {Race} race @param {Paths} paths */
export function explain(session, status, race, paths) {
  const { network, transports, heartbeat_ms, hold_ms } = session.welcome ?? {};
  const { state, transport, control } = status;
  return {
    state,
    transport,
    network,
    control,
    transports: transports && [...transports],
    attempts: race.last.map(({ record }) => ({ ...record })),
    paths: paths.all.map(({ deviation, cuts, awaySince, isDoubtful, ...path }) => path),
    heartbeat_ms,
    hold_ms,
  };
}
