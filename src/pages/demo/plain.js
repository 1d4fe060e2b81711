// @ts-check
/**
 * The plain WebSocket beside Throughline: `new WebSocket`, opened again half a second after it closes, as most pages
 * do. It must never do more than that, or the comparison would lie.
 */

const AGAIN_MS = 500;

/**
 * @param {object} parts
 * @param {string} parts.url
 * @param {(data: any) => void} parts.onMessage
 * @param {(open: boolean) => void} parts.onOpen
 */
export function openPlain({ url, onMessage, onOpen }) {
  /** @type {WebSocket} */
  let socket;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let again;

  function open() {
    clearTimeout(again);
    const mine = new WebSocket(url);
    socket = mine;
    mine.onopen = () => onOpen(true);
    mine.onmessage = ({ data }) => mine === socket && onMessage(JSON.parse(data).data);
    mine.onclose = () => {
      if (mine !== socket) return;
      onOpen(false);
      again = setTimeout(open, AGAIN_MS);
    };
  }
  open();

  return {
    /** Opens a new socket, as if the visitor had reloaded the page. A socket that hangs is left behind. */
    reopen() {
      const old = socket;
      onOpen(false);
      open();
      old.close();
    },

    close() {
      clearTimeout(again);
      socket.onclose = null;
      socket.close();
    },
  };
}
