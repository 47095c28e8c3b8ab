import type { App } from "@okstra/app/app";
import { followHandoff, type FollowAnswer } from "@okstra/app/handoff/follow";
import type { HandoffRequest } from "@okstra/app/handoff/handoff";
import { personOf } from "@okstra/app/task/person";
import { neutralise } from "@okstra/core/report/neutral-text";
import type { CliContext } from "../../command.ts";
import { describeNext } from "../task/show-task.ts";

export async function follow(context: CliContext, app: App, request: HandoffRequest): Promise<number> {
  personOf(app);
  const answer = await followHandoff(app, request);
  context.ui.answer(answer, describe(answer, request.task));
  return 0;
}

function describe({ pullRequest, taken, known, cycle, next }: FollowAnswer, task: string): string {
  const lines = [`request   ${pullRequest.number} (${pullRequest.state}): ${neutralise(pullRequest.url)}`];
  if (pullRequest.state === "merged") return [...lines, `next      okstra task done ${task}`].join("\n");
  if (pullRequest.state === "closed") return [...lines, "closed    nothing is taken up of it"].join("\n");
  if (cycle === null) return [...lines, `nothing   new; ${known} taken up before`].join("\n");
  return [
    ...lines,
    `cycle     ${cycle} begins with ${taken.length} finding${taken.length === 1 ? "" : "s"}`,
    ...taken.map(({ id, severity, claim, file, startLine }) => {
      const place = file === null ? "" : ` ${file}${startLine === null ? "" : `:${startLine}`}`;
      return neutralise(`  ${id} ${severity}${place} ${claim}`).slice(0, 200);
    }),
    ...describeNext(next),
  ].join("\n");
}
