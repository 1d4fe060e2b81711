// @ts-check
/** Reads JavaScript and TypeScript: comments, the names of tests and messages. All longer strings of a page are messages. */

/** @import { Reader } from '../sentences.js' */

import ts from 'typescript';
import { divide, dropFences, veilCode } from '../markup.js';
import { gap, Mask, spaces, veil } from '../sentences.js';

/** The JSDoc tags that have a name behind the type. */
const NAMED = /^@(?:callback|param|property|template|typedef)$/;

/** Returns the length of a JSDoc tag with its type and its name. @param {string} text The text from the tag on. */
function lengthOfTag(text) {
  const [imports] = text.match(/^@import\b[^'"]*(['"]).*?\1/s) ?? [];
  if (imports) return imports.length;
  const [tag] = /** @type {RegExpMatchArray} */ (text.match(/^@[\w-]+/));
  let end = tag.length + lengthOfType(text.slice(tag.length));
  if (NAMED.test(tag)) {
    const name = /^\s+(?:\[(?:[^[\]]|\[[^\]]*\])*\]|[\w$.]+(?:\s*,\s*[\w$]+)*)(?:\s+-(?=\s))?/;
    end += text.slice(end).match(name)?.[0].length ?? 0;
  }
  return end;
}

/** Returns the length of a type in braces, and of the space before it. @param {string} text */
function lengthOfType(text) {
  let depth = 0;
  for (let end = 0; end < text.length; end++) {
    if (text[end] === '{') depth += 1;
    else if (text[end] === '}') depth -= 1;
    else if (depth === 0 && /\S/.test(text.charAt(end))) return 0;
    if (text[end] === '}' && depth === 0) return end + 1;
  }
  return 0;
}

/** @param {string} text */
function dropTags(text) {
  let mask = text.replace(/\{@link\s[^}]*\}/g, veil).replace(/(?<=\s)@example\b[\s\S]*?(?=\n\s*@|$)/g, gap);
  for (const { index } of [...mask.matchAll(/(?<=\s)@(?=[a-z])/gi)]) {
    const end = index + lengthOfTag(mask.slice(index));
    mask = mask.slice(0, index) + gap(mask.slice(index, end)) + mask.slice(end);
  }
  return mask;
}

/** A block of code in a comment: lines with a wide indent, behind an empty one. */
const INDENTED_CODE = /(?<=^[ \t]*(?:\*|\/\/)[ \t]*\n)(?:[ \t]*(?:\*|\/\/)(?: {5}.*|[ \t]*)\n)+/gm;

/** @param {string} comment One block, or lines with `//` that follow each other. */
const maskComment = (comment) =>
  divide(
    dropTags(
      veilCode(
        dropFences(
          comment
            .replace(INDENTED_CODE, (lines) => lines.replace(/[^\n]/g, gap))
            .replace(/^\/\*+|\*+\/$/g, spaces)
            .replace(/^[ \t]*(?:\*|\/\/+)/gm, spaces),
        ),
      ),
    ),
  );

/** Returns where each comment of a file begins and ends. @param {ts.SourceFile} file */
function rangesOfComments(file) {
  /** @type {Map<number, number>} */
  const ranges = new Map();
  /** @param {ts.Node} node */
  const visit = (node) => {
    for (const list of [ts.getLeadingCommentRanges, ts.getTrailingCommentRanges])
      for (const { pos, end } of list(file.text, node.pos) ?? []) ranges.set(pos, end);
    for (const child of node.getChildren(file)) if (!ts.isJSDoc(child)) visit(child);
  };
  visit(file);
  return [...ranges].sort(([a], [b]) => a - b);
}

/** @param {ts.SourceFile} file */
function maskComments(file) {
  const { text } = file;
  const mask = new Mask();
  const waiting = rangesOfComments(file);
  for (let range = waiting.shift(); range; range = waiting.shift()) {
    const start = range[0];
    let end = range[1];
    const isLine = text.startsWith('//', start);
    while (isLine && waiting[0] && /^\n[ \t]*\/\/$/.test(text.slice(end, waiting[0][0] + 2)))
      end = /** @type {[number, number]} */ (waiting.shift())[1];
    mask.add(start, maskComment(text.slice(start, end)));
  }
  return mask.toString();
}

/** @param {ts.Node} node */
const isText = (node) => ts.isStringLiteralLike(node) || ts.isTemplateExpression(node);

/** @param {ts.Node} node A string or a template. @param {ts.SourceFile} file */
function maskText(node, file) {
  const prose = file.text.slice(node.getStart(file) + 1, node.end - 1);
  return prose
    .replace(/\$\{.*?\}/gs, veil)
    .replace(/\\[nrt]/g, gap)
    .replace(/\\./g, spaces)
    .replace(/"[^"]+"|`[^`\n]+`/g, veil);
}

/** @param {ts.SourceFile} file @param {(text: ts.Node) => boolean} isRead which strings and templates are prose */
function maskTexts(file, isRead) {
  const mask = new Mask();
  /** @param {ts.Node} node */
  const visit = (node) => {
    if (isText(node) && isRead(node)) mask.add(node.getStart(file) + 1, maskText(node, file));
    ts.forEachChild(node, visit);
  };
  visit(file);
  return mask.toString();
}

/** @param {ts.Node} text */
function isNameOfTest(text) {
  const call = text.parent;
  return (
    ts.isCallExpression(call) &&
    call.arguments[0] === text &&
    /\b(?:describe|test|it|holds)$/.test(call.expression.getText())
  );
}

/** The names of errors, prints and assertions. */
const SAYS = /(?:Error|^(?:console\.\w+|process\.std(?:err|out)\.write|assert(?:\.\w+)?))$/;

/** @param {ts.Node} text */
function isMessage(text) {
  let call = text.parent;
  while (ts.isConditionalExpression(call) || ts.isBinaryExpression(call)) call = call.parent;
  return (ts.isNewExpression(call) || ts.isCallExpression(call)) && SAYS.test(call.expression.getText());
}

/** @param {ts.Node} text */
const hasThreeWords = (text) => /\S\s+\S+\s+\S/.test(text.getText());

/** @type {Reader} */
export function readJavaScript(text, path) {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, true);
  const isPage = path.startsWith('src/');
  const isMessageHere = isPage ? hasThreeWords : isMessage;
  return [
    { kind: 'comment', mask: maskComments(file), isMeasured: true },
    { kind: 'name', mask: maskTexts(file, isNameOfTest), isMeasured: true },
    { kind: 'message', mask: maskTexts(file, isMessageHere), isMeasured: false },
  ];
}
