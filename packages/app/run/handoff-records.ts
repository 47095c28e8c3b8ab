import { handoffPlanSchema, type HandoffPlan } from "@okstra/core/domain/handoff";
import { canonicalJson } from "@okstra/core/domain/task-context";
import type { RunEvent } from "@okstra/core/events";
import type { HandoffRecord } from "@okstra/core/phases/release-handoff/section";
import type { App } from "../app.ts";
import type { PreparedRun } from "./begin-run.ts";

/** Where a plan stands, under the name of its hash. */
export function planPath(runDir: string, planSha256: string): string {
  return `${runDir}/plans/${planSha256}.json`;
}

/** A plan whose file is what its name says; null for any other. */
export async function loadPlan(app: App, runDir: string, planSha256: string): Promise<HandoffPlan | null> {
  const text = await app.store.readText(planPath(runDir, planSha256));
  if (text === null) return null;
  try {
    const plan = handoffPlanSchema.parse(JSON.parse(text));
    return app.sha256(canonicalJson(plan)) === planSha256 ? plan : null;
  } catch {
    return null;
  }
}

/** What the report of a hand-off is built from; null for a run of any other type. */
export async function loadHandoffRecord(
  app: App,
  { manifest, runDir, log }: Pick<PreparedRun, "manifest" | "runDir" | "log">,
): Promise<HandoffRecord | null> {
  const { handoff: state } = log.state;
  if (state === null || manifest.handoff === null) return null;
  const planSha256 = state.chosen?.planSha256 ?? Object.keys(state.plans).at(-1) ?? null;
  const chosenAt = log.events.findLast((event) => event.type === "handoff-chosen")?.at ?? null;
  return {
    state,
    basis: manifest.handoff,
    plan: planSha256 === null ? null : await loadPlan(app, runDir, planSha256),
    planSha256,
    answers: answersFor(log.events, state.chosen === null ? null : planSha256),
    chosenAt: state.chosen === null ? null : chosenAt,
    calls: listCalls(log.events, chosenAt),
  };
}

/** The last answer to each question that was given before a plan was made, or before the end. */
function answersFor(events: readonly RunEvent[], planSha256: string | null): HandoffRecord["answers"] {
  const planned =
    planSha256 === null ? -1 : events.findLastIndex((event) => event.type === "handoff-planned" && event.planSha256 === planSha256);
  const before =
    planned < 0
      ? events
      : events.filter((event, index) => index < planned || event.type !== "handoff-answered" || isAfterPlan(events, index, planned));
  const given = before.flatMap((event) =>
    event.type === "handoff-answered" ? [{ question: event.question, text: event.text, how: event.how, by: event.by, at: event.at }] : [],
  );
  return (["H1", "H2", "H3"] as const).flatMap((question) => given.findLast((answer) => answer.question === question) ?? []);
}

/** At a terminal the last question comes after the plan was shown; answers of plans that were made later are not this one's. */
function isAfterPlan(events: readonly RunEvent[], index: number, planned: number): boolean {
  const event = events[index];
  const next = events.findIndex((each, at) => at > planned && each.type === "handoff-planned");
  return event?.type === "handoff-answered" && event.question === "H3" && event.how === "terminal" && (next < 0 || index < next);
}

/** The argv log since the choice. */
function listCalls(events: readonly RunEvent[], chosenAt: string | null): HandoffRecord["calls"] {
  if (chosenAt === null) return [];
  return events.flatMap((event) =>
    event.type === "handoff-called"
      ? [{ argv: event.argv, exitCode: event.exitCode, ended: event.ended, startedAt: event.startedAt, durationMs: event.durationMs }]
      : [],
  );
}
