import { REDACTED } from "../domain/redaction.ts";
import type { Finding } from "../domain/finding.ts";

export interface Grounding {
  readonly grounded: boolean;
  /** Re-anchored lines, from 1; null when the finding names no place or its quote is not there. */
  readonly startLine: number | null;
  readonly endLine: number | null;
}

const NOT_GROUNDED: Grounding = { grounded: false, startLine: null, endLine: null };

/**
 * Looks for a finding's quote, white space folded, in the file at the run's head commit and anchors the lines
 * where it stands nearest to where the finding says (docs: convergence, step 0). A part that was made
 * unreadable as a secret matches anything on its line.
 * @param text content of the file at the commit; null when there is no such file
 */
export function groundFinding(finding: Pick<Finding, "quote" | "startLine">, text: string | null): Grounding {
  const parts = (finding.quote ?? "")
    .split(REDACTED)
    .map(foldSpace)
    .filter((part) => part !== "");
  if (text === null || parts.length === 0) return NOT_GROUNDED;
  const { folded, lineAt } = foldWithLines(text);
  let best: Grounding = NOT_GROUNDED;
  const wanted = finding.startLine ?? 1;
  for (let from = 0; ;) {
    const match = findParts(folded, parts, from);
    if (match === null) return best;
    const startLine = lineAt(match.start);
    if (!best.grounded || Math.abs(startLine - wanted) < Math.abs((best.startLine ?? 0) - wanted)) {
      best = { grounded: true, startLine, endLine: lineAt(match.end - 1) };
    }
    from = match.start + 1;
  }
}

function findParts(folded: string, parts: readonly string[], from: number): { start: number; end: number } | null {
  const [first = "", ...rest] = parts;
  const start = folded.indexOf(first, from);
  if (start < 0) return null;
  let end = start + first.length;
  for (const part of rest) {
    const at = folded.indexOf(part, end);
    if (at < 0) return null;
    end = at + part.length;
  }
  return { start, end };
}

function foldSpace(text: string): string {
  return text.replaceAll(/\s+/g, " ").trim();
}

/** The text with each run of white space as one blank, and the line (from 1) of each of its characters. */
function foldWithLines(text: string): { folded: string; lineAt: (index: number) => number } {
  const pieces: string[] = [];
  const starts: number[] = [];
  const lines: number[] = [];
  let length = 0;
  for (const [index, line] of text.split("\n").entries()) {
    const piece = foldSpace(line);
    if (piece === "") continue;
    starts.push(length);
    lines.push(index + 1);
    pieces.push(piece);
    length += piece.length + 1;
  }
  const lineAt = (at: number): number => {
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] ?? 0) <= at) low = middle;
      else high = middle - 1;
    }
    return lines[low] ?? 1;
  };
  return { folded: pieces.join(" "), lineAt };
}
