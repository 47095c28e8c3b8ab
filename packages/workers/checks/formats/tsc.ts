import type { Format, Parsed, Problem } from "../problem.ts";
import { cleanPath } from "./place.ts";
import { excerptOf, oneLine, splitLines, stripAnsi } from "./text.ts";

const PLAIN = /^(\S.*?)\((\d+),\d+\): (error|warning) (TS\d+): (.*)$/;
const PRETTY = /^(\S.*?):(\d+):\d+ - (error|warning) (TS\d+): (.*)$/;
const GLOBAL = /^(error|warning) (TS\d+): (.*)$/;
const TOTAL = /^Found \d+ errors?/;

/** tsc's own text, plain and pretty; tools that print as it does (vue-tsc, tsc --build) read the same. */
export const tscFormat: Format = {
  name: "tsc",
  recognises: (text) => /(?:error|warning) TS\d+: /.test(stripAnsi(text)),
  parse(text): Parsed {
    const lines = splitLines(text);
    const problems: Problem[] = [];
    let pretty = false;
    let total = false;
    for (const [index, line] of lines.entries()) {
      const plain = PLAIN.exec(line);
      const found = plain ?? PRETTY.exec(line);
      const global = found === null ? GLOBAL.exec(line) : null;
      if (found !== null) pretty ||= plain === null;
      total ||= TOTAL.test(line);
      const [file, at, level, code, said] = found?.slice(1) ?? (global === null ? [] : [undefined, undefined, ...global.slice(1)]);
      if (code === undefined) continue;
      const startLine = at === undefined ? null : Math.max(1, Number(at));
      problems.push({
        tool: "tsc",
        rule: code,
        message: oneLine(said ?? "") || code,
        level: level === "warning" ? "warning" : "error",
        category: "type",
        file: file === undefined ? null : cleanPath(file),
        startLine,
        endLine: startLine,
        excerpt: excerptOf(readBlock(lines, index)),
      });
    }
    return { problems, complete: pretty ? total : text.endsWith("\n") };
  },
};

/** The problem's line and what belongs to it: indented lines of its chain, and the frame of pretty output. */
function readBlock(lines: readonly string[], index: number): string[] {
  const block = [lines[index] ?? ""];
  for (let next = index + 1; next < Math.min(lines.length, index + 12); next += 1) {
    const line = lines[next] ?? "";
    if (PLAIN.test(line) || PRETTY.test(line) || TOTAL.test(line) || GLOBAL.test(line)) break;
    if (line !== "" && !/^(?:\s|\d+\s)/.test(line)) break;
    block.push(line);
  }
  return block;
}
