// @ts-check
/** Turns the URL that the application gives into the gateway's base path. No error shows the URL, which may hold a secret. */

/** The names of a gateway's routes, and those of the transports. */
const ROUTE = /\/rt\/(ws|websocket|stream|sse|send|poll|control)$/;

/**
 * Returns the base path by HTTP, without a slash at its end. Throws a TypeError if the URL cannot be one.
 * @param {unknown} url
 * @param {string} [page] the address of the page
 */
export function baseOf(url, page) {
  const parsed = parse(url, page);
  parsed.protocol = parsed.protocol.replace(/^ws/, 'http');
  const path = parsed.pathname.replace(/\/+/g, '/').replace(/\/$/, '');
  const [, route] = path.match(ROUTE) ?? [];
  if (!/^https?:$/.test(parsed.protocol)) throw refusal(`begin it with https:, not ${parsed.protocol}`);
  if (parsed.username || parsed.password || parsed.search || parsed.hash)
    throw refusal('leave user, password, query and # away; use the option token');
  if (route) throw refusal(`leave /${route} away`);
  return parsed.origin + path;
}

/** @param {unknown} url @param {string} [page] */
function parse(url, page) {
  try {
    if (typeof url === 'string' || url instanceof URL) return new URL(url, page);
  } catch {}
  throw refusal('use one such as https://example.org/rt, or /rt in a page');
}

/** @param {string} remedy */
const refusal = (remedy) => new TypeError(`connect: wrong URL: ${remedy}`);
