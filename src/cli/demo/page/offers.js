// @ts-check
/** Which transports the gateway offers, changed while it runs; and what else this gateway has to offer. Only HTTP. */

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

/** Whether the gateway's offer can be changed: to a GET, a route for POST says 405. */
export const canWithdraw = () =>
  fetch(PATH).then(
    ({ status }) => status !== 404,
    () => false,
  );

/** Whether the gateway serves its doctor. */
export const hasDoctor = () =>
  fetch('/doctor').then(
    ({ status }) => status === 200,
    () => false,
  );

/** The client's own words for what it explains, where it has them. @returns {Promise<((data: any) => string) | null>} */
export const loadDescribe = () =>
  import(/** @type {any} */ ('/rt/client/explain.js')).then(
    ({ describe }) => describe ?? null,
    () => null,
  );
