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
  const parts = splitAtRedactions(finding.quote ?? "");
  const first = parts[0]?.text;
  if (text === null || first === undefined) return NOT_GROUNDED;
  const file = foldWithLines(text);
  let best: Grounding = NOT_GROUNDED;
  const wanted = finding.startLine ?? 1;
  for (let start = file.folded.indexOf(first); start >= 0; start = file.folded.indexOf(first, start + 1)) {
    const startLine = file.lineAt(start);
    if (best.grounded && Math.abs(startLine - wanted) >= Math.abs((best.startLine ?? 0) - wanted)) continue;
    const end = findEnd(file, parts.slice(1), start + first.length);
    if (end !== null) best = { grounded: true, startLine, endLine: file.lineAt(end - 1) };
  }
  return best;
}

/** What stands between the unreadable parts, and how many line breaks the quote has from one to the next. */
interface QuotePart {
  readonly text: string;
  readonly breaks: number;
}

function splitAtRedactions(quote: string): readonly QuotePart[] {
  const parts: QuotePart[] = [];
  let breaks = 0;
  for (const piece of quote.split(REDACTED)) {
    const text = foldSpace(piece);
    const [leading = "", trailing = ""] = text === "" ? [piece] : [/^\s*/.exec(piece)?.[0], /\s*$/.exec(piece)?.[0]];
    if (text !== "") parts.push({ text, breaks: breaks + countBreaks(leading) });
    breaks = text === "" ? breaks + countBreaks(leading) : countBreaks(trailing);
  }
  return parts;
}

function countBreaks(space: string): number {
  return space.split("\n").length - 1;
}

/** Where the last part ends, each part being on the line where the one before it ended, or as far below as the quote says. */
function findEnd(file: FoldedFile, parts: readonly QuotePart[], from: number): number | null {
  let end = from;
  for (const part of parts) {
    const at = file.folded.slice(end, file.endOfLine(end - 1, part.breaks)).indexOf(part.text);
    if (at < 0) return null;
    end += at + part.text.length;
  }
  return end;
}

function foldSpace(text: string): string {
  return text.replaceAll(/\s+/g, " ").trim();
}

interface FoldedFile {
  /** The text with each run of white space as one blank. */
  readonly folded: string;
  /** Line (from 1) of one of its characters. */
  lineAt(index: number): number;
  /** Where a character's line ends, or the line that is so many lines with text below it. */
  endOfLine(index: number, below: number): number;
}

function foldWithLines(text: string): FoldedFile {
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
  const pieceAt = (at: number): number => {
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] ?? 0) <= at) low = middle;
      else high = middle - 1;
    }
    return low;
  };
  return {
    folded: pieces.join(" "),
    lineAt: (at) => lines[pieceAt(at)] ?? 1,
    endOfLine: (at, below) => starts[pieceAt(at) + below + 1] ?? length,
  };
}
