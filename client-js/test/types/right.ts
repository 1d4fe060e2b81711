// Right uses: all of this compiles, and each name has the type that this file claims. This file never runs.
import {
  type Channel,
  type Connection,
  type ConnectionEvents,
  connect,
  type ErrorCode,
  type Explanation,
  type Message,
  type Options,
  type Reason,
  type State,
  ThroughlineError,
  type Transport,
  type TransportChange,
} from 'throughline';
import { describe } from 'throughline/explain';

/** Compiles only where both types are the same one, `any` included. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_: Same<A, B>) => {};

class Socket {
  constructor(address: string | URL, protocols?: string | string[]) {
    console.log(address, protocols);
  }
}

const options: Options = {
  transports: ['sse', 'poll'],
  token: async () => 'who',
  queue: { messages: 10 },
  WebSocket: Socket,
  fetch,
};
const connection: Connection = connect('https://example.org/rt', options);
connect('/rt');
connect('/rt', { token: 'who', credentials: 'include' });
connect('/rt', { token: () => null });
connect('/rt', { token: async () => (Math.random() > 0.5 ? 'who' : null) });

const undo: () => void = connection.on('transport', ({ from, to, reason }) => {
  same<typeof from, Transport | null>(true);
  same<typeof to, Transport | null>(true);
  same<typeof reason, Reason>(true);
});
undo();
connection.on('state', (state) => same<typeof state, State>(true));
connection.on('reset', ({ reason, channel }) => {
  same<typeof reason, 'gone' | 'overrun'>(true);
  same<typeof channel, string>(true);
});
connection.on('error', (error) => {
  same<typeof error, ThroughlineError>(true);
  same<typeof error.code, ErrorCode>(true);
  same<typeof error.wait, number | undefined>(true);
});
const changed = (change: TransportChange) => console.log(change.reason);
connection.on('transport', changed);
same<keyof ConnectionEvents, 'state' | 'transport' | 'reset' | 'error'>(true);

same<typeof connection.state, State>(true);
same<typeof connection.user, string | null>(true);
connection.channel('a').on('end', (error) => same<typeof error, ThroughlineError>(true));
same<typeof connection.transport, Transport | null>(true);

const plain = connection.channel('plain');
plain.on('message', ({ channel, data, at, epoch }) => {
  same<typeof channel, string>(true);
  same<typeof data, any>(true);
  same<typeof at, number>(true);
  same<typeof epoch, string>(true);
});
await plain.subscribed;
const { at } = await plain.publish({ text: 'hello' });
same<typeof at, number>(true);
await plain.publish(new Uint8Array(3));
await plain.publish(new DataView(new ArrayBuffer(3)));
await plain.publish([null, true, 1, 'text', { list: [[]] }]);
declare const anything: any;
declare const unknown: unknown;
await plain.publish(anything);
await plain.publish(unknown);

interface Speed {
  speed: number;
}
const fleet: Channel<Speed> = connection.channel<Speed>('fleet/42');
same<typeof fleet.name, string>(true);
await fleet.publish({ speed: 12 });
declare const speed: Speed;
await plain.publish(speed);
interface Tree {
  name?: string;
  readonly branches: readonly Tree[];
}
declare const tree: Tree;
await plain.publish(tree);
await connection.channel<Tree>('tree').publish(tree);
await connection.channel<Tree | Uint8Array>('tree').publish(new Uint8Array(1));
await connection.channel<number[]>('numbers').publish([1]);
fleet.on('message', (message: Message<Speed>) => console.log(message.data.speed));
for await (const message of fleet) same<typeof message, Message<Speed>>(true);

await connection.switchTo('poll');
const why: Explanation = connection.explain();
same<typeof why.missing, Transport[]>(true);
const failed = why.attempts.filter(({ reason }) => reason === 'mute').map(({ at }) => why.now - at);
same<typeof failed, number[]>(true);
const text: string = describe(why);
console.log(text, why.paths.find(({ transport }) => transport === 'sse')?.rtt);
connection.close();

try {
  await plain.publish(1);
} catch (error) {
  if (error instanceof ThroughlineError && error.code === 'queue_full') console.log(error.message);
}
