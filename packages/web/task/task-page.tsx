import type { TaskPage } from "@okstra/core/dashboard/api";
import { useEffect, useRef } from "preact/hooks";
import { announce } from "../parts/announce.tsx";
import { StateBadge } from "../parts/badge.tsx";
import { Command } from "../parts/command.tsx";
import { PageHeading } from "../parts/heading.tsx";
import { Failure, Skeleton } from "../parts/states.tsx";
import { Ago } from "../parts/time.tsx";
import { countOf, shortHash } from "../format.ts";
import { pageHash, TASK_TABS, taskHash, type Route, type TaskTab } from "../router.ts";
import { Overview } from "./overview.tsx";
import { useTask } from "./use-task.ts";
import { CodeView, CostView, DiffView, FindingsView, ReportView, TimeView, TranscriptView } from "../parts/views.ts";

type TaskRouteProps = { readonly route: Extract<Route, { page: "task" }> };

const TITLES: Readonly<Record<TaskTab, string>> = {
  overview: "Overview",
  findings: "Findings",
  code: "Code",
  diff: "Diff",
  report: "Report",
  transcripts: "Transcripts",
  time: "Time",
  cost: "Cost",
};

export function TaskRoute({ route }: TaskRouteProps) {
  const { task, tab, query } = route;
  const { data: page, failure, reload, replace } = useTask(task);
  const key = `${task.project}/${task.group}/${task.task}`;
  useEffect(() => {
    document.title = `${task.task} · ${TITLES[tab]} · okstra`;
  }, [key, tab]);
  useAnnouncedState(page);
  const tabs = useRef<HTMLElement>(null);
  useEffect(() => {
    // On a phone not all of them are seen at once.
    tabs.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [tab]);
  return (
    <>
      <div class="page-head">
        <nav aria-label="Where this is" class="crumbs">
          <a href={pageHash("board")}>Board</a>
          <span aria-hidden="true">/</span>
          <a href={pageHash("board", { project: task.project })}>{task.project}</a>
          <span aria-hidden="true">/</span>
          <a href={pageHash("board", { project: task.project, group: task.group })}>{task.group}</a>
        </nav>
        <PageHeading page={key}>{task.task}</PageHeading>
        {page !== null && <Facts page={page} />}
      </div>
      <nav ref={tabs} class="tabs" aria-label="About the task">
        {TASK_TABS.map((each) => (
          <a key={each} href={taskHash(task, each)} aria-current={each === tab ? "page" : undefined}>
            {TITLES[each]}
            {each === "findings" && page !== null && page.openFindings > 0 && (
              <span class="count" title="open">
                {page.openFindings}
              </span>
            )}
          </a>
        ))}
      </nav>
      {failure !== null && <Failure failure={failure} retry={reload} />}
      {page === null && failure === null && <Skeleton lines={10} />}
      {page !== null && <Tab page={page} tab={tab} query={query} onDone={replace} onChanged={reload} />}
    </>
  );
}

interface TabProps {
  readonly page: TaskPage;
  readonly tab: TaskTab;
  readonly query: URLSearchParams;
  readonly onDone: (page: TaskPage) => void;
  readonly onChanged: () => void;
}

function Tab({ page, tab, query, onDone, onChanged }: TabProps) {
  if (tab === "overview") return <Overview key={page.taskKey} page={page} at={query.get("at")} onDone={onDone} onChanged={onChanged} />;
  const { commit = null, path = null, lines = null, finding = null, type = null, worker = null } = readQuery(query);
  const run = query.has("run") ? Number(query.get("run")) : null;
  const task = page;
  switch (tab) {
    case "findings":
      return <FindingsView key={page.taskKey} task={task} />;
    case "code":
      return <CodeView key={page.taskKey} task={task} commit={commit} path={path} lines={lines} finding={finding} />;
    case "diff":
      return <DiffView key={page.taskKey} task={task} />;
    case "report":
      return <ReportView key={page.taskKey} task={task} type={type} run={run} />;
    case "transcripts":
      return <TranscriptView key={page.taskKey} task={task} type={type} run={run} worker={worker} />;
    case "time":
      return <TimeView key={page.taskKey} query={query} task={task} />;
    case "cost":
      return <CostView key={page.taskKey} query={query} task={task} />;
  }
}

function readQuery(query: URLSearchParams): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(query);
}

function Facts({ page }: { page: TaskPage }) {
  const { state, phase, why, since, command, category, cycle, branch, head, worktree, openFindings, run } = page;
  return (
    <div class="facts">
      <p class="facts-state">
        <StateBadge state={state} />
        {phase !== null && (
          <span>
            {phase}
            {run !== null && ` ${run}`}
          </span>
        )}
        <span>{why}</span>
        {since !== null && (
          <span class="quiet">
            <Ago at={since} />
          </span>
        )}
      </p>
      <p class="facts-more quiet">
        <span>{category}</span>
        <span>cycle {cycle}</span>
        {openFindings > 0 && <span>{countOf(openFindings, "open finding")}</span>}
        {branch !== "" && (
          <code title="branch">
            {branch}
            {head !== "" && ` @ ${shortHash(head)}`}
          </code>
        )}
        {worktree !== null && <code title="worktree">{worktree}</code>}
      </p>
      {command !== null && (
        <p class="facts-command">
          <span class="quiet">In a terminal:</span> <Command command={command} />
        </p>
      )}
    </div>
  );
}

/** Says a state that came to be while the page was open. */
function useAnnouncedState(page: TaskPage | null): void {
  const known = useRef<{ readonly taskKey: string; readonly words: string } | null>(null);
  const words = page === null ? null : `${page.state}: ${page.why}`;
  useEffect(() => {
    if (page === null || words === null) return;
    const last = known.current;
    known.current = { taskKey: page.taskKey, words };
    if (last !== null && last.taskKey === page.taskKey && last.words !== words) announce(`The task is now ${words}`);
  }, [page?.taskKey, words]);
}
