/** What the network and the page report to the event loop. */

import type { ThroughlineError } from '../errors.js';
import type { Line, RawFrame } from '../protocol/frames.js';
import type { Failure, Route } from '../session/events.js';
import type { Control } from '../types.js';

export type NetworkEvent =
  | { type: 'socketOpened'; leg: number }
  | { type: 'frameArrived'; leg: number; frame: RawFrame }
  | { type: 'answerArrived'; leg: number; route: Route; lines: Line[] }
  | {
      type: 'requestFailed';
      leg: number;
      route: Route;
      status?: number;
      code?: Failure['code'];
      error?: ThroughlineError;
    }
  /** A part of an answer came, which may be less than a frame. */
  | { type: 'bytesArrived'; leg: number; route: Route; bytes: number }
  | { type: 'legDied'; leg: number }
  /** The gateway refused a request. */
  | { type: 'gatewayRefused'; wait: number | undefined; error: ThroughlineError }
  /** The answer to a control request that was issued at `askedAt`, and the gateway's reason if it refused. */
  | { type: 'controlAnswered'; control: Control; askedAt: number; error?: ThroughlineError };

export type PageEvent =
  /** Another tab gave a slot back, or all are taken: whether a stream or a poll may hold a connection. */
  | { type: 'holdingChanged'; mayHold: boolean }
  /** Something may have changed while the page slept, or the page was hidden: `isVisible` says which. */
  | { type: 'wake'; isVisible: boolean }
  /** The page is frozen or left; it may come back. If it `isLeft` for good, that is not likely. */
  | { type: 'park'; isLeft?: boolean };

/** What the client uses of a browser, or of Node. Call the functions without the object: browsers refuse them as its methods. */
export interface Platform {
  fetch: typeof globalThis.fetch;
  /** None: the client starts on SSE. */
  WebSocket?: (new (url: string, protocol: string) => import('./websocket.js').SocketLike) | null;
  /** Milliseconds that never go back. */
  /** Cookies go with requests only if this is `include`. */
  credentials?: 'include' | 'omit';
  now: () => number;
  setTimeout: (callback: () => void, ms: number) => unknown;
  clearTimeout: (timer: unknown) => void;
  /** Undefined: `localStorage`, if the platform lets the page have one. */
  storage?: import('../types.js').StorageLike | null;
  /** None outside a page. */
  window: PageWindow | undefined;
}

/** The parts of a page that the client watches. Browsers have all of them; other platforms with a `window` may have few. */
export interface PageWindow {
  localStorage?: import('../types.js').StorageLike;
  addEventListener?: EventTarget['addEventListener'];
  document?: { hidden: boolean };
  /** `connection`, where browsers have it, fires `change` when the network changes. */
  navigator?: {
    onLine?: boolean;
    connection?: { addEventListener?: EventTarget['addEventListener'] };
    /** None where the page is not served over TLS or from loopback. */
    locks?: LockManager;
  };
}
