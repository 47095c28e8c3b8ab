import type { LaneRequest, WorkerSettings } from "@okstra/core/ports";

const NEVER = { aborted: false, addEventListener: () => undefined, removeEventListener: () => undefined } as const;

/** A lane that is never run, to see what an agent would be started with: what belongs to one lane has a name in its place. */
export function plannedRequest(worker: WorkerSettings, mode: LaneRequest["mode"]): LaneRequest {
  return {
    runId: "RUN",
    taskKey: "TASK",
    phase: "PHASE",
    step: mode === "edit" ? "execute" : "review",
    worker,
    nonce: "NONCE",
    prompt: "",
    worktree: "WORKTREE",
    headCommit: "",
    baseCommit: null,
    laneDir: "LANE",
    deadlineMs: worker.deadlineMs,
    qaCommands: null,
    env: {},
    redact: (text) => text,
    signal: NEVER,
    onActivity: () => undefined,
    onOutput: () => undefined,
    onUse: () => undefined,
    mode,
    sandbox: null,
    door: {
      command: ["okstra", "mcp", "--worker"],
      env: {},
      directory: "LANE/door",
      put: (name) => Promise.resolve(`LANE/door/${name}`),
      loadResult: () => Promise.resolve(null),
    },
    resultJsonSchema: {},
  };
}
