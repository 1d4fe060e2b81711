// Wrong uses: none of them compiles. A line that does compile is an error of its own, since nothing was expected there. Never run.
// @ts-expect-error not a name of the entry
import { connect, createChannel, type Message, type Options } from 'throughline';
import { describe } from 'throughline/explain';
// @ts-expect-error an inner module
import { createSession } from 'throughline/src/session.js';

// @ts-expect-error no URL
connect();
// @ts-expect-error a URL is text
connect(8080);
// @ts-expect-error a word that is no option
connect('/rt', { transport: 'sse' });
// @ts-expect-error no such transport
connect('/rt', { transports: ['ws'] });
// @ts-expect-error a token is text, or gives it
connect('/rt', { token: 5 });
// @ts-expect-error a token's function gives text
connect('/rt', { token: async () => 5 });
// @ts-expect-error a bound is a number
connect('/rt', { queue: { messages: 'many' } });
// @ts-expect-error a class, not its instance
connect('/rt', { WebSocket: {} });
// @ts-expect-error not what fetch is
const options: Options = { fetch: (url: number) => url };

const connection = connect('/rt', options);
// @ts-expect-error a word that is no event
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
// @ts-expect-error nobody listens
connection.on('transport');
// @ts-expect-error what carries it is not set, but asked for with switchTo
connection.transport = 'sse';
// @ts-expect-error the state is not set
connection.state = 'online';
// @ts-expect-error no such transport
connection.switchTo('longpoll');
// @ts-expect-error `on` gives its undo; there is no `off`
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
// @ts-expect-error the offset comes once the gateway has it
console.log(fleet.publish({ speed: 12 }).at);
// @ts-expect-error `for await`, since messages come over time
for (const message of fleet) console.log(message);
// @ts-expect-error an inner member
fleet.deliver({});
// @ts-expect-error an inner member
fleet.resume('gone', new Set());
// @ts-expect-error an offset is a number
const at: string = (null as unknown as Message).at;

// @ts-expect-error no explanation
describe({});
// @ts-expect-error the data, not the connection
describe(connection);
// @ts-expect-error no such transport
console.log(connection.explain().ways.longpoll);
// @ts-expect-error not every transport is known of
console.log(connection.explain().ways[0].rtt.toFixed());
console.log(createSession, createChannel, at);
