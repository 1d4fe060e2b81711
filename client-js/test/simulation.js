// @ts-check
/**
 * Runs thousands of schedules of faults in virtual time: the client's half against the real server's half.
 *
 * An executable serves the server's half: `node test/simulation.js EXECUTABLE`. `cargo test --test session_peer` runs this.
 * `THROUGHLINE_SEED=n` replays one schedule; `THROUGHLINE_SEEDS=n` runs `n` schedules.
 */

import { Identity } from '../src/identity/identity.js';
import { Session } from '../src/session/session.js';
import { Broken } from './simulation/ledger.js';
import { load, MUTANTS } from './simulation/mutants.js';
import { createPeer, PeerError } from './simulation/peer.js';
import { run } from './simulation/schedule.js';

const SEEDS = 4_000;
/** A mutant must break an invariant within this number of schedules. They differ from those of the client itself. */
const SEEDS_FOR_A_MUTANT = 10_000;
const FIRST_FOR_A_MUTANT = 1_000_000;

const [, script, executable] = process.argv;
if (!executable) {
  console.error(`usage: node ${script} EXECUTABLE (it serves the other half)`);
  process.exit(2);
}
const peer = createPeer(executable);
const counts = { passed: 0, failed: 0 };

/**
 * Finds the first seed, from `first` on, whose schedule breaks an invariant.
 * @param {number} first
 * @param {number} many
 * @param {import('./simulation/mutants.js').Half} half
 */
function firstFailure(first, many, half) {
  for (let seed = first; seed < first + many; seed++) {
    try {
      run(seed, peer, half);
    } catch (error) {
      if (error instanceof PeerError) throw error;
      // An error that the client's half throws is a failure like any other.
      return { seed, why: error instanceof Broken ? error.message : `${/** @type {Error} */ (error).stack}` };
    }
  }
  return undefined;
}

/** @param {boolean} well @param {string} sentence */
function tell(well, sentence) {
  counts[well ? 'passed' : 'failed']++;
  console.log(`${well ? 'ok' : 'FAILED'}: ${sentence}`);
}

function keepsTheInvariants() {
  const { THROUGHLINE_SEED: one, THROUGHLINE_SEEDS: many } = process.env;
  const seeds = one ? 1 : Number(many ?? SEEDS);
  const started = performance.now();
  const failure = firstFailure(Number(one ?? 0), seeds, { Session, Identity });
  const seconds = (performance.now() - started) / 1000;
  if (failure) {
    const replay = `THROUGHLINE_SEED=${failure.seed} node ${script} ${executable}`;
    tell(false, `seed ${failure.seed}: ${failure.why}\nreplay: ${replay}`);
  } else tell(true, `${seeds} schedules keep the invariants (${Math.round(seeds / seconds)} a second)`);
  return !one;
}

/** @param {import('./simulation/mutants.js').Mutant} mutant */
async function isCaught(mutant) {
  const half = await load(mutant);
  if (!half)
    return tell(false, `a client that ${mutant.name}: ${mutant.file} does not contain its text exactly once`);
  const caught = firstFailure(FIRST_FOR_A_MUTANT, SEEDS_FOR_A_MUTANT, half);
  const why = caught?.why.split('\n')[0];
  if (caught) tell(true, `a client that ${mutant.name} is caught by seed ${caught.seed}: ${why}`);
  else tell(false, `a client that ${mutant.name} was not caught within ${SEEDS_FOR_A_MUTANT} schedules`);
}

if (keepsTheInvariants()) for (const mutant of MUTANTS) await isCaught(mutant);
peer.end();
console.log(`${counts.passed} passed, ${counts.failed} failed`);
process.exitCode = counts.failed ? 1 : 0;
