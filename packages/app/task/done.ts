import type { MergeWay, TaskEvent } from "@okstra/core/domain/task-log";
import type { RegistryRow } from "@okstra/core/domain/registry";
import { findRow } from "@okstra/core/domain/registry-change";
import { formatTaskKey, type TaskKey } from "@okstra/core/domain/task-key";
import { OkstraError } from "@okstra/core/errors";
import type { CancelSignal } from "@okstra/core/ports";
import type { App } from "../app.ts";
import { isAncestor } from "../handoff/inspect-branch.ts";
import type { PullRequest } from "../handoff/pull-request.ts";
import { DEFAULT_CALL_MS, openStaging, type CallSettings, type Staging } from "../handoff/staging.ts";
import type { OpenProject } from "../project/open-project.ts";
import { takeRunLock } from "../run/run-lock.ts";
import { sweepScratch } from "../scratch/open-scratch.ts";
import { releaseTask, requireTask } from "../worktree/list-tasks.ts";
import { describeWork, loadWork, type Work } from "../worktree/load-work.ts";
import { placeOf, requireSameRepository, rowFor, type Place } from "../worktree/place.ts";
import { findAskedRemote, findBase, findMergeRequest, loadHandedOff, type Base, type HandedOffWork } from "./done-basis.ts";
import { describeCleanUp, removeDone, type CleanUp } from "./done-clean-up.ts";
import { isThere, proveMerged, type Proof } from "./done-proof.ts";
import { eventsOfCycle, loadTask, type TaskFacts } from "./load-task.ts";
import { findTask, type TaskRequest } from "./open-task.ts";

export interface DoneRequest extends TaskRequest {
  /** Branch that has the work; null: the one of the newest hand-off. */
  readonly base: string | null;
  readonly remote: string | null;
  /** Wall time in milliseconds of each call that reaches the remote or the forge; null: two minutes. */
  readonly deadlineMs: number | null;
  /** Whether worktree and branch are removed afterwards. */
  readonly remove: boolean;
  readonly by: string;
  readonly signal: CancelSignal;
}

/** What `okstra task done` answers. */
export interface DoneAnswer {
  readonly taskKey: string;
  readonly how: MergeWay;
  readonly base: string;
  readonly baseCommit: string;
  /** The commit whose work is in the base. */
  readonly commit: string;
  /** Page of the pull request; null when there is none that okstra knows. */
  readonly pullRequest: string | null;
  /** What the forge says of it now; null when it was not asked. */
  readonly pullRequestState: PullRequest["state"] | null;
  readonly released: true;
  /** It was done before, and this is what was found then. */
  readonly alreadyDone: boolean;
  readonly cleanUp: CleanUp;
}

type DoneEvent = Extract<TaskEvent, { type: "task-done" }>;

/** What is looked at, under the task's lock. */
interface Looking {
  readonly app: App;
  readonly request: DoneRequest;
  readonly opened: OpenProject;
  readonly place: Place;
  readonly row: RegistryRow;
  /** False when worktree and branch were removed: only the task's records are left. */
  readonly isRegistered: boolean;
  readonly facts: TaskFacts;
  readonly work: Work;
  readonly handedOff: HandedOffWork | null;
  /** `<group>/<task>`, for commands. */
  readonly task: string;
}

/**
 * Ends a task whose work is in its base branch, as the remote has it: releases it, writes that down, and says what removing
 * its worktree and branch would remove. Records and evidence stay. Nothing is changed before all is proven.
 * @throws OKSTRA_TASK_NOT_MERGED, OKSTRA_WORKTREE_HAS_WORK for work that came later, OKSTRA_HANDOFF_BASE_NOT_FOUND,
 *   OKSTRA_HANDOFF_REMOTE_FAILED, OKSTRA_TASK_BUSY; with `remove` also what removing throws, when the rest is done
 */
export async function finishTask(app: App, request: DoneRequest): Promise<DoneAnswer> {
  const { opened, key } = await findTask(app, request);
  const lease = await takeRunLock(app, opened.root, formatTaskKey(key), "its end");
  let answer: Omit<DoneAnswer, "cleanUp">;
  let looking: Looking;
  try {
    looking = await look(app, request, opened, key);
    answer = await settle(looking);
  } finally {
    await lease.release();
  }
  // Removing takes the lock itself.
  return { ...answer, cleanUp: request.remove ? await removeDone(app, looking) : await describeCleanUp(app, looking) };
}

async function look(app: App, request: DoneRequest, opened: OpenProject, key: TaskKey): Promise<Looking> {
  const facts = await loadTask(app, { root: opened.root, key });
  const { taskKey } = facts;
  const known = findRow((await app.registry.load()).registry, taskKey);
  const removed = known === null ? await findRemoved(app, opened, facts) : null;
  const row = known ?? removed ?? (await requireTask(app, request.task, request.dir)).row;
  const place = placeOf(app, opened, taskKey, row);
  requireSameRepository(place, row);
  return {
    app,
    request,
    opened,
    place,
    row,
    isRegistered: removed === null,
    facts,
    work: await loadPresentWork(app, place, row),
    handedOff: await loadHandedOff(app, facts),
    task: `${key.group}/${key.task}`,
  };
}

/** A task whose worktree was removed has no row any more, and its records say what its branch was. */
async function findRemoved(app: App, opened: OpenProject, { taskKey, manifest, log }: TaskFacts): Promise<RegistryRow | null> {
  const done = log.events.findLast((event) => event.type === "task-done");
  const branch = manifest["branch"] ?? (done?.type === "task-done" ? done.branch : null);
  if (typeof branch !== "string" || branch === "") return null;
  const place = placeOf(app, opened, taskKey, null);
  if ((await app.files.inspect(place.path)).kind === "worktree") return null;
  return rowFor(place, { branch, base: "", createdAt: "", lastPhase: null, status: "released" });
}

async function loadPresentWork(app: App, place: Place, row: RegistryRow): Promise<Work> {
  const tree = await app.files.inspect(place.path);
  const safe = await app.git.safeConfig({ commonDir: place.repository, mainRoot: tree.kind === "worktree" ? place.path : place.mainRoot });
  return loadWork(app, place, { row, tree, safe });
}

/** Commits that the task's branch and worktree are at. */
function tipsOf({ tip, head, detached }: Work): readonly string[] {
  return [...new Set([tip, detached ? head : null].filter((commit) => commit !== null))];
}

async function settle(looking: Looking): Promise<Omit<DoneAnswer, "cleanUp">> {
  const {
    request,
    facts,
    place: { taskKey },
  } = looking;
  const before = findDone(looking);
  if (before !== null) {
    await release(looking);
    return { ...describe(taskKey, before), pullRequestState: null, alreadyDone: true };
  }
  const { found, pullRequestState } = await prove(looking);
  await release(looking);
  const body = { type: "task-done" as const, ...found, branch: looking.row.branch, head: looking.work.tip, by: request.by };
  await facts.log.append([body]);
  return { ...describe(taskKey, body), pullRequestState, alreadyDone: false };
}

async function release({ app, request, place, isRegistered }: Looking): Promise<void> {
  if (isRegistered) await releaseTask(app, request.task, request.dir);
  app.emit({ type: "task-released", text: `released ${place.taskKey}` });
}

function describe(
  taskKey: string,
  { how, base, baseCommit, commit, pullRequest }: Pick<DoneEvent, "how" | "base" | "baseCommit" | "commit" | "pullRequest">,
) {
  return { taskKey, how, base, baseCommit, commit, pullRequest, released: true as const };
}

/** What was written down of the very work that is here now; null when there is other work, or none was ended. */
function findDone({ facts, work, handedOff }: Looking): DoneEvent | null {
  const done = eventsOfCycle(facts.log.events, facts.cycle.cycle).findLast((event) => event.type === "task-done");
  if (done?.type !== "task-done") return null;
  const isSame = handedOff === null || handedOff.plan.outgoing === done.commit;
  return isSame && tipsOf(work).every((tip) => tip === done.head) ? done : null;
}

/** How and where the work is in the base. @throws OKSTRA_TASK_NOT_MERGED, OKSTRA_WORKTREE_HAS_WORK */
async function prove(looking: Looking): Promise<{
  readonly found: Pick<DoneEvent, "how" | "base" | "baseCommit" | "commit" | "pullRequest">;
  readonly pullRequestState: DoneAnswer["pullRequestState"];
}> {
  const { app, request, opened, row, place, handedOff, work } = looking;
  const commit = handedOff?.plan.outgoing ?? work.tip;
  if (commit === null)
    throw new OkstraError("OKSTRA_HANDOFF_NO_BRANCH", {
      message: `The branch ${row.branch} of ${place.taskKey} is gone, and no hand-off says what it was at.`,
      details: { taskKey: place.taskKey, branch: row.branch },
    });
  await sweepScratch(app);
  const remote = await findAskedRemote(app, opened.root, request.remote, handedOff?.plan ?? null);
  const calls: CallSettings = { deadlineMs: request.deadlineMs ?? DEFAULT_CALL_MS, signal: request.signal, onCall: async () => {} };
  const staging = await openStaging(app, { ...calls, repository: place.repository, commit, remote });
  try {
    app.emit({ type: "remote-asked", text: remote === null ? "there is no remote: asking this repository" : `asking ${remote.name}` });
    const branch = request.base ?? handedOff?.plan.base?.branch ?? null;
    const base = await findBase(app, staging, { root: opened.root, remote, branch, own: row.branch });
    const pull = await findMergeRequest(app, staging, { opened, remote, work: handedOff, calls });
    const proof = await proveMerged(staging, { commit, base: base.commit });
    const how = proof.how ?? ((await isMergedByForge(staging, pull, { commit, base })) ? "merged-by-forge" : null);
    const url = pull?.url ?? handedOff?.url ?? null;
    if (how === null) throw notMerged(looking, { commit, base, proof, pull, url });
    await requireNothingElse(staging, looking, { commit, base });
    return { found: { how, base: base.branch, baseCommit: base.commit, commit, pullRequest: url }, pullRequestState: pull?.state ?? null };
  } finally {
    await staging.close();
  }
}

/** The forge's word counts only for the very commit, and only when what it names is in the base. */
async function isMergedByForge(
  staging: Staging,
  pull: PullRequest | null,
  { commit, base }: { readonly commit: string; readonly base: Base },
): Promise<boolean> {
  if (pull === null || pull.state !== "merged" || pull.head !== commit || pull.mergeCommit === null) return false;
  return (await isThere(staging, pull.mergeCommit)) && isAncestor(staging, pull.mergeCommit, base.commit);
}

function notMerged(
  { task, row, handedOff }: Looking,
  found: {
    readonly commit: string;
    readonly base: Base;
    readonly proof: Proof;
    readonly pull: PullRequest | null;
    readonly url: string | null;
  },
): OkstraError {
  const { commit, base, proof, pull, url } = found;
  const { missing, own } = proof;
  const place = url === null ? "" : `; its pull request${pull === null ? "" : ` is ${pull.state}`}: ${url}`;
  return new OkstraError("OKSTRA_TASK_NOT_MERGED", {
    message: `${base.branch} has not all of ${row.branch}: ${missing.length} of ${own} ${own === 1 ? "commit is" : "commits are"} missing${place}`,
    hint:
      handedOff === null
        ? `Hand it off: okstra handoff ${task}; if it was merged elsewhere, name that branch with --base.`
        : "Merge it, then say it again; if it was merged elsewhere, name that branch with --base.",
    details: {
      base: base.branch,
      baseCommit: base.commit,
      commit,
      missing: missing.length,
      commits: missing.slice(0, 50),
      pullRequest: url,
      pullRequestState: pull?.state ?? null,
    },
  });
}

/** What came after the commit that counts must be in the base too, and nothing may be uncommitted. @throws OKSTRA_WORKTREE_HAS_WORK */
async function requireNothingElse(
  staging: Staging,
  { work, place, row, task }: Looking,
  { commit, base }: { readonly commit: string; readonly base: Base },
): Promise<void> {
  const later: string[] = [];
  for (const tip of tipsOf(work)) {
    if (tip === commit || (await isAncestor(staging, tip, commit))) continue;
    later.push(...(await proveMerged(staging, { commit: tip, base: base.commit })).missing);
  }
  const { dirty, untracked, operations } = describeWork(work);
  if (later.length === 0 && dirty.length === 0 && untracked.length === 0 && operations.length === 0) return;
  const count = (number: number, what: string): string[] => (number === 0 ? [] : [`${number} ${what}`]);
  const found = [
    ...count(later.length, `${later.length === 1 ? "commit" : "commits"} after ${commit.slice(0, 12)}`),
    ...count(dirty.length, "changed"),
    ...count(untracked.length, "untracked"),
    ...operations.map((operation) => `an unfinished ${operation}`),
  ];
  throw new OkstraError("OKSTRA_WORKTREE_HAS_WORK", {
    message: `${base.branch} has what was handed off of ${row.branch}, and ${place.path} has work that came later: ${found.join(", ")}.`,
    hint: `Hand that off too: okstra handoff ${task}; or take it out of the branch and the worktree.`,
    details: {
      path: place.path,
      branch: row.branch,
      base: base.branch,
      commit,
      commits: later.slice(0, 50),
      commitCount: later.length,
      dirty: dirty.slice(0, 100),
      untracked: untracked.slice(0, 100),
      operations,
    },
  });
}
