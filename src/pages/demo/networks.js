// @ts-check
/**
 * The choice of networks. It asks for the network that the visitor wants, and shows the one in force; the caller
 * carries the change out.
 */

import { networkName } from './words.js';

/**
 * @param {HTMLElement} fieldset
 * @param {Array<{name: string, description: string}>} networks
 * @param {(name: string) => Promise<unknown>} choose rejects if it failed
 */
export function offerNetworks(fieldset, networks, choose) {
  let holds = networks[0]?.name ?? '';
  /** @type {Map<string, HTMLInputElement>} */
  const inputs = new Map();
  fieldset.querySelector('.empty')?.remove();

  for (const { name, description } of networks) {
    const label = document.createElement('label');
    label.className = 'network';
    const input = document.createElement('input');
    Object.assign(input, { type: 'radio', name: 'network', value: name, checked: name === holds });
    const words = document.createElement('span');
    const note = document.createElement('small');
    note.textContent = description;
    words.append(networkName(name), note);
    label.append(input, words);
    fieldset.append(label);
    inputs.set(name, input);
    input.addEventListener('change', () => choose(name).catch(() => show(holds)));
  }

  /** Shows the network in force. A network without a name is none of these. @param {string | object} network */
  function show(network) {
    holds = typeof network === 'string' ? network : '';
    for (const [name, input] of inputs) input.checked = name === holds;
  }

  return { show };
}
