import { Liquid } from "liquidjs";
import * as z from "zod";
import type { RosterEntry, RunManifest } from "@okstra/core/domain/run";
import type { Criterion, Plan } from "@okstra/core/domain/task-context";
import type { ProfileVariables } from "@okstra/core/phases/phase";

const liquid = new Liquid({ strictVariables: true, strictFilters: true });

/** What a prompt says beside what the run's manifest says. */
export interface PromptOptions {
  readonly entry: Pick<RosterEntry, "worker" | "deadlineMs">;
  /** How the result is delivered: written to a file, or given to okstra's MCP server. */
  readonly answerBy: "file" | "door";
  readonly nonce: string;
  readonly commit: string;
  readonly resultSchema: z.ZodType;
  readonly round?: number;
  readonly openItems?: ProfileVariables["openItems"];
  readonly items?: ProfileVariables["items"];
  readonly pairs?: ProfileVariables["pairs"];
  readonly facts?: string;
}

/** What one worker is asked. A template that names an unknown variable does not render. */
export async function renderPrompt(template: string, manifest: RunManifest, options: PromptOptions): Promise<string> {
  const { context } = manifest;
  const variables: ProfileVariables = {
    taskKey: manifest.taskKey,
    phase: manifest.type,
    worker: options.entry.worker,
    worktree: manifest.provision.path,
    headCommit: options.commit,
    baseCommit: manifest.baseCommit ?? "",
    brief: manifest.brief ?? "",
    nonce: options.nonce,
    answerBy: options.answerBy,
    deadlineMinutes: Math.max(1, Math.round(options.entry.deadlineMs / 60_000)),
    resultSchema: JSON.stringify(z.toJSONSchema(options.resultSchema, { io: "input" })),
    round: options.round ?? 1,
    answers: context.clarifications.flatMap(({ id, question, answer }) => (answer === null ? [] : [{ id, question, answer: answer.text }])),
    criteria: context.criteria.map(describeCriterion),
    causes: context.causes.map(({ claim, command, ...place }) => ({ claim, place: describePlace(place), command: command ?? "" })),
    plan: context.plan === null ? "" : describePlan(context.plan),
    openItems:
      options.openItems ??
      context.openFindings.map(({ id, severity, claim, ...place }) => ({ id, severity, claim, place: describePlace(place) })),
    items: options.items ?? [],
    pairs: options.pairs ?? [],
    facts: options.facts ?? "",
  };
  return String(await liquid.parseAndRender(template, variables));
}

function describeCriterion({ id, text, check }: Criterion): ProfileVariables["criteria"][number] {
  return { id, text, how: check.how, command: check.command ?? "" };
}

/** `src/a.ts:12`, or empty without a place. */
export function describePlace({ file, startLine }: { readonly file: string | null; readonly startLine: number | null }): string {
  return file === null ? "" : startLine === null ? file : `${file}:${startLine}`;
}

/** The plan for an executor and its verifiers, one line a step. */
function describePlan({ options, recommended, stages }: Plan): string {
  const option = options.find(({ id }) => id === recommended);
  return [
    `Option ${recommended}: ${option?.title ?? ""}`,
    ...stages.flatMap((stage) => [
      `- Stage ${stage.id}: ${stage.title}${stage.dependsOn.length > 0 ? ` (after ${stage.dependsOn.join(", ")})` : ""}`,
      ...stage.steps.map((step) => `  - ${step.id} (${step.minutes} min): ${step.text} [${step.files.join(", ")}]`),
      `  - validation: ${stage.validation.join("; ")}`,
      `  - rollback: ${stage.rollback}`,
    ]),
  ].join("\n");
}
