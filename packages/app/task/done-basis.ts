import { describeForge, type Forge } from "@okstra/core/domain/forge";
import type { HandoffPlan } from "@okstra/core/domain/handoff";
import { OkstraError } from "@okstra/core/errors";
import type { App } from "../app.ts";
import { fetchBranch, listRemoteBranches, orderCandidates } from "../handoff/inspect-branch.ts";
import { createForgeCaller } from "../handoff/lead-handoff.ts";
import { choicesOf, listLocalBranches } from "../handoff/make-plan.ts";
import { findPullRequests, type PullRequest } from "../handoff/pull-request.ts";
import { findRemote, maskUrl, type Remote } from "../handoff/remote.ts";
import type { CallSettings, Staging } from "../handoff/staging.ts";
import type { OpenProject } from "../project/open-project.ts";
import { loadPlan } from "../run/handoff-records.ts";
import type { TaskFacts } from "./load-task.ts";

/** What a person was last told about: commits that went out or stay, and where to they were meant to go. */
export interface HandedOffWork {
  readonly plan: HandoffPlan;
  /** Page of the pull request; null when okstra knows none. */
  readonly url: string | null;
}

/**
 * The newest hand-off whose commits went out or stay, by its sealed events and the plan that they name.
 * @throws OKSTRA_RUN_CORRUPT
 */
export async function loadHandedOff(app: App, facts: TaskFacts): Promise<HandedOffWork | null> {
  const done = facts.runs.flatMap((run) => {
    if (run.type !== "release-handoff" || run.stage !== "ended" || run.damaged !== null) return [];
    const settled = run.events.findLast((event) => event.type === "handoff-settled");
    const chosen = run.events.findLast((event) => event.type === "handoff-chosen");
    if (settled?.type !== "handoff-settled" || chosen?.type !== "handoff-chosen") return [];
    return settled.outcome === "handed-off" || settled.outcome === "committed" ? [{ run, planSha256: chosen.planSha256 }] : [];
  });
  const newest = done.at(-1);
  if (newest === undefined) return null;
  const { run, planSha256 } = newest;
  const plan = await loadPlan(app, run.runDir, planSha256);
  if (plan === null)
    throw new OkstraError("OKSTRA_RUN_CORRUPT", {
      message: `The plan of the hand-off run ${run.run} is not what was chosen.`,
      details: { runDir: run.runDir, planSha256 },
    });
  const urls = run.events.flatMap((event) => {
    if (event.type === "pull-request-opened") return [event.pullRequest.url];
    return event.type === "pull-request-asked" && event.found !== null ? [event.found.url] : [];
  });
  return { plan, url: urls.at(-1) ?? null };
}

/**
 * The remote that is asked. Nothing is pushed, so that where the repository would push to is all the same.
 * @throws OKSTRA_HANDOFF_CHANGED when the remote of the hand-off leads elsewhere by now and nobody named it
 */
export async function findAskedRemote(app: App, root: string, named: string | null, plan: HandoffPlan | null): Promise<Remote | null> {
  const remote = await findForFetch(app, root, named ?? (plan === null ? null : choicesOf(plan).remote));
  const then = plan?.remote ?? null;
  if (named !== null || then === null || (remote !== null && maskUrl(remote.url) === then.url)) return remote;
  throw new OkstraError("OKSTRA_HANDOFF_CHANGED", {
    message: `The work was handed off to ${then.url}, and ${remote === null ? "the repository has no remote any more" : `the remote ${remote.name} is ${maskUrl(remote.url)} now`}.`,
    hint: `If that is meant, name it: --remote ${remote?.name ?? then.name}`,
    details: { changed: ["remote.url"], handedOffTo: then.url, now: remote === null ? null : maskUrl(remote.url) },
  });
}

async function findForFetch(app: App, root: string, remote: string | null): Promise<Remote | null> {
  try {
    return await findRemote(app, root, { remote, pushUrl: null });
  } catch (error) {
    const pushUrls = error instanceof OkstraError && error.code === "OKSTRA_HANDOFF_URL_MISMATCH" ? error.details["pushUrls"] : null;
    const first: unknown = Array.isArray(pushUrls) ? pushUrls[0] : null;
    if (typeof first !== "string") throw error;
    return findRemote(app, root, { remote, pushUrl: first });
  }
}

/** The base branch as it is at the remote; without a remote, the local branch. */
export interface Base {
  readonly branch: string;
  readonly commit: string;
}

/** @throws OKSTRA_HANDOFF_BASE_NOT_FOUND with the branches that there are, OKSTRA_HANDOFF_REMOTE_FAILED */
export async function findBase(
  app: App,
  staging: Staging,
  { root, remote, branch, own }: { root: string; remote: Remote | null; branch: string | null; own: string },
): Promise<Base> {
  const branches = remote === null ? await listLocalBranches(app, root) : await listRemoteBranches(staging);
  const commit = branch === null || branch === own ? undefined : branches.get(branch);
  if (branch === null || commit === undefined) throw baseNotFound(branch, orderCandidates(branches.keys(), own));
  if (remote === null) return { branch, commit };
  await fetchBranch(staging, branch, "base");
  // It may have moved since the remote was asked for its branches.
  return { branch, commit: (await staging.git(["rev-parse", "--verify", "refs/okstra/base^{commit}"])).stdout.trim() };
}

function baseNotFound(branch: string | null, candidates: readonly string[]): OkstraError {
  const shown = candidates.length === 0 ? "none" : candidates.slice(0, 20).join(", ");
  return new OkstraError("OKSTRA_HANDOFF_BASE_NOT_FOUND", {
    message:
      branch === null
        ? `No hand-off says which branch the work went into; there are: ${shown}.`
        : `${JSON.stringify(branch.slice(0, 100))} is no branch that the work could be in; there are: ${shown}.`,
    hint: "Name it with --base.",
    details: { given: branch, candidates },
  });
}

/**
 * The pull request that the handed-off branch has, when its forge can be asked; what it says is shown, and a forge that
 * does not answer is only told of.
 */
export async function findMergeRequest(
  app: App,
  staging: Staging,
  options: {
    readonly opened: OpenProject;
    readonly remote: Remote | null;
    readonly work: HandedOffWork | null;
    readonly calls: CallSettings;
  },
): Promise<PullRequest | null> {
  const { work, remote, calls } = options;
  if (work === null || remote === null || work.plan.forge === null || work.plan.forge.program === null) return null;
  const forge = await findForge(app, options.opened, remote, work.plan);
  if (forge === null) return null;
  app.emit({ type: "forge-asked", text: `asking ${forge.host} for a pull request of ${work.plan.branch}` });
  try {
    const all = await findPullRequests(createForgeCaller(app, staging.path, calls), forge, { branch: work.plan.branch });
    return (
      all.find(({ url }) => url === work.url) ??
      all.find(({ head }) => head === work.plan.outgoing) ??
      all.find(({ state }) => state === "open") ??
      null
    );
  } catch (error) {
    if (!(error instanceof OkstraError) || error.code !== "OKSTRA_HANDOFF_FORGE_FAILED") throw error;
    app.emit({ type: "forge-failed", level: "warning", text: error.message });
    return null;
  }
}

async function findForge(
  app: App,
  { project }: OpenProject,
  remote: Remote,
  { forge: then, remote: planned }: HandoffPlan,
): Promise<Forge | null> {
  const home = await app.projects.loadHomeConfig();
  const forges = { ...home.forges, ...project.forges };
  const forge = describeForge(remote.url, forges) ?? describeForge(planned?.pushUrl ?? "", forges);
  return forge !== null && forge.host === then?.host && forge.project === then.project ? forge : null;
}
