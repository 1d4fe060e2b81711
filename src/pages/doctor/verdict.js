// @ts-check
/**
 * From findings to plain words: the sentences of words.json with figures filled in, the result of all findings, and the
 * report to copy. Pure: it knows neither page nor network. Its twin is src/cli/doctor/verdict.rs; a test holds their
 * reports to be the same, letter for letter.
 *
 * @typedef {Record<string, number | string>} Figures the ending of a name gives its unit: `_ms`, `_s`, `_bytes`
 * @typedef {{ probe: string, code: string, figures: Figures }} Finding
 * @typedef {{ level: 'good' | 'fair' | 'bad', says: string, means?: string, change?: string }} Words
 */

/** The transports, in the order of preference. */
const TRANSPORTS = ['websocket', 'sse', 'poll'];

/** The findings of control that mean that the gateway itself answers. */
const REACHED = ['ours', 'slow', 'unreliable'];
/** The findings of control that are the result, if no transport gets through. */
const RESULTS = ['portal', 'gate', 'closed', 'no_name', 'certificate'];

/** Writes milliseconds for people: 85 ms, 1.2 s, 12 s. @param {number} ms */
function duration(ms) {
  if (ms < 1000) return `${ms} ms`;
  if (ms >= 10_000) return `${Math.floor((ms + 500) / 1000)} s`;
  const tenths = Math.floor((ms + 50) / 100);
  return `${Math.floor(tenths / 10)}.${tenths % 10} s`;
}

/** @param {string} name @param {number | string} value */
function figure(name, value) {
  if (typeof value === 'string') return value;
  if (name.endsWith('ms')) return duration(value);
  if (name.endsWith('_s')) return `${value} s`;
  if (name.endsWith('_bytes') || name === 'bytes')
    return value < 1000 ? `${value} bytes` : `${Math.floor((value + 500) / 1000)} KB`;
  return `${value}`;
}

/**
 * Explains one finding. If the gateway cannot be reached at all, only that finding is worth advice.
 * @param {any} words
 * @param {Finding} finding
 * @param {Finding[]} findings so far
 * @returns {Words & { title: string }}
 */
export function explain(words, { probe, code, figures }, findings) {
  const row = wordsOf(words, { probe, code });
  /** @param {string} sentence */
  const filled = (sentence) =>
    sentence.replace(/\{(\w+)\}/g, (/** @type {string} */ _, /** @type {string} */ name) =>
      figure(name, words.names[`${figures[name]}`] ?? figures[name] ?? '?'),
    );
  const like = words.findings[probe][`${figures.like}`];
  const says = like ? `${filled(row.says)} ${filled(like.says)}` : filled(row.says);
  const told = { level: row.level, says, title: words.titles[probe] };
  const lost = findings.some(
    (finding) => finding.probe === 'control' && !REACHED.includes(finding.code),
  );
  return lost && probe !== 'control' && row.level === 'bad' ? told : { ...row, ...told };
}

/** @param {any} words @param {{ probe: string, code: string }} finding */
function wordsOf(words, { probe, code }) {
  if (code === 'unreliable') return words.unreliable;
  return words.findings[probe][code] ?? { level: 'bad', says: code };
}

/**
 * Returns the result of all findings. It is never better than they are.
 * @param {any} words
 * @param {Finding[]} findings
 * @returns {Words & { code: string }}
 */
export function summary(words, findings) {
  const codeOf = (/** @type {string} */ probe) =>
    findings.find((finding) => finding.probe === probe)?.code ?? '';
  const first = (/** @type {string[]} */ ...codes) =>
    TRANSPORTS.find((transport) => codes.includes(codeOf(transport)));
  const transport = first('works', 'slow') ?? first('unreliable');
  const code = transport
    ? working(words, findings, codeOf, transport)
    : blocked(findings, codeOf('control'));
  const by = (/** @type {string} */ text) => text.replaceAll('{transport}', words.names[transport ?? '']);
  const { level, says, means } = words.summary[code];
  return { level, says: by(says), means: by(means), code };
}

/**
 * Returns the result if a transport gets through.
 * @param {any} words
 * @param {Finding[]} findings
 * @param {(probe: string) => string} codeOf
 * @param {string} transport
 */
function working(words, findings, codeOf, transport) {
  if (['offline', 'incomplete', 'broken', 'unauthorized'].includes(codeOf('client'))) return 'client';
  if (findings.some(({ code }) => code === 'unreliable')) return 'lossy';
  if (codeOf(transport) === 'slow' || codeOf('control') === 'slow') return 'slow';
  if (transport !== 'websocket') return transport;
  const limited = (/** @type {Finding} */ finding) =>
    wordsOf(words, finding).level !== 'good' && finding.code !== 'off';
  return findings.some(limited) ? 'partly' : 'websocket';
}

/** Returns the result if no transport gets through. @param {Finding[]} findings @param {string} control */
function blocked(findings, control) {
  for (const all of ['full', 'unauthorized']) if (findings.some(({ code }) => code === all)) return all;
  if (control === 'login') return 'portal';
  if (RESULTS.includes(control)) return control;
  return REACHED.includes(control) ? 'none' : 'offline';
}

/**
 * Names the user of the sign-in in one line. A name of any issuer must not break the line.
 * @param {any} words
 * @param {Finding[]} findings
 * @param {string | null | undefined} user
 * @returns {string}
 */
export function signIn(words, findings, user) {
  if (user) return words.sign_in.user.replace('{user}', () => user.replaceAll(/\p{Cc}/gu, '\u{fffd}'));
  const isRefused = findings.some(({ code, figures }) => [code, figures.like].includes('unauthorized'));
  return isRefused ? words.sign_in.refused : words.sign_in.nobody;
}

/**
 * Returns the report, in the order of words.json. It holds no secret: figures are numbers and fixed words, and the URL
 * was cleaned.
 * @param {any} words
 * @param {Finding[]} findings
 * @param {object} about
 * @param {string} about.date
 * @param {string} about.url
 * @param {string} about.by
 * @param {string | null} [about.user] the user who is signed in
 * @param {string} [about.told] the client's own account
 */
export function report(words, findings, { date, url, by, user, told }) {
  const result = summary(words, findings);
  const facts = [url, date, by, signIn(words, findings, user)];
  const lines = ['Throughline doctor', ...facts.map((fact) => `  ${fact}`), ''];
  lines.push(`Result: ${result.says}`, `  ${result.means}`, '');
  const sorted = Object.keys(words.titles).flatMap((probe) =>
    findings.filter((finding) => finding.probe === probe),
  );
  for (const finding of sorted) lines.push(...section(words, finding, findings));
  lines.push('', 'The figures:', ...sorted.map(figuresOf));
  if (told) lines.push('', 'What the client says of itself:', ...told.split('\n').map((line) => `  ${line}`));
  return `${lines.join('\n')}\n`;
}

/** @param {any} words @param {Finding} finding @param {Finding[]} findings */
function section(words, finding, findings) {
  const { title, level, says, means, change } = explain(words, finding, findings);
  const lines = [`${title} [${words.levels[level]}]: ${says}`];
  if (means) lines.push(`  For you: ${means}`);
  if (change) lines.push(`  For the network's administrator: ${change}`);
  return lines;
}

/** Writes the figures of a finding. They come last in the report, since they are for engineers. @param {Finding} finding */
function figuresOf({ probe, code, figures }) {
  const told = Object.keys(figures)
    .sort()
    .map((name) => ` ${name}=${figures[name]}`);
  return `  ${probe}: ${code}${told.join('')}`;
}
