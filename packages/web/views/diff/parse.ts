import { parse } from "diff2html/lib-esm/diff-parser.js";
import type { DiffFile } from "diff2html/lib-esm/types.js";
import type { Facts } from "../findings/facts.ts";

/** The part of a diff that is about one file, not parsed yet. */
export interface DiffPart {
  readonly path: string;
  /** Null: it has the name it had. */
  readonly oldPath: string | null;
  /** added, deleted, renamed, copied, binary; else changed. */
  readonly kind: string;
  readonly text: string;
  /** Lines of the part, its head among them. */
  readonly lines: number;
}

export type DiffRow =
  | { readonly kind: "hunk"; readonly text: string }
  | { readonly kind: "same" | "added" | "removed"; readonly old: number | null; readonly now: number | null; readonly text: string }
  | { readonly kind: "note"; readonly facts: Facts };

/** A pair of a side-by-side view; null: the side has no line there. */
export type SplitRow =
  | { readonly kind: "hunk"; readonly text: string }
  | { readonly kind: "note"; readonly facts: Facts }
  | {
      readonly kind: "pair";
      readonly old: Extract<DiffRow, { old: unknown }> | null;
      readonly now: Extract<DiffRow, { old: unknown }> | null;
    };

/**
 * Cuts a diff of git where its files begin; no line of a file's content can begin so. Quick enough for megabytes: only the
 * heads of the files are looked at.
 */
export function splitDiff(text: string): readonly DiffPart[] {
  const starts = [...text.matchAll(/^diff --(?:git|cc|combined) /gmu)].map(({ index }) => index);
  return starts.map((start, at) => {
    const own = text.slice(start, starts[at + 1] ?? text.length);
    const hunk = own.search(/^@@/mu);
    const [file] = parseText(hunk === -1 ? own.slice(0, 20_000) : own.slice(0, hunk));
    return { ...describe(file), text: own, lines: countLines(own) };
  });
}

/** Stands for a backslash while diff2html reads: it takes git's remark about the last line out of contents too. */
const BACKSLASH = "\u{E000}";
/** A return within a line would be a line break for diff2html, and what follows it would not be seen. */
const RETURN = "\u{240D}";

function parseText(text: string): readonly DiffFile[] {
  const safe = text
    .replaceAll(/^([-+ ].*)$/gmu, (line) => (line.includes("\\ No newline") ? line.replaceAll("\\", BACKSLASH) : line))
    .replaceAll(/\r(?!\n)/gu, RETURN);
  return parse(safe.endsWith("\n") ? safe : `${safe}\n`);
}

function describe(file: DiffFile | undefined): Pick<DiffPart, "path" | "oldPath" | "kind"> {
  if (file === undefined) return { path: "(a file whose name could not be read)", oldPath: null, kind: "changed" };
  const now = unquote(file.newName);
  const old = unquote(file.oldName);
  const path = now === "/dev/null" ? old : now;
  const kind =
    file.isBinary === true
      ? "binary"
      : file.isNew === true
        ? "added"
        : file.isDeleted === true
          ? "deleted"
          : file.isRename === true
            ? "renamed"
            : file.isCopy === true
              ? "copied"
              : "changed";
  return { path, oldPath: old === path || old === "/dev/null" || old === "" ? null : old, kind };
}

/** git writes the bytes of unusual names as `\303\244`. */
function unquote(name: string): string {
  if (!name.includes("\\")) return name;
  const bytes: number[] = [];
  const encoder = new TextEncoder();
  for (const [, octal, escaped, plain] of name.matchAll(/\\([0-7]{3})|\\(.)|([^\\]+)/gsu)) {
    if (octal !== undefined) bytes.push(Number.parseInt(octal, 8));
    else bytes.push(...encoder.encode(escaped === undefined ? (plain ?? "") : ({ n: "\n", t: "\t" }[escaped] ?? escaped)));
  }
  return new TextDecoder().decode(new Uint8Array(bytes));
}

/** The lines of a part. @throws Error for what diff2html does not understand */
export function readPart({ text }: DiffPart): readonly DiffRow[] {
  const rows: DiffRow[] = [];
  for (const { header, lines } of parseText(text)[0]?.blocks ?? []) {
    rows.push({ kind: "hunk", text: header });
    for (const { content, oldNumber, newNumber } of lines)
      rows.push({
        kind: oldNumber === undefined ? "added" : newNumber === undefined ? "removed" : "same",
        old: oldNumber ?? null,
        now: newNumber ?? null,
        text: content.slice(1).replaceAll(BACKSLASH, "\\"),
      });
  }
  return rows;
}

/** Puts findings under the last of their lines that the diff has. @returns the rows, and findings in lines it has not */
export function placeFindings(
  rows: readonly DiffRow[],
  findings: readonly Facts[],
): { readonly rows: readonly DiffRow[]; readonly elsewhere: readonly Facts[] } {
  if (findings.length === 0) return { rows, elsewhere: [] };
  const at = new Map<number, number>();
  for (const [index, row] of rows.entries()) if ("now" in row && row.now !== null) at.set(row.now, index);
  const under = new Map<number, Facts[]>();
  const elsewhere: Facts[] = [];
  for (const facts of findings) {
    const index = lastLineIn(facts, at);
    if (index === null) elsewhere.push(facts);
    else under.set(index, [...(under.get(index) ?? []), facts]);
  }
  return {
    rows: rows.flatMap((row, index) => [row, ...(under.get(index) ?? []).map((facts): DiffRow => ({ kind: "note", facts }))]),
    elsewhere,
  };
}

function lastLineIn({ startLine, endLine }: Facts, at: ReadonlyMap<number, number>): number | null {
  if (startLine === null) return null;
  for (let line = endLine ?? startLine; line >= startLine; line -= 1) {
    const index = at.get(line);
    if (index !== undefined) return index;
  }
  return null;
}

/** Removed lines beside the added ones that took their place. */
export function pairRows(rows: readonly DiffRow[]): readonly SplitRow[] {
  const pairs: SplitRow[] = [];
  let removed: Extract<DiffRow, { old: unknown }>[] = [];
  const flush = (): void => {
    for (const old of removed) pairs.push({ kind: "pair", old, now: null });
    removed = [];
  };
  let next = 0;
  for (const row of rows) {
    if (row.kind === "removed") {
      if (next > 0) {
        removed = removed.slice(next);
        next = 0;
        flush();
      }
      removed.push(row);
    } else if (row.kind === "added") {
      pairs.push({ kind: "pair", old: removed[next] ?? null, now: row });
      next += removed[next] === undefined ? 0 : 1;
    } else if (row.kind === "note") {
      pairs.push(row);
    } else {
      removed = removed.slice(next);
      next = 0;
      flush();
      pairs.push(row.kind === "hunk" ? row : { kind: "pair", old: row, now: row });
    }
  }
  removed = removed.slice(next);
  flush();
  return pairs;
}

function countLines(text: string): number {
  let lines = 0;
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) lines += 1;
  return lines;
}
