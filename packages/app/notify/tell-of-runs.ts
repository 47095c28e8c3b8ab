import type { Money } from "@okstra/core/domain/agent-use";
import { findNearLimits, findNextWall, foldUse, type LaneReceipt, type RunLimits, type Spent } from "@okstra/core/domain/near-limit";
import { createTold, makeLimitNotice, makeNotice, type Notice, type RunStanding, type Told } from "@okstra/core/domain/notice";
import type { RunSummary } from "@okstra/core/domain/run-summary";
import type { RunEvent } from "@okstra/core/events";
import type { JournalOf } from "@okstra/core/journal-port";
import type { App, ProgressEvent } from "../app.ts";
import { parseJson } from "../task/load-task-run.ts";
import { cleanNotice } from "./clean-notice.ts";
import { loadStanding } from "./load-standing.ts";
import { loadLaneReceipts, loadLimits } from "./load-use.ts";

/** Runs that are led with {@link app} are told of while they go on. */
export interface ToldRuns {
  readonly app: App;
  /** Settles when all that happened so far was handed over. */
  finish(): Promise<void>;
}

/** The run that is led now. */
interface LedRun {
  readonly of: JournalOf;
  readonly runId: string;
  readonly runDir: string;
  readonly told: Told;
  /** Keys of what was told, as they are kept. */
  readonly kept: Set<string>;
  summary: RunSummary;
  attempt: number;
  events: RunEvent[];
  readonly live: Map<string, Spent>;
  /** Null until they are read, and where they cannot be. */
  limits: RunLimits | null;
  receipts: readonly LaneReceipt[];
}

const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * Watches the runs that a command leads, by what they put into their logs and say while they work, and hands over what is
 * worth telling. What was told of a run is kept beside it, so that going on with it tells nothing twice.
 */
export function tellOfRuns(app: App, tell: (notice: Notice) => void): ToldRuns {
  let led: LedRun | null = null;
  let pending: Promise<void> = Promise.resolve();
  let timer: ReturnType<typeof setTimeout> | undefined;

  /** One after the other; what goes wrong here is nobody's failure but the notices'. */
  const enqueue = (act: () => Promise<void>): void => {
    pending = pending.then(act).catch((error: unknown) => {
      const text = `notices cannot be made: ${error instanceof Error ? error.message : String(error)}`;
      app.emit({ type: "notify-failed", level: "warning", text });
    });
  };
  const handOver = async (run: LedRun, notice: Notice | null): Promise<void> => {
    if (notice === null || !run.told.take(notice)) return;
    for (const key of notice.keys) run.kept.add(key);
    tell(await cleanNotice(app, run.of.root, notice));
    await app.store.writeText(toldPath(run.runDir), `${JSON.stringify({ schema: 1, keys: [...run.kept] })}\n`);
  };
  const check = (run: LedRun): void => {
    clearTimeout(timer);
    timer = undefined;
    const { limits } = run;
    if (limits === null || run !== led) return;
    const now = app.clock.now();
    const use = foldUse(run.events, run.receipts, run.live, Date.parse(now));
    for (const near of findNearLimits(limits, use)) {
      const notice = makeLimitNotice(placeOf(run), run.summary, near, now);
      if (notice.keys.some((key) => !run.kept.has(key))) enqueue(() => handOver(run, notice));
    }
    const next = findNextWall(limits, use);
    // A person is told while the run goes on; nothing waits for that.
    if (next !== null) timer = setTimeout(() => check(run), Math.min(next, LONGEST_TIMER_MS)).unref();
  };

  const begin = (of: JournalOf, summary: RunSummary): LedRun => {
    const run: LedRun = {
      of,
      runId: summary.runId,
      runDir: summary.runDir,
      told: createTold(),
      kept: new Set(),
      summary,
      attempt: 0,
      events: [],
      live: new Map(),
      limits: null,
      receipts: [],
    };
    enqueue(async () => {
      const before = await loadTold(app, run.runDir);
      run.told.add(before);
      for (const key of before) run.kept.add(key);
      run.receipts = await loadLaneReceipts(app, run.runDir);
      run.limits = await loadLimits(app, run.runDir);
      check(run);
    });
    return run;
  };
  const see = (run: LedRun, event: RunEvent): void => {
    run.events.push(event);
    if (event.type === "run-started") run.attempt = event.attempt;
    check(run);
    const standing = standingAfter(run, event);
    if (standing === null) return;
    enqueue(async () => {
      const wait = standing.state === "ended" ? ((await loadStanding(app, run.of, run.summary.taskKey))?.wait ?? null) : null;
      await handOver(run, makeNotice(placeOf(run), wait, standing, app.clock.now()));
    });
  };
  const listen = (event: ProgressEvent): void => {
    if (led === null) return;
    if (event.level === "record") return see(led, event.data as unknown as RunEvent);
    if (event.type !== "lane-usage" && event.type !== "lane-ended") return;
    const { lane, tokens, cost } = event.data as { lane: string; tokens: number | null; cost: Money | null };
    if (tokens !== null || cost !== null) led.live.set(lane, { tokens: tokens ?? 0, cost });
    check(led);
  };

  return {
    app: {
      ...app,
      journals: {
        ...app.journals,
        // A run's log notes its milestones before it tells of them.
        note(of, summary) {
          app.journals.note(of, summary);
          led = led?.runId === summary.runId ? Object.assign(led, { summary }) : begin(of, summary);
        },
      },
      emit(event) {
        app.emit(event);
        listen(event);
      },
    },
    async finish() {
      clearTimeout(timer);
      led = null;
      // What is handed over may lead to more.
      for (let before: Promise<void> | null = null; before !== pending;) {
        before = pending;
        await before;
      }
    },
  };
}

function placeOf({ of, summary }: LedRun): { readonly project: string; readonly taskKey: string } {
  return { project: of.project, taskKey: summary.taskKey };
}

/** How a run stands after an event that a person may want to know of; they know what they did themselves. */
function standingAfter({ summary, attempt }: LedRun, event: RunEvent): RunStanding | null {
  const { type, run, runId } = summary;
  const base = { type, run, runId, attempt, verdict: null, gateOpen: null, at: event.at };
  switch (event.type) {
    case "run-ended":
      return { ...base, state: "ended", verdict: event.verdict, gateOpen: event.gateOpen, why: null };
    case "run-paused": {
      const until = event.until === null ? "" : ` until ${event.until}`;
      return { ...base, state: "paused", why: `the quota of ${event.lanes.join(", ")} is used up${until}` };
    }
    case "run-failed":
      return { ...base, state: "stopped", why: event.message };
    default:
      return null;
  }
}

/** What `--notify` has told of a run. */
function toldPath(runDir: string): string {
  return `${runDir}/told.json`;
}

async function loadTold(app: App, runDir: string): Promise<readonly string[]> {
  const kept = parseJson(await app.store.readText(toldPath(runDir)).catch(() => null)) as { keys?: unknown } | null;
  return Array.isArray(kept?.keys) ? kept.keys.filter((key) => typeof key === "string") : [];
}
