// The same with `tryAllTransports`, the option that lets a failed first transport be followed by the next.
import { open as openDefault } from './socketio.mjs';

export { transports } from './socketio.mjs';

const options = { transports: ['websocket', 'polling'], tryAllTransports: true };

/** @type {import('../child.mjs').Open} */
export const open = (url, tell, only) => openDefault(url, tell, only, options);
