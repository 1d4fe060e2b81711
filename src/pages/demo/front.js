// @ts-check
/** This tab's own way into the gateway: a port with a hostile network behind it. It speaks only HTTP, and shows nothing. */

/**
 * @param {string} path
 * @param {object} [body]
 */
async function post(path, body) {
  const response = await fetch(path, {
    method: 'POST',
    headers: body ? { 'content-type': 'application/json' } : {},
    body: body ? JSON.stringify(body) : undefined,
  });
  if (response.ok) return response;
  const { message } = await response.json().catch(() => ({ message: `status ${response.status}` }));
  throw new Error(message);
}

/** Returns the networks to choose from. @returns {Promise<Array<{name: string, description: string}>>} */
export async function listNetworks() {
  const response = await fetch('/demo/networks');
  if (!response.ok) throw new Error(`status ${response.status}`);
  return response.json();
}

/** Makes a front; its network is clear. */
export async function makeFront() {
  const { name, url } = await (await post('/demo/fronts')).json();
  /** @type {string | object} */
  let holds = 'clear';
  return {
    name: /** @type {string} */ (name),
    url: /** @type {string} */ (url),

    /** Returns the network that was set last: a preset's name, or a whole network. */
    get network() {
      return holds;
    },

    /**
     * Sets a network. It holds from the next request on. Open connections fall under its rules too, where those can
     * still hold.
     * @param {string | object} network a preset's name, or a whole network
     */
    async set(network) {
      await post(`/demo/fronts/${name}`, typeof network === 'string' ? { named: network } : network);
      holds = network;
    },

    /**
     * Cuts what is open.
     * @param {string} route
     * @returns {Promise<number>} how many connections that were
     */
    async kill(route) {
      return (await (await post(`/demo/fronts/${name}/kill`, { route })).json()).killed;
    },

    /** Returns false when the gateway was restarted: it does not know this front, and nothing listens there. */
    async exists() {
      return (await fetch(`/demo/fronts/${name}`)).status !== 404;
    },
  };
}

/** @typedef {Awaited<ReturnType<typeof makeFront>>} Front */
