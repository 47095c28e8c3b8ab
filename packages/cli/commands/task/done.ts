import { parseDuration } from "@okstra/app/run/settings";
import { finishTask, type DoneAnswer } from "@okstra/app/task/done";
import { personOf } from "@okstra/app/task/person";
import { neutralise } from "@okstra/core/report/neutral-text";
import type { CliContext } from "../../command.ts";
import { resolveDirectory } from "../../directory.ts";

interface Flags {
  readonly base?: string;
  readonly remote?: string;
  readonly deadline?: string;
  readonly remove: boolean;
  readonly projectRoot?: string;
}

export async function run(context: CliContext, flags: Flags, task: string): Promise<void> {
  const deadlineMs = flags.deadline === undefined ? null : parseDuration(flags.deadline);
  const app = await context.openApp();
  const answer = await finishTask(app, {
    task,
    dir: resolveDirectory(app, flags.projectRoot),
    base: flags.base ?? null,
    remote: flags.remote ?? null,
    deadlineMs,
    remove: flags.remove,
    by: personOf(app),
    signal: context.interrupted,
  });
  context.ui.answer(answer, describeDone(answer).join("\n"));
}

const HOW: Readonly<Record<DoneAnswer["how"], string>> = {
  merged: "merged into",
  squashed: "squashed into one commit of",
  rebased: "rebased onto",
  "merged-by-forge": "merged, as the forge says, into",
};

function describeDone(answer: DoneAnswer): readonly string[] {
  const { how, base, baseCommit, commit, pullRequest, pullRequestState, cleanUp } = answer;
  const state = pullRequestState === null ? "" : ` (${pullRequestState})`;
  return [
    `done      ${answer.taskKey}: ${commit.slice(0, 12)} ${HOW[how]} ${neutralise(base)} at ${baseCommit.slice(0, 12)}${answer.alreadyDone ? ", as was found before" : ""}`,
    ...(pullRequest === null ? [] : [`pull      ${neutralise(pullRequest)}${state}`]),
    "released  its records and evidence stay",
    ...describeCleanUp(cleanUp),
  ];
}

const MAX_NAMES = 10;

function describeCleanUp(cleanUp: DoneAnswer["cleanUp"]): readonly string[] {
  const { path, branch, command, removed, restore } = cleanUp;
  if (removed) return [`removed   ${path} and the branch ${neutralise(branch)}`, ...(restore === null ? [] : [`restore   ${restore}`])];
  const list = (kind: string, names: readonly string[], count = names.length): readonly string[] =>
    count === 0
      ? []
      : [
          `          ${count} ${kind}: ${names
            .slice(0, MAX_NAMES)
            .map((name) => neutralise(name))
            .join(", ")}${count > MAX_NAMES ? ", …" : ""}`,
        ];
  return [
    `clean up  ${command ?? ""}`,
    `          removes ${path} and the branch ${neutralise(branch)}, and keeps aside what is only there`,
    ...list("changed", cleanUp.dirty),
    ...list("untracked", cleanUp.untracked),
    ...list("ignored", cleanUp.ignored),
    ...list(
      cleanUp.commitCount === 1 ? "commit that is on no other branch here" : "commits that are on no other branch here",
      cleanUp.commits,
      cleanUp.commitCount,
    ),
    ...list("unfinished", cleanUp.operations),
  ];
}
