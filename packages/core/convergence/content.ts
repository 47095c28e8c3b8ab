import type { Finding } from "../domain/finding.ts";
import type { Place } from "./place.ts";

/** What a finding says, without who said it. */
export interface Content extends Place, Partial<Pick<Finding, "category" | "severity" | "fix">> {
  readonly claim: string;
}

/** Hash of what a finding says: the order by it tells nothing about who said it, or when. */
export function contentKey(content: Content, sha256: (text: string) => string): string {
  const { claim, category, severity, file, startLine, endLine, symbol, quote, fix } = content;
  return sha256(JSON.stringify([claim, category, severity, file, startLine, endLine, symbol, quote, fix].map((each) => each ?? null)));
}

/** Order by code units: the same on every machine. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
