// Socket.IO with `transports: ['websocket', 'polling']`, the documented way to try WebSocket first.
import { open as openDefault } from './socketio.mjs';

export { transports } from './socketio.mjs';

/** @type {import('../child.mjs').Open} */
export const open = (url, tell, only) =>
  openDefault(url, tell, only, { transports: ['websocket', 'polling'] });
