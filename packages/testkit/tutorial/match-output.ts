/**
 * Whether a program's output is what a tutorial shows. In what it shows, a line `…` stands for any number of lines, `…`
 * within a line for any text, and `<word>` for some text that differs each time. Spaces at the ends of lines do not count.
 */
export function matchesOutput(shown: string, output: string): boolean {
  const pattern = trimLines(shown)
    .split("\n")
    .map((line) => (line === "…" ? "(?:.*\n)*?" : `${matchLine(line)}\n`))
    .join("");
  return new RegExp(`^${pattern}$`, "u").test(`${trimLines(output)}\n`);
}

function matchLine(line: string): string {
  return line
    .split(/(…|<[^<>\s][^<>]*>)/u)
    .map((part, index) => (index % 2 === 0 ? part.replaceAll(/[\\^$.*+?()[\]{}|/]/gu, "\\$&") : part === "…" ? ".*" : ".+"))
    .join("");
}

function trimLines(text: string): string {
  return text
    .replaceAll(/[ \t\r]+$/gmu, "")
    .replace(/^\n+/u, "")
    .trimEnd();
}
