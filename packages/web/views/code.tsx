import type { BranchDiff, Code, TaskRef } from "@okstra/core/dashboard/api";
import { useMemo } from "preact/hooks";
import { taskPath, useApi } from "../api-client.ts";
import { countOf, formatNumber, shortHash } from "../format.ts";
import { Empty, Failure, Skeleton } from "../parts/states.tsx";
import { taskHash } from "../router.ts";
import { CodeLines, type Span } from "./code/lines.tsx";
import { findFacts, formatLines, useFindings, type Facts } from "./findings/facts.ts";
import { codeHash } from "./findings/detail.tsx";

interface CodeViewProps {
  readonly task: TaskRef;
  /** 40 hex digits; null: of the finding, else the head of the branch. */
  readonly commit: string | null;
  /** Path in the repository; null: that of the finding, else files are offered. */
  readonly path: string | null;
  /** `42` or `42-44`. */
  readonly lines: string | null;
  /** Of the findings of the task, as `findings` names it. */
  readonly finding: string | null;
}

/** Code at a commit, with a finding in its place. */
export function CodeView({ task, commit, path, lines, finding }: CodeViewProps) {
  const findings = useFindings(task);
  const main = findFacts(findings.facts, finding) ?? null;
  const file = path ?? main?.file ?? null;
  const isKnown = finding === null || findings.data !== null || findings.failure !== null;
  if (file === null) return isKnown ? <Files task={task} findings={findings.facts} /> : <Skeleton lines={8} />;
  const at = commit ?? (main?.finding.commit === "" ? null : (main?.finding.commit ?? null));
  if (at === null)
    return isKnown ? <AtHead task={task} path={file} lines={lines} findings={findings.facts} main={main} /> : <Skeleton lines={8} />;
  return <CodeAt task={task} commit={at} path={file} lines={lines} findings={findings.facts} main={main} />;
}

interface PlacedProps {
  readonly task: TaskRef;
  readonly path: string;
  readonly lines: string | null;
  readonly findings: readonly Facts[];
  readonly main: Facts | null;
}

function AtHead(props: PlacedProps) {
  const { data, failure, reload } = useApi<BranchDiff>(taskPath(props.task, "/diff"));
  if (failure !== null) return <Failure failure={failure} retry={reload} />;
  return data === null ? <Skeleton lines={8} /> : <CodeAt {...props} commit={data.head} />;
}

const WORDS: Readonly<Record<Exclude<Code["kind"], "text">, string>> = {
  absent: "The file is not there at this commit.",
  binary: "The file is no text.",
  "too-large": "The file is too large to be shown here (over 2 MiB).",
  link: "It is a symbolic link, not a file.",
  submodule: "It is a submodule, not a file.",
};

function CodeAt({ task, commit, path, lines, findings, main }: PlacedProps & { commit: string }) {
  const { data, failure, reload } = useApi<Code>(taskPath(task, `/code?${new URLSearchParams({ commit, path }).toString()}`));
  const notes = useMemo(
    () =>
      findings.filter((facts) => facts.file === path && (facts === main || facts.finding.commit === commit || facts.finding.commit === "")),
    [findings, path, commit, main],
  );
  const span = useMemo(() => parseSpan(lines) ?? spanOf(main), [lines, main]);
  return (
    <div class="code-view">
      <div class="code-head">
        <h2>
          <code>{path}</code>
          {span !== null && <span class="quiet"> {formatLines(span.start, span.end, "lines ")}</span>}
        </h2>
        <p class="quiet">
          at <code title={commit}>{shortHash(commit)}</code>
          {data !== null && data.bytes !== null && `, ${formatNumber(data.bytes)} bytes`}
          {notes.length > 0 && `, ${countOf(notes.length, "finding")}`}
        </p>
        <p class="links">
          {main !== null && <a href={taskHash(task, "findings", { finding: main.key })}>To finding {main.id}</a>}
          <a href={taskHash(task, "code")}>Other files</a>
        </p>
        {notes.length > 1 && <Neighbours task={task} notes={notes} main={main} />}
      </div>
      {failure !== null && <Failure failure={failure} retry={reload} />}
      {data === null && failure === null && <Skeleton lines={12} label="Loading the code" />}
      {data !== null && data.text === null && (
        <Empty title={data.kind === "text" ? WORDS.absent : WORDS[data.kind]}>{main !== null && <p>{main.claim}</p>}</Empty>
      )}
      {data !== null && data.text === "" && <Empty title="The file is empty." />}
      {data !== null && data.text !== null && data.text !== "" && (
        <CodeLines key={`${commit} ${path}`} task={task} code={data} text={data.text} span={span} notes={notes} main={main} />
      )}
    </div>
  );
}

/** The finding before and after in the file. */
function Neighbours({ task, notes, main }: { task: TaskRef; notes: readonly Facts[]; main: Facts | null }) {
  const sorted = notes.toSorted((a, b) => (a.startLine ?? 0) - (b.startLine ?? 0));
  const at = main === null ? -1 : sorted.indexOf(main);
  const [before, after] = [sorted[at - 1], sorted[at + 1]];
  return (
    <nav class="links" aria-label="Findings in the file">
      {before !== undefined && (
        <a href={codeHash(task, before)}>
          ‹ {before.id}, line {before.startLine ?? "?"}
        </a>
      )}
      {after !== undefined && (
        <a href={codeHash(task, after)}>
          {after.id}, line {after.startLine ?? "?"} ›
        </a>
      )}
    </nav>
  );
}

/** Files that there is a reason to look into. */
function Files({ task, findings }: { task: TaskRef; findings: readonly Facts[] }) {
  const { data, failure, reload } = useApi<BranchDiff>(taskPath(task, "/diff"));
  const rows = useMemo(() => listFiles(data, findings), [data, findings]);
  if (data === null && failure === null) return <Skeleton lines={8} />;
  return (
    <>
      {failure !== null && <Failure failure={failure} retry={reload} />}
      {rows.length === 0 && <Empty title="The branch changes no file, and no finding names one." />}
      {rows.length > 0 && (
        <div class="table-frame" role="region" aria-label="Files" tabIndex={0}>
          <table class="table">
            <thead>
              <tr>
                <th scope="col">File</th>
                <th scope="col" class="number">
                  Findings
                </th>
                <th scope="col">Changed</th>
              </tr>
            </thead>
            <tbody>
              {rows.map(({ path, first, count, isChanged }) => (
                <tr key={path}>
                  <td>
                    <a href={first === null ? taskHash(task, "code", { commit: data?.head, path }) : codeHash(task, first)}>
                      <code>{path}</code>
                    </a>
                  </td>
                  <td class="number">{count}</td>
                  <td>{isChanged ? "yes" : "no"}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}

/** Rows that are shown at most. */
const MOST_FILES = 2000;

interface FileRow {
  readonly path: string;
  readonly first: Facts | null;
  readonly count: number;
  readonly isChanged: boolean;
}

function listFiles(diff: BranchDiff | null, findings: readonly Facts[]): readonly FileRow[] {
  const rows = new Map<string, FileRow>();
  for (const { path } of diff?.files ?? []) rows.set(path, { path, first: null, count: 0, isChanged: true });
  for (const facts of findings) {
    if (facts.file === null) continue;
    const known = rows.get(facts.file) ?? { path: facts.file, first: null, count: 0, isChanged: false };
    rows.set(facts.file, { ...known, first: known.first ?? facts, count: known.count + 1 });
  }
  return [...rows.values()].toSorted((a, b) => b.count - a.count || (a.path < b.path ? -1 : 1)).slice(0, MOST_FILES);
}

function parseSpan(lines: string | null): Span | null {
  const match = /^([1-9]\d{0,8})(?:-([1-9]\d{0,8}))?$/u.exec(lines ?? "");
  if (match === null) return null;
  const start = Number(match[1]);
  return { start, end: Math.max(start, Number(match[2] ?? start)) };
}

function spanOf(facts: Facts | null): Span | null {
  return facts === null || facts.startLine === null ? null : { start: facts.startLine, end: facts.endLine ?? facts.startLine };
}
