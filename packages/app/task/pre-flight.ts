import { formatTaskKey, type TaskKey } from "@okstra/core/domain/task-key";
import type { Gate } from "@okstra/core/domain/run";
import type { TaskType } from "@okstra/core/domain/work";
import { OkstraError } from "@okstra/core/errors";
import type { App } from "../app.ts";
import { ensureRecords } from "../project/setup.ts";
import { currentRuns, findVerified, type TaskFacts } from "./load-task.ts";
import { decideNext } from "./next.ts";

/**
 * The gate before a phase starts: an implementation needs the approval of the plan where there is one; a release-handoff
 * needs a final verification that passed for the head commit; any other phase may come at any time. What was looked at
 * goes into the task's log, whether the gate is open or not; of a task that is not known yet there was nothing to look at.
 * @throws OKSTRA_GATE_HOLDS with the command that answers it
 */
export async function checkPreFlight(
  app: App,
  { root, key, type, facts }: { root: string; key: TaskKey; type: TaskType; facts: TaskFacts },
): Promise<Gate> {
  const { reasons, open, looked, message, hint } = decidePreFlight(facts, type);
  const gate = { name: "pre-flight", kind: "pre-flight" as const, open, reasons: [...reasons] };
  if (facts.known) {
    await ensureRecords(app, root);
    await facts.log.append([{ type: "gate-checked", gate, phase: type, looked }]);
  }
  if (open) return { ...gate, override: null };
  throw new OkstraError("OKSTRA_GATE_HOLDS", {
    message: `${formatTaskKey(key)}: ${message}.`,
    hint: `Answer it: ${hint}`,
    details: { taskKey: formatTaskKey(key), type, gate, command: hint, looked },
  });
}

interface PreFlight {
  readonly open: boolean;
  readonly reasons: readonly string[];
  readonly looked: Readonly<Record<string, unknown>>;
  readonly message: string;
  readonly hint: string;
}

function decidePreFlight(facts: TaskFacts, type: TaskType): PreFlight {
  const { cycle, head } = facts;
  const answers = Object.fromEntries(facts.clarifications.map(({ id, answer }) => [id, answer === null ? null : answer.at]));
  const seen = { cycle: cycle.cycle, head, answers };
  if (type === "implementation") return checkPlan(facts, seen);
  if (type === "release-handoff") return checkVerified(facts, seen);
  return { open: true, reasons: ["nothing-held"], looked: seen, message: "", hint: "" };
}

function checkPlan(facts: TaskFacts, seen: PreFlight["looked"]): PreFlight {
  const task = `${facts.key.group}/${facts.key.task}`;
  // A run whose files are not what okstra wrote is no plan, and neither is it none.
  const newest = facts.runs.findLast(
    (run) => run.type === "implementation-planning" && run.cycle === facts.cycle.cycle && run.stage !== "cancelled",
  );
  if (newest === undefined) return { open: true, reasons: ["without-plan"], looked: { ...seen, plan: null }, message: "", hint: "" };
  const plan = facts.plan?.runDir === newest.runDir ? facts.plan : null;
  const looked = {
    ...seen,
    plan: {
      run: newest.run,
      runId: newest.runId,
      planSha256: plan?.planSha256 ?? null,
      state: plan?.state ?? null,
      approval: plan?.approval ?? null,
    },
  };
  if (newest.effective.open && plan !== null && plan.approval !== null)
    return { open: true, reasons: ["plan-approved"], looked, message: "", hint: "" };
  const held = { open: false, looked };
  if (newest.damaged !== null || (newest.stage === "ended" && (plan === null || newest.valid !== true)))
    return {
      ...held,
      reasons: ["no-plan"],
      message: `planning run ${newest.run} has no plan that could be carried out${newest.damaged === null ? "" : ` (${newest.damaged})`}`,
      hint: `okstra run ${task} --task-type implementation-planning`,
    };
  if (plan === null)
    return {
      ...held,
      reasons: ["no-plan"],
      message: `planning run ${newest.run} has not ended`,
      hint: `okstra resume ${task} --task-type implementation-planning`,
    };
  if (plan.state === "rejected")
    return {
      ...held,
      reasons: ["plan-rejected"],
      message: `the plan of run ${plan.run} was rejected: ${plan.rejection?.reason ?? ""}`,
      hint: `okstra run ${task} --task-type implementation-planning`,
    };
  if (plan.approval === null)
    return {
      ...held,
      reasons: ["plan-not-approved"],
      message:
        plan.state === "stale"
          ? `the plan changed since one was approved, and that of run ${plan.run} is not`
          : `the plan of run ${plan.run} is not approved`,
      hint: `okstra approve ${task}`,
    };
  return {
    ...held,
    reasons: newest.gate?.reasons ?? ["earlier-gate-holds"],
    message: `the gate of planning run ${newest.run} holds: ${newest.gate?.reasons.join(", ") ?? ""}`,
    hint: decideNext(facts).blocked?.command ?? `okstra next ${task}`,
  };
}

function checkVerified(facts: TaskFacts, seen: PreFlight["looked"]): PreFlight {
  const task = `${facts.key.group}/${facts.key.task}`;
  const newest = currentRuns(facts).findLast((run) => run.type === "final-verification" && run.stage === "ended");
  const looked = {
    ...seen,
    finalVerification:
      newest === undefined
        ? null
        : { run: newest.run, runId: newest.runId, commit: newest.commit, verdict: newest.verdict, open: newest.effective.open },
  };
  if (findVerified(facts) !== null) return { open: true, reasons: ["all-clear"], looked, message: "", hint: "" };
  const { due, blocked } = decideNext(facts);
  return {
    open: false,
    reasons: ["earlier-gate-holds"],
    looked,
    message:
      newest === undefined
        ? "nothing was finally verified"
        : newest.commit === facts.head
          ? `the gate of final-verification run ${newest.run} holds`
          : `final-verification run ${newest.run} judged ${newest.commit.slice(0, 12)}, and the head is ${facts.head.slice(0, 12)}`,
    hint: blocked?.command ?? due?.command ?? `okstra run ${task} --task-type final-verification`,
  };
}
