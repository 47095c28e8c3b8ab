import type { Format, Parsed, Problem } from "../problem.ts";
import { lineOf, listOf, member, readJson, textOf, type Json } from "./json.ts";
import { cleanPath, findPlace, isForeign } from "./place.ts";
import { excerptOf, oneLine, splitLines, stripAnsi } from "./text.ts";

const MESSAGE = /^\{"reason":"/;
const HUMAN = /^(error|warning)(?:\[(\w+)\])?: (.+)$/;
const ARROW = /^\s*--> (.+):(\d+):\d+$/;
const LINT = /#\[(?:warn|deny|forbid)\(([\w:]+)\)\]/;
const RUNNING = /^running \d+ tests?$/;
const RESULT = /^test result: /;
const TEST_FAILED = /^test (.+?)(?: - .*)? \.\.\. FAILED$/;
const BLOCK = /^---- (.+?)(?: stdout)? ----$/;
/** rustc's own counts, which point at nothing. */
const SUMS = /^(?:aborting due to|\d+ warnings? emitted|could not compile|.* generated \d+ warnings?|build failed)/;
/** A diagnostic of rustc in text ends at an empty line, or here. */
const MAX_BLOCK = 60;

interface FailedTest {
  readonly name: string;
  readonly output: string[];
}

/** cargo: `--message-format=json` diagnostics, rustc's text, and what `cargo test` prints about failing tests. */
export const cargoFormat: Format = {
  name: "cargo",
  recognises(text) {
    const plain = stripAnsi(text);
    return (
      /^\{"reason":"(?:compiler-|build-)/m.test(plain) ||
      /^test result: (?:ok|FAILED)\. \d+ passed/m.test(plain) ||
      /^(?:error|warning)(?:\[\w+\])?: [^\n]+\r?\n *--> .+:\d+:\d+\r?$/m.test(plain)
    );
  },
  parse(text): Parsed {
    const lines = splitLines(text, MESSAGE);
    const diagnostics = new Map<string, Problem>();
    const add = (problem: Problem | null): void => {
      // The library and its tests are built one after the other and say the same.
      if (problem !== null) diagnostics.set(`${problem.file}:${problem.startLine}:${problem.message}`, problem);
    };
    const state = { sawJson: false, isDamaged: false, isBuilt: false };
    const isWhole = text.endsWith("\n");
    for (const [index, line] of lines.entries()) {
      if (MESSAGE.test(line)) {
        const { value, complete } = readJson(line, 0);
        state.sawJson = true;
        state.isDamaged ||= !complete;
        state.isBuilt ||= textOf(value, "reason") === "build-finished";
        if (complete && textOf(value, "reason") === "compiler-message") add(readMessage(member(value, "message")));
      } else if (HUMAN.test(line)) {
        add(readHuman(lines, index));
      }
    }
    const tests = readTests(lines);
    const complete = isWhole && !state.isDamaged && (!state.sawJson || state.isBuilt) && tests.isComplete;
    return { problems: [...diagnostics.values(), ...tests.problems], complete };
  },
};

function readMessage(message: Json): Problem | null {
  const level = textOf(message, "level");
  const said = oneLine(textOf(message, "message"));
  if ((!level.startsWith("error") && level !== "warning") || said === "" || SUMS.test(said)) return null;
  const spans = listOf(message, "spans");
  const span = spanInProject(spans.find((candidate) => member(candidate, "is_primary") === true) ?? spans[0] ?? null);
  const startLine = lineOf(span, "line_start");
  return makeDiagnostic({
    level: level === "warning" ? "warning" : "error",
    rule: textOf(member(message, "code"), "code"),
    message: said,
    file: textOf(span, "file_name"),
    startLine,
    endLine: lineOf(span, "line_end") ?? startLine,
    excerpt: excerptOf(textOf(message, "rendered") || said),
  });
}

/** A span inside a macro of another crate leads to the place that used the macro. */
function spanInProject(span: Json): Json {
  let current = span;
  for (let depth = 0; depth < 20 && isForeign(textOf(current, "file_name")); depth += 1) {
    const outer = member(member(current, "expansion"), "span");
    if (outer === null) return span;
    current = outer;
  }
  return current;
}

/** rustc's text: only what has a place, since the rest is cargo summing up. */
function readHuman(lines: readonly string[], index: number): Problem | null {
  const [, level, code, said] = HUMAN.exec(lines[index] ?? "") ?? [];
  const next = lines.slice(index, index + MAX_BLOCK);
  const end = next.findIndex((line) => line.trim() === "");
  const block = end === -1 ? next : next.slice(0, end);
  const arrow = ARROW.exec(block[1] ?? "");
  if (arrow === null || said === undefined) return null;
  const lint = block.map((line) => LINT.exec(line)?.[1]).find((found) => found !== undefined);
  const startLine = Number(arrow[2]);
  return makeDiagnostic({
    level: level === "warning" ? "warning" : "error",
    rule: code ?? lint ?? "",
    message: oneLine(said),
    file: arrow[1] ?? "",
    startLine,
    endLine: startLine,
    excerpt: excerptOf(block),
  });
}

function makeDiagnostic(found: Omit<Problem, "tool" | "category" | "file"> & { readonly file: string }): Problem {
  const isLint = found.level === "warning" || found.rule.startsWith("clippy::");
  return {
    ...found,
    tool: "cargo",
    rule: found.rule || (isLint ? "warning" : "error"),
    category: isLint ? "lint" : "build",
    file: found.file === "" ? null : cleanPath(found.file),
  };
}

/** Each test binary of the run has its own names, its blocks of output, and its result line. */
function readTests(lines: readonly string[]): { readonly problems: Problem[]; readonly isComplete: boolean } {
  const failed: FailedTest[] = [];
  let binary = new Map<string, FailedTest>();
  let block: FailedTest | undefined;
  let running = 0;
  const find = (name: string): FailedTest => {
    const known = binary.get(name) ?? { name, output: [] };
    if (!binary.has(name)) failed.push(known);
    binary.set(name, known);
    return known;
  };
  for (const line of lines) {
    if (RUNNING.test(line)) {
      binary = new Map();
      block = undefined;
      running += 1;
    } else if (RESULT.test(line)) {
      block = undefined;
      running -= 1;
    } else if (running > 0) {
      const name = TEST_FAILED.exec(line)?.[1];
      const title = BLOCK.exec(line)?.[1];
      if (name !== undefined) find(name);
      else if (title !== undefined) block = find(title.replace(/ - should panic$/, ""));
      else if (line === "failures:") block = undefined;
      else if (block !== undefined && block.output.length < 200) block.output.push(line);
    }
  }
  return { problems: failed.map(readTest), isComplete: running === 0 };
}

function readTest(test: FailedTest): Problem {
  const panic = test.output.findIndex((line) => /panicked at /.test(line));
  const error = test.output.find((line) => line.startsWith("Error: "));
  const quoted = /panicked at '(.*)', /.exec(test.output[panic] ?? "")?.[1];
  const place = panic === -1 ? null : findPlace(test.output.slice(panic).join("\n"));
  const said = quoted ?? (panic === -1 ? error : test.output.slice(panic + 1).find((line) => line.trim() !== ""));
  return {
    tool: "cargo",
    rule: test.name,
    message: oneLine(said ?? "") || "the test failed",
    level: "error",
    category: "test-failure",
    file: place?.file ?? null,
    startLine: place?.line ?? null,
    endLine: place?.line ?? null,
    excerpt: excerptOf(test.output.length === 0 ? `test ${test.name} ... FAILED` : test.output),
  };
}
