// @ts-check
import assert from 'node:assert/strict';
import test from 'node:test';
import { runInNewContext } from 'node:vm';
import { nameKind, textOf } from '../src/errors.js';

const { proxy, revoke } = Proxy.revocable({}, {});
revoke();

test('a wrong value is named by its class or kind, whatever it is, and its content is not shown', () => {
  for (const [value, name] of /** @type {Array<[unknown, string]>} */ ([
    [undefined, 'undefined'],
    [null, 'null'],
    [Number.NaN, 'NaN'],
    ['a-secret', 'a string'],
    [() => 0, 'a function'],
    [Symbol('a-secret'), 'a symbol'],
    [new Map(), 'a Map'],
    [runInNewContext('new Map()'), 'a Map'],
    [{}, 'an Object'],
    [Object.create(null), 'an Object'],
    [new (class {})(), 'an Object'],
    [Math, 'a Math'],
    [{ constructor: { name: 'a-secret' } }, 'an Object'],
    [
      new (class {
        static name = Symbol('a-secret');
      })(),
      'an Object',
    ],
    [proxy, 'an Object'],
  ]))
    assert.equal(nameKind(value), name);
});

test('a thrown error is told by its message, and any other thrown value by its kind', () => {
  for (const [thrown, text] of /** @type {Array<[unknown, string]>} */ ([
    [new Error('no session'), 'no session'],
    [new RangeError(), 'a RangeError'],
    [Object.assign(new Error(), { message: Symbol('a-secret') }), 'an Error'],
    [undefined, 'undefined'],
    ['a-secret', 'a string'],
    [Object.create(null), 'an Object'],
    [{ toString: () => 'a-secret' }, 'an Object'],
    [Symbol('a-secret'), 'a symbol'],
    [proxy, 'an Object'],
  ]))
    assert.equal(textOf(thrown), text);
});
