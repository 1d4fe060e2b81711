// @ts-check
/** Shows which network is in force and what is open, and switches it. It never caches: another tab may have switched it too. */

const line = /** @type {HTMLElement} */ (document.querySelector('[data-status]'));
const choices = /** @type {NodeListOf<HTMLInputElement>} */ (document.querySelectorAll('[name=network]'));

/** How often the figures are read again. */
const PERIOD_MS = 1_000;

/** @param {string} path @param {object} body */
const post = (path, body) =>
  fetch(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });

async function refresh() {
  try {
    const { name, open } = await (await fetch('network')).json();
    for (const choice of choices) choice.checked = choice.value === name;
    const { websocket, stream, any } = open;
    const text = `In force: ${name ?? 'a network without a name'}. Open now: ${websocket} WebSockets, ${stream} streams, ${any - websocket - stream} other requests.`;
    // A screen reader speaks a status only if it changes.
    if (line.textContent !== text) line.textContent = text;
  } catch {
    line.textContent = 'throughline netlab has ended: start it again.';
  }
}

for (const choice of choices)
  choice.addEventListener('change', async () => {
    await post('network', { named: choice.value }).catch(() => undefined);
    await refresh();
  });

document.querySelector('[data-kill]')?.addEventListener('click', async () => {
  await post('kill', { route: 'any' }).catch(() => undefined);
  await refresh();
});

setInterval(refresh, PERIOD_MS);
refresh();
