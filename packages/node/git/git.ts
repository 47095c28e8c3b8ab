import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { realpath } from "node:fs/promises";
import { OkstraError } from "@okstra/core/errors";
import type { Git, RepositoryLocation, StatusEntry, WorktreeEntry } from "@okstra/core/git-port";
import type { createGitProcess } from "../exec/git-process.ts";
import { explainFailedCheckout } from "./explain-checkout.ts";
import { requireConsistentGitFile } from "./git-file.ts";
import { fetchGitlinks, findChangedNested, NO_RECURSION, NOT_INSIDE } from "./nested-repositories.ts";
import { createSafeConfig, type TrustStore } from "./safe-config.ts";

/**
 * Above this many entries git checks a tree out with several workers; below it one is faster
 * (docs: speed; measured break-even is a few thousand files).
 */
const PARALLEL_CHECKOUT_FROM = 3000;
const MAX_FILE_BYTES = 8 * 1024 * 1024;
/** Characters a ref or revision may have; the first is never `-`. */
const SAFE_REVISION = /^[A-Za-z0-9_./@^~{}:+#=%,-]+$/;

/** @throws OKSTRA_REF_UNSAFE */
function requireSafeRevision(revision: string): string {
  if (revision.startsWith("-") || !SAFE_REVISION.test(revision)) {
    throw new OkstraError("OKSTRA_REF_UNSAFE", {
      message: `${JSON.stringify(revision.slice(0, 120))} is not a ref that okstra passes to git.`,
      details: { given: revision.slice(0, 300) },
    });
  }
  return revision;
}

/** The real {@link Git}: argument arrays, porcelain `-z` output and exit codes, never parsed messages. */
export function createGit(parts: { process: ReturnType<typeof createGitProcess>; trust: TrustStore }): Git {
  const { process: git } = parts;
  const noHooks = ["-c", "core.hooksPath=/dev/null", ...NO_RECURSION];

  async function locate(dir: string): Promise<RepositoryLocation | null> {
    const dotGit = findDotGit(dir);
    if (dotGit !== null) await requireConsistentGitFile(dotGit);
    const question = ["rev-parse", "--path-format=absolute", "--show-toplevel", "--git-dir", "--git-common-dir"];
    let answer = await git.run([...question, "HEAD"], { cwd: dir, okExitCodes: [0, 128] });
    let head: string | null = null;
    if (answer.exitCode === 0) head = answer.stdout.split("\n")[3] ?? null;
    else answer = await git.run(question, { cwd: dir, okExitCodes: [0, 128] });
    if (answer.exitCode !== 0) {
      const inside = await git.run(["rev-parse", "--is-bare-repository", "--is-inside-git-dir"], { cwd: dir, okExitCodes: [0, 128] });
      if (inside.exitCode === 0 && inside.stdout.includes("true")) {
        throw new OkstraError("OKSTRA_REPOSITORY_BARE", {
          message: `${dir} is in a bare repository or a .git directory.`,
          details: { path: dir },
        });
      }
      if (dotGit === null && inside.exitCode !== 0) return null;
      throw new OkstraError("OKSTRA_GIT_FAILED", {
        message: `git refuses ${dir}: ${lastLine(answer.stderr)}`,
        details: { path: dir, stderr: answer.stderr.slice(-2000) },
      });
    }
    const [topLevel = "", gitDir = "", common = ""] = answer.stdout.split("\n");
    const commonDir = await realpath(common);
    const isMain = (await realpath(gitDir)) === commonDir;
    const mainRoot = isMain ? topLevel : await findMainRoot(dir);
    return { topLevel, gitDir, commonDir, mainRoot, isMain, head };
  }

  /** The first entry of the list is the main worktree; a bare repository has none. */
  async function findMainRoot(dir: string): Promise<string | null> {
    const main = (await listWorktrees(dir))[0];
    return main === undefined || main.bare ? null : await realpath(main.path);
  }

  async function listWorktrees(dir: string): Promise<readonly WorktreeEntry[]> {
    const answer = await git.run(["worktree", "list", "--porcelain", "-z"], { cwd: dir });
    return answer.stdout
      .split("\0\0")
      .filter((block) => block !== "")
      .map(parseWorktreeBlock);
  }

  return {
    locate,
    listWorktrees,
    safeConfig: createSafeConfig(git, parts.trust),
    async resolveCommits(dir, revisions) {
      const lines = revisions.map((revision) => `${requireSafeRevision(revision)}^{commit}`);
      const answer = await git.run(["cat-file", "--batch-check=%(objectname)"], { cwd: dir, stdin: `${lines.join("\n")}\n` });
      const answers = answer.stdout.split("\n");
      return lines.map((_, index) => (/^[0-9a-f]{40,64}$/.test(answers[index] ?? "") ? (answers[index] as string) : null));
    },
    async addWorktree({ mainRoot, path, branch, commit, force, safe, lock }) {
      const workers = Math.min(8, Math.max(4, availableParallelism()));
      const args = [
        ...safe.options,
        "-c",
        `checkout.workers=${workers}`,
        "-c",
        `checkout.thresholdForParallelism=${PARALLEL_CHECKOUT_FROM}`,
      ];
      args.push("worktree", "add", "--quiet");
      if (force) args.push("--force", "--force");
      if (commit === null) args.push("--", path, branch);
      else args.push("--no-track", "-b", branch, "--", path, commit);
      try {
        await git.run(args, { cwd: mainRoot, inheritFd: lock.fd });
      } catch (error) {
        throw await explainFailedCheckout(git, error, { mainRoot, path, revision: commit ?? `refs/heads/${branch}` });
      }
    },
    async deleteBranchAt(mainRoot, branch, commit, lock) {
      const answer = await git.run([...noHooks, "update-ref", "-d", `refs/heads/${branch}`, commit], {
        cwd: mainRoot,
        inheritFd: lock.fd,
        okExitCodes: [0, 1, 128],
      });
      return answer.exitCode === 0;
    },
    async status(worktree, { ignored = false, untracked = true, env, safe }) {
      const args = [
        ...safe.options,
        ...noHooks,
        "status",
        "--porcelain=v1",
        "-z",
        "--no-renames",
        `--untracked-files=${untracked ? "all" : "no"}`,
        NOT_INSIDE,
      ];
      if (ignored) args.push("--ignored=matching");
      const [answer, gitlinks] = await Promise.all([
        git.run(args, { cwd: worktree, ...(env === undefined ? {} : { env }) }),
        fetchGitlinks(git, worktree, env),
      ]);
      const entries = parseStatus(answer.stdout);
      // A staged gitlink (`A `, `M `) says nothing about the files in it; any letter in the second place does.
      const unclear = gitlinks.filter(({ path }) => !entries.some((entry) => entry.path === path && entry.code[1] !== " "));
      if (unclear.length === 0) return entries;
      const changed = new Set(await findChangedNested(git, worktree, unclear));
      if (changed.size === 0) return entries;
      const told = entries.map((entry) => (changed.delete(entry.path) ? { ...entry, code: `${entry.code[0] ?? " "}M` } : entry));
      return [...told, ...[...changed].map((path) => ({ code: " M", path }))];
    },
    async listGitlinks(worktree) {
      return (await fetchGitlinks(git, worktree, undefined)).map(({ path }) => path);
    },
    async listIncluded(mainRoot) {
      if (!existsSync(join(mainRoot, ".worktreeinclude"))) return [];
      const answer = await git.run([...noHooks, "ls-files", "-z", "--others", "--ignored", "--exclude-from=.worktreeinclude"], {
        cwd: mainRoot,
      });
      return answer.stdout.split("\0").filter((path) => path !== "");
    },
    async checkIgnored(dir, paths) {
      const result = new Map<string, string | null>();
      if (paths.length === 0) return result;
      const answer = await git.run([...noHooks, "check-ignore", "-z", "--stdin", "--verbose", "--non-matching", "--no-index"], {
        cwd: dir,
        stdin: `${paths.join("\0")}\0`,
        okExitCodes: [0, 1],
      });
      const fields = answer.stdout.split("\0");
      for (let at = 0; at + 3 < fields.length; at += 4) {
        const [source = "", , pattern = "", path = ""] = fields.slice(at, at + 4);
        result.set(path, source === "" || pattern.startsWith("!") ? null : source);
      }
      return result;
    },
    async loadBlobs(dir, blobs, take) {
      for (const batch of groupBySize(blobs)) {
        const total = batch.reduce((sum, { size }) => sum + size + 128, 4096);
        const answer = await git.runRaw([...noHooks, "cat-file", "--batch"], {
          cwd: dir,
          stdin: batch.map(({ id }) => `${id}\n`).join(""),
          maxBytes: total,
        });
        let at = 0;
        for (const { id } of batch) {
          const end = answer.stdout.indexOf(10, at);
          const size = / blob (\d+)$/.exec(answer.stdout.toString("latin1", at, end))?.[1];
          if (size === undefined)
            throw new OkstraError("OKSTRA_GIT_FAILED", {
              message: `The content ${id} is not in the repository of ${dir}.`,
              details: { path: dir, id },
            });
          at = end + 1 + Number(size) + 1;
          await take(id, answer.stdout.subarray(end + 1, at - 1));
        }
      }
    },
    async loadFileAt(dir, commit, path) {
      if (/[\0\n\r]/.test(path)) return null;
      // The size first: what is too large is not read to find out.
      const stdin = `${commit}:${path}\n`;
      const told = await git.run([...noHooks, "cat-file", "--batch-check"], { cwd: dir, stdin });
      const size = / blob (\d+)\n$/.exec(told.stdout)?.[1];
      if (size === undefined || Number(size) > MAX_FILE_BYTES) return null;
      const { stdout } = await git.run([...noHooks, "cat-file", "--batch"], { cwd: dir, stdin });
      return stdout.slice(stdout.indexOf("\n") + 1, -1);
    },
    async checkoutScratch({ repository, commit, path, safe }) {
      await git.run([...noHooks, "clone", "--quiet", "--shared", "--no-checkout", "--no-tags", "--template=", "--", repository, path], {
        cwd: dirname(path),
      });
      const filters = safe.options.filter(
        (_, index, all) => !(all[index] === "-c" ? all[index + 1] : all[index])?.startsWith("core.hooksPath="),
      );
      await git.run([...filters, ...noHooks, "checkout", "--quiet", "--detach", commit], { cwd: path });
    },
    async run(dir, args, options = {}) {
      const prefix = options.safe === undefined ? noHooks : [...options.safe.options];
      return git.run([...prefix, ...args], {
        cwd: dir,
        ...(options.stdin === undefined ? {} : { stdin: options.stdin }),
        ...(options.okExitCodes === undefined ? {} : { okExitCodes: [...options.okExitCodes] }),
        ...(options.lock === undefined ? {} : { inheritFd: options.lock.fd }),
        ...(options.env === undefined ? {} : { env: { ...options.env } }),
        ...(options.cutBytes === undefined ? {} : { cutBytes: options.cutBytes }),
      });
    },
  };
}

/** Groups of at most 32 MiB, or one blob that is larger by itself. */
function groupBySize(blobs: readonly { id: string; size: number }[]): readonly { id: string; size: number }[][] {
  const groups: { id: string; size: number }[][] = [];
  let room = 0;
  for (const blob of blobs) {
    if (blob.size > room || groups.length === 0) {
      groups.push([]);
      room = 32 * 1024 * 1024;
    }
    groups.at(-1)?.push(blob);
    room -= blob.size;
  }
  return groups;
}

function parseWorktreeBlock(block: string): WorktreeEntry {
  const fields = new Map<string, string>();
  for (const line of block.split("\0")) {
    const at = line.indexOf(" ");
    if (line !== "") fields.set(at < 0 ? line : line.slice(0, at), at < 0 ? "" : line.slice(at + 1));
  }
  return {
    path: fields.get("worktree") ?? "",
    head: fields.get("HEAD") ?? "",
    branch: fields.get("branch")?.replace(/^refs\/heads\//, "") ?? null,
    locked: fields.get("locked") ?? null,
    bare: fields.has("bare"),
  };
}

function parseStatus(output: string): readonly StatusEntry[] {
  return output
    .split("\0")
    .filter((entry) => entry.length > 3)
    .map((entry) => ({ code: entry.slice(0, 2), path: entry.slice(3) }));
}

/** The nearest `.git` upwards: file or directory; null when there is none. */
function findDotGit(dir: string): string | null {
  for (let at = dir; ; at = dirname(at)) {
    const candidate = join(at, ".git");
    if (existsSync(candidate)) return candidate;
    if (dirname(at) === at) return null;
  }
}

function lastLine(text: string): string {
  return text.trimEnd().split("\n").at(-1) ?? "";
}
