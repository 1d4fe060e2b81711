// @ts-check
/**
 * The server's half: the real one, in Rust, in a child process. One command a line in, one answer a line out, and this
 * process sleeps in between, so that a schedule is one plain sequence of calls. (Hence two named pipes in place of
 * Node's own, which can only be awaited.) It holds no rule of a session.
 *
 * @typedef {{effects: any[], timeout: number | null, newest: string | null, kept: number}} Answer
 */

import { execFileSync, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOM = 1 << 20;

/** The peer's failure or its caller's, and no finding about a session. */
export class PeerError extends Error {}

/** Both ends of a new pipe. @param {string} path */
function pipe(path) {
  execFileSync('mkfifo', [path]);
  // An end alone could not be opened: it would wait for the other. And whoever kept both would never see the other go.
  const both = openSync(path, 'r+');
  const ends = { read: openSync(path, 'r'), write: openSync(path, 'w') };
  closeSync(both);
  return ends;
}

/** @param {string} executable that serves when its first argument is `serve` */
export function createPeer(executable) {
  const folder = mkdtempSync(join(tmpdir(), 'throughline-'));
  const commands = pipe(join(folder, 'commands'));
  const answers = pipe(join(folder, 'answers'));
  rmSync(folder, { recursive: true });
  const child = spawn(executable, ['serve'], { stdio: [commands.read, answers.write, 'inherit'] });
  child.on('error', (error) => {
    throw error;
  });
  closeSync(commands.read);
  closeSync(answers.write);
  const buffer = Buffer.alloc(ROOM);

  function answer() {
    let length = 0;
    while (length === 0 || buffer[length - 1] !== 10) {
      const come = readSync(answers.read, buffer, length, ROOM - length, null);
      if (come === 0) throw new PeerError(`${executable} has gone`);
      length += come;
    }
    return JSON.parse(buffer.toString('utf8', 0, length));
  }

  return {
    /** @param {any} command @returns {Answer} */
    tell(command) {
      try {
        writeSync(commands.write, `${JSON.stringify(command)}\n`);
      } catch (error) {
        throw new PeerError(`${executable} has gone`, { cause: error });
      }
      const told = answer();
      if (told.error) throw new PeerError(`the peer refuses ${JSON.stringify(command)}: ${told.error}`);
      return told;
    },
    end() {
      closeSync(commands.write);
      closeSync(answers.read);
    },
  };
}
