import {
  appendFileSync,
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findExecutable } from "@okstra/node/exec/find-program";
import { bundleOkstra } from "./bundle-okstra.ts";
import { startProcess } from "./faults/start-process.ts";
import { githubStandInEnvironment, startGithubServer, type GithubServer } from "./forge/github-server.ts";
import { GH_SHIM } from "./handoff-gh-shim.ts";
import { createHandoffProject, type HandoffProject } from "./handoff-project.ts";
import { quoteShell } from "./remotes/quote-shell.ts";
import type { OkstraAnswer } from "./run-okstra.ts";

export type Branches = Readonly<Record<string, string>>;

/** Where okstra is killed, or somebody else is quicker: at the n-th call that fits, for one command. */
export interface Trap {
  /** Pattern of the shell for `<program> <arguments>`, quoted where it must be. */
  readonly pattern: string;
  /** 1 for the first. */
  readonly nth: number;
  /** Kills okstra before the program starts, while it runs, or when it has ended; else a line of the shell that runs before it. */
  readonly what: "before" | "during" | "after" | { readonly run: string };
}

interface Call {
  readonly program: string;
  readonly argv: readonly string[];
}

export interface WorldAnswer extends OkstraAnswer {
  readonly isKilled: boolean;
}

/** Commits that a run of the world needs, made before the first. */
interface WorldCommits {
  readonly ancestor: string;
  readonly head: string;
  /** On the base, not in the task's branch. */
  readonly diverged: string;
  readonly movedBase: string;
  /** A base that the task's branch does not merge into. */
  readonly conflictingBase: string;
}

/**
 * One verified task, a bare remote, a forge and a spy on git and gh, brought back to its beginning before each run, so that
 * hundreds of hand-offs need one verification.
 */
export interface HandoffWorld {
  readonly work: HandoffProject;
  readonly commits: WorldCommits;
  /** Of the present run. */
  readonly server: GithubServer;
  /** Which program answers as gh. */
  readonly gh: "gh" | "shim";
  /** @param options.forge whether the remote's URL is one of GitHub, rewritten by the person's own configuration of git */
  reset(options: { readonly forge: boolean }): Promise<void>;
  /** Runs okstra in this process, without a terminal and with an input that has ended. */
  okstra(argv: readonly string[], trap?: Trap & { readonly what: { readonly run: string } }): Promise<WorldAnswer>;
  /** Starts okstra as people do. */
  start(argv: readonly string[], options: { readonly input: "ended" | "yes"; readonly trap?: Trap }): Promise<WorldAnswer>;
  /** Arguments after `push` of every push that okstra made since the reset. */
  pushes(): readonly (readonly string[])[];
  /** Arguments of every call of gh since the reset that could send something. */
  sent(): readonly (readonly string[])[];
  /** Names of what okstra has left in its place for throw-away directories. */
  scratch(): readonly string[];
  branches(): Promise<Branches>;
  /** Commits that a push brought to a branch of the remote since the reset, whoever pushed. */
  pushed(branch: string): readonly string[];
  /** Somebody else brings a branch of the remote to a commit, without a push. */
  setBranch(branch: string, commit: string): Promise<void>;
  /** The line of the shell that does the same. */
  setBranchLine(branch: string, commit: string): string;
  remove(): Promise<void>;
}

const FORGE_URL = "https://github.com/acme/app.git";

export async function createHandoffWorld(): Promise<HandoffWorld> {
  const path = process.env["PATH"] ?? "";
  const aside = realpathSync(mkdtempSync(join(tmpdir(), "okstra-world-")));
  const spy = await createSpy(aside, path);
  const bundle = await bundleOkstra(aside);
  const work = await createHandoffProject({ commits: ["Mend the login\n\nCo-authored-by: A <a@example.com>", "Test the login"] });
  const { project, remote } = work;
  const { home, repo } = project;
  const commits = await prepareCommits(work);
  // From here on okstra in this process is seen too.
  process.env["PATH"] = `${spy.path}:${path}`;
  const snapshot = join(aside, "snapshot");
  cpSync(home.root, snapshot, COPY);
  let server: GithubServer | null = null;
  let environment: Record<string, string> = {};

  const setBranchLine: HandoffWorld["setBranchLine"] = (branch, commit) =>
    [spy.git, `--git-dir=${remote.path}`, "update-ref", "-m", "somebody else", `refs/heads/${branch}`, commit].map(quoteShell).join(" ");
  const requireServer = (): GithubServer => {
    if (server === null) throw new Error("the world was not reset");
    return server;
  };
  return {
    work,
    commits,
    gh: spy.gh,
    get server() {
      return requireServer();
    },
    async reset({ forge }) {
      await server?.close();
      bringBack(snapshot, home.root);
      spy.reset();
      const headOf = (branch: string): Promise<string | null> => work.remoteCommit(branch);
      server = await startGithubServer({ project: "acme/app", headOf });
      environment = { ...githubStandInEnvironment(server, home.home), PATH: `${spy.path}:${path}` };
      writeFileSync(join(home.home, "gh", "stand-in.json"), JSON.stringify({ socketPath: server.socketPath }));
      const config = join(repo.root, ".git/config");
      if (forge) writeFileSync(config, readFileSync(config, "utf8").replace(remote.url, FORGE_URL));
      appendFileSync(join(home.home, ".gitconfig"), `[url "${remote.url}"]\n\tinsteadOf = ${FORGE_URL}\n`);
    },
    async okstra(argv, trap) {
      if (trap !== undefined) spy.set(trap);
      const answer = await spy.listen(() => project.okstra(argv, { env: environment }));
      return { ...answer, isKilled: false };
    },
    async start(argv, { input, trap }) {
      if (trap !== undefined) spy.set(trap);
      const line = [process.execPath, bundle, ...argv, "--json"].map(quoteShell).join(" ");
      // `yes` ends with its reader.
      const command = input === "yes" ? (["sh", "-c", `yes | ${line}`] as const) : ([process.execPath, bundle, ...argv, "--json"] as const);
      return spy.listen(async () => {
        const child = startProcess(command, { cwd: repo.root, env: environment });
        spy.aim(child.pid);
        child.closeStdin();
        const { status, signal, stdout, stderr } = await child.ended;
        return { status: status ?? -1, stdout, stderr, json: readJson(stdout), isKilled: signal === "SIGKILL" };
      });
    },
    pushes: () =>
      listCalls(spy.calls(), "git").flatMap((argv) => (findSubcommand(argv) === "push" ? [argv.slice(argv.indexOf("push") + 1)] : [])),
    sent: () => listCalls(spy.calls(), "gh").filter((argv) => argv[0] !== "api" || argv.some((word) => SENDS.test(word))),
    scratch: () => (existsSync(join(home.okstraHome, "scratch")) ? readdirSync(join(home.okstraHome, "scratch")) : []),
    async branches() {
      const text = await remote.git(["for-each-ref", "--format=%(refname:lstrip=2) %(objectname)", "refs/heads"]);
      return Object.fromEntries(text.split("\n").map((line) => line.split(" ") as [string, string]));
    },
    pushed(branch) {
      const log = join(remote.path, "logs/refs/heads", branch);
      const lines = existsSync(log) ? readFileSync(log, "utf8").split("\n") : [];
      return lines.flatMap((line) => (line.endsWith("\tpush") ? [line.split(" ")[1] ?? ""] : []));
    },
    async setBranch(branch, commit) {
      if (commit === commits.head) await remote.git(["fetch", "--quiet", repo.root, work.branch]);
      await remote.git(["update-ref", "-m", "somebody else", `refs/heads/${branch}`, commit]);
    },
    setBranchLine(branch, commit) {
      const fetch = [spy.git, `--git-dir=${remote.path}`, "fetch", "--quiet", repo.root, work.branch].map(quoteShell).join(" ");
      return commit === commits.head ? `${fetch}; ${setBranchLine(branch, commit)}` : setBranchLine(branch, commit);
    },
    async remove() {
      await server?.close();
      process.env["PATH"] = path;
      project.remove();
      rmSync(aside, { recursive: true, force: true });
    },
  };
}

/** Options with which `gh api` sends something. */
const SENDS = /^(?:--method|-X|-[fF]|--field|--raw-field|--input)/;

function listCalls(calls: readonly Call[], of: string): readonly (readonly string[])[] {
  return calls.flatMap(({ program, argv }) => (program === of ? [argv] : []));
}

/** git's subcommand, past the options before it. */
function findSubcommand(argv: readonly string[]): string {
  for (let at = 0; at < argv.length; at += 1) {
    const word = argv[at] ?? "";
    if (word === "-c" || word === "-C") at += 1;
    else if (!word.startsWith("-")) return word;
  }
  return "";
}

const COPY = { recursive: true, verbatimSymlinks: true, preserveTimestamps: true } as const;

/** Makes a directory what its copy is; what has the same size and time stays, so that little is written. */
function bringBack(from: string, to: string): void {
  const wanted = new Map(readdirSync(from, { withFileTypes: true }).map((entry) => [entry.name, entry]));
  for (const entry of readdirSync(to, { withFileTypes: true })) {
    const kept = wanted.get(entry.name);
    if (kept?.isDirectory() === true && entry.isDirectory()) bringBack(join(from, entry.name), join(to, entry.name));
    else if (kept?.isFile() !== true || !entry.isFile() || !isSameFile(join(from, entry.name), join(to, entry.name))) {
      rmSync(join(to, entry.name), { recursive: true, force: true, maxRetries: 5 });
      continue;
    }
    wanted.delete(entry.name);
  }
  for (const name of wanted.keys()) cpSync(join(from, name), join(to, name), COPY);
}

/** A copy's time is exact to the microsecond only. */
function isSameFile(a: string, b: string): boolean {
  const [one, other] = [statSync(a), statSync(b)];
  return one.size === other.size && Math.abs(one.mtimeMs - other.mtimeMs) < 1;
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Commits of other people are in the remote's objects before anybody needs them, and in none of its branches. */
async function prepareCommits({ project: { repo }, remote, worktree, head }: HandoffProject): Promise<WorldCommits> {
  const main = await repo.resolve("main");
  const ancestor = await repo.resolve("HEAD~1", worktree);
  const commitTree = async (name: string, files: Readonly<Record<string, string>>): Promise<string> => {
    await repo.git(["switch", "--quiet", "--detach", main]);
    const commit = await repo.commit(name, files);
    await repo.git(["push", "--quiet", remote.url, `${commit}:refs/keep/${name}`, `${ancestor}:refs/keep/ancestor`]);
    await repo.git(["switch", "--quiet", "main"]);
    return commit;
  };
  const diverged = await commitTree("diverged", { "src/theirs.txt": "theirs\n" });
  const movedBase = await commitTree("moved", { "docs/more.txt": "more\n" });
  const conflictingBase = await commitTree("conflicting", { "src/part-0.txt": "another part\n" });
  for (const name of ["diverged", "moved", "conflicting", "ancestor"]) await remote.git(["update-ref", "-d", `refs/keep/${name}`]);
  await remote.git(["config", "core.logAllRefUpdates", "always"]);
  await remote.git(["config", "gc.auto", "0"]);
  for (const directory of [remote.path, join(repo.root, ".git")]) rmSync(join(directory, "hooks"), { recursive: true, force: true });
  return { ancestor, head, diverged, movedBase, conflictingBase };
}

interface Spy {
  /** To put in front of PATH. */
  readonly path: string;
  /** The real git. */
  readonly git: string;
  readonly gh: "gh" | "shim";
  /** Counts only what is called meanwhile. */
  listen<T>(work: () => Promise<T>): Promise<T>;
  calls(): readonly Call[];
  /** For the next command. */
  set(trap: Trap): void;
  /** Whom the trap kills. */
  aim(pid: number): void;
  reset(): void;
}

/** Programs that write down how they are called, spring a trap where there is one, and become the real program. */
async function createSpy(aside: string, realPath: string): Promise<Spy> {
  const path = join(aside, "bin");
  const at = (name: string): string => join(aside, name);
  mkdirSync(path);
  const real = async (program: string): Promise<string | null> => findExecutable(program, realPath);
  const git = await real("git");
  if (git === null) throw new Error("There is no git to spy on.");
  const gh = await real("gh");
  const shim = [process.execPath, at("gh-shim.mjs")];
  writeFileSync(at("gh-shim.mjs"), GH_SHIM);
  for (const [program, command] of [["git", [git]] as const, ["gh", gh === null ? shim : [gh]] as const]) {
    const start = command.map(quoteShell).join(" ");
    // One write at the log's end, so that calls at the same time do not mix.
    const wrapper = `#!/bin/sh
program=${program}
printf '%s\\0' ${program} "$#" "$@" >>${quoteShell(at("calls"))}
start() { ${start} "$@"; }
[ ! -f ${quoteShell(at("trap"))} ] || . ${quoteShell(at("trap"))}
exec ${start} "$@"
`;
    writeFileSync(join(path, program), wrapper);
    chmodSync(join(path, program), 0o755);
  }
  const heard: Call[] = [];
  return {
    path,
    git,
    gh: gh === null ? "shim" : "gh",
    async listen(work) {
      rmSync(at("calls"), { force: true });
      try {
        return await work();
      } finally {
        if (existsSync(at("calls"))) heard.push(...parseCalls(readFileSync(at("calls"), "utf8")));
        rmSync(at("trap"), { force: true });
      }
    },
    calls: () => heard,
    set(trap) {
      for (const name of readdirSync(aside)) if (name.startsWith("met.")) rmSync(at(name), { recursive: true });
      writeFileSync(at("trap"), writeTrap(trap, at));
    },
    aim: (pid) => writeFileSync(at("pid"), `${pid}\n`),
    reset: () => void heard.splice(0, heard.length),
  };
}

function writeTrap({ pattern, nth, what }: Trap, at: (name: string) => string): string {
  const kill = `kill -s KILL "$(cat ${quoteShell(at("pid"))})"`;
  const deed =
    what === "before"
      ? `${kill}; exit 137`
      : what === "during"
        ? kill
        : what === "after"
          ? `start "$@"; status=$?; ${kill}; exit $status`
          : `${what.run} </dev/null >/dev/null 2>&1`;
  return `case "$program $*" in
${pattern})
  met=1
  while ! mkdir ${quoteShell(at("met."))}$met 2>/dev/null; do met=$((met + 1)); done
  if [ $met = ${nth} ]; then
    ${deed}
  fi
  ;;
esac
`;
}

function parseCalls(text: string): readonly Call[] {
  const words = text.split("\0").slice(0, -1);
  const calls: Call[] = [];
  for (let index = 0; index < words.length;) {
    const [program = "", count = ""] = words.slice(index, index + 2);
    const end = index + 2 + Number(count);
    calls.push({ program, argv: words.slice(index + 2, end) });
    index = end;
  }
  return calls;
}
