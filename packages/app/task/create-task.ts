import { createRedactor } from "@okstra/core/domain/redaction";
import type { OlderRun, TaskOrigin } from "@okstra/core/domain/task-log";
import { TASK_TYPES } from "@okstra/core/domain/work";
import { OkstraError } from "@okstra/core/errors";
import * as z from "zod";
import type { App } from "../app.ts";
import { ensureRecords } from "../project/setup.ts";
import { requireBrief } from "./brief.ts";
import { findVerified, loadTask, type TaskFacts } from "./load-task.ts";
import { findHandedOff } from "./next.ts";
import { changeTask, openTask, type TaskRequest } from "./open-task.ts";
import { loadSecrets } from "../run/secrets.ts";

export interface NewTask {
  readonly brief: string | null;
  readonly category: string | null;
  readonly from: TaskOrigin | null;
}

/**
 * Makes a task: its directory, task.json, and the first event of its log. Provisions nothing.
 * @throws OKSTRA_TASK_EXISTS, OKSTRA_TASK_BUSY, OKSTRA_PREPARE_BRIEF_*
 */
export async function createTask(app: App, request: TaskRequest & NewTask): Promise<TaskFacts> {
  return changeTask(app, request, "the making", async (facts) => {
    if (facts.known)
      throw new OkstraError("OKSTRA_TASK_EXISTS", {
        message: `${facts.taskKey} is a task already.`,
        hint: `Look at it: okstra task show ${facts.key.group}/${facts.key.task}`,
        details: { taskKey: facts.taskKey },
      });
    const { category, from } = request;
    await writeTask(app, facts, { brief: await redactBrief(app, facts, request.brief), category, from });
    return loadTask(app, facts);
  });
}

/**
 * Takes up a task of an older okstra: begins its log, or adds to it which runs of then lie beside it. Its files stay as they
 * are, its manifest too.
 * @throws OKSTRA_TASK_BUSY, OKSTRA_TASK_LOG_CORRUPT, OKSTRA_PREPARE_BRIEF_*
 */
export async function adoptOlderTask(
  app: App,
  request: TaskRequest,
  older: { readonly brief: string | null; readonly category: string | null; readonly runs: readonly OlderRun[] },
): Promise<void> {
  await changeTask(app, request, "the migration", async (facts) => {
    const { taskDir, root, log } = facts;
    if (log.events.length === 0) {
      const hasManifest = (await app.store.readText(`${taskDir}/task.json`)) !== null;
      const created = { brief: await redactBrief(app, facts, older.brief), category: older.category, from: null };
      if (hasManifest) await log.append([{ type: "task-created", ...created }]);
      else await writeTask(app, facts, created);
    }
    await log.append([{ type: "migrated", runs: [...older.runs] }]);
    app.journals.know({ project: facts.key.project, root });
  });
}

/** Writes the first records of a task that has none. The brief is redacted already. */
async function writeTask(app: App, facts: TaskFacts, { brief, category, from }: NewTask): Promise<void> {
  await ensureRecords(app, facts.root);
  await app.store.ensureDirectory(facts.taskDir);
  const { project, group, task } = facts.key;
  const manifest = {
    createdAt: app.clock.now(),
    schema: 1,
    taskKey: facts.taskKey,
    projectId: project,
    group,
    task,
    ...(category === null ? {} : { category }),
  };
  await app.store.writeText(`${facts.taskDir}/task.json`, `${JSON.stringify(manifest, null, 2)}\n`);
  await facts.log.append([{ type: "task-created", brief, category, from }]);
  app.journals.know({ project, root: facts.root });
}

/**
 * What a brief means to a task: a new task begins with it, another one after completion begins a fix cycle with a
 * history of its own, else the next run gets it. A task that is not known yet stays so until its first run is there.
 * The caller holds the run lock.
 * @returns the task as it is now
 * @throws OKSTRA_PREPARE_BRIEF_*
 */
export async function settleBrief(
  app: App,
  facts: TaskFacts,
  { brief, category }: { readonly brief: string | null; readonly category: string | null },
): Promise<TaskFacts> {
  const text = await redactBrief(app, facts, brief);
  if (!facts.known) return { ...facts, brief: text, category: category ?? facts.category };
  const verified = findVerified(facts);
  const handed = findHandedOff(facts);
  const isHandedOff = handed !== null && handed.commit === facts.head;
  if (text === null || text === facts.brief || (verified === null && !isHandedOff)) return facts;
  await facts.log.append([
    {
      type: "cycle-started",
      cycle: facts.cycle.cycle + 1,
      brief: text,
      reason:
        verified === null
          ? `a new brief after hand-off run ${handed?.run ?? 0}`
          : `a new brief after final-verification run ${verified.run} passed`,
      category,
      feedback: [],
    },
  ]);
  return loadTask(app, facts);
}

async function redactBrief(app: App, { root, worktree }: TaskFacts, brief: string | null): Promise<string | null> {
  const text = requireBrief(brief);
  return text === null ? null : createRedactor(await loadSecrets(app, [root, ...(worktree === null ? [] : [worktree])]))(text);
}

const placeSchema = {
  claim: z.string(),
  severity: z.string(),
  file: z.string().nullable(),
  startLine: z.int().nullable(),
  quote: z.string().nullable().catch(null),
};
const foundSchema = z.looseObject({ id: z.string(), ...placeSchema, reproducedBy: z.array(z.string()).catch([]) });
const improvementSchema = z.looseObject({
  cluster: z.string(),
  nextPhase: z.enum(TASK_TYPES),
  benefit: z.string().nullable().catch(null),
  effort: z.string().nullable().catch(null),
  reasons: z.array(z.looseObject({ worker: z.string(), why: z.string() })).catch([]),
});
const reportSchema = z.looseObject({
  clusters: z.array(foundSchema).catch([]),
  ledger: z.array(foundSchema).catch([]),
  improvementDiscovery: z
    .looseObject({ improvements: z.array(improvementSchema) })
    .nullable()
    .catch(null),
});

/**
 * What a new task is that takes up a finding: the newest run of the other task that has it, as a brief.
 * @param finding `<group>/<task>#<C3 or F2>`
 * @throws OKSTRA_USAGE, OKSTRA_TASK_NOT_FOUND, OKSTRA_FINDING_NOT_FOUND
 */
export async function takeUpFinding(app: App, { finding, dir }: { finding: string; dir: string }): Promise<NewTask & { brief: string }> {
  const [, task, id] = /^([^#]+\/[^#]+)#([CF][1-9]\d*)$/.exec(finding) ?? [];
  if (task === undefined || id === undefined)
    throw new OkstraError("OKSTRA_USAGE", {
      message: `"${finding.slice(0, 120)}" is not <group>/<task>#<finding>; say for example audits/core#C3.`,
    });
  const facts = await openTask(app, { task, dir });
  for (const run of facts.runs.toReversed()) {
    const parsed = run.damaged === null ? reportSchema.safeParse(run.report) : null;
    if (parsed?.success !== true) continue;
    const { clusters, ledger, improvementDiscovery } = parsed.data;
    const found = [...clusters, ...ledger].find((each) => each.id === id);
    if (found === undefined) continue;
    const improvement = improvementDiscovery?.improvements.find(({ cluster }) => cluster === id) ?? null;
    const isDefect = improvement === null || improvement.nextPhase === "error-analysis";
    return {
      brief: describeFinding(found, improvement, {
        name: `${facts.key.group}/${facts.key.task}#${id}`,
        run: `${run.type} run ${run.run}`,
        commit: run.commit,
      }),
      category: isDefect ? "bugfix" : "improvement",
      from: { taskKey: facts.taskKey, type: run.type, run: run.run, finding: id, startAt: isDefect ? null : improvement.nextPhase },
    };
  }
  throw new OkstraError("OKSTRA_FINDING_NOT_FOUND", {
    message: `No run of ${facts.taskKey} has the finding ${id}.`,
    hint: `List its findings: okstra report ${facts.key.group}/${facts.key.task}`,
    details: { taskKey: facts.taskKey, finding: id },
  });
}

function describeFinding(
  { claim, severity, file, startLine, quote, reproducedBy }: z.infer<typeof foundSchema>,
  improvement: z.infer<typeof improvementSchema> | null,
  source: { name: string; run: string; commit: string },
): string {
  const fence = "~~~";
  return [
    claim,
    "",
    `From ${source.name}, ${source.run}${source.commit === "" ? "" : ` at ${source.commit.slice(0, 12)}`}.`,
    ...(file === null ? [] : [`Place: ${file}${startLine === null ? "" : `:${startLine}`}`]),
    `Severity: ${severity}`,
    ...(typeof improvement?.benefit === "string" ? [`Benefit: ${improvement.benefit}`] : []),
    ...(typeof improvement?.effort === "string" ? [`Effort: ${improvement.effort}`] : []),
    ...(quote === null || quote === "" ? [] : ["", "Quote:", "", fence, quote.replaceAll(fence, "~ ~ ~"), fence]),
    ...(reproducedBy.length === 0
      ? []
      : ["", "Commands that failed each time:", "", ...reproducedBy.map((command) => `- ${JSON.stringify(command)}`)]),
    ...(improvement === null || improvement.reasons.length === 0
      ? []
      : ["", "What becomes better:", "", ...improvement.reasons.map(({ worker, why }) => `- ${worker}: ${why}`)]),
    "",
  ].join("\n");
}
