/** Makes secrets unreadable in one line of text. */
export type Redact = (text: string) => string;

/** A secret up to this many bytes is kept whole by a cut. */
const LONGEST_SECRET = 256;
/** How much the search for a cut looks at on either side. */
export const CUT_MARGIN = 4 * (LONGEST_SECRET + 1);

const NEWLINE = 10;

interface SafeCut {
  /** What comes before the cut ends here ... */
  readonly end: number;
  /** ... and what comes after begins here. Later than `end` only when every tried place was inside a secret. */
  readonly resume: number;
}

/**
 * Finds a place to cut bytes of text in two that are redacted apart from each other, so that neither half holds
 * a part of a secret that redaction no longer recognises, and no UTF-8 character is cut.
 * It is such a place when redacting both sides gives the same as redacting them together.
 * @param at where the cut is wanted, in bytes
 * @param direction where to look for a better place: "back" answers at most `at`, "forward" at least `at`
 */
export function findSafeCut(bytes: Buffer, at: number, direction: "back" | "forward", redact: Redact): SafeCut {
  if (at <= 0 || at >= bytes.length) {
    const edge = Math.min(Math.max(at, 0), bytes.length);
    return { end: edge, resume: edge };
  }
  const step = direction === "back" ? -(LONGEST_SECRET + 1) : LONGEST_SECRET + 1;
  for (let tries = 0; tries < 4; tries += 1) {
    const place = alignToCharacter(bytes, at + tries * step, direction);
    if (place <= 0 || place >= bytes.length) break;
    if (isSafe(bytes, place, redact)) return { end: place, resume: place };
  }
  const place = alignToCharacter(bytes, at, direction);
  return {
    end: alignToCharacter(bytes, Math.max(0, place - LONGEST_SECRET), "back"),
    resume: alignToCharacter(bytes, Math.min(bytes.length, place + LONGEST_SECRET), "forward"),
  };
}

/** Redacts line by line, as redaction is promised to work on lines. */
export function redactLines(text: string, redact: Redact): string {
  let lastLine: string | undefined;
  let lastRedacted = "";
  const lines = text.split("\n");
  for (const [index, line] of lines.entries()) {
    // Floods repeat themselves: the same line again costs nothing.
    if (line !== lastLine) {
      lastLine = line;
      lastRedacted = redact(line);
    }
    lines[index] = lastRedacted;
  }
  return lines.join("\n");
}

function isSafe(bytes: Buffer, place: number, redact: Redact): boolean {
  const lineStart = bytes.lastIndexOf(NEWLINE, place - 1) + 1;
  if (lineStart === place) return true;
  const nextNewline = bytes.indexOf(NEWLINE, place);
  const lineEnd = nextNewline === -1 ? bytes.length : nextNewline;
  const left = bytes.toString("utf8", Math.max(lineStart, place - CUT_MARGIN), place);
  const right = bytes.toString("utf8", place, Math.min(lineEnd, place + CUT_MARGIN));
  return redact(left) + redact(right) === redact(left + right);
}

/** A UTF-8 character has at most three continuation bytes (10xxxxxx); more than that is not UTF-8 anyway. */
function alignToCharacter(bytes: Buffer, place: number, direction: "back" | "forward"): number {
  const step = direction === "back" ? -1 : 1;
  for (let moved = 0; moved <= 3; moved += 1) {
    const byte = bytes[place + moved * step];
    if (byte === undefined || (byte & 0xc0) !== 0x80) return place + moved * step;
  }
  return place;
}
