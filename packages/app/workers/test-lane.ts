import type { AgentPreset } from "@okstra/core/domain/agents";
import { OkstraError } from "@okstra/core/errors";
import type { FakeModel } from "@okstra/core/fake-model-port";
import { laneResultSchema } from "@okstra/core/phases/lane-schema";
import type { CancelSignal, LaneOutcome, WorkerSettings } from "@okstra/core/ports";
import type { App } from "../app.ts";
import { closeDoor, laneJsonSchema, openDoor } from "../door/open-door.ts";
import { judgeResult } from "../run/judge-result.ts";
import type { TestPlace, TestStep } from "./test-place.ts";

const LANE_MS = 120_000;
const TYPE = "final-verification";

/** What the trial is about: the worker's settings and, for an agent, how it is pointed at the fake model. */
interface Trial {
  readonly settings: WorkerSettings;
  readonly agent: AgentPreset | null;
  readonly signal: CancelSignal;
}

/** Runs one lane through the real worker and judges what it left as a run would. */
export async function runTestLane(app: App, place: TestPlace, trial: Trial): Promise<readonly TestStep[]> {
  const recipe = trial.agent?.fakeModel ?? null;
  const model = recipe === null ? null : await app.startFakeModel();
  try {
    return await runLane(app, place, trial, model);
  } catch (error) {
    if (error instanceof OkstraError) return [{ step: "lane", ok: false, detail: `${error.code}: ${error.message}` }];
    throw error;
  } finally {
    await model?.close();
  }
}

async function runLane(
  app: App,
  place: TestPlace,
  { settings, agent, signal }: Trial,
  model: FakeModel | null,
): Promise<readonly TestStep[]> {
  const env = { ...place.env, ...(agent === null || model === null ? {} : await prepareAgent(app, place, agent, model)) };
  const nonce = app.ids.randomHex(16);
  const runId = app.ids.randomHex(12);
  const taskKey = `okstra/workers/${settings.name}`;
  const prompt = [
    "This is a test of the connection to you. Change nothing, run nothing, look at nothing.",
    `The \`nonce\` is \`${nonce}\`. Deliver this result as it is, with the tool submit_result or as the only fenced block of your answer:`,
    "",
    "```json",
    JSON.stringify({ nonce, findings: [] }),
    "```",
    "",
  ].join("\n");
  const lane = { laneDir: place.laneDir, nonce };
  const provision = { status: "skipped-in-worktree", path: place.tree, branch: "", baseRef: "", taskKey, note: "a test" } as const;
  const door = await openDoor(app, {
    ...lane,
    manifest: { runId, taskKey, type: TYPE, project: { id: "okstra", root: place.tree }, provision },
    lane: settings.name,
    role: "review",
    worker: settings.name,
    prompt,
  });
  const stop = new AbortController();
  const onAbort = (): void => stop.abort();
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort, { once: true });
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    onAbort();
  }, LANE_MS);
  let outcome: LaneOutcome;
  try {
    outcome = await requireKind(app, settings.kind).run({
      ...lane,
      runId,
      taskKey,
      phase: TYPE,
      step: "review",
      worker: settings,
      prompt,
      worktree: place.tree,
      headCommit: place.commit,
      baseCommit: null,
      deadlineMs: LANE_MS,
      qaCommands: null,
      env,
      redact: (text) => text,
      signal: stop.signal,
      onActivity: () => undefined,
      onOutput: () => undefined,
      onUse: () => undefined,
      mode: "read-only",
      sandbox: null,
      door,
      resultJsonSchema: laneJsonSchema(TYPE, "review"),
    });
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
    await closeDoor(app, lane);
  }
  const judged = judgeResult(laneResultSchema(TYPE, "review"), { runId }, nonce, outcome, (text) => text);
  const late = isLate ? `no end within ${LANE_MS / 1000} s` : null;
  return [
    { step: "lane", ok: outcome.end === "ok", detail: late ?? outcome.reason ?? "it ended by itself" },
    ...(outcome.end === "ok" ? [{ step: "result", ok: judged.end === "ok", detail: judged.reason ?? describeWay(outcome) } as const] : []),
    ...(model === null ? [] : describeModel(model, outcome)),
  ];
}

/** Environment of the recipe, after its files were written into the HOME of the trial. */
async function prepareAgent(app: App, place: TestPlace, agent: AgentPreset, model: FakeModel): Promise<Readonly<Record<string, string>>> {
  const at = { baseUrl: model.baseUrl, home: place.home };
  for (const [path, text] of Object.entries(agent.fakeModelFiles?.(at) ?? {})) {
    await app.store.ensureDirectory(`${place.home}/${path.split("/").slice(0, -1).join("/")}`);
    await app.store.writeText(`${place.home}/${path}`, text);
  }
  const proxies = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"].flatMap((name) => [name, name.toLowerCase()]);
  const local = "127.0.0.1,localhost";
  return {
    ...Object.fromEntries(proxies.map((name) => [name, model.baseUrl])),
    NO_PROXY: local,
    no_proxy: local,
    ...agent.fakeModel?.(at),
  };
}

function requireKind(app: App, kind: string): { run: NonNullable<ReturnType<App["workers"]["get"]>>["run"] } {
  const worker = app.workers.get(kind);
  if (worker === undefined)
    throw new OkstraError("OKSTRA_PREPARE_WORKER_UNKNOWN", { message: `The worker kind ${kind} cannot be started.`, details: { kind } });
  return worker;
}

function describeWay({ agent }: LaneOutcome): string {
  const ways = {
    door: "it came through okstra's door",
    schema: "it came by the agent's own option for a schema",
    message: "it came in the last message",
  };
  const by = agent?.resultBy ?? null;
  return by === null ? "it came as a file" : ways[by];
}

function describeModel({ asked, refused }: FakeModel, { modelServed }: LaneOutcome): readonly TestStep[] {
  const names = [...new Set(asked.map(({ model }) => model))].join(", ");
  return [
    {
      step: "model",
      ok: asked.length > 0,
      detail: `${asked.length} request${asked.length === 1 ? "" : "s"}${names === "" ? "" : ` for ${names}`}; the stream says ${modelServed ?? "not which model served"}`,
    },
    ...(refused.length === 0
      ? []
      : [{ step: "network", ok: true, detail: `it also wanted to reach ${[...new Set(refused)].join(", ")}, and could not` } as const]),
  ];
}
