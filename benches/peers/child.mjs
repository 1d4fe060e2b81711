// A process of its own for one client behind one network, so that nothing that one client keeps reaches another.
// run.mjs starts it with the client's file. It first warms up: it connects once by each transport of the client through
// a clear network (the address in `warm`). That also proves that each transport works. Then each `go` is one
// connection, with a fresh client object.
import { watch } from './watch.mjs';

/**
 * @callback Open the function that each file in clients/ exports, beside the names of its `transports`
 * @param {string} url the server, without a path
 * @param {import('./watch.mjs').Tell} tell
 * @param {string} [only] use this transport and no other
 * @returns {() => void} closes it
 */

const { open, transports } = await import(process.argv[2]);

let watching = false;

// An error that a library leaves behind would not end a page either. After the client was closed, it does not matter.
process.on(
  'uncaughtException',
  (error) => watching && console.error(`${process.argv[2]}: ${error?.stack ?? error}`),
);

process.on('message', async ({ warm, go }) => {
  if (warm) {
    const times = {};
    for (const only of transports) {
      const { first } = await watch((tell) => open(warm, tell, only), undefined, true);
      // The figure is sent as null: a message between processes drops undefined values.
      times[only] = first ?? null;
    }
    process.send({ warm: times });
  }
  if (!go) return;
  watching = true;
  const done = await watch(
    (tell) => open(go, tell),
    (first) => process.send({ first }),
  );
  watching = false;
  process.send({ done });
});

// The process that started it is gone.
process.on('disconnect', () => process.exit());

process.send({ ready: true });
