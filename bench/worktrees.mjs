import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { installCountedGit } from "./git-calls.mjs";
import { interleave, median, must, round } from "./measure.mjs";

const IDENTITY = {
  GIT_AUTHOR_NAME: "Bench",
  GIT_AUTHOR_EMAIL: "bench@example.invalid",
  GIT_COMMITTER_NAME: "Bench",
  GIT_COMMITTER_EMAIL: "bench@example.invalid",
  GIT_CONFIG_NOSYSTEM: "1",
};

/** `worktree provision` (created, reused) against `git worktree add -b` in one repository of so many files. */
export function measureWorktrees(root, directory, files, rounds) {
  const base = join(directory, `files-${files}`);
  const repository = join(base, "repository");
  const home = join(base, "home");
  mkdirSync(home, { recursive: true });
  const env = { ...process.env, ...IDENTITY, HOME: home, OKSTRA_HOME: join(home, ".okstra") };
  const git = (...args) => must("git", args, { cwd: repository, env });
  const okstra = (...args) => must(process.execPath, [join(root, "bin/okstra.js"), ...args], { cwd: repository, env });
  makeRepository(repository, files, git);
  okstra("setup", "--yes");
  const plainPath = (turn) => join(base, `plain-${turn}`);
  const times = interleave(rounds, {
    plain: {
      run: (turn) => git("worktree", "add", "--quiet", "-b", `plain-${turn}`, plainPath(turn)),
      after: (turn) => git("worktree", "remove", "--force", plainPath(turn)),
    },
    created: {
      run: (turn) => okstra("worktree", "provision", `bench/t${turn}`),
    },
    reused: {
      run: (turn) => okstra("worktree", "provision", `bench/t${turn}`),
      after: (turn) => okstra("worktree", "remove", `bench/t${turn}`, "--yes"),
    },
    node: { run: () => must(process.execPath, ["-e", "0"]) },
  });
  const counted = installCountedGit(join(base, "counted"));
  const countGit = (...args) => {
    must(process.execPath, [join(root, "bin/okstra.js"), ...args], { cwd: repository, env: { ...env, PATH: counted.path } });
    return counted.take();
  };
  const createdGitCalls = countGit("worktree", "provision", "bench/counted");
  const reusedGitCalls = countGit("worktree", "provision", "bench/counted");
  rmSync(base, { recursive: true, force: true });
  const plain = median(times.plain);
  const node = median(times.node);
  return {
    files,
    gitWorktreeAddMs: round(plain),
    createdMs: round(median(times.created)),
    createdRatio: round(median(times.created) / plain),
    createdLessNodeRatio: round((median(times.created) - node) / plain),
    reusedMs: round(median(times.reused)),
    reusedRatio: round(median(times.reused) / plain),
    nodeMs: round(node),
    createdGitCalls,
    reusedGitCalls,
  };
}

function makeRepository(path, files, git) {
  mkdirSync(path, { recursive: true });
  git("init", "--quiet", "--initial-branch=main");
  for (let at = 0; at < files; at += 1) {
    const folder = join(path, `d${Math.floor(at / 200)}`);
    if (at % 200 === 0) mkdirSync(folder);
    writeFileSync(join(folder, `f${at % 200}.txt`), `file ${at}\n`.repeat(20));
  }
  git("add", "--all");
  git("commit", "--quiet", "--message", "Begin");
  git("status", "--short");
}
