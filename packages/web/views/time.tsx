import type { TaskRef } from "@okstra/core/dashboard/api";
import type { LaneSums, TimeSplit } from "@okstra/core/domain/time-account";
import type { ComponentChildren } from "preact";
import { useMemo } from "preact/hooks";
import { useApi } from "../api-client.ts";
import { countOf, formatDuration } from "../format.ts";
import { Empty, Failure, Skeleton } from "../parts/states.tsx";
import { taskHash } from "../router.ts";
import { Bars, type Part, type Tone } from "./charts/bars.tsx";
import { Damaged } from "./charts/damaged.tsx";
import { Scope, scopePath, type ScopeName } from "./charts/scope.tsx";
import { refOfKey } from "./task-key.ts";

/** As far as it is shown of what `okstra time --json` prints. */
interface Times {
  readonly tasks: readonly (TimeSplit &
    LaneSums & {
      readonly taskKey: string;
      readonly phases: readonly (TimeSplit & LaneSums & { readonly phase: string; readonly runs: number })[];
      readonly workers: readonly (LaneSums & { readonly worker: string })[];
    })[];
  readonly totals: TimeSplit & LaneSums;
  readonly byPhase: readonly (TimeSplit & LaneSums & { readonly phase: string; readonly runs: number })[];
  readonly byWorker: readonly (LaneSums & { readonly worker: string })[];
  readonly clockJumps: number;
  readonly damaged: readonly { readonly path: string; readonly reason: string }[];
}

interface TimeViewProps {
  readonly query: URLSearchParams;
  /** The one task that it is about. */
  readonly task?: TaskRef | undefined;
}

const NAMES: readonly ScopeName[] = ["project", "group", "phase", "since", "until"];

/** Where the time went: work apart from waiting for a person. */
export function TimeView({ query, task }: TimeViewProps) {
  const path =
    task === undefined
      ? scopePath("/api/time", query, NAMES)
      : `/api/time?${new URLSearchParams({ project: task.project, group: task.group }).toString()}`;
  const { data, failure, reload } = useApi<Times>(path);
  return (
    <>
      {task === undefined && <Scope page="time" query={query} names={NAMES} />}
      {failure !== null && <Failure failure={failure} retry={reload} />}
      {data === null && failure === null && <Skeleton lines={12} label="Loading the times" />}
      {data !== null && <TimesShown times={data} task={task} />}
    </>
  );
}

/** Bars of a chart; the table beside it has all rows. */
const MOST_BARS = 14;
const MINUTE = 60_000;
/** Distances of marks that a person counts time in. */
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 240, 480, 720, 1440, 2880, 7200, 14_400, 43_200].map((minutes) => minutes * MINUTE);

const PARTS: readonly (readonly [name: string, tone: Tone, part: keyof TimeSplit])[] = [
  ["Working", "working", "workingMs"],
  ["Waiting for a person", "person", "waitingForPersonMs"],
  ["Waiting for a quota", "quota", "waitingForQuotaMs"],
  ["Stopped", "stopped", "stoppedMs"],
  ["Idle", "idle", "idleMs"],
];

function TimesShown({ times, task }: { times: Times; task: TaskRef | undefined }) {
  const one = task === undefined ? null : times.tasks.find(({ taskKey }) => taskKey === `${task.project}/${task.group}/${task.task}`);
  if (one === undefined || (task === undefined && times.tasks.length === 0))
    return (
      <>
        <Empty title="There is no time to tell of yet." />
        <Damaged records={named(times)} />
      </>
    );
  const totals = one ?? times.totals;
  const phases = (one?.phases ?? times.byPhase).map(({ phase, ...rest }) => ({ name: phase, ...rest }));
  const workers = (one?.workers ?? times.byWorker).map(({ worker, ...rest }) => ({ name: worker, ...rest }));
  const tasks = one === null ? times.tasks.map(({ taskKey, ...rest }) => ({ name: taskKey, ...rest })) : [];
  return (
    <>
      <Summary totals={totals} tasks={one === null ? times.tasks.length : null} />
      {times.clockJumps > 0 && (
        <p class="notice">The clock was set back {countOf(times.clockJumps, "time")}: times around it are as the events have them.</p>
      )}
      <SplitChart title="By phase" rows={phases} />
      <WorkerChart rows={workers} />
      {tasks.length > 0 && <SplitChart title="By task" rows={tasks} link={linkTask} />}
      <Damaged records={named(times)} />
    </>
  );
}

function named({ damaged }: Times): readonly { name: string; reason: string }[] {
  return damaged.map(({ path, reason }) => ({ name: path, reason }));
}

function Summary({ totals, tasks }: { totals: TimeSplit & LaneSums; tasks: number | null }) {
  const share = (ms: number): string => (totals.spanMs === 0 ? "" : ` (${Math.round((ms / totals.spanMs) * 100)} %)`);
  return (
    <section aria-labelledby="time-summary" class="panel summary">
      <h2 id="time-summary">In short</h2>
      <p>
        {tasks === null ? "The task" : countOf(tasks, "task")} took {formatDuration(totals.spanMs)}
        {tasks !== null && tasks > 1 && " together"}: <b>{formatDuration(totals.workingMs)} of work</b>
        {share(totals.workingMs)}, and apart from that <b>{formatDuration(totals.waitingForPersonMs)} of waiting for a person</b>
        {share(totals.waitingForPersonMs)}. {countOf(totals.lanes, "lane")} worked {formatDuration(totals.laneMs)} one after the other,{" "}
        {formatDuration(totals.busyMs)} side by side.
      </p>
      <dl class="figures">
        {PARTS.map(([name, tone, part]) => (
          <div key={part}>
            <dt>
              <span class={`swatch tone-${tone}`} aria-hidden="true" />
              {name}
            </dt>
            <dd>{formatDuration(totals[part])}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

type SplitRow = TimeSplit & LaneSums & { readonly name: string };

function linkTask(taskKey: string): ComponentChildren {
  const ref = refOfKey(taskKey);
  return ref === null ? taskKey : <a href={taskHash(ref, "time")}>{taskKey}</a>;
}

function SplitChart({ title, rows, link }: { title: string; rows: readonly SplitRow[]; link?: (name: string) => ComponentChildren }) {
  const drawn = rows.slice(0, MOST_BARS);
  const chart = useMemo(
    () => ({
      labels: drawn.map(({ name }) => name),
      parts: PARTS.map(([name, tone, part]): Part => ({ name, tone, values: drawn.map((row) => row[part]) })),
    }),
    [rows],
  );
  if (rows.length === 0) return null;
  const most = rows.toSorted((a, b) => b.workingMs - a.workingMs)[0];
  const summary = `${title}: ${most === undefined ? "" : `${most.name} had the most work, ${formatDuration(most.workingMs)}, and ${formatDuration(most.waitingForPersonMs)} of waiting for a person.`}`;
  return (
    <section class="chart-section">
      <h2>{title}</h2>
      <p class="quiet">
        {summary}
        {rows.length > MOST_BARS && ` The chart has the first ${MOST_BARS}, the table all ${rows.length}.`}
      </p>
      <Bars summary={summary} labels={chart.labels} parts={chart.parts} format={formatDurationShort} steps={STEPS} />
      <div class="table-frame" role="region" tabIndex={0} aria-label={`${title}, as a table`}>
        <table class="table">
          <thead>
            <tr>
              <th scope="col">{title.replace("By ", "").replace(/^./u, (letter) => letter.toUpperCase())}</th>
              {PARTS.map(([name]) => (
                <th key={name} scope="col" class="number">
                  {name}
                </th>
              ))}
              <th scope="col" class="number">
                Together
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.name}>
                <th scope="row">{link === undefined ? row.name : link(row.name)}</th>
                {PARTS.map(([name, , part]) => (
                  <td key={name} class="number">
                    {formatDuration(row[part])}
                  </td>
                ))}
                <td class="number">{formatDuration(row.spanMs)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function WorkerChart({ rows }: { rows: readonly (LaneSums & { readonly name: string })[] }) {
  const drawn = rows.slice(0, MOST_BARS);
  const chart = useMemo(
    () => ({
      labels: drawn.map(({ name }) => name),
      parts: [{ name: "Time of its lanes", tone: "working", values: drawn.map(({ laneMs }) => laneMs) }] satisfies Part[],
    }),
    [rows],
  );
  if (rows.length === 0) return null;
  const most = rows.toSorted((a, b) => b.laneMs - a.laneMs)[0];
  const summary = `By worker: ${most?.name ?? ""} worked longest, ${formatDuration(most?.laneMs ?? 0)} in ${countOf(most?.lanes ?? 0, "lane")}.`;
  return (
    <section class="chart-section">
      <h2>By worker</h2>
      <p class="quiet">{summary}</p>
      <Bars summary={summary} labels={chart.labels} parts={chart.parts} format={formatDurationShort} steps={STEPS} />
      <div class="table-frame" role="region" tabIndex={0} aria-label="By worker, as a table">
        <table class="table">
          <thead>
            <tr>
              <th scope="col">Worker</th>
              <th scope="col" class="number">
                Lanes
              </th>
              <th scope="col" class="number">
                One after the other
              </th>
              <th scope="col" class="number">
                Side by side
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ name, lanes, laneMs, busyMs }) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td class="number">{lanes}</td>
                <td class="number">{formatDuration(laneMs)}</td>
                <td class="number">{formatDuration(busyMs)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

/** For marks of an axis: `45 min`, `6 h`, `3 d`. */
function formatDurationShort(ms: number): string {
  const minutes = Math.round(ms / MINUTE);
  if (minutes < 60) return `${minutes} min`;
  if (minutes < 2880) return `${Math.round(minutes / 6) / 10} h`;
  return `${Math.round(minutes / 144) / 10} d`;
}
