import { approvalKey } from "@okstra/core/domain/agent-settings";
import { findRowByPath } from "@okstra/core/domain/registry-change";
import { OkstraError } from "@okstra/core/errors";
import type { RepositoryLocation, TrustItem } from "@okstra/core/git-port";
import type { App } from "../app.ts";
import { findTaskPath } from "../worktree/enter-task.ts";
import { openProject } from "./open-project.ts";

export interface TrustAnswer {
  /** Trees that were looked at: the main worktree, the one that the command was called from, the task's. */
  readonly trees: readonly string[];
  readonly root: string;
  /** What they bring along that would run or be obeyed, as it is after the command. */
  readonly items: readonly TrustItem[];
  /** Those that were approved by this command. */
  readonly approved: readonly TrustItem[];
}

export interface TrustRequest {
  readonly dir: string;
  /** Task whose worktree is looked at too. */
  readonly task: string | null;
  /** Only show. */
  readonly list: boolean;
}

/**
 * Approves what the repository supplies now, by content: what changes later is asked about again.
 * @throws OKSTRA_TASK_NOT_FOUND, OKSTRA_WORKTREE_MISSING
 */
export async function trustProject(app: App, { dir, task, list }: TrustRequest): Promise<TrustAnswer> {
  const opened = await openProject(app, dir, { allowNew: true });
  const { root, location } = opened;
  const own = location === null ? [] : [location.topLevel];
  const trees = [...new Set([root, ...own, ...(task === null ? [] : [await findTaskPath(app, task, dir)])])];
  const items = await listTrust(app, location, trees);
  if (list) return { root, trees, items, approved: [] };
  const approved = items.filter((item) => item.refusal === undefined).map((item) => ({ ...item, trusted: true }));
  const rows = approved.map((item) => (item.kind === "agent-settings" ? { ...item, id: approvalKey(item.id, item.hash) } : item));
  await app.trust.approve(location?.commonDir ?? root, rows, app.clock.now());
  return { root, trees, items: items.map((item) => (item.refusal === undefined ? { ...item, trusted: true } : item)), approved };
}

/** Filters and hooks of the repository, and the agents' settings in its trees; what two trees have alike is listed once. */
export async function listTrust(app: App, location: RepositoryLocation | null, trees: readonly string[]): Promise<readonly TrustItem[]> {
  const repository = location?.commonDir ?? trees[0] ?? "";
  const git = location === null ? [] : (await app.git.safeConfig(location)).items;
  const approved = await app.trust.load(repository);
  const found = new Map(git.map((item) => [item.id, item]));
  for (const tree of trees) {
    for (const item of await app.files.findAgentSettings(tree, approved)) {
      const key = approvalKey(item.id, item.hash);
      if (!found.has(key)) found.set(key, tree === trees[0] ? item : { ...item, what: `${item.what} (in ${tree})` });
    }
  }
  return [...found.values()];
}

/**
 * Refuses a tree that would make an agent obey what nobody approved (cases 12 and 13). An approval counts for the whole
 * repository, so a file that only the main worktree had when it was approved may be in the task's too.
 * @param repositoryOf directory of the repository whose approvals count, where the tree is a throw-away checkout of it
 * @throws OKSTRA_PREPARE_UNTRUSTED_SETTINGS
 */
export async function requireTrustedTree(app: App, tree: string, repositoryOf: string = tree): Promise<void> {
  const repository = (await app.git.locate(repositoryOf))?.commonDir ?? repositoryOf;
  const untrusted = (await app.files.findAgentSettings(tree, await app.trust.load(repository))).filter((item) => !item.trusted);
  if (untrusted.length === 0) return;
  const paths = untrusted.map(({ id }) => id.replace(/^file:/, ""));
  const row = findRowByPath((await app.registry.load()).registry, tree);
  const command = `okstra trust${row === null ? "" : ` ${row.key.slice(row.key.indexOf("/") + 1)}`}`;
  const refused = untrusted.find(({ refusal }) => refusal !== undefined);
  throw new OkstraError("OKSTRA_PREPARE_UNTRUSTED_SETTINGS", {
    message: `${tree} has settings that an agent would obey and nobody approved as they are now: ${paths.slice(0, 8).join(", ")}${paths.length > 8 ? ` and ${paths.length - 8} more` : ""}.`,
    hint: refused === undefined ? `Look at them, then run: ${command}` : `Look at them: ${command} --list. ${refused.what}`,
    details: { tree, files: untrusted.map(({ what, hash }, at) => ({ path: paths[at], hash, what })) },
  });
}
