// @ts-check
import assert from 'node:assert/strict';
import test from 'node:test';
import { createContext, runInContext } from 'node:vm';
import { decode, encode } from '../src/payload.js';

/** Publishes and receives without a network. @param {unknown} data */
const carry = (data) => decode(JSON.parse(`{"pub":"a",${encode(data)}}`));

/** @param {unknown} data @param {RegExp} message */
const refuses = (data, message) =>
  assert.throws(() => encode(data), { name: 'TypeError', message }, String(message));

const VALUES = [
  null,
  true,
  0,
  -0,
  5e-324,
  1e308,
  '',
  '\ud800\u2028"',
  [],
  [[], {}],
  { list: [-0, { '': 1, '"': [null] }] },
  JSON.parse('{"__proto__":{"a":1},"constructor":1}'),
];

test('JSON arrives as it was, -0 and a key __proto__ too', () => {
  for (const value of VALUES) assert.deepStrictEqual(carry(value), value);
});

test('keys that are symbols do not count as data', () => {
  assert.deepStrictEqual(carry({ a: 1, [Symbol('b')]: 2 }), { a: 1 });
});

test('plain objects without a prototype and those of another realm are plain', () => {
  const other = runInContext('({ list: [1, { a: null }] })', createContext());
  assert.deepStrictEqual(carry(other), { list: [1, { a: null }] });
  assert.deepStrictEqual(carry(Object.assign(Object.create(null), { a: 1 })), { a: 1 });
});

test('every kind of bytes arrives as the same bytes, from its offset on', () => {
  const { buffer } = new Uint8Array([9, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  const shared = new SharedArrayBuffer(2);
  new Uint8Array(shared).set([5, 6]);
  const realm = createContext();
  /** @type {Array<[data: unknown, bytes: number[]]>} */
  const cases = [
    [new Uint8Array(buffer, 1, 2), [1, 2]],
    [new DataView(buffer, 7), [7, 8, 9]],
    [new Uint8ClampedArray(buffer, 1, 1), [1]],
    [new Uint16Array(buffer, 2, 1), [2, 3]],
    [new Float64Array(buffer.slice(0, 8)), [9, 1, 2, 3, 4, 5, 6, 7]],
    [new BigInt64Array(1), [0, 0, 0, 0, 0, 0, 0, 0]],
    [buffer.slice(8), [8, 9]],
    [shared, [5, 6]],
    [new Uint8Array(shared, 1), [6]],
    [Buffer.from('ab'), [97, 98]],
    [runInContext('new Uint8Array([1, 2]).subarray(1)', realm), [2]],
    [runInContext('new Uint8Array([3]).buffer', realm), [3]],
    [runInContext('new DataView(new ArrayBuffer(1))', realm), [0]],
    [new ArrayBuffer(0), []],
    [new DataView(new ArrayBuffer(0)), []],
    [new Uint8Array(0), []],
  ];
  for (const [data, bytes] of cases) {
    const arrived = carry(data);
    assert.ok(arrived instanceof Uint8Array);
    assert.deepEqual([...arrived], bytes);
  }
});

test('bytes that a socket brought are taken as they are, also if there are none', () => {
  const bytes = new Uint8Array(0);
  assert.equal(decode({ bytes }), bytes);
  assert.deepEqual(decode({ b64: '' }), bytes);
});

test('data that JSON cannot carry is refused with its place and the remedy', () => {
  class Point {
    x = 1;
  }
  class List extends Array {}
  const cycle = { list: [{}] };
  cycle.list[0] = cycle;
  refuses(undefined, /^data is undefined: leave it out, or publish null$/);
  refuses({ a: { 'b c': undefined } }, /^data\.a\["b c"\] is undefined: leave it out/);
  refuses([1, Number.NaN], /^data\[1\] is NaN: publish null$/);
  refuses({ a: -Infinity }, /^data\.a is -Infinity: /);
  refuses(new Array(2), /^data\[0\] is undefined: /);
  refuses({ list: [0, 1, new Map()] }, /^data\.list\[2\] is a Map: publish Object\.fromEntries\(map\)$/);
  refuses(new Set(), /^data is a Set: publish \[\.\.\.set\]$/);
  refuses(10n, /^data is a bigint: publish a string$/);
  refuses({ f() {} }, /^data\.f is a function: publish plain data$/);
  refuses(class {}, /^data is a function: /);
  refuses([Symbol('a')], /^data\[0\] is a symbol: /);
  refuses({ at: new Date(0) }, /^data\.at is a Date: publish date\.toISOString\(\)$/);
  refuses(new URL('http://a/'), /^data is a URL: publish plain data$/);
  refuses({ toJSON: () => 1 }, /^data\.toJSON is a function: publish plain data$/);
  refuses(new Blob(['a']), /^data is a Blob: publish await blob\.arrayBuffer\(\)$/);
  refuses({ photo: new File(['a'], 'a') }, /^data\.photo is a File: publish await file\.arrayBuffer\(\)$/);
  refuses(Promise.resolve(1), /^data is a Promise: await it$/);
  refuses(new Error('a'), /^data is an Error: publish plain data$/);
  refuses(new Point(), /^data is a Point: publish plain data$/);
  refuses(new List(), /^data is a List: publish plain data$/);
  refuses(Object.create({ a: 1 }), /^data is an Object: publish plain data$/);
  refuses(new Number(1), /^data is a Number: publish its valueOf\(\)$/);
  refuses({ a: new String('b') }, /^data\.a is a String: publish its valueOf\(\)$/);
  refuses(Object(true), /^data is a Boolean: publish its valueOf\(\)$/);
  refuses(Object(1n), /^data is a BigInt: publish plain data$/);
  refuses(new (class {})(), /^data is an Object: publish plain data$/);
  refuses(/a/, /^data is a RegExp: /);
  refuses(runInContext('new Map()', createContext()), /^data is a Map: /);
  refuses(
    { image: new Uint8Array(1) },
    /^data\.image is a Uint8Array inside JSON: publish it alone, or as base64$/,
  );
  refuses([new ArrayBuffer(1)], /^data\[0\] is an ArrayBuffer inside JSON: /);
  refuses('abc'.match(/b/), /^data is an array with a key: publish an object$/);
  refuses(cycle, /^data\.list\[0\] is an object that contains itself: /);
});

test('an object whose kind or prototype is not that of plain objects is refused, in each realm', () => {
  class Bare extends null {
    static make = () => Object.create(Bare.prototype);
  }
  const realm = createContext();
  /** @type {Array<[data: unknown, name: string]>} */
  const cases = [
    [Math, 'a Math'],
    [JSON, 'a JSON'],
    [Reflect, 'a Reflect'],
    [Atomics, 'an Atomics'],
    [runInContext('Math', realm), 'a Math'],
    [runInContext('(function () { return arguments })(1)', realm), 'an Arguments'],
    [Bare.make(), 'a Bare'],
    [Object.create({ __proto__: null, x: 1 }), 'an Object'],
    [{ [Symbol.toStringTag]: 'Map', length: 3 }, 'a Map'],
    [{ [Symbol.toStringTag]: 'SharedArrayBuffer', length: 3 }, 'a SharedArrayBuffer'],
  ];
  for (const [data, name] of cases) {
    refuses(data, new RegExp(`^data is ${name}: `));
    refuses([data], new RegExp(`^data\\[0\\] is ${name}: `));
  }
});

test('an object that only says it is a buffer is not taken as bytes', () => {
  for (const data of [{ [Symbol.toStringTag]: 'ArrayBuffer', length: 3 }, { byteLength: 3 }])
    if (Symbol.toStringTag in data) refuses(data, /^data is an ArrayBuffer/);
    else assert.deepEqual(carry(data), data);
});

test('an object may stand in several places, if it does not contain itself', () => {
  const shared = { a: 1 };
  assert.deepEqual(carry([shared, shared, { shared }]), [shared, shared, { shared }]);
});

test('data of 1,000 levels arrives, and deeper data is refused', () => {
  /** @param {number} levels */
  const nested = (levels) => {
    /** @type {unknown} */
    let data = 1;
    for (let level = 0; level < levels; level++) data = level % 2 ? [data] : { a: data };
    return data;
  };
  assert.deepEqual(carry(nested(1000)), nested(1000));
  refuses(nested(1001), /^data has more than 1000 levels: flatten it$/);
  refuses(nested(20_000), /^data has more than/);
});

test('data that is too large is refused before it is read to its end', () => {
  let reads = 0;
  const element = {
    get a() {
      reads += 1;
      return 'x'.repeat(100);
    },
  };
  const large = [
    'x'.repeat(10_000_000),
    new Uint8Array(10_000_000),
    new Array(10_000_000),
    Array.from({ length: 20_000 }, () => element),
    { [`${'k'.repeat(60_000)}`]: 1 },
  ];
  for (const data of large) assert.throws(() => encode(data), { code: 'too_large', message: /split it$/ });
  assert.ok(reads < 1000, `${reads}`);
});

test('a buffer that was transferred, and a view of one, are refused with the remedy', () => {
  const bytes = new Uint8Array(1);
  const { buffer } = bytes;
  const view = new DataView(buffer);
  structuredClone(bytes, { transfer: [buffer] });
  for (const data of [bytes, buffer, view])
    refuses(data, /^data is an? \w+ without its bytes: publish it before its buffer is transferred$/);
  refuses([bytes], /^data\[0\] is a Uint8Array without its bytes: /);
});

test('an error of a getter reaches the caller', () => {
  const failing = {
    get a() {
      throw new RangeError('mine');
    },
  };
  assert.throws(() => encode(failing), RangeError);
});
