import type { HandoffAnswer, HandoffPlan } from "@okstra/core/domain/handoff";
import { formatTaskKey } from "@okstra/core/domain/task-key";
import { OkstraError } from "@okstra/core/errors";
import { chosenPlan } from "@okstra/core/machine/handoff-machine";
import type { HandoffSection } from "@okstra/core/phases/release-handoff/section";
import type { CancelSignal } from "@okstra/core/ports";
import type { App } from "../app.ts";
import { beginRun, type PreparedRun } from "../run/begin-run.ts";
import { loadPlan, planPath } from "../run/handoff-records.ts";
import { loadRun } from "../run/prepare-run.ts";
import { takeRunLock } from "../run/run-lock.ts";
import { listPreparedRuns } from "../run/run-paths.ts";
import { answerOf, loadReport, type RunAnswer } from "../run/run-task.ts";
import { findTask, type TaskRequest } from "../task/open-task.ts";
import { basisOf, loadHandoffFacts, type HandoffFacts } from "./handoff-facts.ts";
import { listRemoteBranches, orderCandidates } from "./inspect-branch.ts";
import { leadHandoff, squashedPath, type LeadOptions } from "./lead-handoff.ts";
import { choicesOf, languageOf, listLocalBranches, makePlan, type HandoffChoices, type MadePlan } from "./make-plan.ts";
import { findRemote, maskUrl } from "./remote.ts";
import { openStaging, DEFAULT_CALL_MS, type CallSettings } from "./staging.ts";
import type { HandoffBasis } from "@okstra/core/domain/run";

export interface HandoffRequest extends TaskRequest {
  readonly lang: "en" | "ko" | null;
  /** Wall time in milliseconds of each call that reaches the remote or the forge; null: two minutes. */
  readonly deadlineMs: number | null;
  readonly signal: CancelSignal;
}

/** What `okstra handoff --plan` answers. */
export interface PlanAnswer {
  readonly taskKey: string;
  readonly type: "release-handoff";
  readonly run: number;
  readonly runDir: string;
  /** Names the plan; approving it approves all that the plan says. */
  readonly hash: string;
  readonly plan: HandoffPlan;
  /** Exactly what does this plan. */
  readonly approveWith: string;
}

/** What `okstra handoff` answers when something was done. */
export interface HandoffOutcomeAnswer extends RunAnswer {
  readonly handoff: HandoffSection | null;
}

/** What a person is asked about, before the first question. */
export interface HandoffOffer {
  readonly facts: HandoffFacts;
  readonly remote: HandoffBasis["remote"];
  /** Base branches, the usual ones first; empty when the remote could not be asked. */
  readonly candidates: readonly string[];
}

/** Looks at what could be handed off and where to; changes nothing. @throws as {@link planHandoff} */
export async function offerHandoff(
  app: App,
  request: HandoffRequest & { readonly remote: string | null; readonly pushUrl: string | null },
): Promise<HandoffOffer> {
  const facts = await loadHandoffFacts(app, request);
  const remote = await findRemote(app, facts.task.root, request);
  if (remote === null) {
    const local = await listLocalBranches(app, facts.task.root);
    return { facts, remote: null, candidates: orderCandidates(local.keys(), facts.branch) };
  }
  const staging = await openStaging(app, {
    ...callsOf(request, async () => {}),
    repository: facts.repository,
    commit: facts.task.head,
    remote,
  });
  try {
    const branches = await listRemoteBranches(staging);
    return {
      facts,
      remote: {
        name: remote.name,
        url: maskUrl(remote.url),
        pushUrl: maskUrl(staging.pushUrl ?? ""),
        branchCommit: branches.get(facts.branch) ?? null,
      },
      candidates: orderCandidates(branches.keys(), facts.branch),
    };
  } finally {
    await staging.close();
  }
}

function callsOf(request: HandoffRequest, onCall: CallSettings["onCall"]): CallSettings {
  return { deadlineMs: request.deadlineMs ?? DEFAULT_CALL_MS, signal: request.signal, onCall };
}

/**
 * Makes a plan and writes it down under its hash. Nothing leaves, and nothing is chosen.
 * @throws OKSTRA_HANDOFF_*, OKSTRA_GATE_HOLDS, OKSTRA_PREPARE_TREE_DIRTY, OKSTRA_TASK_BUSY
 */
export async function planHandoff(
  app: App,
  request: HandoffRequest,
  choices: HandoffChoices,
  asked: { readonly answers: readonly HandoffAnswer[]; readonly by: string },
): Promise<PlanAnswer> {
  return underLock(app, request, async (facts) => {
    const calls: Parameters<CallSettings["onCall"]>[0][] = [];
    const record = async (call: (typeof calls)[number]): Promise<void> => void calls.push(call);
    const made = await makePlan(app, facts, choices, callsOf(request, record));
    const run = await openRun(app, facts, made.plan.remote);
    await writePlan(app, run, made);
    for (const answer of asked.answers) await run.log.append({ type: "handoff-answered", ...answer, by: asked.by });
    const { plan, planSha256 } = made;
    await run.log.append({
      type: "handoff-planned",
      planSha256,
      action: plan.action,
      head: plan.head,
      outgoing: plan.outgoing,
      ref: plan.ref,
      pushUrl: plan.remote?.pushUrl ?? null,
      opensPullRequest: plan.action === "pr" && (plan.forge?.program ?? null) !== null,
      calls,
    });
    return {
      taskKey: plan.taskKey,
      type: "release-handoff",
      run: run.manifest.run,
      runDir: run.runDir,
      hash: planSha256,
      plan,
      approveWith: `okstra handoff ${nameOf(facts)} --approve ${planSha256}`,
    };
  });
}

function nameOf({ task: { key } }: HandoffFacts): string {
  return `${key.group}/${key.task}`;
}

async function writePlan(app: App, { runDir }: PreparedRun, { plan, planSha256, squashed }: MadePlan): Promise<void> {
  await app.store.ensureDirectory(`${runDir}/plans`);
  if (squashed !== null) await app.store.writeText(squashedPath(runDir, plan.outgoing), squashed);
  await app.store.writeText(planPath(runDir, planSha256), `${JSON.stringify(plan, null, 2)}\n`);
}

async function underLock<T>(app: App, request: HandoffRequest, work: (facts: HandoffFacts) => Promise<T>): Promise<T> {
  const { opened, key } = await findTask(app, request);
  const lease = await takeRunLock(app, opened.root, formatTaskKey(key), "a hand-off");
  try {
    return await work(await loadHandoffFacts(app, request));
  } finally {
    await lease.release();
  }
}

/** Hand-off runs of a task, newest first; those that cannot be read are passed over. */
async function listHandoffs(app: App, request: TaskRequest): Promise<readonly PreparedRun[]> {
  const { opened, key } = await findTask(app, request);
  const found: PreparedRun[] = [];
  for (const directory of (await listPreparedRuns(app, opened.root, key, "release-handoff")).toReversed()) {
    const run = await loadRun(app, directory).catch(() => null);
    if (run !== null) found.push(run);
  }
  return found;
}

function isOpen({ log: { state } }: PreparedRun): boolean {
  return state.stage !== "ended" && state.stage !== "cancelled";
}

/**
 * The run that plans go into: the newest one while nothing is chosen in it and it is bound to this commit, else a new one.
 * @throws OKSTRA_HANDOFF_UNFINISHED
 */
async function openRun(app: App, facts: HandoffFacts, remote: HandoffPlan["remote"] | HandoffBasis["remote"]): Promise<PreparedRun> {
  const [newest] = await listHandoffs(app, { task: nameOf(facts), dir: facts.task.root });
  if (newest !== undefined && isOpen(newest)) {
    const { handoff } = newest.log.state;
    if (handoff?.chosen !== null || handoff.outcome !== null) throw unfinished(newest, nameOf(facts));
    if (newest.manifest.commit === facts.task.head && newest.manifest.handoff?.source.runId === facts.source.runId) return newest;
    await newest.log.append({ type: "run-cancelled", by: "okstra" });
  }
  return beginHandoff(
    app,
    facts,
    remote === null ? null : { name: remote.name, url: remote.url, pushUrl: remote.pushUrl, branchCommit: remote.branchCommit },
  );
}

function unfinished(run: PreparedRun, task: string): OkstraError {
  return new OkstraError("OKSTRA_HANDOFF_UNFINISHED", {
    message: `The hand-off run ${run.manifest.run} of ${run.manifest.taskKey} was chosen and has not ended.`,
    hint: `Go on with it: okstra handoff ${task}`,
    details: { runDir: run.runDir, planSha256: run.log.state.handoff?.chosen?.planSha256 ?? null },
  });
}

async function beginHandoff(app: App, facts: HandoffFacts, remote: HandoffBasis["remote"]): Promise<PreparedRun> {
  const { task, branch } = facts;
  const provision = {
    status: "reused" as const,
    path: task.worktree ?? task.root,
    branch,
    baseRef: typeof task.manifest["baseRef"] === "string" ? task.manifest["baseRef"] : "",
    taskKey: task.taskKey,
    note: "",
  };
  const begin = { root: task.root, key: task.key, type: "release-handoff" as const, provision, executor: null };
  return beginRun(app, begin, {
    describe: ({ run, runId }) => ({
      schema: 1,
      okstraVersion: app.surroundings.version,
      runId,
      taskKey: task.taskKey,
      type: "release-handoff",
      run,
      createdAt: app.clock.now(),
      project: { id: task.key.project, root: task.root },
      provision,
      commit: task.head,
      baseCommit: null,
      onlyNewBlocks: false,
      inPlace: false,
      sourceRoot: provision.path,
      brief: null,
      lang: facts.lang,
      roster: [],
      writer: null,
      settings: {},
      context: {
        cycle: task.cycle.cycle,
        clarifications: [],
        criteria: [],
        causes: [],
        plan: null,
        approval: null,
        openFindings: [],
        ledgerFrom: null,
      },
      handoff: basisOf(facts, remote),
      workflow: { reads: "accepted final verification at the head", asks: ["H1", "H2", "H3"] },
    }),
  });
}

/**
 * Does exactly the plan of a hash, or refuses: the plan is made again from what is there now and must be the same. A plan
 * that was done already is answered as it ended.
 * @throws OKSTRA_HANDOFF_PLAN_UNKNOWN, OKSTRA_HANDOFF_CHANGED, and what {@link planHandoff} and the remote give
 */
export async function chooseHandoff(
  app: App,
  request: HandoffRequest,
  choice: { readonly hash: string; readonly how: "terminal" | "hash"; readonly by: string; readonly answers: readonly HandoffAnswer[] },
): Promise<HandoffOutcomeAnswer> {
  const { opened, key } = await findTask(app, request);
  const lease = await takeRunLock(app, opened.root, formatTaskKey(key), "a hand-off");
  try {
    const task = `${key.group}/${key.task}`;
    const runs = await listHandoffs(app, request);
    const run = runs.find(({ log }) => Object.hasOwn(log.state.handoff?.plans ?? {}, choice.hash));
    const other = runs.find((each) => isOpen(each) && each !== run && each.log.state.handoff?.chosen !== null);
    if (run === undefined)
      throw new OkstraError("OKSTRA_HANDOFF_PLAN_UNKNOWN", {
        message: `No hand-off of ${formatTaskKey(key)} has the plan ${JSON.stringify(choice.hash.slice(0, 64))}.`,
        hint: `Plan it again: okstra handoff ${task} --plan --action pr --base <branch>`,
        details: { hash: choice.hash.slice(0, 200) },
      });
    const chosen = run.log.state.handoff?.chosen ?? null;
    if (other !== undefined) throw unfinished(other, task);
    if (chosen !== null && chosen.planSha256 !== choice.hash && isOpen(run)) throw unfinished(run, task);
    if (!isOpen(run) && chosen?.planSha256 !== choice.hash)
      throw new OkstraError("OKSTRA_HANDOFF_CHANGED", {
        message: `The hand-off run ${run.manifest.run} that this plan is of has ended${chosen === null ? "" : " with another plan"}.`,
        details: { changed: ["run"], runDir: run.runDir },
      });
    if (isOpen(run)) {
      const options =
        chosen === null ? await bind(app, request, run, choice) : await leadOptions(app, request, opened.location?.commonDir ?? "");
      await leadHandoff(app, run, options);
    }
    return await describeOutcome(app, run);
  } finally {
    await lease.release();
  }
}

/** Makes the plan again; only when it is the very same one is it chosen. */
async function bind(
  app: App,
  request: HandoffRequest,
  run: PreparedRun,
  choice: { readonly hash: string; readonly how: "terminal" | "hash"; readonly by: string; readonly answers: readonly HandoffAnswer[] },
): Promise<LeadOptions> {
  const plan = await loadPlan(app, run.runDir, choice.hash);
  if (plan === null)
    throw new OkstraError("OKSTRA_HANDOFF_PLAN_UNKNOWN", {
      message: `The plan ${choice.hash.slice(0, 12)} of run ${run.manifest.run} is not in its file any more.`,
      details: { path: planPath(run.runDir, choice.hash) },
    });
  const changed = await findChanges(app, request, plan);
  if (changed.fields.length > 0) {
    await run.log.append({ type: "handoff-refused", planSha256: choice.hash, changed: [...changed.fields] });
    throw new OkstraError("OKSTRA_HANDOFF_CHANGED", {
      message: `It is no longer what was planned: ${changed.fields.join(", ")}; nothing was done.`,
      hint: `Look at it and plan again: okstra handoff ${plan.taskKey.split("/").slice(1).join("/")} --plan --action ${plan.action}${plan.base === null ? "" : ` --base ${plan.base.branch}`}`,
      details: { changed: changed.fields, hash: choice.hash, now: changed.now },
    });
  }
  for (const answer of choice.answers) await run.log.append({ type: "handoff-answered", ...answer, by: choice.by });
  await run.log.append({ type: "handoff-chosen", planSha256: choice.hash, how: choice.how, by: choice.by });
  return leadOptions(app, request, changed.repository);
}

interface Changes {
  readonly fields: readonly string[];
  /** Hash of the plan as it would be now; null when the commit moved, so that there is none. */
  readonly now: string | null;
  readonly repository: string;
}

async function findChanges(app: App, request: HandoffRequest, plan: HandoffPlan): Promise<Changes> {
  const { opened } = await findTask(app, request);
  const repository = opened.location?.commonDir ?? "";
  const [tip] = await app.git.resolveCommits(opened.root, [plan.ref]);
  if (tip !== plan.head) return { fields: ["head"], now: null, repository };
  const facts = await loadHandoffFacts(app, { ...request, lang: languageOf(plan) });
  const made = await makePlan(
    app,
    facts,
    choicesOf(plan),
    callsOf(request, async () => {}),
  );
  return { fields: compare(plan, made.plan), now: made.planSha256, repository };
}

/** Which members differ, one level into objects. */
function compare(before: HandoffPlan, now: HandoffPlan): readonly string[] {
  const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
  const members = new Set([...Object.keys(before), ...Object.keys(now)]);
  return [...members].sort().flatMap((name) => {
    const [a, b] = [before[name], now[name]];
    if (isSame(a, b)) return [];
    if (!isRecord(a) || !isRecord(b)) return [name];
    const inner = [...new Set([...Object.keys(a), ...Object.keys(b)])].filter((key) => !isSame(a[key], b[key]));
    return inner.length === 0 ? [] : inner.sort().map((key) => `${name}.${key}`);
  });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

async function leadOptions(app: App, request: HandoffRequest, repository: string): Promise<LeadOptions> {
  const { opened } = await findTask(app, request);
  const home = await app.projects.loadHomeConfig();
  return {
    repository,
    forges: { ...home.forges, ...opened.project.forges },
    deadlineMs: request.deadlineMs ?? DEFAULT_CALL_MS,
    signal: request.signal,
  };
}

/**
 * Goes on with what a person chose and a crash or a failure stopped; null when there is no such hand-off.
 * @throws as {@link chooseHandoff}
 */
export async function continueHandoff(app: App, request: HandoffRequest): Promise<HandoffOutcomeAnswer | null> {
  const { opened, key } = await findTask(app, request);
  const waiting = (await listHandoffs(app, request)).find((run) => isOpen(run) && isBegun(run));
  if (waiting === undefined) return null;
  const lease = await takeRunLock(app, opened.root, formatTaskKey(key), "a hand-off");
  try {
    const run = await loadRun(app, waiting.runDir);
    if (isOpen(run)) await leadHandoff(app, run, await leadOptions(app, request, opened.location?.commonDir ?? ""));
    return await describeOutcome(app, run);
  } finally {
    await lease.release();
  }
}

function isBegun({ log: { state } }: PreparedRun): boolean {
  return state.handoff !== null && (chosenPlan(state.handoff) !== null || state.handoff.outcome !== null);
}

/** A person chose to do nothing: what they answered until then is written down. */
export async function cancelHandoff(
  app: App,
  request: HandoffRequest,
  asked: { readonly answers: readonly HandoffAnswer[]; readonly by: string; readonly remote: HandoffBasis["remote"] },
): Promise<HandoffOutcomeAnswer> {
  return underLock(app, request, async (facts) => {
    const run = await openRun(app, facts, asked.remote);
    for (const answer of asked.answers) await run.log.append({ type: "handoff-answered", ...answer, by: asked.by });
    await run.log.append({ type: "handoff-cancelled", by: asked.by });
    await leadHandoff(app, run, await leadOptions(app, request, facts.repository));
    return describeOutcome(app, run);
  });
}

async function describeOutcome(app: App, run: PreparedRun): Promise<HandoffOutcomeAnswer> {
  return { ...(await answerOf(app, run)), handoff: (await loadReport(app, run.runDir))?.releaseHandoff ?? null };
}
