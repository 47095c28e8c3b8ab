import type { PlanAnswer } from "@okstra/app/task/decide-plan";
import type { RunView, TaskDescription } from "@okstra/app/task/describe-task";
import type { GoAnswer } from "@okstra/app/task/go";
import type { Clarification } from "@okstra/core/domain/task-context";
import type { NextPhase } from "@okstra/core/machine/next-phase";
import { neutralise } from "@okstra/core/report/neutral-text";

const MAX_LEDGER_LINES = 20;

/** What is due, or what holds and the command that answers it. */
export function describeNext({ due, done, skipped, blocked, handedOff, merged }: NextPhase): readonly string[] {
  const lines = done
    ? [merged !== null ? describeMerged(merged) : handedOff === null ? "done      the work is verified" : describeHandedOff(handedOff)]
    : [];
  if (due !== null) lines.push(`next      ${due.type}: ${oneLine(due.why)}`, `run       ${due.command}`);
  if (blocked !== null)
    lines.push(
      `held      ${blocked.gate.type}.${blocked.gate.name} (${blocked.gate.kind}): ${oneLine(blocked.why)}`,
      `answer    ${blocked.command}`,
    );
  return [...lines, ...skipped.map(({ type, why }) => `skipped   ${type}: ${oneLine(why)}`)];
}

function describeMerged({ commit, how, base }: NonNullable<NextPhase["merged"]>): string {
  return `done      ${commit.slice(0, 12)} ${how} into ${oneLine(base)}`;
}

function describeHandedOff({ run, outcome, commit, pullRequest }: NonNullable<NextPhase["handedOff"]>): string {
  const place = pullRequest === null ? "" : `: ${oneLine(pullRequest)}`;
  return `done      hand-off run ${run}: ${outcome} at ${commit.slice(0, 12)}${place}; once it is merged: okstra task done`;
}

export function describeGo({ taskKey, state, runs, next, answerWith }: GoAnswer): string {
  return [
    ...runs.map(
      (run) =>
        `ran       ${run.type} run ${run.run}: ${run.verdict === "none" ? run.state : run.verdict}, gate ${run.gate?.open === true && run.valid === true ? "open" : `holds (${run.gate?.reasons.join(", ") ?? run.state})`}`,
    ),
    `${state.padEnd(9)} ${taskKey}`,
    ...describeNext(next),
    ...(answerWith !== null && answerWith !== next.blocked?.command ? [`answer    ${answerWith}`] : []),
  ].join("\n");
}

export function describePlan(answer: PlanAnswer, task: string): string {
  const { state, run, by, at, reason, planSha256, plan, gateOpen } = answer;
  return [
    `plan      run ${run}: ${state} by ${oneLine(by)} at ${at}${reason === null ? "" : `: ${oneLine(reason)}`}`,
    `hash      ${planSha256}`,
    `option    ${oneLine(`${plan.recommended}: ${plan.title}`)}`,
    ...plan.stages.map(({ id, title, steps, minutes }) =>
      oneLine(`  ${id}  ${title} (${steps} step${steps === 1 ? "" : "s"}, ${minutes} min)`),
    ),
    ...(state === "approved" && !gateOpen ? ["gate      still holds for another reason"] : []),
    `next      okstra next ${task}`,
  ].join("\n");
}

export function describeQuestions(rows: readonly Clarification[]): readonly string[] {
  if (rows.length === 0) return ["no questions"];
  return rows.flatMap(({ id, question, why, blocks, answer }) => [
    oneLine(`${id.padEnd(4)} [${blocks}] ${question}`),
    ...(why === "" ? [] : [oneLine(`     why: ${why}`)]),
    answer === null ? "     not answered" : oneLine(`     ${answer.by}: ${answer.text}`),
  ]);
}

function describeOlder(runs: TaskDescription["older"]): readonly string[] {
  if (runs.length === 0) return [];
  const names = runs.map(({ type, run }) => (run === 0 ? type : `${type} ${run}`)).join(", ");
  return [oneLine(`older     ${names}: files of an older okstra, which prove nothing here`)];
}

export function describeTaskCard(task: TaskDescription): string {
  const { plan } = task;
  const open = task.ledger.filter(({ state }) => state === "open" || state === "persistent" || state === "regressed");
  return [
    `task      ${task.taskKey} (${oneLine(task.category)})`,
    ...(task.from === null ? [] : [`from      ${oneLine(task.from.taskKey)} ${oneLine(task.from.finding)}`]),
    `worktree  ${task.worktree ?? "none yet"}${task.head === "" ? "" : ` @ ${task.head.slice(0, 12)}`}`,
    ...describeOlder(task.older),
    ...task.cycles.flatMap(({ cycle, reason, runs }) => [
      `cycle ${cycle}   ${reason === null ? "" : oneLine(reason)}`.trimEnd(),
      ...(runs.length === 0 ? ["  no runs"] : runs.map(describeRunLine)),
    ]),
    ...(plan === null
      ? []
      : [
          `plan      run ${plan.run}: ${plan.state}${plan.approval === null ? "" : ` by ${oneLine(plan.approval.by)}`}${plan.rejection === null ? "" : `: ${oneLine(plan.rejection.reason)}`}`,
        ]),
    ...(task.clarifications.length === 0 ? [] : ["questions", ...describeQuestions(task.clarifications).map((line) => `  ${line}`)]),
    ...(open.length === 0 ? [] : [`open      ${open.length} finding${open.length === 1 ? "" : "s"}`]),
    ...open
      .slice(0, MAX_LEDGER_LINES)
      .map(({ id, severity, state, claim, file, startLine }) =>
        oneLine(`  ${id} ${severity} ${state}${file === null ? "" : ` ${file}${startLine === null ? "" : `:${startLine}`}`} ${claim}`),
      ),
    ...(open.length > MAX_LEDGER_LINES ? [`  … ${open.length - MAX_LEDGER_LINES} more: okstra task show --json`] : []),
    ...describeNext(task.next),
  ].join("\n");
}

function describeRunLine({ type, run, state, verdict, commit, gate, damaged }: RunView): string {
  const told = [
    verdict === "none" ? state : verdict,
    ...(commit === "" ? [] : [commit.slice(0, 12)]),
    ...(gate === null ? [] : [describeGate(gate)]),
    ...(damaged === null ? [] : [`damaged: ${damaged}`]),
  ];
  return oneLine(`  ${type} ${run}: ${told.join(", ")}`);
}

/** An override is shown for ever after, whether it still counts or has run out. */
function describeGate({ passed, by, reasons, override }: NonNullable<RunView["gate"]>): string {
  if (override !== null) {
    const end = override.until === null ? "" : ` until ${override.until}`;
    return passed
      ? `gate PASSED (override)${end}: ${override.reason}`
      : `gate holds, PASSED (override)${end} no longer counts: ${override.reason}`;
  }
  if (passed) return by === "approval" ? "gate PASSED (approved)" : by === "answers" ? "gate PASSED (answered)" : "gate PASSED";
  return `gate holds (${reasons.join(", ")})`;
}

/** A text of others on one line of ours. */
function oneLine(text: string): string {
  return neutralise(text).replaceAll(/\s*\n\s*/g, " ");
}
