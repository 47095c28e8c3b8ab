/** Lines longer than this are cut before any pattern sees them, so that no line can make a pattern slow. */
const MAX_LINE = 4000;
const MAX_EXCERPT_LINES = 20;
const MAX_EXCERPT = 2000;
const MAX_MESSAGE = 500;

const ANSI = /\u001b(?:\[[0-9;:?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[()][A-Z0-9]|[=>])/g;
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f]/g;

/** Takes the terminal's colour and cursor sequences out. */
export function stripAnsi(text: string): string {
  return text.includes("\u001b") ? text.replace(ANSI, "") : text;
}

/**
 * The text as lines without their ends and without colours, each cut at 4,000 characters
 * unless it begins as `whole` says (a document on one line).
 */
export function splitLines(text: string, whole?: RegExp): string[] {
  return stripAnsi(text)
    .split("\n")
    .map((line) => {
      const end = line.endsWith("\r") ? line.length - 1 : line.length;
      return line.slice(0, whole?.test(line) === true ? end : Math.min(end, MAX_LINE));
    });
}

/**
 * The first line that says something, with single spaces and at most 500 characters;
 * one that ends with a colon takes the next with it.
 */
export function oneLine(text: string): string {
  let said = "";
  for (const line of splitLines(text.slice(0, 4 * MAX_LINE))) {
    const plain = line.replace(CONTROL, " ").replace(/\s+/g, " ").trim();
    if (plain === "") continue;
    said = said === "" ? plain : `${said} ${plain}`;
    if (said !== plain || !said.endsWith(":")) break;
  }
  return cut(said, MAX_MESSAGE);
}

/** At most 20 lines and 2,000 characters of the tool's own words, without colours and empty ends. */
export function excerptOf(text: string | readonly string[]): string {
  const lines = typeof text === "string" ? splitLines(text.slice(0, 8 * MAX_EXCERPT)) : text;
  const shown: string[] = [];
  for (const line of lines) {
    if (shown.length === MAX_EXCERPT_LINES) break;
    if (shown.length === 0 && line.trim() === "") continue;
    shown.push(line.replace(CONTROL, " ").trimEnd());
  }
  return cut(shown.join("\n").trimEnd(), MAX_EXCERPT);
}

/** The text at its first `length` UTF-16 units, an ellipsis in place of the rest, no half of a pair left. */
export function cut(text: string, length: number): string {
  if (text.length <= length) return text;
  const head = text.slice(0, length - 1);
  return `${/[\ud800-\udbff]$/.test(head) ? head.slice(0, -1) : head}…`;
}
