/** What an identity takes and what it gives. */

import type { ThroughlineError } from '../errors.js';
import type { Transport } from '../types.js';

export type IdentityInput =
  /** A race is due. */
  | { type: 'prepareRace' }
  /** The answer to `askToken`: a token, or null if the user has signed out. */
  | { type: 'tokenGiven'; call: number; token: string | null }
  /** The answer to `askToken`: the application's function failed. */
  | { type: 'tokenFailed'; call: number; error: ThroughlineError }
  /** The gateway's answer to `sendToken`: the time that is left, or why it refuses the token. */
  | { type: 'tokenAnswered'; expiresMs?: number; error?: ThroughlineError }
  | { type: 'openLeg'; leg: number }
  /** The session has the leg's welcome. */
  | { type: 'legUsable'; leg: number }
  | { type: 'legActive'; leg: number }
  | { type: 'legDropped'; leg: number; reason: string; error?: ThroughlineError }
  /** Another transport carries the session, or none does. */
  | { type: 'transportChanged'; to: Transport | null }
  /** `pollTimeout` has come. */
  | { type: 'timeout' };

export type IdentityOutput =
  /** Call the application's function, and answer with `tokenGiven` or `tokenFailed`. */
  | { type: 'askToken'; call: number }
  /** The hellos from now on carry this token. */
  | { type: 'useToken'; token: string }
  /** Send this token on the leg in use. */
  | { type: 'sendToken'; token: string }
  /** The race may begin. */
  | { type: 'raceReady' }
  /** There is no token for the race. */
  | { type: 'raceFailed'; error: ThroughlineError }
  /** The application must know of this; the identity goes on. */
  | { type: 'tokenError'; error: ThroughlineError }
  /** The connection ends: the user has signed out, or the gateway refuses a fixed token. */
  | { type: 'signedOut'; error: ThroughlineError };

/** What the identity reads of the session. */
export interface WelcomeView {
  /** The last welcome; null before the first. */
  readonly welcome: { readonly user?: string; readonly expires_ms?: number } | null;
}
