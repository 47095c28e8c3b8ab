import type { Schedule, ScheduledTask } from "@okstra/core/schedule/make-schedule";
import type { ComponentChildren } from "preact";
import { useApi } from "../api-client.ts";
import { countOf, formatDuration, formatTime } from "../format.ts";
import { Empty, Failure, Skeleton } from "../parts/states.tsx";
import { Command } from "../parts/command.tsx";
import { taskHash } from "../router.ts";
import { Damaged } from "./charts/damaged.tsx";
import { Scope, scopePath, type ScopeName } from "./charts/scope.tsx";
import { Gantt } from "./schedule/gantt.tsx";
import { refOfKey } from "./task-key.ts";

/** What `okstra schedule --json` prints. */
interface ScheduleReport extends Schedule {
  readonly missing: readonly { readonly taskKey: string; readonly after: string }[];
  readonly damaged: readonly { readonly taskKey: string; readonly reason: string }[];
}

const NAMES: readonly ScopeName[] = ["project", "group", "capacity"];

/** In what order the open tasks come, and by when each is likely done. */
export function ScheduleView({ query }: { query: URLSearchParams }) {
  const { data, failure, reload, isLoading } = useApi<ScheduleReport>(scopePath("/api/schedule", query, NAMES));
  return (
    <>
      <Scope page="schedule" query={query} names={NAMES} />
      {failure !== null && <Failure failure={failure} retry={reload} />}
      {data === null && isLoading && <Skeleton lines={12} label="Loading the schedule" />}
      {data !== null && <ScheduleShown report={data} />}
    </>
  );
}

function ScheduleShown({ report }: { report: ScheduleReport }) {
  const { tasks, basis, words, missing, damaged, cycles } = report;
  const records = damaged.map(({ taskKey, reason }) => ({ name: taskKey, reason }));
  if (tasks.length === 0)
    return (
      <>
        <Empty title="No task is open." />
        <Damaged records={records} />
      </>
    );
  const summary = describe(report);
  return (
    <>
      <section class="panel summary" aria-labelledby="schedule-summary">
        <h2 id="schedule-summary">In short</h2>
        <p>{summary}</p>
        <p class={basis === "history" ? "quiet" : "thin"}>
          {basis !== "history" && <b>{basis === "thin" ? "Guesses: " : "No dates: "}</b>}
          {words}
        </p>
        <CriticalPath report={report} />
        {cycles.map((circle) => (
          <p key={circle.join(" ")} class="bad">
            These wait for each other in a circle: {circle.join(" → ")}
          </p>
        ))}
        {missing.length > 0 && (
          <details>
            <summary>{countOf(missing.length, "relation")} to a task that is not there: nothing waits for it</summary>
            <ul class="plain-list">
              {missing.map(({ taskKey, after }) => (
                <li key={`${taskKey} ${after}`}>
                  <code>{taskKey}</code> after <code>{after}</code>
                </li>
              ))}
            </ul>
          </details>
        )}
      </section>
      {basis !== "none" && (
        <>
          <Gantt schedule={report} summary={`${summary} The table below has the same data.`} />
          <Legend />
        </>
      )}
      <Table tasks={tasks} isDated={basis !== "none"} />
      <Damaged records={records} />
    </>
  );
}

function describe({ tasks, capacity, finish, simulations }: ScheduleReport): string {
  const what = `${countOf(tasks.length, "open task")} in ${countOf(capacity, "lane")}.`;
  if (finish.plannedAt === null) return what;
  const by = [
    `Planned to be done ${formatTime(finish.plannedAt)}.`,
    finish.p50At === null ? "" : `Half of ${simulations} simulations end by ${formatTime(finish.p50At)}`,
    finish.p90At === null ? "" : `nine of ten by ${formatTime(finish.p90At)}.`,
  ];
  return `${what} ${by[0]} ${by
    .slice(1)
    .filter((each) => each !== "")
    .join(", ")}`;
}

function CriticalPath({ report: { criticalPath, tasks } }: { report: ScheduleReport }) {
  const { taskKeys, durationMs } = criticalPath;
  if (taskKeys.length === 0) return null;
  const known = new Set(tasks.map(({ taskKey }) => taskKey));
  return (
    <p>
      Critical path{durationMs !== null && ` (${formatDuration(durationMs)} of work)`}:{" "}
      {taskKeys
        .filter((key) => known.has(key))
        .map((key, at) => (
          <span key={key}>
            {at > 0 && " → "}
            {nameOf(key)}
          </span>
        ))}
    </p>
  );
}

function nameOf(taskKey: string): ComponentChildren {
  const ref = refOfKey(taskKey);
  return ref === null ? taskKey : <a href={taskHash(ref)}>{taskKey}</a>;
}

function Legend() {
  return (
    <ul class="legend" aria-hidden="true">
      <li>
        <span class="swatch gantt-swatch" /> phase
      </li>
      <li>
        <span class="swatch gantt-swatch critical" /> ◆ critical path
      </li>
      <li>
        <span class="gantt-sign-p50" /> half of the simulations
      </li>
      <li>
        <span class="gantt-sign-p90">◆</span> nine of ten
      </li>
      <li>↳ waits for</li>
    </ul>
  );
}

function Table({ tasks, isDated }: { tasks: readonly ScheduledTask[]; isDated: boolean }) {
  return (
    <section class="chart-section">
      <h2>In the order of the work</h2>
      <div class="table-frame" role="region" tabIndex={0} aria-label="The schedule as a table">
        <table class="table">
          <thead>
            <tr>
              <th scope="col" class="number">
                #
              </th>
              <th scope="col">Task</th>
              {isDated &&
                ["Lane", "Begins", "Planned end", "Half (P50)", "Nine of ten (P90)"].map((name) => (
                  <th key={name} scope="col">
                    {name}
                  </th>
                ))}
              <th scope="col">Critical</th>
              <th scope="col">After</th>
              <th scope="col">Phases that remain</th>
              <th scope="col">Known from</th>
              <th scope="col">Held</th>
            </tr>
          </thead>
          <tbody>
            {tasks.map((task) => (
              <tr key={task.taskKey}>
                <td class="number">{task.place}</td>
                <th scope="row">{nameOf(task.taskKey)}</th>
                {isDated && (
                  <>
                    <td>{task.lane ?? "none"}</td>
                    {[task.startAt, task.endAt, task.p50At, task.p90At].map((at, each) => (
                      <td key={each} class="moment">
                        {at === null ? "unknown" : formatTime(at)}
                      </td>
                    ))}
                  </>
                )}
                <td>{task.critical ? "yes" : "no"}</td>
                <td>{task.after.length === 0 ? "nothing" : task.after.join(", ")}</td>
                <td>{task.phases.map(({ phase }) => phase).join(", ")}</td>
                <td class={task.basis === "history" ? "" : "thin"}>
                  {countOf(task.samples, "run")}
                  {task.basis === "thin" && " (thin)"}
                </td>
                <td>{task.held === null ? "no" : <Command command={task.held} />}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
