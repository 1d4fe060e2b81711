// @ts-check
/** Wires the page. It runs when the page opens and when a button asks for it, shows the findings, and keeps the report. */

import { createFindings } from './render.js';
import { run } from './run.js';
import { report, signIn, summary } from './verdict.js';

/** Seconds that a silent connection is watched: by default, at the push of the longer button, and at most. */
const WATCH_S = 20;
const LONGER_S = 120;

const find = (/** @type {string} */ name) => /** @type {any} */ (document.querySelector(`[data-${name}]`));
const buttons = ['copy', 'again', 'longer'].map(find);

/** Returns this page's address without what may be secret in it. */
const address = () => new URL('..', import.meta.url).href;

async function start() {
  const words = await (await fetch(new URL('words.json', import.meta.url))).json();
  const list = createFindings(find('findings'), words);
  const asked = Number(new URLSearchParams(location.search).get('watch') ?? WATCH_S);
  const seconds = Math.min(LONGER_S, Math.max(1, Math.round(asked) || WATCH_S));
  find('again').addEventListener('click', () => examine(words, list, seconds));
  find('longer').addEventListener('click', () => examine(words, list, LONGER_S));
  find('copy').addEventListener('click', copy);
  await examine(words, list, seconds);
}

/** @param {any} words @param {import('./render.js').FindingList} list @param {number} watchS */
async function examine(words, list, watchS) {
  /** @type {import('./verdict.js').Finding[]} */
  const findings = [];
  let told = '';
  /** @type {string | undefined} */
  let user;
  for (const button of buttons) button.disabled = true;
  list.clear();
  result(
    'running',
    'Examining the connection …',
    `This takes ${watchS > 60 ? 'about two and a half minutes' : 'about half a minute'}. You do not need to do anything.`,
  );
  find('sign-in').hidden = true;
  find('report').value = '';
  find('copied').textContent = '';
  find('progress').hidden = false;
  const stopClock = startClock();
  const progress = () => {
    find('progress').value = findings.length / list.count;
  };
  progress();
  try {
    await run({
      watchMs: watchS * 1000,
      begun: (probe) => {
        list.begin(probe);
        find('spoken').textContent = `Testing: ${words.titles[probe]}`;
      },
      found: (finding) => {
        findings.push(finding);
        list.show(finding, findings);
        progress();
      },
      told: (text) => {
        told = text;
      },
      signedIn: (name) => {
        user = name;
        showSignIn(words, findings, user);
      },
    });
    showSignIn(words, findings, user);
    list.finish();
    const { level, says, means } = summary(words, findings);
    result(level, says, means ?? '');
    const about = { date: new Date().toISOString(), url: address(), by: navigator.userAgent, user, told };
    find('report').value = report(words, findings, about);
    find('spoken').textContent = `Done. ${says} ${means}`;
  } catch (error) {
    list.finish();
    result(
      'bad',
      'The examination itself failed.',
      `${error}. This is a fault of the page; please report it.`,
    );
  } finally {
    find('clock').textContent = `Examined in ${stopClock()}.`;
    find('progress').hidden = true;
    for (const button of buttons) button.disabled = false;
  }
}

/** @param {any} words @param {import('./verdict.js').Finding[]} findings @param {string} [user] */
function showSignIn(words, findings, user) {
  find('sign-in').textContent = signIn(words, findings, user);
  find('sign-in').hidden = false;
}

/** @param {string} level @param {string} title @param {string} text */
function result(level, title, text) {
  find('result').dataset.level = level;
  find('result-title').textContent = title;
  find('result-text').textContent = text;
}

function startClock() {
  const begun = performance.now();
  const taken = () => `${Math.round((performance.now() - begun) / 1000)} s`;
  const show = () => {
    find('clock').textContent = taken();
  };
  show();
  const timer = setInterval(show, 1000);
  return () => {
    clearInterval(timer);
    return taken();
  };
}

/** Copies by the clipboard if the page may use it (https and this machine), otherwise by selection. */
async function copy() {
  const field = find('report');
  try {
    await navigator.clipboard.writeText(field.value);
    find('copied').textContent = 'Copied.';
  } catch {
    field.select();
    find('copied').textContent = 'The report is selected: copy it from there.';
  }
}

start().catch((error) =>
  result('bad', 'The page could not start.', `${error}. Is the connection gone already?`),
);
