import type { HandoffPlan, OutgoingCommit } from "@okstra/core/domain/handoff";
import { OkstraError } from "@okstra/core/errors";
import { STAGED_REMOTE, type Staging } from "./staging.ts";

type Base = NonNullable<HandoffPlan["base"]>;

/** Branches of the remote with their commits. @throws OKSTRA_HANDOFF_REMOTE_FAILED */
export async function listRemoteBranches(staging: Staging): Promise<ReadonlyMap<string, string>> {
  const { stdout } = await staging.git(["ls-remote", "--heads", STAGED_REMOTE]);
  return new Map(
    stdout.split("\n").flatMap((line) => {
      const [, commit, branch] = /^([0-9a-f]{40,64})\trefs\/heads\/(.+)$/.exec(line) ?? [];
      return commit === undefined || branch === undefined ? [] : [[branch, commit] as const];
    }),
  );
}

/** Names that a base branch usually has, in the order in which they are offered. */
const USUAL_BASES = ["staging", "preprod", "prod", "production", "main", "master", "dev", "develop"];

/** Base branches to choose from: the usual names first, then the rest by name; never the task's own branch. */
export function orderCandidates(branches: Iterable<string>, own: string): readonly string[] {
  const all = [...branches].filter((branch) => branch !== own).sort();
  return [...USUAL_BASES.filter((branch) => all.includes(branch)), ...all.filter((branch) => !USUAL_BASES.includes(branch))];
}

/** Brings a branch of the remote into the staging repository, where nobody else sees it. */
export async function fetchBranch(staging: Staging, branch: string, as: string): Promise<void> {
  const refspec = `+refs/heads/${branch}:refs/okstra/${as}`;
  await staging.git(["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", STAGED_REMOTE, refspec]);
}

export async function isAncestor(staging: Staging, ancestor: string, commit: string): Promise<boolean> {
  return (await staging.git(["merge-base", "--is-ancestor", ancestor, commit], { okExitCodes: [0, 1] })).exitCode === 0;
}

/**
 * How the head stands to the base; nothing outside the staging repository is touched.
 * @throws OKSTRA_HANDOFF_CONFLICT with the files, OKSTRA_HANDOFF_NOTHING
 */
export async function compareWithBase(
  staging: Staging,
  head: string,
  base: { readonly branch: string; readonly commit: string; readonly from: Base["from"] },
  task: string,
): Promise<Base> {
  const found = await staging.git(["merge-base", base.commit, head], { okExitCodes: [0, 1] });
  const mergeBase = found.stdout.trim().split("\n")[0] ?? "";
  if (found.exitCode !== 0 || mergeBase === "")
    throw new OkstraError("OKSTRA_HANDOFF_CONFLICT", {
      message: `The task's branch and ${base.branch} have no commit in common.`,
      details: { base: base.branch, baseCommit: base.commit, head },
    });
  const counts = await staging.git(["rev-list", "--left-right", "--count", `${base.commit}...${head}`]);
  const [behind = 0, ahead = 0] = counts.stdout.trim().split(/\s+/).map(Number);
  if (ahead === 0)
    throw new OkstraError("OKSTRA_HANDOFF_NOTHING", {
      message: `${base.branch} has all commits of the task already.`,
      hint: `If it was merged: okstra task done ${task}`,
      details: { base: base.branch, baseCommit: base.commit, head },
    });
  const probe = await staging.git(["merge-tree", "--write-tree", "--name-only", "--no-messages", "-z", base.commit, head], {
    okExitCodes: [0, 1, 129],
  });
  if (probe.exitCode === 129)
    throw new OkstraError("OKSTRA_GIT_FAILED", {
      message: "This git cannot try a merge without touching anything; a hand-off needs git 2.38 or newer.",
      details: { stderr: probe.stderr.slice(0, 500) },
    });
  if (probe.exitCode === 1) {
    const files = [
      ...new Set(
        probe.stdout
          .split("\0")
          .slice(1)
          .filter((name) => name !== ""),
      ),
    ];
    throw new OkstraError("OKSTRA_HANDOFF_CONFLICT", {
      message: `The task's branch does not merge into ${base.branch}: ${files.slice(0, 5).join(", ")}${files.length > 5 ? ", …" : ""}.`,
      hint: `Bring the base in, and verify again: okstra worktree update ${task}`,
      details: { base: base.branch, baseCommit: base.commit, head, files },
    });
  }
  return { ...base, mergeBase, ahead, behind };
}

const FIELD = "%x1f";
const RECORD = "%x1e";

/** The commits that a range adds, oldest first. */
export async function listCommits(
  staging: Staging,
  from: string,
  to: string,
): Promise<readonly (OutgoingCommit & { readonly message: string })[]> {
  const format = ["%H", "%s", "%an <%ae>", "%aI", "%B"].join(FIELD);
  const { stdout } = await staging.git([
    "log",
    "--reverse",
    "--topo-order",
    "--no-color",
    "--no-show-signature",
    `--format=${format}${RECORD}`,
    `${from}..${to}`,
  ]);
  return stdout
    .split("\u001E")
    .map((record) => record.replace(/^\n/, "").split("\u001F"))
    .flatMap(([sha = "", subject = "", author = "", at = "", message = ""]) =>
      sha === "" ? [] : [{ sha, subject, author, at, message: message.replace(/\n+$/, "\n") }],
    );
}

export async function measureDiff(staging: Staging, from: string, to: string): Promise<HandoffPlan["diffstat"]> {
  const { stdout } = await staging.git(["diff", "--numstat", "-z", "--no-renames", "--no-ext-diff", "--no-textconv", from, to]);
  const rows = stdout.split("\0").flatMap((line) => {
    const [, insertions, deletions, path] = /^(\d+|-)\t(\d+|-)\t(.+)$/s.exec(line) ?? [];
    if (path === undefined) return [];
    return [{ path, insertions: insertions === "-" ? null : Number(insertions), deletions: deletions === "-" ? null : Number(deletions) }];
  });
  const sum = (key: "insertions" | "deletions"): number => rows.reduce((all, row) => all + (row[key] ?? 0), 0);
  return { files: rows.length, insertions: sum("insertions"), deletions: sum("deletions"), rows };
}

/**
 * One commit with the head's very tree on the merge base. People and dates are the head's, so that it is the same commit
 * however often it is made.
 */
export async function squash(
  staging: Staging,
  options: { readonly head: string; readonly parent: string; readonly message: string },
): Promise<string> {
  const fields = ["%T", "%an", "%ae", "%aI", "%cn", "%ce", "%cI"].join(FIELD);
  const shown = await staging.git(["show", "--no-patch", "--no-color", "--no-show-signature", `--format=${fields}`, options.head]);
  const [tree = "", author = "", authorMail = "", authored = "", committer = "", committerMail = "", committed = ""] = shown.stdout
    .replace(/\n$/, "")
    .split("\u001F");
  const { stdout } = await staging.git(["commit-tree", "--no-gpg-sign", tree, "-p", options.parent, "-F", "-"], {
    stdin: options.message,
    env: {
      GIT_AUTHOR_NAME: author,
      GIT_AUTHOR_EMAIL: authorMail,
      GIT_AUTHOR_DATE: authored,
      GIT_COMMITTER_NAME: committer,
      GIT_COMMITTER_EMAIL: committerMail,
      GIT_COMMITTER_DATE: committed,
    },
  });
  return stdout.trim();
}
