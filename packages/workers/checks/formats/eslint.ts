import type { Format, Parsed, Problem } from "../problem.ts";
import { lineOf, listOf, member, readDocuments, isList, textOf, type Json } from "./json.ts";
import { cleanPath } from "./place.ts";
import { oneLine } from "./text.ts";

const OPENING = /\[\s*\{\s*"filePath"\s*:/g;

/** `eslint --format json` (8, 9). */
export const eslintFormat: Format = {
  name: "eslint",
  recognises: (text) => new RegExp(OPENING.source).test(text),
  parse(text): Parsed {
    const documents = readDocuments(text, OPENING);
    const problems = documents.flatMap((document) => (isList(document.value) ? document.value : []).flatMap(readFile));
    return { problems, complete: documents.length > 0 && documents.every((document) => document.complete) };
  },
};

function readFile(result: Json): Problem[] {
  const file = cleanPath(textOf(result, "filePath"));
  return listOf(result, "messages").flatMap((message) => readMessage(message, file === "" ? null : file));
}

function readMessage(found: Json, file: string | null): Problem[] {
  const severity = member(found, "severity");
  const message = oneLine(textOf(found, "message"));
  if ((severity !== 1 && severity !== 2) || message === "") return [];
  const startLine = lineOf(found, "line");
  const rule = textOf(found, "ruleId") || "parse-error";
  return [
    {
      tool: "eslint",
      rule,
      message,
      level: severity === 2 ? "error" : "warning",
      category: "lint",
      file,
      startLine,
      endLine: lineOf(found, "endLine") ?? startLine,
      excerpt: `${file ?? ""}:${startLine ?? ""} ${message} (${rule})`,
    },
  ];
}
