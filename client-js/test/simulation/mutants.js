// @ts-check
/**
 * Mistakes in the client's half, each a text put in place of another in `session.js`: they show that the simulation
 * can fail. One whose text does not stand there exactly once any more is an error.
 */

import { readFileSync } from 'node:fs';

/** @typedef {{name: string, from: string, to: string}} Mutant */

/** @type {Mutant[]} */
export const MUTANTS = [
  {
    name: 'does not ask again for a leg that it keeps (rule 4)',
    from: 'if (greatest(legs).turn < turn) {',
    to: 'if (false) {',
  },
  {
    name: 'says hello without the id (rule 2)',
    from: 'session: secret,\n        id,',
    to: 'session: secret,',
  },
  {
    name: 'takes the welcome of a send for its leg’s (rule 9)',
    from: "if (!acknowledged(leg, welcome.received) || route === 'send') return;",
    to: "if (!acknowledged(leg, welcome.received)) return;\n    route = 'stream';",
  },
  {
    name: 'does not believe that its session is gone (rule 2)',
    from: "if (value.code === 'gone' && id) {",
    to: 'if (false) {',
  },
  {
    name: 'counts on from the answer before (rule 8)',
    from: 'leg.down = line[1].next;',
    to: 'leg.down ??= line[1].next;',
  },
  {
    name: 'delivers what it has seen (rule 7)',
    from: 'if (number <= received) return;',
    to: '',
  },
  {
    name: 'does not tell of an overrun (rule 7)',
    from: "out.push({ reset: 'overrun', lost });",
    to: '',
  },
  {
    name: 'drops what it had not sent when its session is gone (rule 10)',
    from: 'const unknown = kept.splice(0, sent - acked).map',
    to: 'const unknown = kept.splice(0).slice(0, sent - acked).map',
  },
  {
    name: 'acknowledges a frame before it has it (rule 7)',
    from: 'leg: leg.n,\n        turn: asked || undefined,\n        received,',
    to: 'leg: leg.n,\n        turn: asked || undefined,\n        received: received + (id ? 1 : 0),',
  },
  {
    name: 'takes an acknowledgement for what was sent since (rule 7)',
    from: 'kept.splice(0, upTo - acked);',
    to: 'kept.splice(0, upTo - acked + 1);',
  },
  {
    name: 'tells of nothing when its session is gone (rule 2)',
    from: 'if (unknown[0]) out.push({ unknown });',
    to: '',
  },
];

/**
 * The half with this mistake; undefined where the text does not stand exactly once in it.
 * @param {Mutant} mutant
 * @returns {Promise<typeof import('../../src/session.js') | undefined>}
 */
export async function load({ from, to }) {
  const file = new URL('../../src/session.js', import.meta.url);
  const source = readFileSync(file, 'utf8');
  if (source.split(from).length !== 2) return undefined;
  const changed = source.replace(from, () => to).replace(/'\.\//g, `'${new URL('./', file)}`);
  return import(`data:text/javascript;base64,${Buffer.from(changed).toString('base64')}`);
}
