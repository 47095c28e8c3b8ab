/** Where a finding says the defect is. For phases about text `symbol` is the section or requirement. */
export interface Place {
  readonly file?: string | null | undefined;
  readonly startLine?: number | null | undefined;
  readonly endLine?: number | null | undefined;
  readonly symbol?: string | null | undefined;
  readonly quote?: string | null | undefined;
}

/** `unknown`: one of the two does not say enough to tell. */
export type Nearness = "overlap" | "apart" | "unknown";

/** Two ranges that are so many lines from each other are one place. */
const LINES_APART = 3;

/** One place: the same file and line ranges within three lines, the same symbol, or the same quote with white space folded. */
export function comparePlaces(left: Place, right: Place): Nearness {
  const files = [left, right].map(({ file }) => (typeof file === "string" ? foldPath(file) : null));
  if (files[0] !== files[1]) return files.includes(null) ? "unknown" : "apart";
  if (isSame(left.symbol, right.symbol)) return "overlap";
  if (files[0] === null) return isGiven(left.symbol) && isGiven(right.symbol) ? "apart" : "unknown";
  if (isSame(foldSpace(left.quote), foldSpace(right.quote))) return "overlap";
  const [a, b] = [rangeOf(left), rangeOf(right)];
  if (a === null || b === null) return "unknown";
  return Math.max(a.from, b.from) - Math.min(a.to, b.to) <= LINES_APART ? "overlap" : "apart";
}

function rangeOf({ startLine, endLine }: Place): { from: number; to: number } | null {
  const from = startLine ?? endLine;
  if (typeof from !== "number") return null;
  const to = endLine ?? from;
  return { from: Math.min(from, to), to: Math.max(from, to) };
}

/** A path as it is compared. */
export function foldPath(path: string): string {
  return path.replaceAll("\\", "/").replace(/^(?:\.\/)+/u, "");
}

/** A quote as it is compared: each run of white space as one blank. */
export function foldSpace(text: string | null | undefined): string | undefined {
  return text?.replaceAll(/\s+/gu, " ").trim();
}

function isSame(left: string | null | undefined, right: string | null | undefined): boolean {
  return isGiven(left) && left === right;
}

function isGiven(text: string | null | undefined): text is string {
  return typeof text === "string" && text !== "";
}
