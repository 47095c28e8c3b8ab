import { createTestHome, type TestHome } from "./test-home.ts";
import { createTestRepo, type TestRepo } from "./test-repo.ts";
import { runOkstra, type OkstraAnswer } from "./run-okstra.ts";

/** A repository that was set up as a project, with a home of its own. */
export interface TestProject {
  readonly home: TestHome;
  readonly repo: TestRepo;
  /** Runs okstra in the repository (or `cwd`) with --json where there is none of it. */
  okstra(
    argv: readonly string[],
    options?: { cwd?: string; env?: Readonly<Record<string, string>> } & Pick<
      Parameters<typeof runOkstra>[1],
      "onEvent" | "launcher" | "fetchSandbox"
    >,
  ): Promise<OkstraAnswer>;
  /** Provisions a task that must be given a worktree; answers the document. */
  provision(task: string, ...flags: readonly string[]): Promise<OkstraAnswer["json"]>;
  /** The registry's text as data. */
  loadRegistry(): { tasks: Record<string, Record<string, unknown>>; branches: Record<string, Record<string, string>> };
  remove(): void;
}

export async function createTestProject(options: { name?: string; projectId?: string } = {}): Promise<TestProject> {
  const home = createTestHome();
  const repo = await createTestRepo(home.directory(options.name ?? "repo"));
  return openTestProject(home, repo, options.projectId ?? "proj");
}

/** Sets an existing repository up in an existing home. */
export async function openTestProject(home: TestHome, repo: TestRepo, projectId: string): Promise<TestProject> {
  const okstra: TestProject["okstra"] = (argv, { cwd = repo.root, ...more } = {}) => {
    const at = argv.indexOf("--");
    const own = at < 0 ? argv : argv.slice(0, at);
    const json = own.includes("--json") || own[0] === "exec" ? [] : ["--json"];
    return runOkstra([...own, ...json, ...(at < 0 ? [] : argv.slice(at))], { cwd, ...more });
  };
  const set = await okstra(["setup", "--project-id", projectId]);
  if (set.status !== 0) throw new Error(`setup failed: ${set.stdout}`);
  return {
    home,
    repo,
    okstra,
    async provision(task, ...flags) {
      const answer = await okstra(["worktree", "provision", task, ...flags]);
      if (answer.status !== 0) throw new Error(`provision of ${task} failed: ${answer.stdout}`);
      return answer.json;
    },
    loadRegistry: () => JSON.parse(repo.read("worktrees/registry.json", home.okstraHome)),
    remove: () => home.remove(),
  };
}
