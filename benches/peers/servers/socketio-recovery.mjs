// The same with connection state recovery, which is off by default: for 2 minutes the server keeps the messages that a
// lost client misses.
import { start as startDefault } from './socketio.mjs';

export const start = () => startDefault({ connectionStateRecovery: {} });
