import type { Format, Parsed, Problem } from "../problem.ts";
import { lineOf, listOf, member, readDocuments, textOf, type Json } from "./json.ts";
import { cleanPath } from "./place.ts";
import { oneLine } from "./text.ts";

const OPENING = /\{\s*"(?:\$schema|version|runs)"\s*:/g;

/** SARIF 2.1.0, whatever tool wrote it. Results that are suppressed or did not fail are left out. */
export const sarifFormat: Format = {
  name: "sarif",
  recognises: (text) => /"runs"\s*:\s*\[/.test(text) && /sarif|"version"\s*:\s*"2\.\d/i.test(text) && new RegExp(OPENING.source).test(text),
  parse(text): Parsed {
    const documents = readDocuments(text, OPENING);
    const problems = documents.flatMap((document) => listOf(document.value, "runs").flatMap(readRun));
    return { problems, complete: documents.length > 0 && documents.every((document) => document.complete) };
  },
};

function readRun(run: Json): Problem[] {
  const driver = member(member(run, "tool"), "driver");
  const defaults = new Map(
    listOf(driver, "rules").map((rule) => [textOf(rule, "id"), textOf(member(rule, "defaultConfiguration"), "level")]),
  );
  const notices = listOf(run, "invocations").flatMap((invocation) => [
    ...listOf(invocation, "toolExecutionNotifications"),
    ...listOf(invocation, "toolConfigurationNotifications"),
  ]);
  return [
    ...listOf(run, "results").flatMap((result) => readResult(result, run, defaults)),
    // A file that the tool could not read is no result of a rule: eslint's parse errors stand here.
    ...notices.filter((notice) => textOf(notice, "level") === "error").flatMap((notice) => readResult(notice, run, defaults)),
  ];
}

function readResult(result: Json, run: Json, defaults: ReadonlyMap<string, string>): Problem[] {
  const rule = textOf(result, "ruleId") || textOf(member(result, "descriptor"), "id") || textOf(member(result, "rule"), "id") || "result";
  const level = textOf(result, "level") || defaults.get(rule) || "warning";
  const kind = textOf(result, "kind") || "fail";
  const message = oneLine(textOf(member(result, "message"), "text") || textOf(member(result, "message"), "markdown"));
  if (kind !== "fail" || level === "none" || message === "" || listOf(result, "suppressions").length > 0) return [];
  const place = member(listOf(result, "locations")[0] ?? null, "physicalLocation");
  const region = member(place, "region");
  const file = readUri(member(place, "artifactLocation"), run);
  const startLine = lineOf(region, "startLine");
  return [
    {
      tool: "sarif",
      rule,
      message,
      level: level === "error" ? "error" : "warning",
      category: "lint",
      file,
      startLine,
      endLine: lineOf(region, "endLine") ?? startLine,
      excerpt: `${file ?? ""}:${startLine ?? ""} ${message} (${rule})`,
    },
  ];
}

/** The location's path: of its own, of its index into the run's artifacts, and under its uriBaseId when that is absolute. */
function readUri(location: Json, run: Json): string | null {
  const index = member(location, "index");
  const artifact = typeof index === "number" ? member(listOf(run, "artifacts")[index] ?? null, "location") : null;
  const uri = textOf(location, "uri") || textOf(artifact, "uri");
  if (uri === "") return null;
  const base = textOf(member(member(run, "originalUriBaseIds"), textOf(location, "uriBaseId")), "uri");
  const isAbsolute = /^(?:[A-Za-z][\w+.-]*:|\/)/.test(uri);
  if (!isAbsolute && base.startsWith("file:")) return cleanPath(`${base.replace(/\/$/, "")}/${uri}`);
  if (isAbsolute) return cleanPath(uri);
  try {
    return cleanPath(decodeURIComponent(uri));
  } catch {
    return cleanPath(uri);
  }
}
