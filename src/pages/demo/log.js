// @ts-check
/** The events in plain words, newest first. Bounded. It knows no connection. */

const KEPT = 200;

/** @param {HTMLElement} list */
export function createLog(list) {
  const start = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });

  /**
   * @param {string} text
   * @param {'event' | 'act' | 'bad'} [kind] 'act': the visitor did it
   */
  return function say(text, kind = 'event') {
    const item = document.createElement('li');
    const time = document.createElement('time');
    const words = document.createElement('span');
    item.className = kind;
    time.textContent = start.format(new Date());
    words.textContent = text;
    item.append(time, words);
    list.prepend(item);
    if (list.childElementCount > KEPT) list.lastElementChild?.remove();
  };
}
