import * as z from "zod";
import { findingSchema } from "@okstra/core/domain/finding";
import { workerResultSchema } from "@okstra/core/domain/worker-result";
import { parseSarif } from "./parse-sarif.ts";
import { describeIssue, invalid, type ReviewerResult } from "./reviewer-result.ts";

/** Reviewers' own files have no run, so no nonce that would bind them to one. */
const resultSchema = workerResultSchema.extend({ nonce: z.string().optional(), findings: z.array(findingSchema).max(2000) });

/**
 * Reads a file's text as a worker's result or a SARIF 2.1.0 log.
 * @param source the file as the person named it; its name without extension is the family of a worker's result
 * @throws OKSTRA_RESULTS_INVALID
 */
export function parseResults(source: string, text: string): readonly ReviewerResult[] {
  const document = parseJson(source, text);
  if (isRecord(document) && ("runs" in document || String(document["$schema"] ?? "").includes("sarif")))
    return parseSarif(source, document);
  const parsed = resultSchema.safeParse(document);
  if (!parsed.success) throw invalid(source, `is no worker's result: ${describeIssue(parsed.error)}`);
  return [{ source, family: nameOf(source), findings: parsed.data.findings, covered: parsed.data.covered, left: 0 }];
}

/** The file's name without directory and extension. */
export function nameOf(source: string): string {
  const name = source.replaceAll("\\", "/").split("/").at(-1) ?? "";
  return name.replace(/(?:\.sarif)?(?:\.json|\.sarif)$/iu, "") || name || source;
}

function parseJson(source: string, text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/u, ""));
  } catch (error) {
    throw invalid(source, `is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
