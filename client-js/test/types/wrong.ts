// Wrong uses: none of them compiles. A line that does compile is an error, because its directive then expects one in vain.
// This file never runs.
// @ts-expect-error the entry does not export this name
import { connect, createSession, type Message, type Options } from 'throughline';
import { describe } from 'throughline/explain';
// @ts-expect-error an inner module
import { Session } from 'throughline/src/session/session.js';

// @ts-expect-error no URL
connect();
// @ts-expect-error a URL is text
connect(8080);
// @ts-expect-error an unknown option
connect('/rt', { transport: 'sse' });
// @ts-expect-error no such transport
connect('/rt', { transports: ['ws'] });
// @ts-expect-error a token is text, or a function that returns text
connect('/rt', { token: 5 });
// @ts-expect-error the function of a token returns text
connect('/rt', { token: async () => 5 });
// @ts-expect-error undefined is no word that the user has signed out
connect('/rt', { token: async () => undefined });
// @ts-expect-error cookies go, or they do not
connect('/rt', { credentials: 'same-origin' });
// @ts-expect-error a bound is a number
connect('/rt', { queue: { messages: 'many' } });
// @ts-expect-error a class, not its instance
connect('/rt', { WebSocket: {} });
// @ts-expect-error `fetch` takes more than a number
const options: Options = { fetch: (url: number) => url };

const connection = connect('/rt', options);
// @ts-expect-error an unknown event
connection.on('transprot', () => {});
// @ts-expect-error an event of channels
connection.on('message', () => {});
// @ts-expect-error a change has no such key
connection.on('transport', ({ form }) => console.log(form));
// @ts-expect-error a state has no keys of a change
connection.on('state', ({ to }) => console.log(to));
// @ts-expect-error no such state
connection.on('state', (state) => state === 'onlin');
// @ts-expect-error no such reason
connection.on('transport', ({ reason }) => reason === 'muted');
// @ts-expect-error no listener
connection.on('transport');
// @ts-expect-error the transport is read-only; `switchTo` changes it
connection.transport = 'sse';
// @ts-expect-error the state is read-only
connection.state = 'online';
// @ts-expect-error no such transport
connection.switchTo('longpoll');
// @ts-expect-error there is no `off`: `on` returns a function that removes the listener
connection.off('state', () => {});
// @ts-expect-error a name is text
connection.channel(42);

const fleet = connection.channel<{ speed: number }>('fleet/42');
// @ts-expect-error an event of connections
fleet.on('state', () => {});
// @ts-expect-error a channel of speeds
fleet.publish({ sped: 12 });
// @ts-expect-error a channel of speeds
fleet.on('message', ({ data }) => console.log(data.sped));
// @ts-expect-error a channel of speeds
fleet.publish({ speed: 12, more: 1 });
const plain = connection.channel('plain');
// @ts-expect-error there is nothing to publish
plain.publish();
// @ts-expect-error JSON has no undefined
plain.publish(undefined);
// @ts-expect-error JSON has no undefined
plain.publish({ speed: undefined });
// @ts-expect-error JSON has no Map
plain.publish(new Map());
// @ts-expect-error JSON has no Set
plain.publish({ list: [new Set()] });
// @ts-expect-error JSON has no functions
plain.publish(() => 1);
// @ts-expect-error JSON has no bigint
plain.publish(1n);
// @ts-expect-error a date arrives as text, so publish its text
plain.publish({ at: new Date() });
// @ts-expect-error bytes go alone
plain.publish({ image: new Uint8Array(1) });
// @ts-expect-error a promise is not its value
plain.publish(Promise.resolve(1));
// @ts-expect-error no message can hold a date
connection.channel<{ at: Date }>('dates').publish({ at: new Date() });
// @ts-expect-error `publish` returns a promise of the offset
console.log(fleet.publish({ speed: 12 }).at);
// @ts-expect-error messages need `for await`
for (const message of fleet) console.log(message);
// @ts-expect-error an inner member
fleet.deliver({});
// @ts-expect-error an inner member
fleet.resume('gone', new Set());
// @ts-expect-error an offset is a number
const at: string = (null as unknown as Message).at;

// @ts-expect-error an explanation has more keys
describe({});
// @ts-expect-error `describe` takes the data, not the connection
describe(connection);
// @ts-expect-error no such transport
console.log(connection.explain().paths.longpoll);
// @ts-expect-error the explanation may lack a transport
console.log(connection.explain().paths[0].rtt.toFixed());
console.log(createSession, Session, at);
