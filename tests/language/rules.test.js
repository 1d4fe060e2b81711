// @ts-check
/** The rules refuse what they say, and nothing else. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { divide, veilCode } from './markup.js';
import { faultsOf } from './rules.js';
import { sentencesOf } from './sentences.js';

/** Sentences of older versions: most are the left column of a table of corrections. @type {Array<[fault: RegExp, text: string]>} */
const REFUSED = [
  [
    /doubled/,
    'Messages are not lost, doubled or put out of order when the connection moves, also in the middle of a burst.',
  ],
  [/tell of/, 'the same: the history fills the hole, or `reset` with reason `overrun` tells of it'],
  [/clause/, 'What only a restart changes is logged, and a faulty file changes nothing.'],
  [
    /doubled/,
    'What decides when two good things collide, in this order: correct (nothing lost, doubled, out of order unseen)',
  ],
  [
    /clause.*'nobody'/,
    'Whatever changes what a welcome says sets `news` on the legs that are there, and those get whole ones from then on, since nobody knows which answer was read.',
  ],
  [
    /words/,
    "So is a poll, if its leg holds the turn and was answered before, its hello carries the `id`, and while the leg was there no wish was stated, …; but not a leg's first poll that comes again with the same nonce.",
  ],
  [
    /'Whom'/,
    'Publishes some, and says at which offset the first is; the others follow it. Whom to wake for them comes back too.',
  ],
  [
    /'nobody'/,
    "A client's: it frees what the gateway keeps, and nobody waits for it. Beside a stream each is a request.",
  ],
  [
    /'whoever'.*words/,
    'Wakes all of them; where they are many, some at a time, and between two of those the network is looked at and whoever waits for it has a turn: otherwise an echo beside a fan-out to 18,000 waits for all of them to be written to.',
  ],
  [/'Who'/, 'Who the client is; checked before a session is made.'],
  [/shall/, 'The client shall stay small.'],
  [/must be/, 'The text has to be told.'],
  [/instead of/, 'A function in place of the one of the platform.'],
  [/clause/, 'Of the two, the first is tried.'],
  [/clause/, 'The test ends. "What" comes next? What comes is read.'],
];

/** Sentences that may stand: most are the right column of that table. */
const ACCEPTED = [
  'No message is lost, duplicated or reordered when the connection moves between WebSocket, SSE with POST, and long-poll, even mid-burst.',
  'As above: history fills the gap if it can; otherwise you get a `reset` event with reason `overrun`.',
  'Changes that require a restart are logged and ignored. If the file is invalid, the running configuration is kept.',
  'When goals conflict, this order decides: correctness (no silent loss, duplication or reordering), …',
  'Moving a deadline later does not touch the timer map: the old entry fires and finds nothing due. Arming an earlier deadline keeps the later entry; the session tracks both.',
  "Any change to the welcome's contents sets `news` on every open leg. From then on those legs get full welcomes, because the gateway cannot know which answers the client has read.",
  'A poll gets a brief welcome if **all** of these hold: (list of five). A retried first poll (same nonce) always gets a full one. Clients MUST accept both forms.',
  "Ignore a welcome whose turn is lower than the highest turn you have requested, even if it matches its leg's own turn: a buffering proxy may have delayed it.",
  'If `token` is a function, the client calls it before each round of connection attempts.',
  'Handles several inputs and returns the last outcome. Only sockets deliver more than one. The caller must poll `socket` for lines next, so its waker is removed instead of being woken.',
  'Publishes a batch. Returns the offset of the first publication (the rest are consecutive) and the wakers of subscribers that now have lines to write.',
  'Maximum delay of a client acknowledgement. Nothing waits for it; it only frees replay memory. With SSE each one costs a POST, so keep this below the 5 s HTTP keep-alive timeout to reuse the connection.',
  'Wakes subscribers; above 1,024, in batches with a yield to the runtime between them. Without the yield, one fan-out to 18,000 subscribers delays every other connection until all of them are written.',
  'Bearer token. Reserved: not validated in this version.',
  'What is a leg? What the gateway offers, best first.',
  'The word `nobody` is code, and "who shall" is a quotation.',
  'An operator who reads the log sees it, and so do users who wait.',
];

/** @param {string} text @param {boolean} [isMeasured] */
const faultsIn = (text, isMeasured = true) =>
  sentencesOf({ kind: 'text', mask: divide(veilCode(text)), isMeasured }, text)
    .flatMap((sentence) => faultsOf(sentence, new Set()))
    .join(', ');

test('the patterns refuse the English of older versions', () => {
  for (const [fault, text] of REFUSED) assert.match(faultsIn(text), fault, text);
});

test('the patterns accept plain English', () => {
  for (const text of ACCEPTED) assert.equal(faultsIn(text), '', text);
});

test('a sentence of 31 words is too long, and one of 30 is not', () => {
  assert.equal(faultsIn(`${'word '.repeat(29)}end.`), '');
  assert.equal(faultsIn(`${'word '.repeat(30)}end.`), 'it has 31 words');
  assert.equal(faultsIn(`${'word '.repeat(30)}end.`, false), '');
});

test('a sentence on the list may say `who` of a person', () => {
  const text = 'Who sits there?';
  const [sentence] = sentencesOf({ kind: 'text', mask: text, isMeasured: true }, text);
  assert.deepEqual(faultsOf(sentence, new Set()), ["it says 'Who' of a component"]);
  assert.deepEqual(faultsOf(sentence, new Set([text])), []);
});
