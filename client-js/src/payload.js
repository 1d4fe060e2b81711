// @ts-check
/**
 * Turns the data of the application into the field of a frame, and back. Data arrives as it was, or is refused here. It never
 * alters data without a word, and never encodes what is too large.
 *
 * @import { NumberedFrame } from './protocol/frames.js'
 */

import { kindOf, nameKind, ThroughlineError } from './errors.js';

/** PROTOCOL.md's limit of a line: it fits into a body behind the longest hello. */
export const LINE_BYTES = 56_320;
/** Every engine reads and writes JSON that is nested so deeply. */
const MOST_LEVELS = 1000;

/** What a value costs beside its text. */
const VALUE_BYTES = 8;

const UNBOX = 'publish its valueOf()';

/** The remedy for what JSON cannot carry as it was, by type, or by kind of object. @type {{[kind: string]: string}} */
const REMEDIES = {
  undefined: 'leave it out, or publish null',
  number: 'publish null',
  bigint: 'publish a string',
  Number: UNBOX,
  String: UNBOX,
  Boolean: UNBOX,
  Date: 'publish date.toISOString()',
  Map: 'publish Object.fromEntries(map)',
  Set: 'publish [...set]',
  Blob: 'publish await blob.arrayBuffer()',
  File: 'publish await file.arrayBuffer()',
  Promise: 'await it',
};

/** @param {string} size */
export const tooLarge = (size) =>
  new ThroughlineError('too_large', `${size} bytes; the limit is ${LINE_BYTES}: split it`);

/** Says whether an object was written as `{…}` or `[…]`, in whatever realm. @param {object} value */
function isPlain(value) {
  const prototype = Object.getPrototypeOf(value);
  // The prototype of all lists is itself a list.
  if (Array.isArray(value)) return Array.isArray(prototype);
  // `Math` and `arguments` are of another kind, though their prototype is that of plain objects.
  if (kindOf(value) !== 'Object') return false;
  // Only the prototype of plain objects has no prototype, and has this method. That of `class extends null` does not have it.
  return (
    prototype === null ||
    (Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'hasOwnProperty'))
  );
}

/**
 * Returns the bytes of a value that consists of bytes, in whatever realm it was made. A buffer that was transferred has none.
 * @param {unknown} value
 */
function bytesOf(value) {
  // This question is cheap, and an error below is not.
  if (typeof value !== 'object' || value === null || isPlain(value)) return;
  try {
    if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    // Only a buffer takes a view, whatever another object says of itself.
    return new Uint8Array(new DataView(/** @type {ArrayBuffer} */ (value)).buffer);
  } catch {}
}

/**
 * Returns the field of a frame that carries the data, as text: `"data":…` or `"b64":…`.
 * Throws a TypeError for what would arrive as something else, and `too_large`.
 * @param {unknown} data
 */
export function encode(data) {
  const bytes = bytesOf(data);
  if (!bytes) return `"data":${new JsonWriter().write(data)}`;
  const size = Math.ceil(bytes.length / 3) * 4;
  if (size > LINE_BYTES) throw tooLarge(`${size}`);
  return `"b64":"${btoa(String.fromCharCode(...bytes))}"`;
}

/** Returns the data of a publication. @param {NumberedFrame} publication */
export const decode = ({ bytes, b64, data }) => {
  if (b64 === undefined) return bytes ?? data;
  return Uint8Array.from(atob(b64), (character) => character.charCodeAt(0));
};

/**
 * Returns about how many bytes of memory received data takes. It reads no deep data by recursion, since others may have sent that.
 * @param {unknown} data
 */
export function sizeOf(data) {
  let size = 0;
  const rest = [data];
  while (rest.length > 0) {
    const value = rest.pop();
    if (value instanceof Uint8Array || typeof value === 'string') size += value.length;
    else if (Array.isArray(value)) rest.push(...value);
    else if (typeof value === 'object' && value !== null)
      for (const [key, member] of Object.entries(value)) rest.push(key, member);
    size += VALUE_BYTES;
  }
  return size;
}

/**
 * Writes JSON. `JSON.stringify` leaves out, flattens or replaces what JSON does not have. This throws instead, and stops as soon as
 * the text is too long. Keys that are symbols do not count as data, as in `structuredClone`.
 */
class JsonWriter {
  #length = 0;
  /** The keys that lead to the present value. @type {Array<string | number>} */
  #path = [];
  /** The objects around the present value. @type {object[]} */
  #around = [];

  /** Returns a value as JSON. @param {unknown} value @returns {string} */
  write(value) {
    if (typeof value === 'string') return this.#string(value);
    if (value === null || typeof value === 'boolean') return this.#count(`${value}`);
    // JSON has a minus zero, although `JSON.stringify` does not write it.
    if (Number.isFinite(value)) return this.#count(Object.is(value, -0) ? '-0' : `${value}`);
    if (typeof value !== 'object') throw this.#refusal(nameKind(value), REMEDIES[typeof value]);
    this.#check(value);
    this.#around.push(value);
    const text = Array.isArray(value)
      ? this.#array(value)
      : this.#members(/** @type {Record<string, unknown>} */ (value));
    this.#around.pop();
    return text;
  }

  /** @param {string} text */
  #string(text) {
    // A long one is not even escaped.
    this.#room(text.length);
    return this.#count(JSON.stringify(text));
  }

  /** @param {unknown[]} list */
  #array(list) {
    // Each element takes a comma.
    this.#room(list.length);
    if (Object.keys(list).length > list.length)
      throw this.#refusal('an array with a key', 'publish an object');
    const elements = [];
    // A hole is undefined, which is refused.
    for (const [place, element] of list.entries()) elements.push(this.#inner(place, element));
    return `[${elements.join()}]`;
  }

  /** @param {Record<string, unknown>} object */
  #members(object) {
    const members = [];
    for (const key of Object.keys(object))
      members.push(`${this.#string(key)}:${this.#inner(key, object[key])}`);
    return `{${members.join()}}`;
  }

  /** @param {string | number} key @param {unknown} value */
  #inner(key, value) {
    this.#path.push(key);
    if (this.#path.length > MOST_LEVELS)
      throw new TypeError(`data has more than ${MOST_LEVELS} levels: flatten it`);
    this.#count(',');
    const text = this.write(value);
    this.#path.pop();
    return text;
  }

  /** Throws unless JSON carries all that an object is. @param {object} value */
  #check(value) {
    if (this.#around.includes(value))
      throw this.#refusal('an object that contains itself', 'publish a copy without it');
    if (isPlain(value)) return;
    const what = nameKind(value);
    if (bytesOf(value)) throw this.#refusal(`${what} inside JSON`, 'publish it alone, or as base64');
    if (ArrayBuffer.isView(value) || kindOf(value) === 'ArrayBuffer')
      throw this.#refusal(`${what} without its bytes`, 'publish it before its buffer is transferred');
    throw this.#refusal(what, REMEDIES[kindOf(value)]);
  }

  /** @param {string} text */
  #count(text) {
    this.#length += text.length;
    this.#room(0);
    return text;
  }

  /** @param {number} more */
  #room(more) {
    if (this.#length + more > LINE_BYTES) throw tooLarge(`more than ${LINE_BYTES}`);
  }

  /** @param {string} what @param {string} [remedy] */
  #refusal(what, remedy = 'publish plain data') {
    const place = this.#path.map((key) =>
      typeof key === 'number' ? `[${key}]` : /^[\w$]+$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`,
    );
    return new TypeError(`data${place.join('')} is ${what}: ${remedy}`);
  }
}
