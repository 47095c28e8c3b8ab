import type { HandoffPlan } from "@okstra/core/domain/handoff";
import type { HandoffBasis } from "@okstra/core/domain/run";
import type { HomeConfig, Project } from "@okstra/core/domain/project";
import { OkstraError } from "@okstra/core/errors";
import type { App } from "../app.ts";
import { openProject } from "../project/open-project.ts";
import { requireCommittedTree } from "../run/prepare-run.ts";
import { findVerified, loadTask, requireKnown, type RunFacts, type TaskFacts } from "../task/load-task.ts";
import { findTask, type TaskRequest } from "../task/open-task.ts";
import { checkPreFlight } from "../task/pre-flight.ts";

/** What a hand-off rests on, once its pre-flight gate is open. */
export interface HandoffFacts {
  readonly task: TaskFacts;
  readonly project: Project;
  readonly branch: string;
  /** Common git directory. */
  readonly repository: string;
  readonly verified: RunFacts;
  readonly source: HandoffPlan["source"];
  readonly forges: Readonly<Record<string, "github" | "gitlab">>;
  readonly lang: "en" | "ko";
  readonly templates: { readonly project: Project; readonly home: HomeConfig; readonly root: string };
}

/**
 * The pre-flight of a hand-off: a final verification that passed for the branch's present commit, and a tree that is that
 * commit.
 * @throws OKSTRA_TASK_NOT_FOUND, OKSTRA_HANDOFF_NO_BRANCH, OKSTRA_GATE_HOLDS, OKSTRA_PREPARE_TREE_DIRTY
 */
export async function loadHandoffFacts(app: App, request: TaskRequest & { readonly lang?: "en" | "ko" | null }): Promise<HandoffFacts> {
  const { opened, key } = await findTask(app, request);
  const task = requireKnown(await loadTask(app, { root: opened.root, key }));
  const { project } = await openProject(app, opened.root, { allowNew: true });
  const home = await app.projects.loadHomeConfig();
  const branch = await findBranch(app, task);
  await checkPreFlight(app, { root: opened.root, key, type: "release-handoff", facts: task });
  const verified = findVerified(task);
  if (opened.location === null || verified === null) throw noBranch(task);
  if (task.worktree !== null && (await app.store.exists(task.worktree)))
    await requireCommittedTree(app, { type: "release-handoff", judgesCommit: true, executorProfile: null }, task.worktree, task.head);
  const report = (await app.store.readText(`${verified.runDir}/report.json`)) ?? "";
  return {
    task,
    project,
    branch,
    repository: opened.location.commonDir,
    verified,
    source: {
      run: verified.run,
      runId: verified.runId,
      verdict: verified.verdict ?? "none",
      openedBy: verified.effective.by ?? "decision",
      override: verified.effective.override,
      commit: verified.commit,
      reportSha256: app.sha256(report),
      reportPath: `${verified.runDir.slice(opened.root.length + 1)}/report.md`,
    },
    forges: { ...home.forges, ...project.forges },
    lang: request.lang ?? project.lang ?? home.lang ?? "en",
    templates: { project, home, root: opened.root },
  };
}

/** The task's branch, which is checked out in its worktree where there is one. */
async function findBranch(app: App, task: TaskFacts): Promise<string> {
  const branch = typeof task.manifest["branch"] === "string" ? task.manifest["branch"] : "";
  if (branch === "" || task.worktree === null || task.head === "") throw noBranch(task);
  const tree = await app.files.inspect(task.worktree);
  if (tree.kind === "worktree" && tree.branch !== branch)
    throw new OkstraError("OKSTRA_BRANCH_ELSEWHERE", {
      message: `${task.worktree} has ${tree.branch ?? "no branch"} checked out, and the task's branch is ${branch}.`,
      hint: `Switch back: git -C ${task.worktree} switch ${branch}`,
      details: { path: task.worktree, branch: tree.branch, expected: branch },
    });
  return branch;
}

function noBranch(task: TaskFacts): OkstraError {
  return new OkstraError("OKSTRA_HANDOFF_NO_BRANCH", {
    message: `${task.taskKey} has no branch of its own that could be handed off.`,
    details: { taskKey: task.taskKey },
  });
}

/** What stands in run.json. */
export function basisOf(facts: HandoffFacts, remote: HandoffBasis["remote"]): HandoffBasis {
  return { source: facts.source, branch: facts.branch, worktree: facts.task.worktree ?? "", remote };
}
