import type { TaskRef } from "@okstra/core/dashboard/api";
import { useMemo, useState } from "preact/hooks";
import { formatNumber, shortHash } from "../../format.ts";
import { LINE } from "../code/lines.tsx";
import { InlineNote } from "../code/note.tsx";
import { useRows } from "../rows.ts";
import { cutLine, LINE_SHOWN, measureColumns } from "../text-width.ts";
import { pairRows, type DiffRow, type SplitRow } from "./parse.ts";

/** Pixels that a note is taken to have before it is measured. */
const NOTE = 84;
const WORDS = { same: "", added: "added: ", removed: "removed: " } as const;
const SIGNS = { same: " ", added: "+", removed: "-" } as const;

interface FileLinesProps {
  readonly task: TaskRef;
  readonly path: string;
  readonly head: string;
  readonly rows: readonly DiffRow[];
  readonly isSplit: boolean;
}

/** The changed lines of a file, in a frame that scrolls by itself when they are many. */
export function FileLines({ task, path, head, rows: unified, isSplit }: FileLinesProps) {
  const list = useMemo<readonly (DiffRow | SplitRow)[]>(() => (isSplit ? pairRows(unified) : unified), [unified, isSplit]);
  const columns = useMemo(
    () => unified.reduce((most, row) => Math.max(most, "text" in row ? measureColumns(row.text.slice(0, LINE_SHOWN)) : 0), 0),
    [unified],
  );
  const rows = useRows({ count: list.length, sizeOf: (index) => (list[index]?.kind === "note" ? NOTE : LINE) });
  return (
    <div
      ref={rows.frame}
      class={isSplit ? "diff-frame is-split" : "diff-frame"}
      role="region"
      tabIndex={0}
      aria-label={`Changes of ${path}`}
    >
      <div
        role="table"
        aria-label={`Changed lines of ${path}`}
        aria-rowcount={list.length}
        class="v-rows code-lines"
        style={{ height: `${rows.height}px`, minWidth: isSplit ? "0" : `${columns + 16}ch` }}
      >
        {rows.items.map(({ key, index, start }) => {
          const row = list[index];
          if (row === undefined) return null;
          const isNote = row.kind === "note";
          return (
            <div
              key={key}
              // Lines wrap side by side, and notes always: only what may be higher than a line is measured.
              ref={isNote || isSplit ? rows.measure : null}
              data-index={index}
              role="row"
              aria-rowindex={index + 1}
              class={`v-row ${isNote ? "note-row" : `diff-row ${row.kind}`}`}
              style={{ transform: `translateY(${start}px)` }}
            >
              <Cells task={task} head={head} row={row} />
            </div>
          );
        })}
      </div>
    </div>
  );
}

function Cells({ task, head, row }: { task: TaskRef; head: string; row: DiffRow | SplitRow }) {
  if (row.kind === "note") {
    const { commit } = row.facts.finding;
    return (
      <div role="cell" class="note-cell">
        <InlineNote task={task} facts={row.facts} isMain={false} at={commit === head || commit === "" ? null : shortHash(commit)} />
      </div>
    );
  }
  if (row.kind === "hunk")
    return (
      <span role="cell" class="hunk-text">
        {row.text}
      </span>
    );
  if (row.kind === "pair")
    return (
      <>
        <Half line={row.old} number={row.old?.old ?? null} />
        <Half line={row.now} number={row.now?.now ?? null} />
      </>
    );
  return (
    <>
      <span role="cell" class="code-number">
        {row.old}
      </span>
      <span role="cell" class="code-number">
        {row.now}
      </span>
      <LineText kind={row.kind} text={row.text} />
    </>
  );
}

function Half({ line, number }: { line: Extract<DiffRow, { old: unknown }> | null; number: number | null }) {
  if (line === null) return <span role="cell" class="half none" />;
  return (
    <span role="cell" class={`half ${line.kind}`}>
      <span class="code-number">{number}</span>
      <LineText kind={line.kind} text={line.text} isCell={false} />
    </span>
  );
}

function LineText({ kind, text, isCell = true }: { kind: "same" | "added" | "removed"; text: string; isCell?: boolean }) {
  const [more, setMore] = useState(0);
  const { shown, rest } = cutLine(text, more);
  return (
    <span role={isCell ? "cell" : undefined} class="code-text">
      {kind !== "same" && <span class="visually-hidden">{WORDS[kind]}</span>}
      <span aria-hidden="true" class="diff-sign">
        {SIGNS[kind]}
      </span>
      {shown}
      {rest > 0 && (
        <button type="button" class="code-more" onClick={() => setMore((each) => each + 1)}>
          … {formatNumber(rest)} more letters
        </button>
      )}
    </span>
  );
}
