// The process with the hostile networks (fronts.rs). It speaks in lines of JSON.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export function startFronts() {
  const process_ = spawn(process.env.FRONTS_BIN, { stdio: ['pipe', 'pipe', 'inherit'] });
  /** The orders that wait for an answer, in order. */
  const waiting = [];
  createInterface(process_.stdout).on('line', (line) => waiting.shift().resolve(JSON.parse(line)));
  process_.on('exit', (code) => {
    for (const { reject } of waiting.splice(0)) reject(new Error(`fronts ended: ${code}`));
  });
  const order = (what) =>
    new Promise((resolve, reject) => {
      waiting.push({ resolve, reject });
      process_.stdin.write(`${JSON.stringify(what)}\n`);
    });
  let made = 0;
  return {
    /** @param {string} upstream @param {object[]} rules */
    async open(upstream, rules) {
      const name = `${++made}`;
      const { url } = await order({ open: name, upstream, network: { rules } });
      return {
        url,
        /** @returns {Promise<{ websockets: number, requests: number }>} what had come */
        close: () => order({ close: name }),
      };
    },
    stop: () => process_.stdin.end(),
  };
}
