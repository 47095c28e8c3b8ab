import { Parser, type Result } from "tap-parser";
import type { Format, Parsed, Problem } from "../problem.ts";
import { cleanPath, findPlace, isForeign, type Place } from "./place.ts";
import { excerptOf, oneLine, stripAnsi } from "./text.ts";

const VERSION = /^TAP version 1[34][ \t]*\r?$/gm;

/** TAP 13 and 14 as node --test, tap, tape and vitest write it; a suite that only sums up its tests is left out. */
export const tapFormat: Format = {
  name: "tap",
  recognises: (text) => new RegExp(VERSION.source, "m").test(text) || (/^1\.\.\d+/m.test(text) && /^(?:not )?ok \d+/m.test(text)),
  parse(text): Parsed {
    const parts = splitDocuments(stripAnsi(text)).map(readDocument);
    return { problems: parts.flatMap((part) => part.problems), complete: parts.every((part) => part.complete) };
  },
};

/** Several runs may follow each other in one output; what stands before the first version line is no TAP. */
function splitDocuments(text: string): string[] {
  const starts = [...text.matchAll(VERSION)].map((found) => found.index);
  return starts.length === 0 ? [text] : starts.map((start, index) => text.slice(start, starts[index + 1]));
}

function readDocument(text: string): Parsed {
  const problems: Problem[] = [];
  const parser = new Parser();
  let isEnding = false;
  let lastError = "";

  /** Returns how many failures the parser and its children have reported so far. */
  const watch = (level: Parser): (() => number) => {
    let failures = 0;
    let ofChild: (() => number) | null = null;
    level.on("child", (child: Parser) => {
      ofChild = watch(child);
    });
    level.on("comment", (comment: string) => {
      if (/^\s*# \w*Error\b/.test(comment)) lastError = oneLine(comment.replace(/^\s*# /, ""));
    });
    level.on("assert", (result: Result) => {
      const below = result.closingTestPoint && ofChild !== null ? ofChild() : 0;
      ofChild = null;
      failures += below;
      // The parser closes what a cut text leaves open with a failure of its own.
      if (result.ok || result.todo !== false || result.skip !== false || below > 0 || (isEnding && result.closingTestPoint)) return;
      failures += 1;
      problems.push(readResult(result, lastError));
      lastError = "";
    });
    return () => failures;
  };
  watch(parser);
  let isPlanned = false;
  parser.on("plan", () => {
    isPlanned ||= !isEnding;
  });
  parser.on("bailout", (reason: string) => {
    if (!isEnding)
      problems.push({
        ...EMPTY,
        rule: "bail out",
        message: oneLine(reason) || "the tests were given up",
        excerpt: excerptOf(`Bail out! ${reason}`),
      });
  });

  try {
    parser.write(wholeLines(text));
    isEnding = true;
    parser.end();
  } catch {
    return { problems, complete: false };
  }
  const plan = parser.results?.plan;
  const isCounted = typeof plan?.end === "number" && (plan.skipAll || parser.count === plan.end - (plan.start ?? 1) + 1);
  return { problems, complete: isPlanned && isCounted && parser.braceLevel === 0 && !endsInDiagnostic(text) };
}

function endsInDiagnostic(text: string): boolean {
  const last = text
    .slice(-200_000)
    .split(/\r?\n/)
    .findLast((line) => /^\s+(?:---|\.\.\.)\s*$/.test(line));
  return last !== undefined && last.trim() === "---";
}

/** Without a last `not ok` that the end may have cut before its TODO directive. */
function wholeLines(text: string): string {
  const last = text.lastIndexOf("\n") + 1;
  return /^\s*not ok/.test(text.slice(last, last + 200)) ? text.slice(0, last) : `${text}\n`;
}

const EMPTY: Problem = {
  tool: "tap",
  rule: "",
  message: "",
  level: "error",
  category: "test-failure",
  file: null,
  startLine: null,
  endLine: null,
  excerpt: "",
};

function readResult(result: Result, comment: string): Problem {
  const diag: unknown = result.diag;
  const stack = textAt(diag, "stack");
  const place = findPlace(stack) ?? readAt(diag) ?? findPlace(textAt(diag, "location"));
  const error = readError(diag, comment);
  const name = result.fullname || result.name;
  return {
    ...EMPTY,
    rule: name || `test ${result.id}`,
    message: oneLine(error) || oneLine(result.name) || "the test failed",
    file: place?.file ?? null,
    startLine: place?.line ?? null,
    endLine: place?.line ?? null,
    excerpt: excerptOf(`not ok ${result.id} - ${name}\n${error}\n${stack}`),
  };
}

/** What went wrong in words: node's `error`, vitest's `error.message`, else what was expected and what came. */
function readError(diag: unknown, comment: string): string {
  const error = textAt(diag, "error") || textAt(valueAt(diag, "error"), "message") || textAt(diag, "message");
  // node says only this of a file that ended with an error; the error stands in the comments before it.
  if (error === "test failed" && comment !== "") return comment;
  if (error !== "") return error;
  const [expected, actual] = [shown(diag, "expected"), shown(diag, "actual")];
  return expected !== "" && actual !== "" ? `expected ${expected}, got ${actual}` : "";
}

/** `at` as tap writes it (a mapping) or as tape and vitest do (a frame). */
function readAt(diag: unknown): Place | null {
  const at = valueAt(diag, "at");
  if (typeof at === "string") return findPlace(at);
  const file = cleanPath(textAt(at, "fileName"));
  const line = valueAt(at, "lineNumber");
  return typeof line === "number" && Number.isInteger(line) && line >= 1 && !isForeign(file) ? { file, line } : null;
}

function valueAt(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined;
}

function textAt(value: unknown, key: string): string {
  const found = valueAt(value, key);
  return typeof found === "string" ? found : "";
}

function shown(value: unknown, key: string): string {
  const found = valueAt(value, key);
  return typeof found === "string" || typeof found === "number" || typeof found === "boolean" ? oneLine(String(found)) : "";
}
