import { collectTrailers, composeTitle, splitMessage, squashMessage, type MessageFacts } from "@okstra/core/domain/compose-message";
import { compareUrl, describeForge, programOf, type Forge } from "@okstra/core/domain/forge";
import { handoffPlanSchema, type CommitMode, type HandoffAction, type HandoffPlan } from "@okstra/core/domain/handoff";
import { createRedactor } from "@okstra/core/domain/redaction";
import { canonicalJson } from "@okstra/core/domain/task-context";
import { OkstraError } from "@okstra/core/errors";
import { finalVerificationSectionSchema } from "@okstra/core/phases/final-verification/section";
import * as z from "zod";
import type { App } from "../app.ts";
import { loadSecrets } from "../run/secrets.ts";
import type { RunFacts } from "../task/load-task.ts";
import type { HandoffFacts } from "./handoff-facts.ts";
import {
  compareWithBase,
  fetchBranch,
  isAncestor,
  listCommits,
  listRemoteBranches,
  measureDiff,
  orderCandidates,
  squash,
} from "./inspect-branch.ts";
import { findRemote, maskUrl, type Remote } from "./remote.ts";
import { loadTemplate, renderMessage } from "./render-message.ts";
import { scanOutgoing } from "./scan-outgoing.ts";
import { openStaging, type CallSettings, type Staging } from "./staging.ts";

/** What a person chooses. All of it stands in the plan, so that an approval of the plan's hash is one of this. */
export interface HandoffChoices {
  readonly action: HandoffAction;
  /** Null: only for skip. */
  readonly base: string | null;
  readonly commits: CommitMode;
  /** Title and body as a person wrote them; null: from the report. */
  readonly message: string | null;
  readonly remote: string | null;
  readonly pushUrl: string | null;
  /** File with a template for the body; null: the configured one. */
  readonly template: string | null;
  readonly acceptSecrets: readonly string[];
}

export interface MadePlan {
  readonly plan: HandoffPlan;
  readonly planSha256: string;
  /** The squashed commit as git stores it; null when the commits go out as they are. */
  readonly squashed: string | null;
}

function hashPlan(app: Pick<App, "sha256">, plan: HandoffPlan): string {
  return app.sha256(canonicalJson(plan));
}

/** The language that a plan's body was written in. */
export function languageOf(plan: HandoffPlan): "en" | "ko" {
  return z.looseObject({ lang: z.enum(["en", "ko"]) }).parse(plan["choices"]).lang;
}

/** The choices that a plan was made from. */
export function choicesOf(plan: HandoffPlan): HandoffChoices {
  const choices = z
    .looseObject({ remote: z.string().nullable(), pushUrl: z.string().nullable(), template: z.string().nullable() })
    .parse(plan["choices"]);
  return {
    action: plan.action,
    base: plan.base?.branch ?? null,
    commits: plan.commits,
    message: plan.message === "given" ? [plan.title, "", plan.body].join("\n") : null,
    remote: choices.remote,
    pushUrl: choices.pushUrl,
    template: choices.template,
    acceptSecrets: plan.secrets.accepted,
  };
}

/**
 * Makes the plan of a hand-off: looks at the branch, the remote and the report, and changes nothing but what is in its own
 * staging repository. The same facts and choices give the same plan.
 * @throws OKSTRA_HANDOFF_* for each thing that stands in the way
 */
export async function makePlan(app: App, facts: HandoffFacts, choices: HandoffChoices, calls: CallSettings): Promise<MadePlan> {
  const common = {
    schema: 1 as const,
    taskKey: facts.task.taskKey,
    action: choices.action,
    branch: facts.branch,
    ref: `refs/heads/${facts.branch}`,
    head: facts.task.head,
    source: facts.source,
    choices: {
      remote: choices.remote,
      pushUrl: choices.pushUrl === null ? null : maskUrl(choices.pushUrl),
      template: choices.template,
      lang: facts.lang,
    },
  };
  const finish = (plan: unknown, squashed: string | null): MadePlan => {
    const made = handoffPlanSchema.parse(plan);
    return { plan: made, planSha256: hashPlan(app, made), squashed };
  };
  if (choices.action === "skip") return finish({ ...common, ...EMPTY_PLAN, outgoing: facts.task.head }, null);
  const remote = await findRemote(app, facts.task.root, choices);
  if (remote === null && choices.action === "pr")
    throw new OkstraError("OKSTRA_HANDOFF_NO_REMOTE", {
      message: `${facts.task.root} has no remote that could be pushed to.`,
      details: { root: facts.task.root },
    });
  const staging = await openStaging(app, { ...calls, repository: facts.repository, commit: facts.task.head, remote });
  try {
    const plan = await planIn(app, staging, { facts, choices, remote });
    const squashed = plan.outgoing === facts.task.head ? null : (await staging.git(["cat-file", "commit", plan.outgoing])).stdout;
    return finish({ ...common, ...plan }, squashed);
  } finally {
    await staging.close();
  }
}

/** What is found out in the staging repository. */
type Found = Pick<
  HandoffPlan,
  "base" | "commits" | "outgoing" | "list" | "diffstat" | "remote" | "forge" | "message" | "title" | "body" | "secrets" | "notes"
>;

const EMPTY_PLAN = {
  base: null,
  commits: "as-is",
  list: [],
  diffstat: { files: 0, insertions: 0, deletions: 0, rows: [] },
  remote: null,
  forge: null,
  message: "as-is",
  title: "",
  body: "",
  secrets: { scanned: 0, accepted: [] },
  notes: [],
} as const;

interface Planning {
  readonly facts: HandoffFacts;
  readonly choices: HandoffChoices;
  readonly remote: Remote | null;
}

async function planIn(app: App, staging: Staging, planning: Planning): Promise<Found> {
  const { facts, choices, remote } = planning;
  const { head, root, worktree, key } = facts.task;
  const task = `${key.group}/${key.task}`;
  const notes = [...(remote?.notes ?? [])];
  const branches = remote === null ? new Map<string, string>() : await listRemoteBranches(staging);
  const found = await findBase(app, staging, planning, branches);
  const base = await compareWithBase(staging, head, found, task);
  const commits = await listCommits(staging, base.commit, head);
  const secrets = await loadSecrets(app, [root, ...(worktree === null ? [] : [worktree])]);
  const { title, body } = await writeMessage(app, facts, { choices, base: base.branch, commits, secrets });
  const outgoing =
    choices.commits === "as-is"
      ? head
      : await squash(staging, {
          head,
          parent: base.mergeBase,
          message: squashMessage({ title, body, trailers: collectTrailers(commits.map(({ message }) => message)) }),
        });
  const list = choices.commits === "as-is" ? commits : await listCommits(staging, base.mergeBase, outgoing);
  const branchCommit = branches.get(facts.branch) ?? null;
  if (choices.action === "pr") await requireFastForward(staging, { branch: facts.branch, branchCommit, outgoing, task });
  const scanned = await scanOutgoing(app, staging, {
    from: base.commit,
    to: outgoing,
    texts: [
      { name: "title", content: title },
      { name: "body", content: body },
      ...list.map(({ sha, message }) => ({ name: `message of ${sha.slice(0, 12)}`, content: message })),
    ],
    secrets,
    accepted: choices.acceptSecrets,
  });
  notes.push(...scanned.skipped.map((path) => `${path} is too large to be looked through for secrets`));
  return {
    base,
    commits: choices.commits,
    outgoing,
    list: list.map(({ sha, subject, author, at }) => ({ sha, subject, author, at })),
    diffstat: await measureDiff(staging, base.mergeBase, outgoing),
    remote: describeRemote(app, staging, remote, branchCommit),
    forge:
      choices.action === "pr" && remote !== null
        ? await findForge(app, facts, remote, { base: base.branch, pushUrl: staging.pushUrl })
        : null,
    message: choices.message === null ? "as-is" : "given",
    title,
    body,
    secrets: { scanned: scanned.scanned, accepted: [...choices.acceptSecrets].sort() },
    notes,
  };
}

function describeRemote(app: App, staging: Staging, remote: Remote | null, branchCommit: string | null): HandoffPlan["remote"] {
  if (remote === null || staging.pushUrl === null) return null;
  return {
    name: remote.name,
    url: maskUrl(remote.url),
    pushUrl: maskUrl(staging.pushUrl),
    pushUrlSha256: app.sha256(staging.pushUrl),
    branchCommit,
  };
}

/** The base as the remote has it; without a remote, and only for commits that stay here, the local branch. */
async function findBase(
  app: App,
  staging: Staging,
  { facts, choices, remote }: Planning,
  branches: ReadonlyMap<string, string>,
): Promise<{ branch: string; commit: string; from: "remote" | "local" }> {
  const branch = choices.base ?? "";
  const commit = branches.get(branch);
  if (branch !== facts.branch && commit !== undefined) {
    await fetchBranch(staging, branch, "base");
    return { branch, commit, from: "remote" };
  }
  if (branch !== facts.branch && remote === null) {
    const local = await listLocalBranches(app, facts.task.root);
    const own = local.get(branch);
    if (own !== undefined) return { branch, commit: own, from: "local" };
    throw baseNotFound(branch, orderCandidates(local.keys(), facts.branch));
  }
  throw baseNotFound(branch, orderCandidates(branches.keys(), facts.branch));
}

export async function listLocalBranches(app: App, root: string): Promise<ReadonlyMap<string, string>> {
  const { stdout } = await app.git.run(root, ["for-each-ref", "--format=%(objectname) %(refname)", "refs/heads"]);
  return new Map(
    stdout.split("\n").flatMap((line) => {
      const [, commit, branch] = /^([0-9a-f]{40,64}) refs\/heads\/(.+)$/.exec(line) ?? [];
      return commit === undefined || branch === undefined ? [] : [[branch, commit] as const];
    }),
  );
}

function baseNotFound(branch: string, candidates: readonly string[]): OkstraError {
  const shown = candidates.slice(0, 20).join(", ");
  return new OkstraError("OKSTRA_HANDOFF_BASE_NOT_FOUND", {
    message:
      branch === ""
        ? `No base branch was named; there are: ${shown}.`
        : `${JSON.stringify(branch.slice(0, 100))} is no branch that this one could go into; there are: ${shown === "" ? "none" : shown}.`,
    details: { given: branch, candidates },
  });
}

/** @throws OKSTRA_HANDOFF_NOT_FAST_FORWARD */
async function requireFastForward(
  staging: Staging,
  { branch, branchCommit, outgoing, task }: { branch: string; branchCommit: string | null; outgoing: string; task: string },
): Promise<void> {
  if (branchCommit === null || branchCommit === outgoing) return;
  await fetchBranch(staging, branch, "same-branch");
  if (await isAncestor(staging, branchCommit, outgoing)) return;
  throw new OkstraError("OKSTRA_HANDOFF_NOT_FAST_FORWARD", {
    message: `The remote's ${branch} is at ${branchCommit.slice(0, 12)}, which is not in what would be pushed.`,
    hint: `Look at it: git fetch && git log ${outgoing.slice(0, 12)}..${branchCommit.slice(0, 12)}; then: okstra worktree update ${task}`,
    details: { branch, remote: branchCommit, outgoing },
  });
}

/** The forge that the remote's URL names, and whether its program is here. */
async function findForge(
  app: App,
  facts: HandoffFacts,
  remote: Remote,
  { base, pushUrl }: { base: string; pushUrl: string | null },
): Promise<HandoffPlan["forge"]> {
  const forge = forgeOf(facts, remote.url) ?? (pushUrl === null ? null : forgeOf(facts, pushUrl));
  if (forge === null) return null;
  const program = programOf(forge);
  const isThere = program !== null && (await app.processes.findProgram(program, app.surroundings.env["PATH"] ?? "")) !== null;
  return {
    kind: forge.kind,
    host: forge.host,
    project: forge.project,
    program: isThere ? program : null,
    compareUrl: compareUrl(forge, { base, branch: facts.branch }),
  };
}

function forgeOf({ forges }: Pick<HandoffFacts, "forges">, url: string): Forge | null {
  return describeForge(url, forges);
}

async function writeMessage(
  app: App,
  facts: HandoffFacts,
  given: {
    readonly choices: HandoffChoices;
    readonly base: string;
    readonly commits: readonly { sha: string; subject: string; author: string; at: string }[];
    readonly secrets: readonly string[];
  },
): Promise<{ title: string; body: string }> {
  if (given.choices.message !== null) return splitMessage(given.choices.message);
  const redact = createRedactor(given.secrets);
  const message = collectMessageFacts(facts, given.base, given.commits, redact);
  const template = await loadTemplate(app, { flag: given.choices.template, lang: facts.lang, ...facts.templates });
  return { title: composeTitle(message), body: await renderMessage(template, message) };
}

const reportSchema = z.looseObject({
  finalVerification: finalVerificationSectionSchema.nullable().catch(null),
  totals: z.looseObject({
    findings: z.int().catch(0),
    byClass: z.record(z.string(), z.int()).catch({}),
    bySeverity: z.record(z.string(), z.int()).catch({}),
  }),
  lanes: z.array(z.looseObject({ worker: z.string(), family: z.string(), end: z.string() })).catch([]),
});

/** All that a template may say, with every text of workers and briefs redacted. */
function collectMessageFacts(
  { task, branch, source, verified, lang }: HandoffFacts,
  base: string,
  commits: MessageFacts["commits"],
  redact: (text: string) => string,
): MessageFacts {
  const report = reportSchema.parse(verified.report ?? {});
  const pathOf = (run: RunFacts): string => run.runDir.slice(task.root.length + 1);
  const newest = new Map(
    task.runs
      .filter((run) => run.cycle === task.cycle.cycle && run.stage === "ended" && run.damaged === null && run.type !== "release-handoff")
      .map((run) => [run.type, run]),
  );
  return {
    taskKey: task.taskKey,
    category: task.category,
    branch,
    base,
    head: task.head,
    brief: task.brief === null ? null : redact(task.brief),
    source: {
      run: source.run,
      verdict: source.verdict,
      commit: source.commit,
      reportPath: source.reportPath,
      reportSha256: source.reportSha256,
      override: source.override === null ? null : { reason: redact(source.override.reason), by: source.override.by },
    },
    criteria: (report.finalVerification?.criteria ?? []).map(({ id, text, verdict }) => ({ id, text: redact(text), state: verdict })),
    findings: { total: report.totals.findings, byClass: report.totals.byClass, bySeverity: report.totals.bySeverity },
    lanes: report.lanes.map(({ worker, family, end }) => ({ worker, family, end })),
    commits: commits.map(({ sha, subject, author, at }) => ({ sha, subject: redact(subject), author, at })),
    runs: [...newest.values()].map((run) => ({
      type: run.type,
      run: run.run,
      verdict: run.verdict ?? "none",
      reportPath: `${pathOf(run)}/report.md`,
    })),
    lang,
  };
}
