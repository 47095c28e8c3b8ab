import { neutralise, neutraliseBlock } from "./neutral-text.ts";

/** Words that a renderer would turn into a link or a mention although nobody wrote one. */
const LINKS_ITSELF = /:\/\/|www\.|mailto:|xmpp:|@|#\d/i;

function escapeMarks(text: string): string {
  return text.replaceAll(/[\\`*_[\]<>#|~$]/g, "\\$&").replaceAll(/&(?=#?\w+;)|!$/g, "\\$&");
}

function longestRun(text: string, mark: RegExp): number {
  let longest = 0;
  for (const run of text.matchAll(mark)) longest = Math.max(longest, run[0].length);
  return longest;
}

/** One code span. The text is one line; it holds no `|` when it goes into a table. */
function codeSpan(text: string): string {
  if (text.trim() === "") return "";
  const ticks = "`".repeat(longestRun(text, /`+/g) + 1);
  const pad = /^[` ]|[` ]$/.test(text) ? " " : "";
  return `${ticks}${pad}${text}${pad}${ticks}`;
}

/**
 * Foreign text as Markdown code of one line, also inside a table: its `|` stand between two spans, because a
 * table would break at a `|` inside of one.
 */
export function markdownCode(text: string): string {
  const parts = neutralise(text).split("|");
  if (parts.length === 1) return codeSpan(parts[0] ?? "");
  return parts.map((part) => `${part.startsWith(" ") ? " " : ""}${codeSpan(part.trim())}${part.endsWith(" ") ? " " : ""}`).join("\\|");
}

/**
 * Foreign text as Markdown text of one line: no mark, link, HTML, table cell or mention in it takes effect. A
 * word that would become a link by itself is shown as code. White space is folded.
 */
export function escapeMarkdown(text: string): string {
  const words = neutralise(text)
    .split(/\s+/)
    .filter((word) => word !== "");
  return words.map((word) => (LINKS_ITSELF.test(word) ? markdownCode(word) : escapeMarks(word))).join(" ");
}

/** Keeps a line that begins with foreign text from starting a list or a rule. */
export function guardLineStart(line: string): string {
  return line.replace(/^([-+=])/, "\\$1").replace(/^(\d{1,9})([.)])(?=\s|$)/, "$1\\$2");
}

/** Foreign text of several lines as a fenced block, with a fence longer than any run of backticks in it. */
export function fencedBlock(text: string, indent = ""): string {
  const content = neutraliseBlock(text);
  const fence = "`".repeat(Math.max(3, longestRun(content, /`+/g) + 1));
  return [`${fence}text`, ...content.split("\n"), fence].map((line) => (line === "" ? "" : `${indent}${line}`)).join("\n");
}
