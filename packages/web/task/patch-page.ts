import type { RunOfTask, StreamMessage, TaskPage, TimelineLane } from "@okstra/core/dashboard/api";

type RunMessage = Extract<StreamMessage, { kind: "event" }>;

/** What the page shows after an event, before it is asked for again. What it does not know leaves the page as it is. */
export function patchPage(page: TaskPage, { type, run, event }: RunMessage): TaskPage {
  const at = page.runs.findIndex((each) => each.type === type && each.run === run);
  const patched = page.runs[at];
  if (patched === undefined) return page;
  const lanes = patchLanes(patched.lanes, event);
  if (lanes === patched.lanes) return page;
  const next: RunOfTask = { ...patched, lanes };
  return { ...page, runs: page.runs.map((each, index) => (index === at ? next : each)) };
}

function patchLanes(lanes: readonly TimelineLane[], event: RunMessage["event"]): readonly TimelineLane[] {
  const { lane, worker, attempt, text, end, findings, at } = event;
  if (event.type === "lane-started" && typeof lane === "string" && typeof worker === "string") {
    const number = typeof attempt === "number" ? attempt : 1;
    if (lanes.some((each) => each.lane === lane && each.attempt === number)) return lanes;
    const fresh = { endedAt: null, end: null, findings: 0, tokens: null, cost: [], activity: null };
    return [...lanes, { lane, worker, role: roleOf(lane), attempt: number, startedAt: at, ...fresh }];
  }
  if (event.type === "lane-activity" && typeof worker === "string" && typeof text === "string")
    return replaceLast(lanes, (each) => each.worker === worker && each.endedAt === null, { activity: text });
  if (event.type === "lane-ended" && typeof lane === "string") {
    const isEnded = (each: TimelineLane): boolean => each.lane === lane && (typeof attempt !== "number" || each.attempt === attempt);
    const count = typeof findings === "number" ? { findings } : {};
    return replaceLast(lanes, isEnded, { endedAt: at, end: typeof end === "string" ? end : "ended", ...count });
  }
  return lanes;
}

function replaceLast(
  lanes: readonly TimelineLane[],
  isMeant: (lane: TimelineLane) => boolean,
  parts: Partial<TimelineLane>,
): readonly TimelineLane[] {
  const at = lanes.findLastIndex(isMeant);
  return at === -1 ? lanes : lanes.map((lane, index) => (index === at ? { ...lane, ...parts } : lane));
}

/** A lane's name says what it is for. */
function roleOf(lane: string): string {
  if (/\.execute(?:\.|$)/u.test(lane)) return "execute";
  return /\.votes(?:\.|$)/u.test(lane) ? "vote" : "review";
}
