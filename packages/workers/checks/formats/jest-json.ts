import type { Format, Parsed, Problem } from "../problem.ts";
import { lineOf, listOf, member, readDocuments, textOf, type Json } from "./json.ts";
import { cleanPath, findPlace } from "./place.ts";
import { excerptOf, oneLine } from "./text.ts";

const OPENING = /\{\s*"num(?:Total|Passed|Failed)Test(?:Suites|s)"\s*:/g;

/**
 * jest and vitest write the same document; it tells them apart by its first member
 * (jest sorts them, vitest begins with the totals).
 */
function makeFormat(tool: "jest" | "vitest", opening: RegExp): Format {
  return {
    name: tool,
    recognises: (text) => opening.test(text),
    parse(text): Parsed {
      const documents = readDocuments(text, OPENING);
      return {
        problems: documents.flatMap((document) => listOf(document.value, "testResults").flatMap((suite) => readSuite(tool, suite))),
        complete: documents.length > 0 && documents.every((document) => document.complete),
      };
    },
  };
}

/** `jest --json` (29, 30). */
export const jestFormat = makeFormat("jest", /\{\s*"numFailedTestSuites"\s*:/);
/** `vitest run --reporter=json` (3, 4). */
export const vitestFormat = makeFormat("vitest", /\{\s*"numTotalTestSuites"\s*:/);

function readSuite(tool: string, suite: Json): Problem[] {
  const path = textOf(suite, "name");
  const file = path === "" ? null : cleanPath(path);
  const failed = listOf(suite, "assertionResults").filter((test) => textOf(test, "status") === "failed");
  if (failed.length > 0) return failed.map((test) => readTest(tool, test, file));
  const message = textOf(suite, "message");
  return textOf(suite, "status") === "failed" && message !== "" ? [readBrokenSuite(tool, message, file)] : [];
}

function readTest(tool: string, test: Json, suiteFile: string | null): Problem {
  const messages = listOf(test, "failureMessages").filter((message) => typeof message === "string");
  const said = messages.join("\n");
  const place = findPlace(said);
  const file = place?.file ?? suiteFile;
  const line = place?.line ?? lineOf(member(test, "location"), "line");
  const name = textOf(test, "fullName") || textOf(test, "title");
  return {
    tool,
    rule: name,
    message: oneLine(said) || "the test failed",
    level: "error",
    category: "test-failure",
    file,
    startLine: file === null ? null : line,
    endLine: file === null ? null : line,
    excerpt: excerptOf(said),
  };
}

/** A test file that could not be loaded: its message has a heading of jest's own before the reason. */
function readBrokenSuite(tool: string, message: string, file: string | null): Problem {
  const place = findPlace(message);
  const lines = excerptLines(message);
  return {
    tool,
    rule: "test file could not be loaded",
    message: lines[0] ?? "the test file could not be loaded",
    level: "error",
    category: "test-failure",
    file: place?.file ?? file,
    startLine: place?.line ?? null,
    endLine: place?.line ?? null,
    excerpt: excerptOf(message),
  };
}

function excerptLines(message: string): string[] {
  const lines = message
    .slice(0, 20_000)
    .split("\n")
    .map(oneLine)
    .filter((line) => line !== "" && !line.startsWith("●"));
  const details = lines.findIndex((line) => /^\w*Error: /.test(line));
  return details > 0 && /unexpected token/i.test(lines[0] ?? "") ? lines.slice(details) : lines;
}
