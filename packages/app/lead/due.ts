import type { RosterEntry } from "@okstra/core/domain/run";
import { dueEffects, heldLanes, transition, WRITER_LANE, type LaneState, type RunState } from "@okstra/core/machine/run-machine";
import type { PreparedRun } from "../run/begin-run.ts";
import { commandFor } from "../run/launch.ts";
import { goesOn } from "../run/lead.ts";
import { CHAT_KIND } from "../run/lead-parts.ts";
import { outsideResultPath } from "../run/run-lanes.ts";

/** One thing that a chat lead can do now, with the command that does it. */
export interface DueStep {
  /** `collect`: the lead performs the lane, then runs the command. `wait`: another process runs the lane. */
  readonly step: "dispatch" | "collect" | "wait" | "converge" | "finish";
  /** The lane, for steps that are about one. */
  readonly lane: DueLane | null;
  /** Null for `wait`. */
  readonly command: string | null;
  /** Ends a lane that will have no result; only with `collect`. */
  readonly failCommand: string | null;
}

export interface DueLane {
  readonly lane: string;
  readonly worker: string;
  readonly role: LaneState["role"];
  readonly round: number;
  /** `chat`: the lead performs it itself. */
  readonly kind: string;
  readonly family: string;
  /** Absolute path of the prompt; null while the lane was not begun. */
  readonly prompt: string | null;
  /** Of a lane that the lead performs: what its result must carry, and the path where it goes. */
  readonly nonce: string | null;
  readonly result: string | null;
}

/**
 * What is due in a run that an agent leads: one thing after the other, or lanes side by side.
 * @param led whether a live process is at the run
 */
export function listDue(run: Pick<PreparedRun, "manifest" | "runDir" | "log">, led: boolean): readonly DueStep[] {
  const { state: now } = run.log;
  if (now.stage === "ended" || now.stage === "cancelled") return [];
  const held = heldLanes(now);
  if (led && held.length > 0) {
    const wait = held.map((lane): DueStep => ({ step: "wait", lane: describe(run, now, lane), command: null, failCommand: null }));
    return [...collectSteps(run, now), ...wait];
  }
  // What died or was stopped goes on by another start: what that makes due is what it says itself.
  const started = goesOn(run)
    ? { state: now, effects: dueEffects(now) }
    : transition(now, { type: "run-started", attempt: now.attempt + 1, commit: now.commit, isolation: "", withoutQuota: false });
  const steps = started.effects.map((effect): DueStep => {
    switch (effect.type) {
      case "dispatch":
        return {
          step: "dispatch",
          lane: describe(run, started.state, effect.lane),
          command: commandFor(run.manifest, "lead dispatch", effect.lane),
          failCommand: null,
        };
      case "advance":
      case "decide":
        return { step: "converge", lane: null, command: commandFor(run.manifest, "lead converge"), failCommand: null };
      default:
        return { step: "finish", lane: null, command: commandFor(run.manifest, "lead finish"), failCommand: null };
    }
  });
  return [...collectSteps(run, started.state), ...steps];
}

/** Lanes that the leading agent is at, each to be collected. */
function collectSteps(run: Pick<PreparedRun, "manifest" | "runDir">, state: RunState): readonly DueStep[] {
  const { manifest } = run;
  return Object.keys(state.lanes)
    .filter((name) => state.lanes[name]?.state === "running" && state.lanes[name].outside !== undefined)
    .map((name) => ({
      step: "collect",
      lane: describe(run, state, name),
      command: commandFor(manifest, "lead collect", name),
      failCommand: commandFor(manifest, "lead fail", name, "--reason TEXT"),
    }));
}

function describe({ manifest, runDir }: Pick<PreparedRun, "manifest" | "runDir">, state: RunState, name: string): DueLane {
  const lane = state.lanes[name];
  const entry = entryOf(manifest, name, lane);
  const isMine = lane?.state === "running" && lane.outside !== undefined;
  return {
    lane: name,
    worker: lane?.worker ?? entry?.worker ?? "",
    role: lane?.role ?? "write",
    round: lane?.round ?? 1,
    kind: entry?.kind ?? CHAT_KIND,
    family: entry?.family ?? "",
    prompt: lane?.state === "running" ? `${runDir}/prompts/${name}.md` : null,
    nonce: isMine ? lane.nonce : null,
    result: isMine ? outsideResultPath(runDir, name) : null,
  };
}

/** The worker of a lane, as the run was prepared with it. */
export function entryOf(manifest: PreparedRun["manifest"], name: string, lane: Pick<LaneState, "worker"> | undefined): RosterEntry | null {
  if (name === WRITER_LANE) return manifest.writer;
  return manifest.roster.find(({ worker }) => worker === lane?.worker) ?? null;
}
