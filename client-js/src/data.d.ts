/** The types of what `publish` takes: data, and options. */

/** The options of `publish`. If they end the wait, the code of its error says whether the message was sent. */
export interface PublishOptions {
  /** A signal that ends the wait. `aborted`: the message was not sent. `unknown_outcome`: it was sent. */
  signal?: AbortSignal;
  /** The longest wait in milliseconds. `timeout`: the message was not sent. `unknown_outcome`: it was sent. */
  timeoutMs?: number;
}

/** Bytes: an `ArrayBuffer`, or any view of one. They arrive as a `Uint8Array`. */
export type Bytes = ArrayBuffer | SharedArrayBuffer | ArrayBufferView;

/** The parts of `T` that JSON can carry as they are. A part that it cannot carry has the type `never`. */
export type Json<T> = T extends string | number | boolean | null
  ? T
  : T extends undefined | bigint | symbol | Bytes | ((...values: never) => unknown)
    ? never
    : T extends object
      ? { [Key in keyof T]: Json<T[Key]> }
      : T;

/** `T` if `publish` takes it. A type cannot show all: a `TypeError` refuses the rest, for example an infinite number. */
export type Publishable<T> = T extends Bytes ? T : Json<T>;

/** The data that a channel of `Data` takes. A channel without a type takes all that can be published. */
export type ToPublish<Data, Given> = 0 extends 1 & Data ? Given & Publishable<Given> : Publishable<Data>;
