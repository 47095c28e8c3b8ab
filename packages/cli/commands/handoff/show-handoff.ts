import type { HandoffOutcomeAnswer, PlanAnswer } from "@okstra/app/handoff/handoff";
import type { HandoffPlan } from "@okstra/core/domain/handoff";
import { neutralise, neutraliseBlock } from "@okstra/core/report/neutral-text";

const MAX_COMMITS = 20;
const MAX_FILES = 20;

export function describePlan({ hash, plan, runDir, approveWith }: PlanAnswer): string {
  return [...describePreview(plan), "", `hash      ${hash}`, `run       ${runDir}`, `approve   ${approveWith}`].join("\n");
}

const ACTIONS = { commit: "keep the commits here, push nothing", pr: "push, and open a pull request", skip: "hand nothing off" } as const;

/** All that a person chooses with the last answer. */
export function describePreview(plan: HandoffPlan): readonly string[] {
  const lines = [
    `task      ${plan.taskKey}`,
    `action    ${plan.action}: ${ACTIONS[plan.action]}`,
    `verified  final-verification run ${plan.source.run}: ${plan.source.verdict}${plan.source.override === null ? "" : `, overridden by ${one(plan.source.override.by)}: ${one(plan.source.override.reason)}`}`,
    `branch    ${one(plan.branch)} at ${plan.head.slice(0, 12)}`,
  ];
  if (plan.base !== null)
    lines.push(
      `base      ${one(plan.base.branch)} at ${plan.base.commit.slice(0, 12)} (${plan.base.from}): ${plan.base.ahead} ahead, ${plan.base.behind} behind, merges`,
    );
  if (plan.action === "pr" && plan.remote !== null)
    lines.push(
      `push      ${one(plan.ref)} to ${one(plan.remote.pushUrl)}${plan.remote.pushUrl === plan.remote.url ? "" : ` (the remote ${one(plan.remote.name)} is ${one(plan.remote.url)})`}`,
    );
  if (plan.action === "pr") lines.push(`request   ${describeForge(plan)}`);
  if (plan.action !== "skip") {
    const squashed = plan.commits === "squash" ? `, squashed into ${plan.outgoing.slice(0, 12)}` : "";
    lines.push(
      `commits   ${plan.base?.ahead ?? plan.list.length}${squashed}`,
      ...plan.list.slice(0, MAX_COMMITS).map(({ sha, subject }) => `  ${sha.slice(0, 12)} ${one(subject)}`),
    );
    if (plan.list.length > MAX_COMMITS) lines.push(`  … ${plan.list.length - MAX_COMMITS} more`);
    const { files, insertions, deletions, rows } = plan.diffstat;
    lines.push(`changes   ${files} file${files === 1 ? "" : "s"}, +${insertions} -${deletions}`);
    lines.push(...rows.slice(0, MAX_FILES).map((row) => `  +${row.insertions ?? "bin"} -${row.deletions ?? "bin"}  ${one(row.path)}`));
    if (rows.length > MAX_FILES) lines.push(`  … ${rows.length - MAX_FILES} more`);
    lines.push(
      `secrets   none in ${plan.secrets.scanned} texts${plan.secrets.accepted.length === 0 ? "" : `, but for ${plan.secrets.accepted.join(", ")}, which a person accepted`}`,
    );
  }
  lines.push(...plan.notes.map((note) => `note      ${one(note)}`));
  if (plan.action !== "skip")
    lines.push(
      `title     ${one(plan.title)}`,
      "body",
      ...neutraliseBlock(plan.body)
        .split("\n")
        .map((line) => `  ${line}`),
    );
  return lines;
}

function describeForge({ forge }: HandoffPlan): string {
  if (forge === null) return "none: the remote is of no forge that okstra knows";
  const way = forge.program === null ? `by hand, its program is not on PATH: ${forge.compareUrl}` : `through ${forge.program}`;
  return `${one(forge.project)} at ${one(forge.host)}, ${way}`;
}

function one(text: string): string {
  return neutralise(text).replaceAll(/\s*\n\s*/g, " ");
}

export function describeOutcome(answer: HandoffOutcomeAnswer): string {
  const { handoff } = answer;
  if (handoff === null) return `${answer.state}  ${answer.taskKey}\nrun       ${answer.runDir}`;
  const { pullRequest, push, moved, outgoing, routing } = handoff;
  const request =
    pullRequest.kind === "none"
      ? `not created: ${(pullRequest.reason ?? "").replaceAll("-", " ")}${pullRequest.compareUrl === null ? "" : `; open it here: ${pullRequest.compareUrl}`}`
      : `${pullRequest.kind === "opened" ? "opened" : "was there already"}: ${pullRequest.url ?? ""}`;
  return [
    `outcome   ${handoff.outcome.toUpperCase()}${outgoing === null ? "" : ` @ ${outgoing.slice(0, 12)}`}`,
    ...(push === null ? [] : [`push      ${push.end}: ${one(push.ref)}${push.reason === null ? "" : `: ${one(push.reason)}`}`]),
    ...(handoff.outcome === "handed-off" ? [`request   ${one(request)}`] : []),
    ...(moved === null
      ? []
      : [`branch    moved from ${moved.from.slice(0, 12)} to ${moved.to.slice(0, 12)}; before: ${moved.recoveryRef}`]),
    `gate      ${answer.gate?.open === true && answer.valid === true ? "open" : "holds"}: ${answer.gate?.reasons.join(", ") ?? ""}`,
    ...(routing.command === null ? [] : [`next      ${routing.command}`]),
    `report    ${answer.runDir}/report.html`,
  ].join("\n");
}
