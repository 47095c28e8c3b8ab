import { formatTaskKey } from "@okstra/core/domain/task-key";
import type { Provision } from "@okstra/core/domain/run";
import { EMPTY_CONTEXT } from "@okstra/core/domain/task-context";
import { OkstraError } from "@okstra/core/errors";
import type { RepositoryLocation } from "@okstra/core/git-port";
import { requirePhase } from "@okstra/core/phases/index";
import type { CancelSignal } from "@okstra/core/ports";
import type { App } from "../app.ts";
import { loadDisposable } from "../project/tree-settings.ts";
import { openProject } from "../project/open-project.ts";
import { openCheckout } from "../scratch/open-scratch.ts";
import { leadRun } from "./lead.ts";
import { isOwnRecord, verifyKey, writeRun } from "./prepare-run.ts";
import { takeRunLock } from "./run-lock.ts";
import { answerOf, type RunAnswer } from "./run-task.ts";
import { resolveSettings, type SettingsFlags } from "./settings.ts";

export interface VerifyRequest extends SettingsFlags {
  readonly dir: string;
  /** Only failures that this revision does not have block; null: any firm failure blocks. */
  readonly base: string | null;
  /** What is judged; null: HEAD. */
  readonly head: string | null;
}

/**
 * Final verification of the branch one is on, without a task. It works in the person's own checkout when that is
 * the very commit and clean, so that installed dependencies are there; else in a throw-away checkout.
 * @throws OKSTRA_REPOSITORY_NOT_FOUND, OKSTRA_REPOSITORY_EMPTY, OKSTRA_BASE_REF_NOT_FOUND
 */
export async function verifyBranch(app: App, request: VerifyRequest, signal: CancelSignal): Promise<RunAnswer> {
  const phase = requirePhase("final-verification");
  const opened = await openProject(app, request.dir, { allowNew: true });
  const { location } = opened;
  if (location === null)
    throw new OkstraError("OKSTRA_REPOSITORY_NOT_FOUND", {
      message: `${request.dir} is in no git repository.`,
      details: { path: request.dir },
    });
  if (location.head === null)
    throw new OkstraError("OKSTRA_REPOSITORY_EMPTY", {
      message: `${location.topLevel} has no commit yet.`,
      details: { root: location.topLevel },
    });
  const settings = await resolveSettings(app, opened.root, opened.project, await app.projects.loadHomeConfig(), phase, request);
  const commits = await resolveRange(app, location, request);
  const branch = await branchName(app, location, commits.head);
  const key = verifyKey(app, opened.project.projectId, branch);
  const lease = await takeRunLock(app, opened.root, formatTaskKey(key), "a verification");
  try {
    const safe = await app.git.safeConfig(location);
    const inPlace =
      commits.head === location.head && (await app.git.status(location.topLevel, { safe })).every((entry) => isOwnRecord(entry.path));
    const installed = { tree: location.topLevel, names: await loadDisposable(app, opened.project) };
    const checkout = inPlace
      ? null
      : await openCheckout(app, { name: "verify", repository: location.commonDir, commit: commits.head, safe, installed });
    try {
      const place: Provision = {
        status: "skipped-in-worktree",
        path: checkout?.path ?? location.topLevel,
        branch,
        baseRef: commits.base ?? "",
        taskKey: formatTaskKey(key),
        note: inPlace
          ? "your own checkout, which is clean and at this commit"
          : `a throw-away checkout of ${commits.head.slice(0, 12)}, because ${commits.head === location.head ? "your own has uncommitted changes" : "your own is at another commit"}`,
      };
      const run = await writeRun(app, {
        opened,
        key,
        phase,
        provision: place,
        commit: commits.head,
        baseCommit: commits.base,
        onlyNewBlocks: commits.base !== null,
        inPlace,
        sourceRoot: location.topLevel,
        brief: null,
        settings,
        context: EMPTY_CONTEXT,
      });
      await leadRun(app, run, signal);
      return await answerOf(app, run);
    } catch (error) {
      throw checkout === null ? error : withWayToTrust(error, checkout.path, commits.head);
    } finally {
      await checkout?.close();
    }
  } finally {
    await lease.release();
  }
}

/** A throw-away checkout is gone when a person wants to look: what is asked about is named by its commit. */
function withWayToTrust(error: unknown, checkout: string, commit: string): unknown {
  if (!(error instanceof OkstraError) || error.code !== "OKSTRA_PREPARE_UNTRUSTED_SETTINGS") return error;
  const name = commit.slice(0, 12);
  return new OkstraError(error.code, {
    message: error.message.replace(checkout, `Commit ${name}`),
    hint: `Look at them (git show ${name}:<path>), then approve them in a clean checkout of it: git worktree add --detach <dir> ${name} && okstra trust --project-root <dir>`,
    details: { ...error.details, tree: null, commit },
    cause: error,
  });
}

/** With a base the comparison is with the point where the branch left it: what the base gained since is not the branch's. */
async function resolveRange(
  app: App,
  location: RepositoryLocation,
  request: VerifyRequest,
): Promise<{ head: string; base: string | null }> {
  const wanted = [request.head ?? "HEAD", ...(request.base === null ? [] : [request.base])];
  const [head, base] = await app.git.resolveCommits(location.topLevel, wanted);
  for (const [index, commit] of [head, base].entries()) {
    if (commit === null)
      throw new OkstraError("OKSTRA_BASE_REF_NOT_FOUND", {
        message: `${wanted[index] ?? ""} is no commit of ${location.topLevel}.`,
        details: { ref: wanted[index] },
      });
  }
  if (head === undefined || head === null)
    throw new OkstraError("OKSTRA_REPOSITORY_EMPTY", { message: `${location.topLevel} has no commit yet.` });
  if (base === undefined || base === null) return { head, base: null };
  const answer = await app.git.run(location.topLevel, ["merge-base", "--end-of-options", base, head], { okExitCodes: [0, 1] });
  return { head, base: answer.exitCode === 0 ? answer.stdout.trim() : base };
}

async function branchName(app: App, location: RepositoryLocation, head: string): Promise<string> {
  const answer = await app.git.run(location.topLevel, ["symbolic-ref", "--quiet", "--short", "HEAD"], { okExitCodes: [0, 1] });
  return answer.exitCode === 0 && head === location.head ? answer.stdout.trim() : head.slice(0, 12);
}
