import { describeForge } from "@okstra/core/domain/forge";
import type { HandoffPlan } from "@okstra/core/domain/handoff";
import { OkstraError } from "@okstra/core/errors";
import type { HandoffEffect } from "@okstra/core/machine/handoff-machine";
import type { Effect } from "@okstra/core/machine/run-machine";
import { decideHandoff } from "@okstra/core/phases/release-handoff/section";
import type { CancelSignal } from "@okstra/core/ports";
import type { App } from "../app.ts";
import type { PreparedRun } from "../run/begin-run.ts";
import { loadPlan } from "../run/handoff-records.ts";
import { endRun, validateOwn } from "../run/lead.ts";
import { writeReport } from "../run/write-report.ts";
import { sweepScratch } from "../scratch/open-scratch.ts";
import { choicesOf } from "./make-plan.ts";
import { findPullRequests, openPullRequest, type PullRequest } from "./pull-request.ts";
import type { CallForge } from "./pull-request-call.ts";
import { findRemote } from "./remote.ts";
import { describeFailure, openStaging, STAGED_REMOTE, type CallSettings, type Staging } from "./staging.ts";

interface Leading {
  readonly app: App;
  readonly run: PreparedRun;
  readonly plan: HandoffPlan;
  readonly repository: string;
  readonly forges: Readonly<Record<string, "github" | "gitlab">>;
  readonly calls: CallSettings;
  /** Null for a choice that touches no remote and makes no commit. */
  readonly staging: Staging | null;
}

export interface LeadOptions {
  readonly repository: string;
  readonly forges: Readonly<Record<string, "github" | "gitlab">>;
  readonly deadlineMs: number;
  readonly signal: CancelSignal;
}

/**
 * Does what was chosen, from wherever it stopped: the remote and the forge are asked before each act, so that what is there
 * is not sent again.
 * @throws OKSTRA_HANDOFF_* and OKSTRA_INTERRUPTED; the run then goes on with the next `okstra handoff`
 */
export async function leadHandoff(app: App, run: PreparedRun, options: LeadOptions): Promise<void> {
  const { log, manifest, runDir } = run;
  const { handoff } = log.state;
  const chosen = handoff?.chosen ?? null;
  const plan = chosen === null ? null : await loadPlan(app, runDir, chosen.planSha256);
  if (chosen !== null && plan === null)
    throw new OkstraError("OKSTRA_RUN_CORRUPT", {
      message: `The plan of the hand-off run ${manifest.run} is not what was chosen.`,
      details: { runDir, planSha256: chosen.planSha256 },
    });
  const calls: CallSettings = {
    deadlineMs: options.deadlineMs,
    signal: options.signal,
    onCall: async (call) => {
      await log.append({ type: "handoff-called", ...call });
    },
  };
  await sweepScratch(app);
  const effects = await log.append({
    type: "run-started",
    attempt: log.state.attempt + 1,
    commit: log.state.commit,
    isolation: "process-group",
    withoutQuota: false,
  });
  let staging: Staging | null = null;
  try {
    // What is settled already is only decided and reported.
    const acts = effects[0]?.type === "handoff";
    if (acts && plan !== null && plan.action !== "skip")
      staging = await stage(app, { manifest, plan, calls, repository: options.repository });
    await perform(plan === null ? { app, run } : { app, run, leading: { app, run, plan, calls, staging, ...options } }, effects);
  } catch (error) {
    await log
      .append(
        options.signal.aborted
          ? { type: "run-interrupted", signal: "interrupt" }
          : {
              type: "run-failed",
              code: error instanceof OkstraError ? error.code : "OKSTRA_INTERNAL",
              message: error instanceof Error ? error.message : String(error),
            },
      )
      .catch(() => undefined);
    throw error;
  } finally {
    await staging?.close();
  }
}

/** The staging repository of the chosen plan. @throws OKSTRA_HANDOFF_CHANGED when the remote leads elsewhere by now */
async function stage(
  app: App,
  { manifest, plan, calls, repository }: { manifest: PreparedRun["manifest"]; plan: HandoffPlan; calls: CallSettings; repository: string },
): Promise<Staging> {
  const remote = plan.remote === null ? null : await findRemote(app, manifest.project.root, choicesOf(plan));
  const staging = await openStaging(app, { ...calls, repository, commit: plan.head, remote });
  if (plan.remote === null || (staging.pushUrl !== null && app.sha256(staging.pushUrl) === plan.remote.pushUrlSha256)) return staging;
  await staging.close();
  throw new OkstraError("OKSTRA_HANDOFF_CHANGED", {
    message: `The remote ${plan.remote.name} leads elsewhere than to ${plan.remote.pushUrl}, which was chosen.`,
    details: { changed: ["remote.pushUrl"] },
  });
}

async function perform(lead: { app: App; run: PreparedRun; leading?: Leading }, effects: readonly Effect[]): Promise<void> {
  let next = effects;
  for (let effect = next[0]; effect !== undefined; effect = next[0]) next = await performOne(lead, effect);
}

async function performOne(
  { app, run, leading }: { app: App; run: PreparedRun; leading?: Leading },
  effect: Effect,
): Promise<readonly Effect[]> {
  const { log } = run;
  switch (effect.type) {
    case "handoff":
      if (leading === undefined) throw new OkstraError("OKSTRA_INTERNAL", { message: "Nothing was chosen, and something is to be done." });
      return act(leading, effect.effect);
    case "decide": {
      const { verdict, gate } = decideHandoff(log.state.handoff ?? { outcome: null });
      const chosen = log.state.handoff?.chosen ?? null;
      return log.append({ type: "gate-decided", verdict, gate, commit: log.state.commit, looked: { plan: chosen?.planSha256 ?? null } });
    }
    case "report":
      return log.append({ type: "report-written", reportSha256: await writeReport(app, run) });
    case "validate":
      return validateOwn(app, run);
    case "end":
      return endRun(run);
    default:
      throw new OkstraError("OKSTRA_INTERNAL", { message: `A hand-off does not ${effect.type}.` });
  }
}

async function act(lead: Leading, effect: HandoffEffect): Promise<readonly Effect[]> {
  const { log } = lead.run;
  switch (effect.type) {
    case "ask-remote":
      return askRemote(lead);
    case "push":
      return push(lead);
    case "move-branch":
      return moveBranch(lead);
    case "ask-forge":
      return log.append({ type: "pull-request-asked", found: pick(await findOwnPullRequest(lead)) });
    case "open-pull-request":
      return openOwnPullRequest(lead);
    case "settle":
      return log.append({ type: "handoff-settled", outcome: effect.outcome });
  }
}

function requireStaging({ staging }: Leading): Staging {
  if (staging !== null) return staging;
  throw new OkstraError("OKSTRA_INTERNAL", { message: "There is no staging repository." });
}

async function askRemote(lead: Leading): Promise<readonly Effect[]> {
  const { plan, run, app } = lead;
  app.emit({ type: "remote-asked", text: `asking ${plan.remote?.pushUrl ?? "the remote"} for ${plan.branch}` });
  return run.log.append({ type: "remote-asked", ref: plan.ref, commit: await fetchRemoteCommit(lead) });
}

/** Where the remote has the task's branch; null: nowhere. */
async function fetchRemoteCommit(lead: Leading): Promise<string | null> {
  const { ref } = lead.plan;
  const { stdout } = await requireStaging(lead).git(["ls-remote", STAGED_REMOTE, ref]);
  const line = stdout.split("\n").find((each) => each.endsWith(`\t${ref}`));
  return line?.split("\t")[0] ?? null;
}

/**
 * One refspec to the same name, never forced. What the remote refuses is its word, not a failure. Two pushes of the same
 * commit may be in each other's way (that of an okstra that died goes on without it): then it is there all the same.
 */
async function push(lead: Leading): Promise<readonly Effect[]> {
  const { plan, run, app } = lead;
  const staging = requireStaging(lead);
  await requireSameHead(lead);
  const commit = await stageOutgoing(lead);
  await staging.git(["update-ref", plan.ref, commit]);
  await run.log.append({ type: "push-started", ref: plan.ref, commit });
  app.emit({ type: "pushing", text: `pushing ${plan.branch} to ${plan.remote?.pushUrl ?? "the remote"}` });
  const args = ["push", "--porcelain", "--no-follow-tags", "--recurse-submodules=no", STAGED_REMOTE, `${plan.ref}:${plan.ref}`];
  const answer = await staging.git(args, { okExitCodes: [0, 1] });
  const refused = answer.stdout.split("\n").find((line) => line.startsWith("!\t"));
  if (answer.exitCode === 0) return run.log.append({ type: "push-ended", commit, end: "pushed", reason: null });
  if (refused === undefined) throw describeFailure(args, answer, lead.calls.deadlineMs);
  if ((await fetchRemoteCommit(lead)) === commit) return run.log.append({ type: "remote-asked", ref: plan.ref, commit });
  return run.log.append({ type: "push-ended", commit, end: "rejected", reason: describeRefusal(refused, answer.stderr) });
}

/** What git and the remote say, without the lines that only frame it. */
function describeRefusal(line: string, stderr: string): string {
  const summary = line.split("\t")[2] ?? line;
  const said = stderr.split("\n").flatMap((each) => /^remote: +(.*\S)\s*$/.exec(each)?.[1] ?? []);
  return [summary, ...said].join("; ").slice(0, 2000);
}

/** Case 59, once more right before the push: the branch is still at the commit that was chosen. */
async function requireSameHead({ app, plan, run }: Leading): Promise<void> {
  const { chosen } = run.log.state.handoff ?? { chosen: null };
  const [tip] = await app.git.resolveCommits(run.manifest.project.root, [plan.ref]);
  if (tip === plan.head || chosen === null) return;
  await run.log.append({ type: "handoff-refused", planSha256: chosen.planSha256, changed: ["head"] });
  throw new OkstraError("OKSTRA_HANDOFF_CHANGED", {
    message: `${plan.branch} is at ${tip?.slice(0, 12) ?? "no commit"}, and ${plan.head.slice(0, 12)} was chosen; nothing was pushed.`,
    details: { changed: ["head"], head: tip, chosen: plan.head },
  });
}

/** The commit that goes out, in the staging repository: a squashed one is made again, and must be the one that was chosen. */
async function stageOutgoing({ run, plan, staging, app }: Leading): Promise<string> {
  if (plan.outgoing === plan.head) return plan.head;
  const text = await app.store.readText(squashedPath(run.runDir, plan.outgoing));
  const made =
    text === null || staging === null
      ? ""
      : (await staging.git(["hash-object", "-t", "commit", "-w", "--stdin"], { stdin: text })).stdout.trim();
  if (made === plan.outgoing) return made;
  throw new OkstraError("OKSTRA_RUN_CORRUPT", {
    message: `The squashed commit ${plan.outgoing.slice(0, 12)} is not in the run's files as it was chosen.`,
    details: { path: squashedPath(run.runDir, plan.outgoing) },
  });
}

/** A squashed commit as git stores it, beside the plan; its tree and parent are in the repository anyway. */
export function squashedPath(runDir: string, commit: string): string {
  return `${runDir}/plans/${commit}.commit`;
}

/** The task's branch goes to the squashed commit, which has the same tree; what it was at is kept under a ref of okstra's own. */
async function moveBranch(lead: Leading): Promise<readonly Effect[]> {
  const { app, run, plan } = lead;
  const { root } = run.manifest.project;
  const text = (await app.store.readText(squashedPath(run.runDir, plan.outgoing))) ?? "";
  const recoveryRef = `refs/okstra/handoff/${run.manifest.taskKey}/${run.manifest.run}`;
  const made = (await app.git.run(root, ["hash-object", "-t", "commit", "-w", "--stdin"], { stdin: text })).stdout.trim();
  const [tip] = await app.git.resolveCommits(root, [plan.ref]);
  if (made !== plan.outgoing || (tip !== plan.head && tip !== plan.outgoing)) {
    const [, ...name] = run.manifest.taskKey.split("/");
    const worktree = run.manifest.handoff?.worktree ?? root;
    const { chosen } = run.log.state.handoff ?? { chosen: null };
    // What was pushed is not taken back; where nothing was, the choice is given up, so that a person can plan again.
    const isUndone = plan.action === "commit" && chosen !== null && tip !== plan.head;
    if (isUndone) await run.log.append({ type: "handoff-refused", planSha256: chosen.planSha256, changed: ["head"] });
    throw new OkstraError("OKSTRA_HANDOFF_CHANGED", {
      message: `${plan.branch} is at ${tip?.slice(0, 12) ?? "no commit"}, so that it is not moved to the squashed ${plan.outgoing.slice(0, 12)}.`,
      hint: isUndone
        ? `Verify what is there now, and plan again: okstra run ${name.join("/")}`
        : `Keep what is newer elsewhere, put the branch back, and go on: git -C ${worktree} branch ${plan.branch}-later && git -C ${worktree} reset --keep ${plan.head} && okstra handoff ${name.join("/")}`,
      details: { changed: ["head"], head: tip, outgoing: plan.outgoing },
    });
  }
  if (tip === plan.head) {
    const script = [`update ${recoveryRef} ${plan.head}`, `update ${plan.ref} ${plan.outgoing} ${plan.head}`, ""].join("\n");
    await app.git.run(root, ["update-ref", "-m", "okstra handoff: squash", "--stdin"], { stdin: script });
  }
  return run.log.append({ type: "branch-moved", from: plan.head, to: plan.outgoing, recoveryRef });
}

/** The forge's program, started in the staging repository, so that it sees nothing of the project. */
export function createForgeCaller(app: App, cwd: string, calls: CallSettings): CallForge {
  return async (program, args, stdin) => {
    const answer = await app.callOutside({
      program,
      args,
      cwd,
      deadlineMs: calls.deadlineMs,
      signal: calls.signal,
      ...(stdin === undefined ? {} : { stdin }),
    });
    const { argv, exitCode, ended, startedAt, durationMs } = answer;
    await calls.onCall({ argv: [...argv], exitCode, ended, startedAt, durationMs });
    if (ended === "cancelled") throw new OkstraError("OKSTRA_INTERRUPTED", { message: "The hand-off was interrupted." });
    return answer;
  };
}

function requireForge({ plan, forges }: Leading): NonNullable<ReturnType<typeof describeForge>> {
  const forge = describeForge(plan.remote?.url ?? "", forges) ?? describeForge(plan.remote?.pushUrl ?? "", forges);
  if (forge !== null && forge.host === plan.forge?.host && forge.project === plan.forge.project) return forge;
  throw new OkstraError("OKSTRA_HANDOFF_CHANGED", {
    message: `The forge of ${plan.remote?.url ?? "the remote"} is no longer the one that was chosen.`,
    details: { changed: ["forge"] },
  });
}

/**
 * The pull request that this hand-off would open a second time: an open one of the branch into the base, or one that was
 * closed or merged with the very commit that goes out.
 */
async function findOwnPullRequest(lead: Leading): Promise<PullRequest | null> {
  const { plan, app, calls } = lead;
  app.emit({ type: "forge-asked", text: `asking ${plan.forge?.host ?? "the forge"} for a pull request of ${plan.branch}` });
  const all = await findPullRequests(createForgeCaller(app, requireStaging(lead).path, calls), requireForge(lead), { branch: plan.branch });
  return (
    all.find(({ state, base }) => state === "open" && base === plan.base?.branch) ?? all.find(({ head }) => head === plan.outgoing) ?? null
  );
}

async function openOwnPullRequest(lead: Leading): Promise<readonly Effect[]> {
  const { plan, run, app, calls } = lead;
  await run.log.append({ type: "pull-request-started" });
  app.emit({ type: "pull-request-opening", text: `opening a pull request into ${plan.base?.branch ?? ""}` });
  const opened = await openPullRequest(createForgeCaller(app, requireStaging(lead).path, calls), requireForge(lead), {
    branch: plan.branch,
    base: plan.base?.branch ?? "",
    title: plan.title,
    body: plan.body,
  });
  const pullRequest = pick(opened);
  if (pullRequest === null) throw new OkstraError("OKSTRA_INTERNAL", { message: "A pull request was opened and is none." });
  return run.log.append({ type: "pull-request-opened", pullRequest });
}

function pick(found: PullRequest | null): { url: string; number: number; state: PullRequest["state"] } | null {
  return found === null ? null : { url: found.url, number: found.number, state: found.state };
}
