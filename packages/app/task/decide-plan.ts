import { OkstraError } from "@okstra/core/errors";
import type { App } from "../app.ts";
import { validateRun } from "../validate/validate-run.ts";
import { loadTask, requireKnown, type PlanFacts, type TaskFacts } from "./load-task.ts";
import { changeTask, type TaskRequest } from "./open-task.ts";

/** What `okstra approve` and `okstra reject` answer. */
export interface PlanAnswer {
  readonly taskKey: string;
  readonly run: number;
  readonly runDir: string;
  readonly planSha256: string;
  readonly state: PlanFacts["state"];
  readonly by: string;
  readonly at: string;
  readonly reason: string | null;
  /** What was decided about, in short. */
  readonly plan: {
    readonly recommended: string;
    readonly title: string;
    readonly stages: readonly { readonly id: string; readonly title: string; readonly steps: number; readonly minutes: number }[];
  };
  /** The planning run's gate now. */
  readonly gateOpen: boolean;
}

/** The plan that a person looked at. */
export interface SeenPlan {
  readonly run: number;
  readonly planSha256: string;
}

interface Decision extends TaskRequest {
  readonly run: number | null;
  readonly by: string;
  /** The newest plan must still be this one. */
  readonly expected?: SeenPlan;
}

/**
 * A person approves the newest plan, and this plan only: the approval names its hash. What is approved already is
 * answered as it was.
 * @throws OKSTRA_PLAN_NOT_FOUND, OKSTRA_PLAN_SUPERSEDED, OKSTRA_DASHBOARD_CHANGED, OKSTRA_VALIDATION_FAILED, OKSTRA_TASK_BUSY
 */
export async function approvePlan(app: App, request: Decision): Promise<PlanAnswer> {
  return changeTask(app, request, "an approval", async (facts) => {
    const plan = requirePlan(requireKnown(facts), request);
    const validation = await validateRun(app, plan.runDir);
    if (!validation.ok)
      throw new OkstraError("OKSTRA_VALIDATION_FAILED", {
        message: `Planning run ${plan.run} of ${facts.taskKey} did not pass the validator: ${validation.broken[0]?.message ?? ""}.`,
        hint: `Look at it: okstra validate ${plan.runDir}; then plan again.`,
        details: { runDir: plan.runDir, broken: validation.broken },
      });
    if (plan.state !== "approved")
      await facts.log.append([{ type: "plan-approved", run: plan.run, planSha256: plan.planSha256, by: request.by }]);
    return answerOf(await loadTask(app, facts), plan);
  });
}

/** A person rejects the newest plan; planning is due again, and is told why. @throws as {@link approvePlan}, but nothing is validated */
export async function rejectPlan(app: App, request: Decision & { readonly reason: string }): Promise<PlanAnswer> {
  return changeTask(app, request, "a rejection", async (facts) => {
    const plan = requirePlan(requireKnown(facts), request);
    await facts.log.append([{ type: "plan-rejected", run: plan.run, planSha256: plan.planSha256, by: request.by, reason: request.reason }]);
    return answerOf(await loadTask(app, facts), plan);
  });
}

function requirePlan({ plan, taskKey, key, runs, cycle }: TaskFacts, { run, expected }: Pick<Decision, "run" | "expected">): PlanFacts {
  const task = `${key.group}/${key.task}`;
  if (expected !== undefined && (plan?.run !== expected.run || plan.planSha256 !== expected.planSha256))
    throw new OkstraError("OKSTRA_DASHBOARD_CHANGED", {
      message: `The newest plan of ${taskKey} is ${plan === null ? "gone" : `that of run ${plan.run}, ${plan.planSha256.slice(0, 12)}`}, not the one of run ${expected.run} that was looked at.`,
      details: { taskKey, expected, run: plan?.run ?? null, planSha256: plan?.planSha256 ?? null },
    });
  const newest = runs.findLast((each) => each.type === "implementation-planning" && each.cycle === cycle.cycle);
  if (plan === null)
    throw new OkstraError("OKSTRA_PLAN_NOT_FOUND", {
      message: `${taskKey} has no plan that a person could decide about${newest === undefined || newest.damaged === null ? "" : `: planning run ${newest.run} is damaged, ${newest.damaged}`}.`,
      hint: `Make one: okstra run ${task} --task-type implementation-planning`,
      details: { taskKey },
    });
  if (run === null || run === plan.run) return plan;
  throw new OkstraError("OKSTRA_PLAN_SUPERSEDED", {
    message: `The newest plan of ${taskKey} is that of run ${plan.run}, not of run ${run}.`,
    hint: `Look at it: okstra report ${task} --task-type implementation-planning`,
    details: { taskKey, run, newest: plan.run },
  });
}

function answerOf(facts: TaskFacts, decided: PlanFacts): PlanAnswer {
  const plan = facts.plan ?? decided;
  const { recommended, options, stages } = plan.plan;
  return {
    taskKey: facts.taskKey,
    run: plan.run,
    runDir: plan.runDir,
    planSha256: plan.planSha256,
    state: plan.state,
    by: plan.rejection?.by ?? plan.approval?.by ?? "",
    at: plan.rejection?.at ?? plan.approval?.at ?? "",
    reason: plan.rejection?.reason ?? null,
    plan: {
      recommended,
      title: options.find(({ id }) => id === recommended)?.title ?? "",
      stages: stages.map(({ id, title, steps }) => ({
        id,
        title,
        steps: steps.length,
        minutes: steps.reduce((sum, { minutes }) => sum + minutes, 0),
      })),
    },
    gateOpen: facts.runs.some((run) => run.runDir === plan.runDir && run.effective.open),
  };
}
