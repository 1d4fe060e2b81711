/** The frames that a client reads, as types. PROTOCOL.md describes each. Twin of `src/protocol` in Rust. */

import type { Reason, Transport } from '../types.js';

/** One frame in line form: JSON, without a newline. */
export type Line = string;

/** A frame as a transport delivers it: a line, or the line and the raw bytes of a binary WebSocket message. */
export type RawFrame = Line | { head: Line; bytes: Uint8Array };

/** The bounds that a gateway states in its welcome. */
export interface Limits {
  replay_frames: number;
  replay_bytes: number;
  body_bytes: number;
  body_lines: number;
  line_bytes: number;
}

/** The first frame of a client on everything. Undefined keys do not go. */
export interface Hello {
  v: 1;
  session: string;
  id: string | undefined;
  leg: number;
  turn: number | undefined;
  received: number;
  next: number;
  nonce: string;
  /** Only in a hello that attaches a leg. */
  token: string | undefined;
  heartbeat_ms?: number;
  hold_ms?: number;
  /** What the client reports of its search for a connection. */
  client: { ms: number; tried: Array<[Transport, Reason]> } | undefined;
}

/** The first frame of a gateway on a leg, and its confirmation of a turn. */
export interface Welcome {
  v: 1;
  nonce: string;
  id: string;
  leg: number;
  /** The session's turn; 0 if none was granted. */
  turn: number;
  received: number;
  next: number;
  transports: Transport[];
  heartbeat_ms: number;
  hold_ms: number;
  resume_ms: number;
  network?: string;
  /** The subject of the token; absent without authentication, and for an anonymous session. */
  user?: string;
  /** The time that is left of the token. */
  expires_ms?: number;
  limits: Limits;
}

/** A welcome that leaves out what the last one said. */
export interface BriefWelcome {
  nonce: string;
  next?: number;
  received?: number;
}

/** The last frame of a leg. */
export interface End {
  nonce?: string;
  code: string;
  message?: string;
}

/** The answer to a fresh token: the time that is left, or a refusal. */
export type TokenAnswer = { expires_ms: number; code?: undefined } | { code: string; message?: string };

/** The gateway decides about a leg: the path works, and the decision comes within `ms`. */
export interface Wait {
  nonce: string;
  ms: number;
}

/** A frame about the gateway's leg or configuration, for the choice of transports. */
export interface LinkFrame {
  goaway?: { after_ms: number; jitter_ms: number };
  config?: { transports?: Transport[]; jitter_ms: number };
}

/** A position in a channel. */
export interface Position {
  epoch: string;
  at: number;
}

/** A numbered frame, for the application: a publication, an answer, or one that this client does not know. */
export interface NumberedFrame {
  /** The channel of a publication. */
  pub?: string;
  /** The channel whose subscription the gateway ended; `code` says why. */
  unsub?: string;
  /** The request that succeeded. */
  ok?: number;
  /** The request that failed. */
  err?: number;
  at?: number;
  epoch?: string;
  recovered?: boolean;
  data?: unknown;
  b64?: string;
  bytes?: Uint8Array;
  code?: string;
  message?: string;
}

/** What a request asks. The client adds the id. */
export type Request =
  | { sub: string; since?: Position }
  | { unsub: string }
  /** `field` is the text of the key `data` or `b64` with its value. */
  | { pub: string; field: string };

/**
 * A frame that came down, read: `type` is its verb, `value` the verb's, `cost` its length in characters and bytes. The gateway is
 * trusted to follow PROTOCOL.md, but for a value that is null.
 */
export type Down = { cost?: number } & (
  | { type: 'welcome'; value: Welcome | null }
  | { type: 'nonce'; value: string; frame: NumberedFrame & BriefWelcome }
  | { type: 'end'; value: End | null }
  | { type: 'ack'; value: number; frame: { next?: number } }
  | { type: 'ping'; value: number }
  | { type: 'pong'; frame: { pong: number; pad?: string } }
  | { type: 'bytes'; value: number }
  | { type: 'config' | 'goaway'; frame: LinkFrame }
  | { type: 'token'; value: TokenAnswer | null }
  | { type: 'wait'; value: Wait | null }
  | { type: 'numbered'; frame: NumberedFrame }
  | { type: 'malformed' }
);
