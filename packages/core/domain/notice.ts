/** What is worth telling a person who looks elsewhere: decided from how a task and its runs stand, told once. */
import type { NearLimit } from "./near-limit.ts";

export type NoticeKind = "needs-person" | "run-ended" | "budget-near";

/** Why only a person can go on. */
export type WaitReason = "question" | "plan" | "gate" | "hand-off" | "quota" | "stopped" | "failed" | "damaged";
export type NoticeReason = WaitReason | "ended" | "cancelled" | NearLimit["limit"];

export interface Notice {
  readonly kind: NoticeKind;
  readonly reason: NoticeReason;
  readonly project: string;
  readonly taskKey: string;
  /** Task type that it is about; null when that is not known. */
  readonly phase: string | null;
  readonly run: number | null;
  readonly verdict: string | null;
  readonly gateOpen: boolean | null;
  /** One line for a head; begins with `okstra: `. */
  readonly title: string;
  /** One line that says what it is. */
  readonly text: string;
  /** Exactly what goes on; null when nothing is to be done. */
  readonly command: string | null;
  /** Since when it is so, RFC 3339 UTC. */
  readonly at: string;
  /** Of kind `budget-near`; null for every other. */
  readonly limit: NearLimit | null;
  /** What is told with it. It is worth telling as long as one of these was not told. */
  readonly keys: readonly string[];
}

/** What a task waits for a person with, as its records say. */
export interface Wait {
  readonly reason: WaitReason;
  readonly why: string;
  readonly command: string | null;
  readonly phase: string | null;
  readonly run: number | null;
  readonly since: string | null;
  readonly keys: readonly string[];
}

/** How a run stands now. */
export interface RunStanding {
  readonly type: string;
  readonly run: number;
  readonly runId: string;
  /** `stopped`: it was begun and nobody leads it; `prepared`: it was not begun. */
  readonly state: "prepared" | "running" | "paused" | "stopped" | "ended" | "cancelled";
  readonly verdict: string | null;
  readonly gateOpen: boolean | null;
  readonly attempt: number;
  /** Of `paused`: what is waited for, in words. Of `stopped`: the failure in words. Null when there is nothing to say. */
  readonly why: string | null;
  /** When it came to stand so, RFC 3339 UTC. */
  readonly at: string;
}

type Of = Pick<Notice, "project" | "taskKey">;

const ENDED: ReadonlySet<RunStanding["state"]> = new Set(["ended", "cancelled"]);

/**
 * What to tell of a task: that a run of it ended, that it waits for a person, or both in one.
 * @param run the run that changed; null: none did, or it is over since long
 */
export function makeNotice(of: Of, wait: Wait | null, run: RunStanding | null, now: string): Notice | null {
  const own = run === null || ENDED.has(run.state) ? null : waitOfRun(of, run);
  const held = own ?? wait;
  const ended = run !== null && ENDED.has(run.state) ? run : null;
  if (held === null && ended === null) return null;
  const verdict = ended === null ? null : (ended.verdict ?? "none");
  const base = { project: of.project, taskKey: of.taskKey, verdict, gateOpen: ended?.gateOpen ?? null, limit: null };
  const said = ended === null ? null : describeEnd(ended);
  if (held === null) {
    return {
      ...base,
      kind: "run-ended",
      reason: ended?.state === "cancelled" ? "cancelled" : "ended",
      phase: ended?.type ?? null,
      run: ended?.run ?? null,
      title: `okstra: ${of.taskKey} ${ended?.state === "cancelled" ? "was cancelled" : `ended: ${verdict ?? "none"}`}`,
      text: said ?? "",
      command: null,
      at: ended?.at ?? now,
      keys: ended === null ? [] : [`end ${ended.runId}`],
    };
  }
  return {
    ...base,
    kind: "needs-person",
    reason: held.reason,
    phase: ended?.type ?? held.phase,
    run: ended?.run ?? held.run,
    title: `okstra: ${of.taskKey} waits for you`,
    text: said === null ? held.why : `${said}; ${held.why}`,
    command: held.command,
    at: ended?.at ?? held.since ?? now,
    keys: [...(ended === null ? [] : [`end ${ended.runId}`]), ...held.keys],
  };
}

/** What a run waits for that has not ended: a quota, or somebody who leads it. */
function waitOfRun({ taskKey }: Of, run: RunStanding): Wait | null {
  if (run.state !== "paused" && run.state !== "stopped") return null;
  const command = `okstra resume ${taskKey.split("/").slice(1).join("/")} --task-type ${run.type}`;
  const base = { command, phase: run.type, run: run.run, since: run.at };
  const what = `${run.type} run ${run.run}`;
  if (run.state === "paused") {
    const why = run.why ?? "a quota is used up";
    // The same quota until the same time is the same wait, however often somebody tries before; without a time each try is one.
    const which = why.includes(" until ") ? why : `${why}, attempt ${run.attempt}`;
    return { ...base, reason: "quota", why: `${what} waits: ${why}`, keys: [`quota ${run.runId} ${which}`] };
  }
  const keys = [`stopped ${run.runId} ${run.attempt}`];
  if (run.why === null) return { ...base, reason: "stopped", why: `${what} was begun, and nobody leads it`, keys };
  return { ...base, reason: "failed", why: `${what} stopped: ${run.why}`, keys };
}

function describeEnd({ type, run, state, verdict, gateOpen }: RunStanding): string {
  if (state === "cancelled") return `${type} run ${run} was cancelled`;
  return `${type} run ${run} ended: ${verdict ?? "none"}${gateOpen === null ? "" : gateOpen ? ", gate open" : ", gate holds"}`;
}

/** That a limit of a run, or of one of its workers, is near or used up. */
export function makeLimitNotice(of: Of, run: Pick<RunStanding, "type" | "run" | "runId">, near: NearLimit, now: string): Notice {
  const what = near.limit === "wall" ? "wall time" : near.limit;
  const whose = near.lane === null ? "the run" : near.lane;
  return {
    kind: "budget-near",
    reason: near.limit,
    project: of.project,
    taskKey: of.taskKey,
    phase: run.type,
    run: run.run,
    verdict: null,
    gateOpen: null,
    title: `okstra: ${of.taskKey} is near its budget`,
    text: `${run.type} run ${run.run}: ${whose} has used ${near.percent} % of its ${what}: ${near.used} of ${near.allowed}`,
    command: null,
    at: now,
    limit: near,
    keys: [`budget ${run.runId} ${near.lane ?? "(run)"} ${near.limit}`],
  };
}

/** What was told already. */
export interface Told {
  /** True once for each thing: then it counts as told. */
  take(notice: Notice): boolean;
  /** Counts something as told. */
  add(keys: readonly string[]): void;
}

export function createTold(before: readonly string[] = []): Told {
  const told = new Set(before);
  return {
    take({ keys }) {
      const isNew = keys.some((key) => !told.has(key));
      for (const key of keys) told.add(key);
      return isNew;
    },
    add(keys) {
      for (const key of keys) told.add(key);
    },
  };
}
