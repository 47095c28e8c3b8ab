import type { Schedule, ScheduledTask } from "@okstra/core/schedule/make-schedule";
import { useMemo, useRef } from "preact/hooks";
import { formatDuration, formatTick, formatTime } from "../../format.ts";
import { taskHash } from "../../router.ts";
import { refOfKey } from "../task-key.ts";
import { useWidth } from "../use-width.ts";

/** Pixels; views.css has the same. */
const ROW = 34;
const LANE_ROW = 28;
const HEAD = 26;
const BAR = 16;
const LABELS_WIDE = 240;
const LABELS_NARROW = 132;
const LEAST_WIDTH = 420;
const HOUR = 3_600_000;
const STEPS = [0.25, 0.5, 1, 2, 3, 6, 12, 24, 48, 96, 168, 336, 720, 1440, 2880, 8760].map((hours) => hours * HOUR);

/** A task with dates, and where its row begins. */
interface Placed {
  readonly task: ScheduledTask;
  readonly top: number;
  readonly start: number;
  readonly end: number;
  readonly p50: number | null;
  readonly p90: number | null;
}

interface Plan {
  readonly rows: readonly (Placed | { readonly lane: number; readonly top: number })[];
  readonly placed: ReadonlyMap<string, Placed>;
  readonly height: number;
  readonly from: number;
  readonly to: number;
}

/** Lanes with their tasks along the time: phases, the critical path, what waits for what, and by when each is likely done. */
export function Gantt({ schedule, summary }: { schedule: Schedule; summary: string }) {
  const place = useRef<HTMLDivElement>(null);
  const width = useWidth(place);
  const plan = useMemo(() => placeTasks(schedule), [schedule]);
  const labels = width < 560 ? LABELS_NARROW : LABELS_WIDE;
  const chart = Math.max(LEAST_WIDTH, width - labels - 12);
  const span = Math.max(1, plan.to - plan.from);
  const xOf = (ms: number): number => Math.round(((ms - plan.from) / span) * (chart - 40)) + 8;
  return (
    <div ref={place} class="gantt" role="region" tabIndex={0} aria-label="Lanes and tasks along the time">
      <div class="gantt-inner" style={{ gridTemplateColumns: `${labels}px ${chart}px` }}>
        <div class="gantt-labels">
          <div class="gantt-head" />
          {plan.rows.map((row) =>
            "lane" in row ? (
              <div key={`lane ${row.lane}`} class="gantt-lane">
                Lane {row.lane}
              </div>
            ) : (
              <Label key={row.task.taskKey} task={row.task} />
            ),
          )}
        </div>
        {width > 0 && (
          <svg role="img" aria-label={summary} width={chart} height={plan.height} class="gantt-chart">
            <Axis from={plan.from} to={plan.to} width={chart} height={plan.height} xOf={xOf} />
            {plan.rows.map((row) =>
              "lane" in row ? (
                <rect key={`lane ${row.lane}`} x={0} y={row.top} width={chart} height={LANE_ROW} class="gantt-lane-ground" />
              ) : (
                <Bar key={row.task.taskKey} row={row} xOf={xOf} />
              ),
            )}
            {[...plan.placed.values()].flatMap((row) =>
              row.task.after.map((key) => {
                const before = plan.placed.get(key);
                return before === undefined ? null : <Arrow key={`${key} ${row.task.taskKey}`} before={before} row={row} xOf={xOf} />;
              }),
            )}
          </svg>
        )}
      </div>
    </div>
  );
}

function Label({ task }: { task: ScheduledTask }) {
  const ref = refOfKey(task.taskKey);
  return (
    <div class="gantt-label" title={task.taskKey}>
      {task.critical && (
        <span class="gantt-critical" title="on the critical path">
          <span aria-hidden="true">◆</span>
          <span class="visually-hidden">critical: </span>
        </span>
      )}
      {ref === null ? <span>{task.taskKey}</span> : <a href={taskHash(ref)}>{`${ref.group}/${ref.task}`}</a>}
      {task.held !== null && <span class="quiet">held</span>}
    </div>
  );
}

type XOf = (ms: number) => number;

function Axis({ from, to, width, height, xOf }: { from: number; to: number; width: number; height: number; xOf: XOf }) {
  const marks = listMarks(from, to, width);
  return (
    <g class="gantt-axis">
      {marks.map((ms) => (
        <g key={ms}>
          <line x1={xOf(ms)} x2={xOf(ms)} y1={HEAD} y2={height} />
          <text x={xOf(ms)} y={HEAD - 9} text-anchor={ms === marks[0] ? "start" : "middle"}>
            {formatTick(ms, to - from)}
          </text>
        </g>
      ))}
    </g>
  );
}

function Bar({ row: { task, top, start, end, p50, p90 }, xOf }: { row: Placed; xOf: XOf }) {
  const y = top + (ROW - BAR) / 2;
  const middle = top + ROW / 2;
  const times = [`${formatTime(start)} to ${formatTime(end)}`];
  if (p50 !== null) times.push(`half of the simulations end by ${formatTime(p50)}`);
  if (p90 !== null) times.push(`nine of ten by ${formatTime(p90)}`);
  return (
    <g class={task.critical ? "gantt-task critical" : "gantt-task"}>
      <title>{`${task.taskKey}: ${times.join(", ")}`}</title>
      {p90 !== null && <line class="gantt-reach" x1={xOf(end)} x2={xOf(p90)} y1={middle} y2={middle} />}
      <rect class="gantt-ground" x={xOf(start)} y={y} width={Math.max(3, xOf(end) - xOf(start))} height={BAR} rx={3} />
      {task.phases.map(({ phase, startAt, endAt, medianMs }, at) => {
        if (startAt === null || endAt === null) return null;
        const x = xOf(Date.parse(startAt));
        return (
          <rect
            key={`${at} ${phase}`}
            class={at % 2 === 0 ? "gantt-phase" : "gantt-phase other"}
            x={x}
            y={y}
            width={Math.max(1, xOf(Date.parse(endAt)) - x - 1)}
            height={BAR}
            rx={2}
          >
            <title>{`${phase}: ${medianMs === null ? "nobody knows how long" : `as a rule ${formatDuration(medianMs)}`}`}</title>
          </rect>
        );
      })}
      {p50 !== null && <line class="gantt-p50" x1={xOf(p50)} x2={xOf(p50)} y1={y - 3} y2={y + BAR + 3} />}
      {p90 !== null && <path class="gantt-p90" d={`M${xOf(p90)} ${middle - 5} l5 5 l-5 5 l-5 -5 z`} />}
    </g>
  );
}

/** From the end of what comes before to the beginning of what waits for it. */
function Arrow({ before, row, xOf }: { before: Placed; row: Placed; xOf: XOf }) {
  const isDown = row.top > before.top;
  const fromX = xOf(before.end);
  const toX = xOf(row.start);
  const fromY = before.top + ROW / 2 + (isDown ? BAR / 2 : -BAR / 2);
  const toY = row.top + ROW / 2;
  const x = Math.max(4, Math.min(fromX - 3, toX - 7));
  const isCritical = before.task.critical && row.task.critical;
  return (
    <path
      class={isCritical ? "gantt-arrow critical" : "gantt-arrow"}
      d={`M${x} ${fromY} V${toY} H${toX - 2} m-4 -3 l4 3 l-4 3`}
      fill="none"
    />
  );
}

function placeTasks({ tasks, from }: Schedule): Plan {
  const dated = tasks.filter(({ lane, startAt, endAt }) => lane !== null && startAt !== null && endAt !== null);
  const lanes = [...new Set(dated.map(({ lane }) => lane ?? 0))].toSorted((a, b) => a - b);
  const rows: Plan["rows"][number][] = [];
  const placed = new Map<string, Placed>();
  let top = HEAD;
  for (const lane of lanes) {
    rows.push({ lane, top });
    top += LANE_ROW;
    const own = dated.filter((task) => task.lane === lane).toSorted((a, b) => timeOf(a.startAt) - timeOf(b.startAt) || a.place - b.place);
    for (const task of own) {
      const { startAt, endAt, p50At, p90At } = task;
      const row: Placed = {
        task,
        top,
        start: timeOf(startAt),
        end: timeOf(endAt),
        p50: p50At === null ? null : timeOf(p50At),
        p90: p90At === null ? null : timeOf(p90At),
      };
      rows.push(row);
      placed.set(task.taskKey, row);
      top += ROW;
    }
  }
  const ends = [...placed.values()].flatMap(({ end, p50, p90 }) => [end, p50 ?? end, p90 ?? end]);
  const begin = timeOf(from);
  return { rows, placed, height: top + 6, from: begin, to: ends.reduce((most, each) => Math.max(most, each), begin + HOUR) };
}

function timeOf(at: string | null): number {
  return at === null ? 0 : Date.parse(at);
}

/** Marks at even times of the browser's clock, far enough from each other to be read. */
function listMarks(from: number, to: number, width: number): readonly number[] {
  const most = Math.max(2, Math.floor(width / 100));
  const step = STEPS.find((each) => (to - from) / each <= most) ?? STEPS.at(-1) ?? HOUR;
  const offset = new Date(from).getTimezoneOffset() * 60_000;
  const marks: number[] = [];
  for (let at = Math.ceil((from - offset) / step) * step + offset; at <= to && marks.length < 100; at += step) marks.push(at);
  return marks;
}
