import { findAgent } from "@okstra/core/domain/agents";
import { modelTable } from "@okstra/core/domain/models";
import { isAgentKind } from "@okstra/core/domain/served-model";
import { OkstraError } from "@okstra/core/errors";
import type { CancelSignal, WorkerSettings } from "@okstra/core/ports";
import type { App } from "../app.ts";
import { openProject, type OpenProject } from "../project/open-project.ts";
import { listKnownWorkers, requireWorker, type KnownWorker } from "./known-workers.ts";
import { fetchVersion } from "./list-workers.ts";
import { findProgram, requireAgent, resolveWorker } from "./resolve-worker.ts";
import { openTestPlace, type TestPlace, type TestStep } from "./test-place.ts";
import { shakeHands } from "./test-handshake.ts";
import { runTestLane } from "./test-lane.ts";

export interface WorkerTest {
  readonly name: string;
  readonly ok: boolean;
  readonly steps: readonly TestStep[];
  readonly durationMs: number;
}

export interface TestRequest {
  readonly dir: string;
  /** Empty: every configured worker, and the known agents whose program is on PATH. */
  readonly names: readonly string[];
}

/**
 * Tries workers with nothing of the person's: an emptied environment, a HOME that is removed afterwards, a dummy key,
 * and okstra's own model server on loopback.
 * @throws OKSTRA_PREPARE_WORKER_UNKNOWN, OKSTRA_PREPARE_NO_WORKERS
 */
export async function testWorkers(app: App, request: TestRequest, signal: CancelSignal): Promise<readonly WorkerTest[]> {
  const opened = await openProject(app, request.dir, { allowNew: true });
  const home = await app.projects.loadHomeConfig();
  const known = listKnownWorkers(opened.project, home);
  const workers =
    request.names.length > 0
      ? [...new Set(request.names)].map((name) => requireWorker(known, name))
      : await findTestable(app, opened.root, [...known.values()]);
  if (workers.length === 0)
    throw new OkstraError("OKSTRA_PREPARE_NO_WORKERS", {
      message: "No worker is configured, and no agent that okstra knows is on PATH.",
      hint: "See what there is: okstra workers list",
    });
  const models = modelTable(home, opened.project);
  const tests: WorkerTest[] = [];
  for (const worker of workers) {
    if (signal.aborted) throw new OkstraError("OKSTRA_INTERRUPTED", { message: "The test was interrupted.", hint: "Run it again." });
    app.emit({ type: "worker-test", text: `testing ${worker.name}`, data: { worker: worker.name } });
    const began = app.clock.monotonicMs();
    const steps: TestStep[] = [];
    const settings = await resolveWorker(app, worker, { root: opened.root, models, deadlineMs: 0 }).catch((error: unknown) => {
      if (!(error instanceof OkstraError)) throw error;
      steps.push({ step: "settings", ok: false, detail: `${error.code}: ${error.message} ${error.hint}` });
      return null;
    });
    if (settings !== null) await testOne(app, opened, settings, { steps, signal });
    tests.push({
      name: worker.name,
      ok: steps.every(({ ok }) => ok),
      steps,
      durationMs: Math.round(app.clock.monotonicMs() - began),
    });
  }
  return tests;
}

async function findTestable(app: App, root: string, known: readonly KnownWorker[]): Promise<readonly KnownWorker[]> {
  const found: KnownWorker[] = [];
  for (const worker of known) {
    if (worker.config.kind === "checks") continue;
    const program = worker.origin === "built-in" ? requireAgent(worker.name, worker.config)?.command[0] : undefined;
    if (program === undefined || (await findProgram(app, root, program)) !== null) found.push(worker);
  }
  return found;
}

async function testOne(
  app: App,
  opened: OpenProject,
  settings: WorkerSettings,
  { steps, signal }: { steps: TestStep[]; signal: CancelSignal },
): Promise<void> {
  if (settings.kind === "checks") {
    const found = (await app.workers.get("checks")?.findCommands?.(opened.root)) ?? [];
    const commands = opened.project.qaCommands?.length ?? found.length;
    steps.push({ step: "commands", ok: commands > 0, detail: `${commands} commands of the project` });
    return;
  }
  const isAgent = isAgentKind(settings.kind);
  steps.push({ step: "program", ok: true, detail: settings.command.join(" ") });
  const place = await openTestPlace(app, opened, isAgent ? "empty" : "checkout");
  try {
    const agent = isAgent ? findAgent(settings.kind, settings.preset ?? "") : null;
    const recipe = agent?.fakeModel ?? null;
    if (agent !== null) await addVersion(app, place, { steps, command: [settings.command[0] ?? "", ...agent.versionArgs] });
    if (isAgent && recipe === null) {
      steps.push(await shakeHands(app, place, settings, signal));
      return;
    }
    steps.push(...(await runTestLane(app, place, { settings, agent, signal })));
  } finally {
    await place.close();
  }
}

/** A program that does not tell its version may work all the same. */
async function addVersion(
  app: App,
  place: TestPlace,
  { steps, command }: { steps: TestStep[]; command: readonly string[] },
): Promise<void> {
  const version = await fetchVersion(app, command, place.home);
  steps.push({ step: "version", ok: true, detail: version ?? "it does not say" });
}
