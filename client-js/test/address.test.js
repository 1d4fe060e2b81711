// @ts-check
import assert from 'node:assert/strict';
import test from 'node:test';
import { baseOf } from '../src/address.js';
import { connect } from '../src/index.js';

const PAGE = 'https://page.example/app/index.html?a=1#b';

test('a URL becomes a base path by HTTP, without a slash at its end or two in a row', () => {
  for (const [url, base] of /** @type {Array<[string | URL, string]>} */ ([
    ['https://gateway/rt', 'https://gateway/rt'],
    ['http://gateway:8080/rt/', 'http://gateway:8080/rt'],
    ['http://gateway//rt//', 'http://gateway/rt'],
    ['http://gateway/a///rt', 'http://gateway/a/rt'],
    [' HTTP://Gateway/rt ', 'http://gateway/rt'],
    ['ws://gateway/rt', 'http://gateway/rt'],
    ['wss://gateway:8443/rt/', 'https://gateway:8443/rt'],
    ['ws://gateway:80/rt', 'http://gateway/rt'],
    ['http://[::1]:8080/rt', 'http://[::1]:8080/rt'],
    ['http://gateway', 'http://gateway'],
    ['http://gateway/rt?', 'http://gateway/rt'],
    ['http://gateway/rt#', 'http://gateway/rt'],
    ['http://gateway/live/ws', 'http://gateway/live/ws'],
    [new URL('http://gateway/rt'), 'http://gateway/rt'],
    ['/rt', 'https://page.example/rt'],
    ['rt/', 'https://page.example/app/rt'],
    ['//gateway/rt', 'https://gateway/rt'],
  ]))
    assert.equal(baseOf(url, PAGE), base);
});

test('a URL that no transport can use is refused with the remedy, and not shown', () => {
  for (const [url, message] of /** @type {Array<[any, RegExp]>} */ ([
    ['http://secret@gateway/rt', /leave user, password, query and # away; use the option token$/],
    ['http://:secret@gateway/rt', /leave user, password, query and # away/],
    ['wss://user:secret@gateway/rt', /leave user, password, query and # away/],
    ['http://gateway/rt?token=secret', /leave user, password, query and # away/],
    ['/rt?secret', /leave user, password, query and # away/],
    ['http://gateway/rt#secret', /leave user, password, query and # away/],
    ['file:///secret/rt', /begin it with https:, not file:$/],
    ['ftp://secret/rt', /begin it with https:, not ftp:$/],
    ['mailto:secret@gateway', /begin it with https:, not mailto:$/],
    ['data:text/plain,secret', /begin it with https:, not data:$/],
    ['localhost:8080/secret', /begin it with https:, not localhost:$/],
    ['http://gateway/rt/ws', /leave \/ws away$/],
    ['ws://gateway/rt/ws/', /leave \/ws away$/],
    ['http://gateway/a/rt/stream', /leave \/stream away$/],
    ['http://gateway/rt/sse', /leave \/sse away$/],
    ['http://gateway/rt/send', /leave \/send away$/],
    ['http://gateway/rt/poll', /leave \/poll away$/],
    ['http://gateway/rt/control', /leave \/control away$/],
    ['http://', /use one such as https:\/\/example\.org\/rt, or \/rt in a page$/],
    ['http://secret:port/rt', /use one such as/],
    [undefined, /use one such as/],
    [null, /use one such as/],
    [8080, /use one such as/],
    [{}, /use one such as/],
  ]))
    assert.throws(
      () => baseOf(url, PAGE),
      (error) =>
        error instanceof TypeError &&
        message.test(error.message) &&
        error.message.startsWith('connect: wrong URL: ') &&
        !error.message.includes('secret'),
      String(url),
    );
});

test('outside a page a relative URL is refused at once', () => {
  assert.throws(() => connect('/rt'), { name: 'TypeError', message: /use one such as/ });
});
