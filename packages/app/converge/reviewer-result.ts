import type * as z from "zod";
import type { Finding } from "@okstra/core/domain/finding";
import { OkstraError } from "@okstra/core/errors";

/** What one reviewer said: a worker's result, or one run of a SARIF log. */
export interface ReviewerResult {
  /** Where it came from, as the person named it. */
  readonly source: string;
  /** Reviewers of one family are one voice: the tool's name, else the file's. */
  readonly family: string;
  readonly findings: readonly Finding[];
  readonly covered?: readonly string[] | undefined;
  /** Results that say of themselves that they are no open problem: passed, suppressed or gone. */
  readonly left: number;
}

/** The first thing that breaks a schema, with its path. */
export function describeIssue(error: z.ZodError): string {
  const issue = error.issues[0];
  if (issue === undefined) return "it breaks its schema";
  return `${issue.path.length === 0 ? "the document" : issue.path.join(".")}: ${issue.message}`;
}

export function invalid(source: string, message: string): OkstraError {
  return new OkstraError("OKSTRA_RESULTS_INVALID", { message: `${source} ${message}`, details: { file: source } });
}
