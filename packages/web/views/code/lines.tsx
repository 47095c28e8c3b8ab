import type { Code, TaskRef } from "@okstra/core/dashboard/api";
import { useLayoutEffect, useMemo, useState } from "preact/hooks";
import { formatNumber, shortHash } from "../../format.ts";
import type { Facts } from "../findings/facts.ts";
import { useRows } from "../rows.ts";
import { NARROW } from "../use-media.ts";
import { cutLine, LINE_SHOWN, measureColumns } from "../text-width.ts";
import { InlineNote } from "./note.tsx";

/** Pixels of a line; views.css has the same. */
export const LINE = 20;
const NOTE = 84;

type Row = { readonly line: number } | { readonly note: Facts };

export interface Span {
  readonly start: number;
  readonly end: number;
}

interface CodeLinesProps {
  readonly task: TaskRef;
  readonly code: Code;
  readonly text: string;
  /** Lines that are marked and shown first; from 1. */
  readonly span: Span | null;
  /** Findings in the file at the commit, with their notes under their lines. */
  readonly notes: readonly Facts[];
  readonly main: Facts | null;
}

/** A file's lines with the notes of findings between them; only what is in sight is in the page. */
export function CodeLines({ task, code, text, span, notes, main }: CodeLinesProps) {
  const lines = useMemo(() => splitLines(text), [text]);
  const columns = useMemo(() => lines.reduce((most, line) => Math.max(most, measureColumns(line.slice(0, LINE_SHOWN))), 0), [lines]);
  const list = useMemo(() => placeNotes(lines.length, notes, main), [lines, notes, main]);
  const marked = useMemo(() => markedLines(lines.length, notes), [lines, notes]);
  const [more, setMore] = useState<ReadonlyMap<number, number>>(new Map());
  const rows = useRows({
    count: list.length,
    sizeOf: (index) => (isNote(list[index]) ? NOTE : LINE),
    keyOf: (index) => keyOf(list[index], index),
  });
  const goTo = (line: number): void => {
    const at = list.findIndex((row) => !isNote(row) && row.line === line);
    if (at >= 0) rows.scrollTo(at, "center");
  };
  useLayoutEffect(() => {
    if (span === null) return;
    goTo(Math.min(lines.length, span.start));
    if (matchMedia(NARROW).matches) rows.frame.current?.scrollIntoView({ block: "start" });
    // Findings that were asked for again leave the reader where he is; notes that came later move the lines.
  }, [lines, list.length, span?.start]);
  const digits = String(lines.length).length;
  const isIn = (line: number): boolean => span !== null && line >= span.start && line <= span.end;
  return (
    <>
      <GoToLine most={lines.length} onGo={goTo} />
      <div ref={rows.frame} class="code-frame" role="region" tabIndex={0} aria-label={`${code.path}, ${formatNumber(lines.length)} lines`}>
        <div
          role="table"
          aria-label={`Lines of ${code.path}`}
          aria-rowcount={list.length}
          class="v-rows code-lines"
          style={{ height: `${rows.height}px`, minWidth: `${columns + digits + 6}ch`, "--digits": String(digits) }}
        >
          {rows.items.map(({ key, index, start }) => {
            const row = list[index];
            if (row === undefined) return null;
            const place = { transform: `translateY(${start}px)` };
            if (isNote(row))
              return (
                <div
                  key={key}
                  ref={rows.measure}
                  data-index={index}
                  role="row"
                  aria-rowindex={index + 1}
                  class="v-row note-row"
                  style={place}
                >
                  <div role="cell" aria-colspan={2} class="note-cell">
                    <InlineNote task={task} facts={row.note} isMain={row.note === main} at={otherCommit(row.note, code.commit)} />
                  </div>
                </div>
              );
            const { line } = row;
            const { shown, rest } = cutLine(lines[line - 1] ?? "", more.get(line) ?? 0);
            return (
              <div
                key={key}
                role="row"
                aria-rowindex={index + 1}
                class={`v-row code-line${isIn(line) ? " in-span" : ""}${marked.has(line) ? " marked" : ""}`}
                style={place}
              >
                <span role="rowheader" class="code-number">
                  {line}
                </span>
                <span role="cell" class="code-text">
                  {isIn(line) && <span class="visually-hidden">marked: </span>}
                  {shown}
                  {rest > 0 && (
                    <button
                      type="button"
                      class="code-more"
                      onClick={() => setMore((all) => new Map(all).set(line, (all.get(line) ?? 0) + 1))}
                    >
                      … {formatNumber(rest)} more letters
                    </button>
                  )}
                </span>
              </div>
            );
          })}
        </div>
      </div>
    </>
  );
}

function GoToLine({ most, onGo }: { most: number; onGo: (line: number) => void }) {
  const [text, setText] = useState("");
  const go = (event: Event): void => {
    event.preventDefault();
    const line = Number(text);
    if (Number.isSafeInteger(line) && line >= 1) onGo(Math.min(most, line));
  };
  return (
    <form class="go-to-line" onSubmit={go}>
      <label class="field">
        <span>Line</span>
        <input
          type="text"
          inputMode="numeric"
          size={7}
          value={text}
          autocomplete="off"
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </label>
      <button type="submit" class="button">
        Go
      </button>
    </form>
  );
}

/** A last line break ends a line, it does not begin one. */
function splitLines(text: string): readonly string[] {
  const lines = text.split(/\r\n|\n/u);
  if (lines.length > 1 && lines.at(-1) === "") lines.pop();
  return lines;
}

function placeNotes(count: number, notes: readonly Facts[], main: Facts | null): readonly Row[] {
  const under = new Map<number, Facts[]>();
  for (const note of main === null || notes.includes(main) ? notes : [main, ...notes]) {
    const line = Math.min(count, Math.max(1, note.endLine ?? note.startLine ?? 1));
    under.set(line, [...(under.get(line) ?? []), note]);
  }
  const rows: Row[] = [];
  for (let line = 1; line <= count; line += 1) {
    rows.push({ line });
    for (const note of under.get(line) ?? []) rows.push({ note });
  }
  return rows;
}

function markedLines(count: number, notes: readonly Facts[]): ReadonlySet<number> {
  const marked = new Set<number>();
  for (const { startLine, endLine } of notes)
    for (let line = startLine ?? 0; line >= 1 && line <= Math.min(count, endLine ?? line); line += 1) marked.add(line);
  return marked;
}

function isNote(row: Row | undefined): row is { readonly note: Facts } {
  return row !== undefined && "note" in row;
}

function keyOf(row: Row | undefined, index: number): string | number {
  if (row === undefined) return `none ${index}`;
  return isNote(row) ? `note ${row.note.key}` : row.line;
}

function otherCommit({ finding }: Facts, commit: string): string | null {
  return finding.commit === commit || finding.commit === "" ? null : shortHash(finding.commit);
}
