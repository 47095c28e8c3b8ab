import { neutraliseBlock } from "@okstra/core/report/neutral-text";

/**
 * A document as JSON in whose texts and names everything that a terminal or a page would obey (ESC, C1, bidi) is visible.
 * Line breaks and tabs stay. What is neutral already stays as it is.
 */
export function formatNeutral(document: unknown): string {
  return JSON.stringify(neutraliseAll(JSON.parse(JSON.stringify(document)) as unknown));
}

function neutraliseAll(value: unknown): unknown {
  if (typeof value === "string") return neutraliseBlock(value);
  if (Array.isArray(value)) return value.map(neutraliseAll);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [neutraliseBlock(name), neutraliseAll(each)]));
}
