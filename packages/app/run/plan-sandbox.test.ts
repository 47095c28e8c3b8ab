import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import type { ProcessEnd } from "@okstra/core/ports";
import { openApp } from "@okstra/testkit/open-app";
import { createTestProject, type TestProject } from "@okstra/testkit/test-project";
import { hashFiles } from "@okstra/testkit/tree-hash";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { App } from "../app.ts";
import { planSandbox, type SandboxPlan } from "./plan-sandbox.ts";

let project: TestProject;
let app: App;
let worktree = "";
let branch = "";
let laneDir = "";
let keyring: Server;
const socket = (): string => join(project.home.root, "runtime/keyring");
beforeEach(async () => {
  project = await createTestProject();
  const { home, repo } = project;
  ({ worktreePath: worktree, branch } = await provision("g/t"));
  await provision("g/other");
  laneDir = join(repo.root, ".project-docs/okstra/tasks/g/t/runs/x/001/workers/anna");
  for (const name of ["door", "tmp"]) mkdirSync(join(laneDir, name), { recursive: true });
  for (const name of [".ssh", ".aws", ".config/gh", ".agent"]) mkdirSync(join(home.home, name), { recursive: true });
  for (const name of [".ssh/id", ".aws/credentials", ".config/gh/hosts.yml", ".netrc", ".git-credentials", ".agent/state"])
    writeFileSync(join(home.home, name), "secret of the person\n");
  mkdirSync(join(home.root, "runtime"));
  keyring = createServer().listen(socket());
  app = await openApp({ env: { ...home.env, XDG_RUNTIME_DIR: join(home.root, "runtime") }, cwd: repo.root, emit: () => undefined });
  await app.sealer.seal("so that there is a key");
});
afterEach(() => {
  keyring.close();
  project.remove();
});

async function provision(task: string): Promise<{ worktreePath: string; branch: string }> {
  const answer = await project.provision(task);
  return { worktreePath: String(answer.path), branch: String(answer.branch) };
}

async function inSandbox(line: string, mode: SandboxPlan["mode"], ...args: readonly string[]): Promise<ProcessEnd> {
  const manifest = {
    provision: { status: "created" as const, path: worktree, branch, baseRef: "", taskKey: "g/t", note: "" },
    project: { root: project.repo.root, id: "proj" },
  };
  const sandbox = await planSandbox(app, { manifest: manifest as never, laneDir, mode, stateBelowHome: [".agent"] });
  const { PATH = "", HOME = "", GIT_CONFIG_NOSYSTEM = "" } = project.home.env;
  const identity = { GIT_AUTHOR_NAME: "E", GIT_AUTHOR_EMAIL: "e@x", GIT_COMMITTER_NAME: "E", GIT_COMMITTER_EMAIL: "e@x" };
  return app.processes.run({
    command: ["sh", "-c", line, "sh", ...args],
    cwd: worktree,
    env: { PATH, HOME, GIT_CONFIG_NOSYSTEM, ...identity, TMPDIR: join(laneDir, "tmp") },
    deadlineMs: 60_000,
    runId: "run-in-a-sandbox",
    transcriptPath: null,
    captureBytes: 64 * 1024,
    redact: (text) => text,
    signal: new AbortController().signal,
    sandbox,
  });
}

/** Which of the places could be written. A place that ends with / is a directory that a new file is put into. */
async function listWritable(mode: SandboxPlan["mode"], places: readonly string[]): Promise<string[]> {
  const line = 'for each in "$@"; do to=$each; case $each in */) to=$each.new;; esac; (: >>"$to") 2>/dev/null && echo "$each"; done; :';
  const end = await inSandbox(line, mode, ...places);
  expect(end).toMatchObject({ exitCode: 0, sandbox: "bwrap" });
  return end.stdout.text.split("\n").filter((each) => each !== "");
}

function gitDirOf(tree: string): string {
  return readFileSync(join(tree, ".git"), "utf8").trim().replace("gitdir: ", "");
}

function places(): { always: string[]; executor: string[]; never: string[] } {
  const { repo, home } = project;
  const git = repo.gitDir;
  const own = gitDirOf(worktree);
  const inHome = (name: string): string => join(home.home, name);
  const directory = join(git, "refs/heads", branch, "..");
  return {
    always: [`${laneDir}/door/`, `${laneDir}/tmp/`, inHome(".agent/state"), inHome(".agent/"), `${repo.root}/.project-docs/`],
    executor: [`${worktree}/`, `${worktree}/README.md`, `${git}/objects/`, `${own}/`, `${own}/index`, `${git}/refs/heads/${branch}`],
    never: [
      ...["config", "HEAD", "packed-refs", "", "hooks/", "info/", "info/exclude", "worktrees/", "refs/heads/main", "refs/tags/"].map(
        (name) => join(git, name || "./"),
      ),
      ...["commondir", "gitdir", "config.worktree", "okstra.json"].map((name) => join(own, name)),
      ...readdirSync(directory)
        .map((name) => join(directory, name))
        .filter((path) => !path.endsWith(branch)),
      join(git, "logs/refs/heads/main"),
      `${worktree}/.git`,
      `${repo.root}/`,
      `${repo.root}/src/a.txt`,
      `${repo.root}/.project-docs/okstra/`,
      `${repo.root}/.project-docs/okstra/project.json`,
      `${laneDir}/`,
      `${home.okstraHome}/`,
      `${home.okstraHome}/seal.key`,
      inHome("./"),
      inHome(".gitconfig"),
      inHome(".ssh/"),
      inHome(".netrc"),
      `${home.root}/`,
    ],
  };
}

const { state } = await openApp({ env: process.env, cwd: "/", emit: () => undefined }).then(({ processes }) => processes.sandbox());

describe.skipIf(state !== "bwrap")("case 41: what a lane in a sandbox can reach (needs a bwrap that works)", () => {
  test("an executor writes its tree, its branch and the lane's own; nothing else", async () => {
    const { always, executor, never } = places();
    expect(await listWritable("edit", [...always, ...executor, ...never])).toEqual([...always, ...executor]);
  });

  test("everybody else writes the lane's own and their state; nothing else", async () => {
    const { always, executor, never } = places();
    expect(await listWritable("read-only", [...always, ...executor, ...never])).toEqual(always);
  });

  test("a commit and its amending work, when refs are packed too, and change nothing but the branch", async () => {
    const commit = 'echo more >>README.md && git add -A && git commit -qm one && git commit -q --amend -m "$1"';
    expect(await inSandbox(commit, "edit", "first")).toMatchObject({ exitCode: 0, stderr: { text: "" } });
    const { repo } = project;
    await repo.git(["branch", "-m", branch, "deep/er/t"]);
    branch = "deep/er/t";
    await repo.git(["pack-refs", "--all", "--prune"]);
    expect(existsSync(join(repo.gitDir, "refs/heads/deep"))).toBe(false);
    const before = await repo.git(["for-each-ref"]);
    expect(await inSandbox(commit, "edit", "second")).toMatchObject({ exitCode: 0, stderr: { text: "" } });
    expect(await repo.git(["log", "--format=%s", "-2", branch])).toBe("second\nfirst");
    expect(await repo.status(worktree)).toEqual([]);
    const others = (text: string): string[] => text.split("\n").filter((line) => !line.endsWith(`refs/heads/${branch}`));
    expect(others(await repo.git(["for-each-ref"]))).toEqual(others(before));
    expect(await repo.git(["reflog", "show", "--format=%gs", branch])).toMatch(/amend/u);
    await repo.git(["fsck", "--strict"]);
  });

  test.each(["loose", "packed"])("git's own ways to other branches (%s), configuration and hooks are closed", async (kind) => {
    const { repo } = project;
    if (kind === "packed") await repo.git(["pack-refs", "--all", "--prune"]);
    const own = gitDirOf(worktree);
    const kept = (): unknown =>
      hashFiles(
        ...["hooks", "info", "refs/tags"].map((name) => join(repo.gitDir, name)),
        join(repo.root, "src"),
        join(own, "../../logs/refs"),
      );
    const before = [kept(), readFileSync(join(repo.gitDir, "config"), "utf8"), await repo.git(["for-each-ref"])];
    const lines = [
      "git config core.hooksPath /tmp",
      "git config --worktree core.fsmonitor /bin/false",
      "git update-ref refs/heads/main HEAD~1",
      "git branch -f main HEAD~1",
      "git branch -D task-other",
      "git branch another",
      "git tag moved",
      "git symbolic-ref HEAD refs/heads/main && git commit -q --allow-empty -m stolen",
      "git --git-dir=$1 --work-tree=$2 reset -q --hard HEAD~1",
      "git worktree remove --force --force $3",
      "rm -rf $1/hooks; mv $1/hooks $1/hooks.old; ln -sf /tmp $1/hooks",
      "mv .git elsewhere",
      `rm -f ${own}/commondir; mv ${own} ${own}.old`,
    ];
    const other = (await repo.worktrees()).find((path) => path !== worktree && path !== repo.root) ?? "";
    const line = lines.map((each) => `(${each}) && echo done`).join("\n");
    const end = await inSandbox(`${line}\n:`, "edit", repo.gitDir, repo.root, other);
    // The tree's own HEAD is its own, and a commit that it then cannot write is none.
    expect(end.stdout.text, end.stderr.text).toBe("");
    expect([kept(), readFileSync(join(repo.gitDir, "config"), "utf8"), await repo.git(["for-each-ref"])]).toEqual(before);
    expect(existsSync(join(other, "README.md"))).toBe(true);
    expect(existsSync(join(worktree, ".git"))).toBe(true);
  });

  test("okstra's key, the person's keys and the sockets of key agents are not to be seen", async () => {
    const { home } = project;
    const secrets = [".ssh/id", ".aws/credentials", ".config/gh/hosts.yml", ".netrc", ".git-credentials"].map((name) =>
      join(home.home, name),
    );
    const line = 'for each in "$@"; do cat "$each"; done; ls -A "$HOME/.ssh"';
    const end = await inSandbox(line, "edit", join(home.okstraHome, "seal.key"), ...secrets, socket());
    expect(end).toMatchObject({ exitCode: 0, stdout: { text: "" } });
    const call = `require("net").connect(${JSON.stringify(socket())}).on("connect", () => process.exit(0)).on("error", ({ code }) => { console.log(code); process.exit(1); })`;
    const reached = await inSandbox('"$1" -e "$2"', "edit", process.execPath, call);
    expect(reached).toMatchObject({ exitCode: 1, stdout: { text: "ENOENT\n" } });
    expect((await inSandbox('ls -A "$1"', "edit", home.okstraHome)).stdout.text).toBe("worktrees\n");
  });

  test("what a lane wrote into okstra's marker of its tree would open the next one: it cannot", async () => {
    const marker = join(gitDirOf(worktree), "okstra.json");
    const before = readFileSync(marker, "utf8");
    const line = 'rm -f "$1"; echo "{}" >"$1.new" && mv "$1.new" "$1"; echo "{}" >"$1"; :';
    await inSandbox(line, "edit", marker);
    expect(readFileSync(marker, "utf8")).toBe(before);
  });
});

test("a plan names a program of okstra that lies in something hidden, and nothing that holds something hidden", async () => {
  const runtime = join(project.home.okstraHome, "bin/node");
  const inside = {
    ...app,
    surroundings: { ...app.surroundings, runtime, launcher: [runtime, join(project.home.root, "cli.js")] as const },
  };
  const manifest = { provision: { path: worktree, branch }, project: { root: project.repo.root } };
  const plan = await planSandbox(inside, { manifest: manifest as never, laneDir, mode: "read-only", stateBelowHome: [] });
  expect(plan.hidden).toContain(project.home.okstraHome);
  expect(plan.exposed.filter(({ path }) => path === runtime)).not.toEqual([]);
  expect(plan.exposed.map(({ path }) => path)).not.toContain(join(project.home.root, "cli.js"));
  for (const { path } of plan.exposed) expect(plan.hidden.some((each) => each.startsWith(`${path}/`))).toBe(false);
});
