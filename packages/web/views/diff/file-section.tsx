import type { BranchDiff, TaskRef } from "@okstra/core/dashboard/api";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { countOf, formatNumber } from "../../format.ts";
import { taskHash } from "../../router.ts";
import { codeHash } from "../findings/detail.tsx";
import type { Facts } from "../findings/facts.ts";
import { FileLines } from "./file-lines.tsx";
import { placeFindings, readPart, type DiffPart, type DiffRow } from "./parse.ts";

/** Lines of a file that is shown without being asked for. */
const OPEN_LINES = 2000;
/** Findings that are named above a file because their lines are not in it. */
const MOST_ELSEWHERE = 40;

interface FileSectionProps {
  readonly id: string;
  readonly task: TaskRef;
  readonly part: DiffPart;
  readonly counts: BranchDiff["files"][number] | null;
  readonly head: string;
  readonly findings: readonly Facts[];
  readonly isSplit: boolean;
}

/** A file of the diff; it is read and drawn when it comes into sight. */
export function FileSection({ id, task, part, counts, head, findings, isSplit }: FileSectionProps) {
  const [isOpen, setOpen] = useState(part.lines <= OPEN_LINES);
  const [wasSeen, setSeen] = useState(false);
  const place = useRef<HTMLElement>(null);
  useEffect(() => {
    const element = place.current;
    if (element === null || wasSeen) return;
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some(({ isIntersecting }) => isIntersecting)) setSeen(true);
      },
      { rootMargin: "400px 0px" },
    );
    observer.observe(element);
    return () => observer.disconnect();
  }, [wasSeen]);
  const { path, oldPath, kind, lines } = part;
  return (
    <section ref={place} class="diff-file" aria-labelledby={`${id}-name`}>
      <h3 id={id} tabIndex={-1} class="diff-file-head">
        <button type="button" class="diff-file-button" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          <span aria-hidden="true" class="diff-file-sign">
            {isOpen ? "▾" : "▸"}
          </span>
          <code id={`${id}-name`}>{path}</code>
          {kind !== "changed" && <span class="quiet">{kind}</span>}
          {oldPath !== null && <span class="quiet">was {oldPath}</span>}
          <Counts counts={counts} />
          {findings.length > 0 && <span class="badge finding-badge">{countOf(findings.length, "finding")}</span>}
        </button>
      </h3>
      {isOpen && wasSeen && <FileBody task={task} part={part} head={head} findings={findings} isSplit={isSplit} />}
      {isOpen && !wasSeen && <div class="diff-placeholder" style={{ height: `${Math.min(lines, 30) * 20}px` }} />}
      {!isOpen && lines > OPEN_LINES && <p class="quiet diff-note">{formatNumber(lines)} lines; open it to read them.</p>}
    </section>
  );
}

export function Counts({ counts }: { counts: BranchDiff["files"][number] | null }) {
  if (counts === null || counts.added === null || counts.removed === null) return null;
  return (
    <span class="diff-counts">
      <span class="good">+{formatNumber(counts.added)}</span> <span class="bad">−{formatNumber(counts.removed)}</span>
    </span>
  );
}

function FileBody({ task, part, head, findings, isSplit }: Omit<FileSectionProps, "id" | "counts">) {
  const read = useMemo(() => readSafely(part), [part]);
  const placed = useMemo(() => (read === null ? null : placeFindings(read, findings)), [read, findings]);
  if (read === null || placed === null)
    return (
      <pre class="quote" tabIndex={0} role="region" aria-label={`Changes of ${part.path} as git tells them`}>
        {part.text.slice(0, 100_000)}
      </pre>
    );
  return (
    <>
      {placed.elsewhere.length > 0 && (
        <p class="diff-note">
          <span class="quiet">In lines that are not in the diff: </span>
          {placed.elsewhere.slice(0, MOST_ELSEWHERE).map((facts) => (
            <a
              key={facts.key}
              href={facts.finding.commit === "" ? taskHash(task, "findings", { finding: facts.key }) : codeHash(task, facts)}
            >
              {facts.id}
              {facts.startLine !== null && `, line ${facts.startLine}`}
            </a>
          ))}
          {placed.elsewhere.length > MOST_ELSEWHERE && (
            <span class="quiet">and {formatNumber(placed.elsewhere.length - MOST_ELSEWHERE)} more</span>
          )}
        </p>
      )}
      {part.kind === "binary" || read.length === 0 ? (
        <p class="quiet diff-note">{part.kind === "binary" ? "The file is no text." : "No line is another; the name or the mode is."}</p>
      ) : (
        <FileLines task={task} path={part.path} head={head} rows={placed.rows} isSplit={isSplit} />
      )}
    </>
  );
}

/** Null for what cannot be read: git's text is shown as it is then. */
function readSafely(part: DiffPart): readonly DiffRow[] | null {
  try {
    return readPart(part);
  } catch {
    return null;
  }
}
