import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createGitProcess } from "@okstra/node/exec/git-process";

const git = createGitProcess();

/** A real git repository for a test. */
export interface TestRepo {
  readonly root: string;
  /** Real path of its git directory. */
  readonly gitDir: string;
  /** Runs git in the repository (or in `cwd`) and answers its stdout without the last line break. */
  git(args: readonly string[], options?: { cwd?: string; stdin?: string; okExitCodes?: readonly number[] }): Promise<string>;
  /** Writes a file below the root, or below `at`. */
  write(path: string, text: string | Uint8Array, options?: { mode?: number; at?: string }): void;
  read(path: string, at?: string): string;
  exists(path: string, at?: string): boolean;
  /** Writes files, commits them and answers the commit. */
  commit(message: string, files?: Readonly<Record<string, string>>, at?: string): Promise<string>;
  /** `git status --porcelain` of the root or of `at`, lines sorted. */
  status(at?: string, ...more: readonly string[]): Promise<readonly string[]>;
  resolve(revision: string, at?: string): Promise<string>;
  branches(): Promise<readonly string[]>;
  worktrees(): Promise<readonly string[]>;
}

/** Makes a repository with one commit (README.md), or none when `empty`. */
export async function createTestRepo(root: string, options: { empty?: boolean; bare?: boolean } = {}): Promise<TestRepo> {
  mkdirSync(root, { recursive: true });
  await git.run(["init", "--quiet", "--initial-branch=main", ...(options.bare === true ? ["--bare"] : [])], { cwd: root });
  const repo = openTestRepo(root);
  if (options.empty !== true && options.bare !== true) await repo.commit("first", { "README.md": "# test\n", "src/a.txt": "one\n" });
  return repo;
}

export function openTestRepo(root: string): TestRepo {
  const run: TestRepo["git"] = async (args, options = {}) => {
    const { stdout } = await git.run(args, {
      cwd: options.cwd ?? root,
      ...(options.stdin === undefined ? {} : { stdin: options.stdin }),
      ...(options.okExitCodes === undefined ? {} : { okExitCodes: options.okExitCodes }),
    });
    return stdout.replace(/\n$/, "");
  };
  const write: TestRepo["write"] = (path, text, { mode, at = root } = {}) => {
    mkdirSync(dirname(join(at, path)), { recursive: true });
    writeFileSync(join(at, path), text);
    if (mode !== undefined) chmodSync(join(at, path), mode);
  };
  return {
    root,
    gitDir: existsSync(join(root, ".git")) ? join(root, ".git") : root,
    git: run,
    write,
    read: (path, at = root) => readFileSync(join(at, path), "utf8"),
    exists: (path, at = root) => existsSync(join(at, path)),
    async commit(message, files = {}, at = root) {
      for (const [path, text] of Object.entries(files)) write(path, text, { at });
      if (Object.keys(files).length > 0) await run(["add", "--force", "--", ...Object.keys(files)], { cwd: at });
      await run(["commit", "--quiet", "--allow-empty", "-m", message], { cwd: at });
      return run(["rev-parse", "HEAD"], { cwd: at });
    },
    async status(at = root, ...more) {
      const text = await run(["status", "--porcelain", ...more], { cwd: at });
      return text
        .split("\n")
        .filter((line) => line !== "")
        .sort();
    },
    resolve: (revision, at = root) =>
      run(["rev-parse", "--verify", "--quiet", "--end-of-options", revision], { cwd: at, okExitCodes: [0, 1] }),
    async branches() {
      return (await run(["for-each-ref", "--format=%(refname:short)", "refs/heads"])).split("\n").filter((line) => line !== "");
    },
    async worktrees() {
      return (await run(["worktree", "list", "--porcelain"]))
        .split("\n")
        .filter((line) => line.startsWith("worktree "))
        .map((line) => line.slice("worktree ".length));
    },
  };
}
