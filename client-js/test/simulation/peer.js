// @ts-check
/**
 * The server's half: the real one, in Rust, in a child process. It holds no rule of a session.
 *
 * It takes one command a line and gives one answer a line. This process sleeps until the answer comes, so a schedule is a
 * plain sequence of calls. Two named pipes make that possible, because Node's own pipes can only be awaited.
 *
 * @typedef {{effects: any[], timeout: number | null, newest: string | null, kept: number}} Answer
 */

import { execFileSync, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOM = 1 << 20;

/** A failure of the peer or of its caller. It is no finding about a session. */
export class PeerError extends Error {}

/** Makes a pipe, and opens both ends. @param {string} path */
function pipe(path) {
  execFileSync('mkfifo', [path]);
  // Opening one end waits for the other end, so a third descriptor opens first. A process that kept it would never see
  // the other process go, so it is closed.
  const both = openSync(path, 'r+');
  const ends = { read: openSync(path, 'r'), write: openSync(path, 'w') };
  closeSync(both);
  return ends;
}

/** @param {string} executable It serves when its first argument is `serve`. */
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
