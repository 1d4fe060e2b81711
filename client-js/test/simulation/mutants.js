// @ts-check
/**
 * Mistakes in the client's half, which prove that the simulation can fail.
 *
 * A mutant replaces a text in one source file. The text must occur exactly once in that file; otherwise the mutant fails.
 */

import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/**
 * @typedef {{name: string, file: string, from: string, to: string}} Mutant `file` is relative to client-js/src
 *
 * @typedef {object} Half the client's half
 * @property {typeof import('../../src/session/session.js').Session} Session
 * @property {typeof import('../../src/identity/identity.js').Identity} Identity
 */

/** @type {Mutant[]} */
export const MUTANTS = [
  {
    name: 'does not ask again for a leg that it keeps (rule 4)',
    file: 'session/session.js',
    from: 'this.#legs.replaceLostTurn();',
    to: '',
  },
  {
    name: 'says hello without the id (rule 2)',
    file: 'session/send.js',
    from: 'id: this.id,',
    to: '',
  },
  {
    name: 'takes the welcome of a send for its leg’s (rule 9)',
    file: 'session/receive.js',
    from: "if (!this.#acknowledge(leg, welcome.received) || route === 'send' || route === 'links') return;",
    to: "if (!this.#acknowledge(leg, welcome.received)) return;\n    if (route !== 'poll') route = 'stream';",
  },
  {
    name: 'does not believe that its session is gone (rule 2)',
    file: 'session/receive.js',
    from: "if (down.value?.code === 'gone' && this.#sender.id !== undefined) return this.#gone();",
    to: '',
  },
  {
    name: 'counts on from the answer before (rule 8)',
    file: 'session/receive.js',
    from: 'leg.nextDown = down.value?.next ?? 0;',
    to: 'leg.nextDown ||= down.value?.next ?? 0;',
  },
  {
    name: 'delivers a frame that it has seen (rule 7)',
    file: 'session/acknowledgements.js',
    from: 'if (number <= this.received) return false;',
    to: '',
  },
  {
    name: 'does not report an overrun (rule 7)',
    file: 'session/receive.js',
    from: "this.#outputs.push({ type: 'reset', reason: 'overrun', lost });",
    to: '',
  },
  {
    name: 'drops the lines that it had not sent when its session is gone (rule 10)',
    file: 'session/outgoing.js',
    from: 'const handed = this.#forget(this.#handed);',
    to: 'const handed = this.#forget(Infinity).slice(0, this.#handed + 1 - this.lowest);',
  },
  {
    name: 'acknowledges a frame before it has it (rule 7)',
    file: 'session/send.js',
    from: 'received: this.#acknowledgements.received,\n      next',
    to: 'received: this.#acknowledgements.received + (this.id ? 1 : 0),\n      next',
  },
  {
    name: 'takes an acknowledgement for lines that it sent since (rule 7)',
    file: 'session/outgoing.js',
    from: 'this.#forget(upTo);',
    to: 'this.#forget(upTo + 1);',
  },
  {
    name: 'reports no unknown outcome when its session is gone (rule 2)',
    file: 'session/receive.js',
    from: "if (lines.length > 0) this.#outputs.push({ type: 'unknownOutcome', lines });",
    to: '',
  },
  {
    name: 'gives the filler of a withdrawn line a new number (rule 10)',
    file: 'session/outgoing.js',
    from: 'kept.line = JSON.stringify({ skip: code, id: JSON.parse(kept.line).id });',
    to: `this.kept.shift();
    this.kept.push({ ...kept, line: JSON.stringify({ skip: code, id: JSON.parse(kept.line).id }), handedAt: NEVER });`,
  },
  {
    name: 'drops a line that it withdraws, with its number (rule 10)',
    file: 'session/outgoing.js',
    from: 'kept.line = JSON.stringify({ skip: code, id: JSON.parse(kept.line).id });',
    to: 'this.#forget(this.lowest);\n    return;',
  },
  {
    name: 'tells that a line is too large when it withdraws it, whether it arrived or not (rule 10)',
    file: 'session/session.js',
    from: "this.#outgoing.withdraw('too_large');",
    to: `const claim = this.#outgoing.oldest?.line;
    if (claim) this.#outputs.push(/** @type {any} */ ({ type: 'claim', claim }));
    this.#outgoing.withdraw('too_large');`,
  },
  {
    name: 'recalls a line that a leg has (rule 10)',
    file: 'session/outgoing.js',
    from: 'kept.line === line && kept.handedAt === NEVER',
    to: 'kept.line === line',
  },
  {
    name: 'repeats for ever what the gateway cannot read (rule 10)',
    file: 'session/failures.js',
    from: 'this.#withdraw(code);',
    to: '',
  },
  {
    name: 'repeats for ever what a socket ended for (rule 10)',
    file: 'session/failures.js',
    from: 'if (refused && this.#outgoing.lowest < refused.until) this.#withdraw(refused.code);',
    to: '',
  },
  {
    name: 'takes a short pong for a long one (proof P4)',
    file: 'session/receive.js',
    from: 'isLong: pad !== undefined',
    to: 'isLong: true',
  },
  {
    name: 'makes no body smaller',
    file: 'session/failures.js',
    from: 'if (isTooLarge || (failures > 1 && hasPassed)) bodies.failed(size, now);',
    to: '',
  },
  {
    name: 'holds link frames back while a line fails',
    file: 'session/send.js',
    from: 'if (mayLink && isOwing()) this',
    to: 'if (mayLink && isOwing() && !flights.send && retryAt.send === NEVER) this',
  },
  {
    name: 'shows its token with each hello (rule 13)',
    file: 'session/send.js',
    from: 'token: attaches ? this.token : undefined,',
    to: 'token: this.token,',
  },
  {
    name: 'shows no token with a poll that waits for the decision (rule 13)',
    file: 'session/send.js',
    from: 'token: attaches ? this.token : undefined,',
    to: 'token: attaches && leg.waits === 0 ? this.token : undefined,',
  },
  {
    name: 'takes a wait for an answer of a stranger',
    file: 'protocol/down.js',
    from: " || down.type === 'wait'",
    to: '',
  },
  {
    name: 'comes again with a token that was refused (rule 13)',
    file: 'identity/identity.js',
    from: 'this.#isGood = false;\n    // A token',
    to: '// A token',
  },
  {
    name: 'asks for a token for each leg that ends (rule 13)',
    file: 'identity/identity.js',
    from: 'if (this.#callBy < NEVER) return;',
    to: '',
  },
  {
    name: 'says bye before its lines (rule 14)',
    file: 'session/send.js',
    from: '[...lines, bye]',
    to: '[...lines.slice(0, 1), bye, ...lines.slice(1)]',
  },
  {
    name: 'leaves without the lines that wait (rule 14)',
    file: 'session/send.js',
    from: 'if (leg.failures.send === 0) this.#fill(lines, Math.max(this.bodies.bytes, LEAST_LAST_BYTES));',
    to: '',
  },
  {
    name: 'goes on after its bye (rule 14)',
    file: 'session/session.js',
    from: '    this.#legs.open = [];\n',
    to: '',
  },
  {
    name: 'ends its session with its leg, when the token expires (rule 13)',
    file: 'session/receive.js',
    from: "down.value?.code === 'gone' && this.#sender.id !== undefined",
    to: "(down.value?.code === 'gone' || down.value?.code === 'unauthorized') && this.#sender.id !== undefined",
  },
];

const PACKAGE = new URL('../../', import.meta.url);

/** The folder of the mutated copies. The process removes it at its end. @type {string | undefined} */
let folder;

/** Makes a folder for one mutant. */
function emptyFolder() {
  if (!folder) {
    const made = mkdtempSync(join(tmpdir(), 'throughline-mutants-'));
    process.on('exit', () => rmSync(made, { recursive: true, force: true }));
    folder = made;
  }
  return mkdtempSync(join(folder, 'mutant-'));
}

/**
 * Loads the client's half with this mistake, from a copy of the sources. Returns undefined if the text of the mutant does not
 * occur exactly once.
 * @param {Mutant} mutant
 * @returns {Promise<Half | undefined>}
 */
export async function load({ file, from, to }) {
  const source = readFileSync(new URL(`src/${file}`, PACKAGE), 'utf8');
  if (source.split(from).length !== 2) return undefined;
  const copy = emptyFolder();
  // Node reads the type of the modules from package.json.
  for (const name of ['package.json', 'src'])
    cpSync(fileURLToPath(new URL(name, PACKAGE)), join(copy, name), { recursive: true });
  writeFileSync(
    join(copy, 'src', file),
    source.replace(from, () => to),
  );
  const { Session } = await import(pathToFileURL(join(copy, 'src/session/session.js')).href);
  const { Identity } = await import(pathToFileURL(join(copy, 'src/identity/identity.js')).href);
  return { Session, Identity };
}
