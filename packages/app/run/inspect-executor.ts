import { surroundingsSchema, type Surroundings } from "@okstra/core/domain/work-record";
import { findTestFirst } from "../implementation/find-test-first.ts";
import { inspectWork } from "../implementation/inspect-work.ts";
import { loadSurroundings } from "../implementation/load-surroundings.ts";
import { createRedactor } from "@okstra/core/domain/redaction";
import { DEFAULT_DISPOSABLE, type QaCommand } from "@okstra/core/domain/project";
import { OkstraError } from "@okstra/core/errors";
import type { Lead } from "./lead-parts.ts";
import { formatWork, workPath } from "./run-records.ts";
import { loadSecrets } from "./secrets.ts";

/** What stood before the executor first started; a resumed run keeps the first look. */
function surroundingsPath(runDir: string): string {
  return `${runDir}/surroundings.json`;
}

/**
 * Before the executor starts: remembers what stands there. Before it starts again after a crash: takes away the locks that
 * its git left, so that it can commit. The run's lock is held, its processes are gone, and where some process still has its
 * directory in the tree nothing is taken.
 */
export async function prepareExecutor({ app, run }: Pick<Lead, "app" | "run">): Promise<void> {
  const { manifest, runDir, log } = run;
  if (manifest.commit === "") return;
  if (log.state.attempt > 1) await removeStaleLocks({ app, run });
  if (log.state.surroundingsSha256 !== null) return;
  const place = await placeOf({ app, run });
  const before = await loadSurroundings(app, place);
  const text = `${JSON.stringify(before, null, 2)}\n`;
  await app.store.writeText(surroundingsPath(runDir), text);
  // The executor could write to the file: what it is compared with later is what this event names.
  await log.append({ type: "executor-prepared", surroundingsSha256: app.sha256(text) });
}

async function removeStaleLocks({ app, run }: Pick<Lead, "app" | "run">): Promise<void> {
  const worktree = run.manifest.provision.path;
  const location = await app.git.locate(worktree);
  if (location === null || (await app.files.findOccupants(worktree)).length > 0) return;
  const { branch } = run.manifest.provision;
  const { locks } = await app.files.listLeftovers(location.gitDir);
  const own = branch === "" ? [] : [`${location.commonDir}/refs/heads/${branch}.lock`];
  for (const path of [...locks, ...own]) {
    if (!(await app.store.exists(path))) continue;
    await app.store.remove(path);
    app.emit({ type: "healing", level: "note", text: `a lock that a killed git left was removed: ${path}` });
  }
}

async function placeOf({
  app,
  run,
}: Pick<Lead, "app" | "run">): Promise<{ worktree: string; mainRoot: string; repository: string; taskKey: string }> {
  const { manifest } = run;
  const worktree = manifest.provision.path;
  const location = await app.git.locate(worktree);
  return {
    worktree,
    mainRoot: location?.mainRoot ?? manifest.project.root,
    repository: location?.commonDir ?? "",
    taskKey: manifest.taskKey,
  };
}

/** What git saw since the executor first started, all rounds together: writes work.json. */
export async function inspectExecutor({ app, run, signal }: Lead): Promise<{ workSha256: string; head: string }> {
  const { manifest, runDir } = run;
  if (manifest.commit === "") return { workSha256: app.sha256(formatWork(null)), head: "" };
  const before = await loadBefore({ app, run });
  const place = await placeOf({ app, run });
  const { plan } = manifest.context;
  const planned =
    plan === null
      ? null
      : {
          files: [...new Set(plan.stages.flatMap((stage) => stage.steps.flatMap((step) => step.files)))],
          steps: plan.stages.flatMap((stage) => stage.steps.map((step) => step.id)),
        };
  const look = await inspectWork(app, {
    before,
    ...place,
    plan: planned,
    testFirst: [],
    protectedPaths: (manifest.settings["protectedPaths"] as string[] | undefined) ?? [],
  });
  const testFirst =
    look.head === look.before || look.rewritten
      ? []
      : await findTestFirst(app, {
          worktree: place.worktree,
          repository: place.repository,
          before: look.before,
          head: look.head,
          commands: await listCommands({ app, run }),
          disposable: [...((manifest.settings["disposable"] as string[] | null | undefined) ?? DEFAULT_DISPOSABLE)],
          runId: manifest.runId,
          deadlineMs: Math.max(...manifest.roster.map((entry) => entry.deadlineMs)),
          redact: createRedactor(await loadSecrets(app, [manifest.project.root, place.worktree])),
          signal,
        });
  const text = formatWork({ ...look, testFirst });
  await app.store.writeText(workPath(runDir), text);
  app.emit({
    type: "work-inspected",
    text: `git saw ${look.commits.length} commit${look.commits.length === 1 ? "" : "s"}, ${look.diffstat.files} file${look.diffstat.files === 1 ? "" : "s"} changed`,
  });
  return { workSha256: app.sha256(text), head: look.head };
}

/** What stood before the executor first started. @throws OKSTRA_RUN_CORRUPT when the file is not what was written then */
async function loadBefore({ app, run }: Pick<Lead, "app" | "run">): Promise<Surroundings> {
  const path = surroundingsPath(run.runDir);
  const text = await app.store.readText(path);
  if (text !== null && app.sha256(text) === run.log.state.surroundingsSha256) return surroundingsSchema.parse(JSON.parse(text));
  throw new OkstraError("OKSTRA_RUN_CORRUPT", {
    message: `${path} is not what okstra wrote before the executor started, so that nobody can tell what the executor touched.`,
    hint: "Look at the other branches and the main checkout, then start a new run.",
    details: { path },
  });
}

/** The commands that tell whether the code is good: the project's own, else what the `checks` worker finds. */
async function listCommands({ app, run }: Pick<Lead, "app" | "run">): Promise<{ name: string; command: string }[]> {
  const { manifest } = run;
  const configured = (manifest.settings["qaCommands"] as QaCommand[] | null | undefined) ?? null;
  const commands = configured ?? (await app.workers.get("checks")?.findCommands?.(manifest.provision.path)) ?? [];
  return commands.map((each) => (typeof each === "string" ? { name: each, command: each } : { name: each.name, command: each.command }));
}
