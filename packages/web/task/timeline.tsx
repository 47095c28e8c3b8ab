import type { RunOfTask, TaskPage, TimelineLane } from "@okstra/core/dashboard/api";
import { countOf, formatCompact, formatDuration, formatMoney, formatTick, formatTime } from "../format.ts";
import { useNow } from "../parts/time.tsx";
import { makeAxis, type Axis } from "./axis.ts";

/** The words for where the time of a task goes. */
const SEGMENTS: Readonly<Record<string, string>> = {
  working: "working",
  person: "waiting for a person",
  quota: "waiting for a quota",
  stopped: "stopped",
  idle: "idle",
};

/**
 * Every lane of every run as a bar on one axis. What a bar says by its length and pattern stands beside it in words.
 */
export function Timeline({ page }: { page: TaskPage }) {
  const isGoing = page.runs.some(({ lanes }) => lanes.some(({ endedAt }) => endedAt === null));
  const ticking = useNow(isGoing ? 1000 : 60_000);
  const endOf = ({ endedAt }: TimelineLane): number => (endedAt === null ? ticking : Date.parse(endedAt));
  const spans = page.runs.flatMap(({ lanes, createdAt }) => {
    const start = Date.parse(createdAt);
    const own = lanes.map((lane) => ({ fromMs: Date.parse(lane.startedAt), toMs: endOf(lane) }));
    return own.length === 0 ? [{ fromMs: start, toMs: start }] : own;
  });
  if (spans.length === 0) return <p class="quiet">No run yet.</p>;
  const axis = makeAxis(spans.filter(({ fromMs, toMs }) => Number.isFinite(fromMs) && Number.isFinite(toMs)));
  return (
    <div class="timeline">
      <Ticks axis={axis} />
      <ol class="timeline-runs">
        {page.runs.map((run, index) => (
          <RunLanes key={`${run.type} ${run.run}`} run={run} before={page.runs[index - 1]} page={page} axis={axis} now={ticking} />
        ))}
      </ol>
      <p class="quiet timeline-legend">One axis for all runs; where nothing went on for long it is cut ( ⁞ ).</p>
    </div>
  );
}

function percent(part: number): string {
  return `${(part * 100).toFixed(3)}%`;
}

function Ticks({ axis }: { axis: Axis }) {
  const work = axis.pieces.filter(({ kind }) => kind === "work");
  const spanMs = (work.at(-1)?.toMs ?? 0) - (work[0]?.fromMs ?? 0);
  // A mark needs room for its digits.
  const room = spanMs < 86_400_000 ? 0.08 : 0.16;
  let free = 0;
  const marks = work.flatMap(({ fromMs, from, toMs, to }) =>
    [{ ms: fromMs, at: from }, ...(to - from > room * 3 ? [{ ms: (fromMs + toMs) / 2, at: (from + to) / 2 }] : [])].filter(({ at }) => {
      if (at < free || at > 1 - room) return false;
      free = at + room;
      return true;
    }),
  );
  return (
    <div class="timeline-ticks" aria-hidden="true">
      <span class="timeline-scale">
        {marks.map(({ ms, at }) => (
          <span key={at} class="timeline-tick" style={{ left: percent(at) }}>
            {formatTick(ms, spanMs)}
          </span>
        ))}
      </span>
    </div>
  );
}

interface RunLanesProps {
  readonly run: RunOfTask;
  readonly before: RunOfTask | undefined;
  readonly page: TaskPage;
  readonly axis: Axis;
  readonly now: number;
}

function RunLanes({ run, before, page, axis, now }: RunLanesProps) {
  const { type, run: number, cycle, state, verdict, lanes, createdAt, damaged } = run;
  return (
    <li class="timeline-run">
      <Between before={before} run={run} page={page} />
      <div class="timeline-run-head">
        <strong>
          {type} {number}
        </strong>
        <span>{state}</span>
        {verdict !== "none" && <span>{verdict}</span>}
        {cycle > 1 && <span class="quiet">cycle {cycle}</span>}
        <time class="quiet" dateTime={createdAt}>
          {formatTime(createdAt)}
        </time>
      </div>
      {damaged !== null && <p class="bad">Damaged: {damaged}</p>}
      <ul class="timeline-lanes">
        {lanes.map((lane) => (
          <Lane key={`${lane.lane} ${lane.attempt}`} lane={lane} axis={axis} now={now} />
        ))}
      </ul>
    </li>
  );
}

/** What the task did between two runs, when that took more than a minute. */
function Between({ before, run, page }: Pick<RunLanesProps, "before" | "run" | "page">) {
  if (before === undefined || before.lanes.some(({ endedAt }) => endedAt === null)) return null;
  const from = Math.max(Date.parse(before.createdAt), ...before.lanes.map(({ endedAt }) => Date.parse(endedAt ?? "")));
  const to = Date.parse(run.createdAt);
  if (!(to - from > 60_000)) return null;
  const sums = new Map<string, number>();
  for (const { state, startAt, endAt } of page.segments) {
    const shared = Math.min(to, Date.parse(endAt)) - Math.max(from, Date.parse(startAt));
    if (shared > 0) sums.set(state, (sums.get(state) ?? 0) + shared);
  }
  const longest = [...sums].toSorted((a, b) => b[1] - a[1])[0]?.[0];
  return (
    <p class="timeline-between quiet">
      {formatDuration(to - from)} {longest === undefined || longest === "working" ? "between" : (SEGMENTS[longest] ?? longest)}
    </p>
  );
}

function Lane({ lane, axis, now }: { lane: TimelineLane; axis: Axis; now: number }) {
  const { worker, role, attempt, startedAt, endedAt, end, findings, tokens, cost, activity } = lane;
  const fromMs = Date.parse(startedAt);
  const toMs = endedAt === null ? now : Date.parse(endedAt);
  const left = axis.place(fromMs);
  const width = Math.max(0.004, axis.place(toMs) - left);
  const state = end ?? "running";
  return (
    <li class="timeline-lane" data-lane={lane.lane} data-end={state}>
      <span class="timeline-who">
        {worker} <span class="quiet">{role}</span>
        {attempt > 1 && <span class="quiet"> attempt {attempt}</span>}
      </span>
      <span class="timeline-scale" aria-hidden="true">
        {axis.pieces
          .filter(({ kind }) => kind === "gap")
          .map(({ from, to }) => (
            <span key={from} class="timeline-gap" style={{ left: percent(from), width: percent(to - from) }} />
          ))}
        <span class={`timeline-bar end-${state}`} style={{ left: percent(Math.min(left, 0.996)), width: percent(width) }} />
      </span>
      <span class="timeline-facts">
        <span class={`lane-end end-word-${state}`}>{state}</span>
        <span class="elapsed" title={`from ${formatTime(startedAt)}${endedAt === null ? "" : ` to ${formatTime(endedAt)}`}`}>
          {formatDuration(toMs - fromMs)}
        </span>
        {end !== null && role !== "execute" && role !== "write" && <span>{countOf(findings, "finding")}</span>}
        {tokens !== null && <span class="quiet">{formatCompact(tokens)} tokens</span>}
        {cost.length > 0 && <span class="quiet">{formatMoney(cost)}</span>}
      </span>
      {endedAt === null && activity !== null && <span class="timeline-activity quiet">{activity}</span>}
    </li>
  );
}
