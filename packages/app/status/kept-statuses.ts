import { findRow } from "@okstra/core/domain/registry-change";
import type { Registry } from "@okstra/core/domain/registry";
import type { JournalOf, TaskStamp } from "@okstra/core/journal-port";
import * as z from "zod";
import type { App } from "../app.ts";
import type { TaskFacts } from "../task/load-task.ts";
import { taskStatusSchema, type TaskStatus } from "./task-status.ts";

/** Within this time before a task was read a change of its files may not show in their times: some disks count in whole seconds. */
const RACY_MS = 2000;

const keptSchema = z.object({
  status: taskStatusSchema,
  stamp: z.string().describe("SHA-256 of what the task's files looked like before they were read"),
  lanes: z.array(z.string()).describe("Lanes whose results are looked at"),
  readAt: z.string(),
  until: z.string().nullable().describe("When an override runs out, and the task may stand otherwise without any change"),
  registered: z.object({ path: z.string(), branch: z.string() }).nullable(),
  tree: z.object({
    at: z.enum(["none", "worktree", "branch"]).describe("Where the head commit is read: nowhere, in the tree, or its branch"),
    path: z.string().nullable(),
    branch: z.string(),
    head: z.string(),
  }),
});
type Kept = z.infer<typeof keptSchema>;

const documentSchema = z.object({
  schema: z.literal(1),
  project: z.string(),
  root: z.string(),
  okstra: z.string().describe("Version that read the tasks: another one may judge them otherwise"),
  keyId: z.string().describe("Of the key that the logs' seals were checked with"),
  tasks: z.record(z.string(), keptSchema),
});

/**
 * How the tasks of a project stood when they were last read whole. What was kept counts only while nothing that it was
 * derived from can have changed: the task's files, its row of the registry, its worktree's head, the key of the seals,
 * and the time for which its overrides hold. Whatever is doubtful is read again.
 */
export interface KeptStatuses {
  find(taskKey: string, taskDir: string): Promise<TaskStatus | null>;
  /** To be taken before the task is read. */
  stamp(taskDir: string): TaskStamp | null;
  note(facts: TaskFacts, status: TaskStatus, stamp: TaskStamp | null, readAt: string): Promise<void>;
  drop(taskKey: string): void;
  /** Forgets tasks that are not among these, of the groups that were looked through. */
  retain(taskKeys: ReadonlySet<string>, isLookedThrough: (taskKey: string) => boolean): void;
  /** Writes what changed, if anything did. */
  save(): void;
}

export async function openKeptStatuses(app: App, of: JournalOf, registry: Registry): Promise<KeptStatuses> {
  const { keyId } = await app.sealer.seal("");
  const own = { schema: 1 as const, project: of.project, root: of.root, okstra: app.surroundings.version, keyId };
  const parsed = documentSchema.safeParse(app.journals.tasks.load(of));
  const isOwn = parsed.success && Object.entries(own).every(([name, value]) => parsed.data[name as keyof typeof own] === value);
  const kept = new Map<string, Kept>(isOwn ? Object.entries(parsed.data.tasks) : []);
  const heads = createHeads(app, of.root, kept);
  let changed = false;
  const drop = (taskKey: string): void => {
    changed = kept.delete(taskKey) || changed;
  };

  return {
    async find(taskKey, taskDir) {
      const one = kept.get(taskKey);
      if (one === undefined || one.status.taskKey !== taskKey) return null;
      const now = app.clock.now();
      if (now < one.readAt || (one.until !== null && now >= one.until)) return null;
      if (!isSame(registered(registry, taskKey), one.registered)) return null;
      const stamp = app.journals.tasks.stamp(taskDir, one.lanes);
      if (stamp === null || app.sha256(stamp.text) !== one.stamp) return null;
      return (await heads.isAt(one)) ? one.status : null;
    },
    stamp: (taskDir) => app.journals.tasks.stamp(taskDir, null),
    async note(facts, status, stamp, readAt) {
      const row = registered(registry, facts.taskKey);
      const tree = await describeTree(app, facts, row);
      if (stamp === null || stamp.changedMs > Date.parse(readAt) - RACY_MS) return drop(facts.taskKey);
      const { text, lanes } = stamp;
      const until = findExpiry(facts, Date.parse(readAt));
      kept.set(facts.taskKey, { status, stamp: app.sha256(text), lanes: [...lanes], readAt, until, registered: row, tree });
      changed = true;
    },
    drop,
    retain(taskKeys, isLookedThrough) {
      for (const taskKey of kept.keys()) if (!taskKeys.has(taskKey) && isLookedThrough(taskKey)) drop(taskKey);
    },
    save() {
      if (changed) app.journals.tasks.replace(of, { ...own, tasks: Object.fromEntries(kept) });
      changed = false;
    },
  };
}

function registered(registry: Registry, taskKey: string): Kept["registered"] {
  const row = findRow(registry, taskKey);
  return row === null ? null : { path: row.worktree_path, branch: row.branch };
}

function isSame(a: Kept["registered"], b: Kept["registered"]): boolean {
  return a?.path === b?.path && a?.branch === b?.branch;
}

/** When the first of the overrides runs out that hold at a time; null when none does. */
function findExpiry({ runs }: TaskFacts, atMs: number): string | null {
  const ends = runs.flatMap(({ events }) =>
    events.flatMap((event) => (event.type === "gate-overridden" && event.until !== null ? [Date.parse(event.until)] : [])),
  );
  const next = Math.min(...ends.filter((end) => end > atMs));
  return Number.isFinite(next) ? new Date(next).toISOString() : null;
}

/** What the head of a task was read from. */
async function describeTree(app: App, { worktree, head, manifest }: TaskFacts, row: Kept["registered"]): Promise<Kept["tree"]> {
  const branch = typeof manifest["branch"] === "string" ? manifest["branch"] : (row?.branch ?? "");
  const at = worktree === null ? "none" : (await isThere(app, worktree, row)) ? "worktree" : "branch";
  return { at, path: worktree, branch, head };
}

async function isThere(app: App, path: string, row: Kept["registered"]): Promise<boolean> {
  return row === null ? app.store.exists(path) : (await app.files.inspect(path)).kind === "worktree";
}

/** Heads of worktrees and branches, each kind asked for once for all tasks that were kept. */
function createHeads(app: App, root: string, kept: ReadonlyMap<string, Kept>) {
  const branches = [
    ...new Set([...kept.values()].flatMap(({ tree }) => (tree.at === "branch" && tree.branch !== "" ? [tree.branch] : []))),
  ];
  type Heads = Promise<ReadonlyMap<string, string> | null>;
  let isGit: Promise<boolean> | null = null;
  let ofBranches: Heads | null = null;
  let ofWorktrees: Heads | null = null;
  const askGit = (): Promise<boolean> => (isGit ??= app.git.locate(root).then((location) => location !== null));
  const loadBranches = async (): Promise<ReadonlyMap<string, string>> => {
    if (branches.length === 0 || !(await askGit())) return new Map();
    const names = branches.map((branch) => `refs/heads/${branch}`);
    const commits = await app.git.resolveCommits(root, names);
    return new Map(branches.map((branch, index) => [branch, commits[index] ?? ""]));
  };
  const loadWorktrees = async (): Promise<ReadonlyMap<string, string>> => {
    if (!(await askGit())) return new Map([[root, ""]]);
    // Before its first commit a tree's head is all zeros here.
    return new Map((await app.git.listWorktrees(root)).map(({ path, head }) => [path, /^0*$/.test(head) ? "" : head]));
  };

  return {
    /** Whether the head is where it was; false too when nobody can say. */
    async isAt({ tree: { at, path, branch, head }, registered: row }: Kept): Promise<boolean> {
      if (path === null) return at === "none";
      if ((await isThere(app, path, row)) !== (at === "worktree")) return false;
      if (at === "worktree") return (await (ofWorktrees ??= loadWorktrees().catch(() => null)))?.get(path) === head;
      const commits = await (ofBranches ??= loadBranches().catch(() => null));
      return commits !== null && (commits.get(branch) ?? "") === head;
    },
  };
}
