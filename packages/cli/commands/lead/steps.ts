import { resolve } from "node:path";
import type { App } from "@okstra/app/app";
import {
  collectLane,
  convergeStep,
  dispatchLanes,
  failLane,
  finishStep,
  loadDue,
  type LeadAnswer,
  type LeadRequest,
} from "@okstra/app/lead/lead-steps";
import { requireTaskType } from "@okstra/core/domain/work";
import type { CliContext } from "../../command.ts";
import { resolveDirectory } from "../../directory.ts";
import { answerLead, describeLead } from "./show-lead.ts";

interface Flags {
  readonly taskType?: string;
  readonly projectRoot?: string;
}

/** A step that was taken is no failure, whatever is due after it. */
async function step(
  context: CliContext,
  flags: Flags,
  task: string,
  take: (app: App, request: LeadRequest) => Promise<LeadAnswer>,
): Promise<LeadAnswer> {
  const taskType = flags.taskType === undefined ? null : requireTaskType(flags.taskType);
  const app = await context.openApp();
  const answer = await take(app, { task, dir: resolveDirectory(app, flags.projectRoot), taskType });
  context.ui.answer(answer, await describeLead(app, answer));
  return answer;
}

export async function next(context: CliContext, flags: Flags, task: string): Promise<void> {
  await step(context, flags, task, loadDue);
}

export async function dispatch(context: CliContext, flags: Flags, task: string, ...lanes: readonly string[]): Promise<void> {
  await step(context, flags, task, (app, request) => dispatchLanes(app, { ...request, lanes }, context.interrupted));
}

export async function collect(context: CliContext, flags: Flags & { readonly result?: string }, task: string, lane: string): Promise<void> {
  await step(context, flags, task, (app, request) => {
    const result = flags.result === undefined ? null : resolve(app.surroundings.cwd, flags.result);
    return collectLane(app, { ...request, lane, result }, context.interrupted);
  });
}

export async function fail(context: CliContext, flags: Flags & { readonly reason: string }, task: string, lane: string): Promise<void> {
  await step(context, flags, task, (app, request) => failLane(app, { ...request, lane, reason: flags.reason }, context.interrupted));
}

export async function converge(context: CliContext, flags: Flags, task: string): Promise<void> {
  await step(context, flags, task, (app, request) => convergeStep(app, request, context.interrupted));
}

/** The one step whose answer is the run's. */
export async function finish(context: CliContext, flags: Flags, task: string): Promise<number> {
  const taskType = flags.taskType === undefined ? null : requireTaskType(flags.taskType);
  const app = await context.openApp();
  const request = { task, dir: resolveDirectory(app, flags.projectRoot), taskType };
  return answerLead(context, app, await finishStep(app, request, context.interrupted));
}
