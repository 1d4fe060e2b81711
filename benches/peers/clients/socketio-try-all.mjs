// The same with `tryAllTransports`: after a failed first transport, the client tries the next one.
import { open as openDefault } from './socketio.mjs';

export { transports } from './socketio.mjs';

const options = { transports: ['websocket', 'polling'], tryAllTransports: true };

/** @type {import('../child.mjs').Open} */
export const open = (url, tell, only) => openDefault(url, tell, only, options);
