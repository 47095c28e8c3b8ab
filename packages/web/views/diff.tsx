import type { BranchDiff, TaskRef } from "@okstra/core/dashboard/api";
import { useEffect, useMemo, useState } from "preact/hooks";
import { taskPath, useApi } from "../api-client.ts";
import { countOf, formatNumber, shortHash } from "../format.ts";
import { Empty, Failure, Skeleton } from "../parts/states.tsx";
import { useRoute } from "../router.ts";
import { useReloadOn } from "../stream.ts";
import { Counts, FileSection } from "./diff/file-section.tsx";
import { splitDiff } from "./diff/parse.ts";
import { isChangeOf, useFindings, type Facts } from "./findings/facts.ts";
import { NARROW, useMedia } from "./use-media.ts";

/** What the branch changes, file by file, with the findings at their lines. */
export function DiffView({ task }: { task: TaskRef }) {
  const asked = useApi<BranchDiff>(taskPath(task, "/diff"));
  useReloadOn(asked, (message) => isChangeOf(message, task));
  const { data, failure, reload } = asked;
  if (failure !== null && data === null) return <Failure failure={failure} retry={reload} />;
  if (data === null) return <Skeleton lines={12} label="Loading the diff" />;
  if (data.text === "" && data.files.length === 0)
    return (
      <Empty title="The branch changes nothing.">
        <p>
          between <code>{shortHash(data.base)}</code> and <code>{shortHash(data.head)}</code>
        </p>
      </Empty>
    );
  return <Diff task={task} diff={data} />;
}

function Diff({ task, diff }: { task: TaskRef; diff: BranchDiff }) {
  const { facts } = useFindings(task);
  const { query } = useRoute();
  const isNarrow = useMedia(NARROW);
  const [wantsSplit, setSplit] = useState(false);
  const isSplit = wantsSplit && !isNarrow;
  const parts = useMemo(() => splitDiff(diff.text), [diff.text]);
  const counts = useMemo(() => new Map(diff.files.map((file) => [file.path, file])), [diff.files]);
  const findings = useMemo(() => groupByFile(facts), [facts]);
  const missing = useMemo(() => {
    const shown = new Set(parts.map(({ path }) => path));
    return diff.files.filter(({ path }) => !shown.has(path));
  }, [parts, diff.files]);
  const sum = (name: "added" | "removed"): number => diff.files.reduce((total, file) => total + (file[name] ?? 0), 0);
  const goTo = (at: number): void => {
    const heading = document.getElementById(`diff-${at}`);
    heading?.scrollIntoView({ block: "start" });
    heading?.focus({ preventScroll: true });
  };
  const wanted = query.get("path");
  useEffect(() => {
    const at = parts.findIndex(({ path }) => path === wanted);
    if (at >= 0) goTo(at);
  }, [wanted, parts.length]);
  return (
    <div class="diff-view">
      <div class="diff-head">
        <p>
          {countOf(diff.files.length, "file")}, <span class="good">+{formatNumber(sum("added"))}</span>{" "}
          <span class="bad">−{formatNumber(sum("removed"))}</span>{" "}
          <span class="quiet">
            from <code title={diff.base}>{shortHash(diff.base)}</code> to <code title={diff.head}>{shortHash(diff.head)}</code>
          </span>
        </p>
        {!isNarrow && (
          <div role="group" aria-label="How lines are shown" class="choice">
            <button type="button" class="button small" aria-pressed={!isSplit} onClick={() => setSplit(false)}>
              Unified
            </button>
            <button type="button" class="button small" aria-pressed={isSplit} onClick={() => setSplit(true)}>
              Side by side
            </button>
          </div>
        )}
      </div>
      {diff.isCut && <p class="notice">The diff is longer than 4 MiB: what follows is cut off. In a terminal: git diff</p>}
      <details class="diff-files" open={!isNarrow && parts.length <= 30}>
        <summary>Files</summary>
        <ul>
          {parts.slice(0, MOST_LINKS).map((part, at) => (
            <li key={at}>
              <button type="button" class="link-button" onClick={() => goTo(at)}>
                <code>{part.path}</code>
              </button>
              <Counts counts={counts.get(part.path) ?? null} />
              {(findings.get(part.path)?.length ?? 0) > 0 && (
                <span class="badge finding-badge">{countOf(findings.get(part.path)?.length ?? 0, "finding")}</span>
              )}
            </li>
          ))}
          {parts.length > MOST_LINKS && <li class="quiet">and {formatNumber(parts.length - MOST_LINKS)} more below</li>}
          {missing.slice(0, MOST_LINKS).map((file) => (
            <li key={file.path}>
              <code>{file.path}</code> <Counts counts={file} /> <span class="quiet">not shown: {diff.isCut ? "cut off" : "no text"}</span>
            </li>
          ))}
        </ul>
      </details>
      {parts.map((part, at) => (
        <FileSection
          key={`${at} ${part.path}`}
          id={`diff-${at}`}
          task={task}
          part={part}
          counts={counts.get(part.path) ?? null}
          head={diff.head}
          findings={findings.get(part.path) ?? NONE}
          isSplit={isSplit}
        />
      ))}
    </div>
  );
}

const NONE: readonly Facts[] = [];
/** Files in the list at the head. */
const MOST_LINKS = 500;

function groupByFile(facts: readonly Facts[]): ReadonlyMap<string, readonly Facts[]> {
  const groups = new Map<string, Facts[]>();
  for (const each of facts) {
    if (each.file === null) continue;
    const group = groups.get(each.file);
    if (group === undefined) groups.set(each.file, [each]);
    else group.push(each);
  }
  return groups;
}
