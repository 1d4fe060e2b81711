// @ts-check
/**
 * From what was found to plain words: the sentences of words.json with figures filled in, the result of all findings, and
 * the report to copy. Pure: it knows neither page nor network. Its twin is src/cli/doctor/verdict.rs; a test holds their
 * reports to be the same, letter for letter.
 *
 * @typedef {Record<string, number | string>} Figures the ending of a name says its unit: `_ms`, `_s`, `_bytes`
 * @typedef {{ probe: string, code: string, figures: Figures }} Finding
 * @typedef {{ level: 'good' | 'fair' | 'bad', says: string, means?: string, change?: string }} Words
 */

/** The transports, in the order of preference. */
const TRANSPORTS = ['websocket', 'sse', 'poll'];

/** Milliseconds, as people read them: 85 ms, 1.2 s, 12 s. @param {number} ms */
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
 * What one finding means. Where the gateway is not reached at all, that alone is worth advice.
 * @param {any} words
 * @param {Finding} finding
 * @param {Finding[]} findings so far
 * @returns {Words & { title: string }}
 */
export function explain(words, { probe, code, figures }, findings) {
  const row = words.findings[probe][code] ?? { level: 'bad', says: code };
  const says = row.says.replace(/\{(\w+)\}/g, (/** @type {string} */ _, /** @type {string} */ name) =>
    figure(name, figures[name] ?? '?'),
  );
  const told = { level: row.level, says, title: words.titles[probe] };
  const lost = findings.some(
    (finding) => finding.probe === 'control' && !['ours', 'slow'].includes(finding.code),
  );
  return lost && probe !== 'control' && row.level === 'bad' ? told : { ...row, ...told };
}

/**
 * What all of them come to.
 * @param {any} words
 * @param {Finding[]} findings
 * @returns {Words & { code: string }}
 */
export function summary(words, findings) {
  const codeOf = (/** @type {string} */ probe) =>
    findings.find((finding) => finding.probe === probe)?.code ?? '';
  const passes = TRANSPORTS.find((transport) => ['works', 'slow'].includes(codeOf(transport)));
  const control = codeOf('control');
  let code = passes ?? 'none';
  if (!passes && (control === 'portal' || control === 'login')) code = 'portal';
  else if (!passes && control === 'gate') code = 'gate';
  else if (!passes && control !== 'ours' && control !== 'slow') code = 'offline';
  return { ...words.summary[code], code };
}

/**
 * The report, in the order of words.json. It holds no secret: figures are numbers and fixed words, and the URL was cleaned.
 * @param {any} words
 * @param {Finding[]} findings
 * @param {{ date: string, url: string, by: string, told?: string }} about `told` is the client's own account
 */
export function report(words, findings, { date, url, by, told }) {
  const result = summary(words, findings);
  const lines = ['Throughline doctor', `  ${url}`, `  ${date}`, `  ${by}`, ''];
  lines.push(`Result: ${result.says}`, `  ${result.means}`, '');
  for (const probe of Object.keys(words.titles)) {
    const finding = findings.find((candidate) => candidate.probe === probe);
    if (finding) lines.push(...section(words, finding, findings));
  }
  if (told) lines.push('', 'What the client says of itself:', ...told.split('\n').map((line) => `  ${line}`));
  return `${lines.join('\n')}\n`;
}

/** @param {any} words @param {Finding} finding @param {Finding[]} findings */
function section(words, finding, findings) {
  const { title, level, says, means, change } = explain(words, finding, findings);
  const lines = [`${title} [${words.levels[level]}]: ${says}`];
  if (means) lines.push(`  For you: ${means}`);
  if (change) lines.push(`  For the network's administrator: ${change}`);
  const figures = Object.keys(finding.figures).sort();
  lines.push(`  ${[finding.code, ...figures.map((name) => `${name}=${finding.figures[name]}`)].join(' ')}`);
  return lines;
}
