// @ts-check
/** The transports that the gateway offers, changed while it runs. It speaks only HTTP. */

const PATH = '/demo/transports';

/** @param {string[]} transports @param {boolean} [keepalive] */
async function offer(transports, keepalive = false) {
  const response = await fetch(PATH, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ transports, jitter_ms: 500 }),
    keepalive,
  });
  if (!response.ok) throw new Error(`the gateway answers ${response.status}`);
}

export function createOffers() {
  let withdrawn = false;

  return {
    get withdrawn() {
      return withdrawn;
    },

    async withdraw() {
      withdrawn = true;
      await offer(['sse', 'poll']);
    },

    /** @param {boolean} [leaving] the page is being left */
    async restore(leaving) {
      await offer(['websocket', 'sse', 'poll'], leaving);
      withdrawn = false;
    },
  };
}

/** @typedef {ReturnType<typeof createOffers>} Offers */
