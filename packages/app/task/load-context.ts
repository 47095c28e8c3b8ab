import { ledgerSchema, openRows, type LedgerRow } from "@okstra/core/convergence/ledger";
import { clusterSchema } from "@okstra/core/convergence/cluster";
import {
  criterionSchema,
  taskContextSchema,
  type Clarification,
  type Criterion,
  type TakenFeedback,
  type TaskContext,
} from "@okstra/core/domain/task-context";
import type { TaskKey } from "@okstra/core/domain/task-key";
import type { TaskType } from "@okstra/core/domain/work";
import * as z from "zod";
import type { App } from "../app.ts";
import { currentRuns, eventsOfCycle, loadTask, type RunFacts, type TaskFacts } from "./load-task.ts";
import { parseJson } from "./load-task-run.ts";

/** What a new run is given of the task's earlier runs and of the person's answers. @throws OKSTRA_TASK_LOG_CORRUPT */
export async function loadTaskContext(
  app: App,
  request: {
    readonly root: string;
    readonly key: TaskKey;
    readonly type: TaskType;
    readonly brief: string | null;
    /** The task as it was loaded already. */
    readonly facts?: TaskFacts;
  },
): Promise<TaskContext> {
  const facts = request.facts ?? (await loadTask(app, request));
  const { plan } = facts;
  const counts = plan !== null && plan.approval !== null && isPassed(facts, plan.runDir) ? plan : null;
  const ledger = await loadLedger(app, facts);
  return taskContextSchema.parse({
    cycle: facts.cycle.cycle,
    clarifications: [...facts.clarifications, ...(request.type === "implementation-planning" ? listRejections(facts) : [])],
    criteria: findCriteria(facts),
    causes: findCauses(facts),
    plan: counts?.plan ?? null,
    approval: counts?.approval ?? null,
    openFindings: [
      ...openRows(ledger?.rows ?? []).map(({ id, claim, severity, file, startLine, state }) => ({
        id,
        claim,
        severity,
        file,
        startLine,
        state,
      })),
      ...listFeedback(facts).map(({ id, claim, severity, file, startLine }) => ({ id, claim, severity, file, startLine, state: "open" })),
    ],
    ledgerFrom: ledger?.from ?? null,
  });
}

/** What was taken up of pull requests since the last cycle whose work was finally verified. */
function listFeedback({ cycles, runs }: TaskFacts): readonly TakenFeedback[] {
  const verified = runs
    .filter((run) => run.type === "final-verification" && run.damaged === null && run.effective.open)
    .map(({ cycle }) => cycle);
  const settled = Math.max(0, ...verified);
  return cycles.filter(({ cycle }) => cycle > settled).flatMap(({ feedback }) => feedback);
}

function isPassed(facts: TaskFacts, runDir: string): boolean {
  return facts.runs.some((run) => run.runDir === runDir && run.effective.open);
}

/** Why plans of this cycle were rejected, as answers that the next plan is made with. */
function listRejections({ log, cycle }: TaskFacts): readonly Clarification[] {
  const rejected = eventsOfCycle(log.events, cycle.cycle).flatMap((event) => (event.type === "plan-rejected" ? [event] : []));
  return rejected.map(({ run, reason: text, by, at }, index) => ({
    id: `R${index + 1}`,
    question: `Why was the plan of run ${run} rejected?`,
    why: "The next plan must do better.",
    blocks: "none",
    raisedBy: [{ type: "implementation-planning", run, worker: "okstra" }],
    answer: { text, by, at },
  }));
}

/** Of the newest valid requirements-discovery of this cycle, else of the cycles before. */
function findCriteria(facts: TaskFacts): readonly Criterion[] {
  const runs = facts.runs.filter((run) => run.type === "requirements-discovery" && run.damaged === null && run.valid === true);
  const run = runs.findLast(({ cycle }) => cycle === facts.cycle.cycle) ?? runs.at(-1);
  const section = z.looseObject({ criteria: z.array(criterionSchema) }).safeParse(run?.report?.["requirementsDiscovery"]);
  return section.success ? section.data.criteria : [];
}

/** The causes that okstra saw reproduced in the newest error-analysis of this cycle. */
function findCauses(facts: TaskFacts): TaskContext["causes"] {
  const run = currentRuns(facts).findLast((each) => each.type === "error-analysis" && each.valid === true);
  const report = z.looseObject({ clusters: z.array(clusterSchema) }).safeParse(run?.report);
  if (!report.success) return [];
  return report.data.clusters
    .filter((cluster) => cluster.verification === "confirmed" && cluster.class !== "ungrounded")
    .map(({ claim, file, startLine, reproducedBy }) => ({ claim, file, startLine, command: reproducedBy[0] ?? null }));
}

/** The ledger of the newest run that ended, with the hash under which its file is known. A file of another hash is passed over. */
export async function loadLedger(
  app: App,
  facts: TaskFacts,
): Promise<{ readonly rows: readonly LedgerRow[]; readonly from: NonNullable<TaskContext["ledgerFrom"]> } | null> {
  for (const run of facts.runs.toReversed()) {
    const isOne = run.stage === "ended" && run.damaged === null && run.type !== "release-handoff";
    const found = isOne ? await loadLedgerOf(app, run) : null;
    if (found !== null) return found;
  }
  return null;
}

async function loadLedgerOf(app: App, run: RunFacts): ReturnType<typeof loadLedger> {
  const converged = run.events.findLast((event) => event.type === "run-converged");
  const text = await app.store.readText(`${run.runDir}/convergence.json`);
  if (converged?.type !== "run-converged" || text === null || app.sha256(text) !== converged.convergenceSha256) {
    app.emit({
      type: "ledger-damaged",
      level: "warning",
      text: `the convergence of ${run.type} run ${run.run} is not what the run wrote; its ledger is passed over`,
    });
    return null;
  }
  const parsed = z.looseObject({ ledger: ledgerSchema.optional() }).safeParse(parseJson(text));
  return {
    rows: parsed.success ? (parsed.data.ledger ?? []) : [],
    from: { type: run.type, run: run.run, convergenceSha256: converged.convergenceSha256 },
  };
}
