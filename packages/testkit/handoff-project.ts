import { join } from "node:path";
import { writeFileSync } from "node:fs";
import { createBareRemote, type BareRemote } from "./remotes/bare-remote.ts";
import { createTestProject, type TestProject } from "./test-project.ts";

/** A project with a real bare remote and a task that was finally verified, so that it can be handed off. */
export interface HandoffProject {
  readonly project: TestProject;
  readonly remote: BareRemote;
  /** `<group>/<task>`. */
  readonly task: string;
  readonly branch: string;
  readonly worktree: string;
  /** The verified commit. */
  readonly head: string;
  /** Commit of the remote's branch; null when it has none. */
  remoteCommit(branch?: string): Promise<string | null>;
  /** Commits in the worktree and verifies again. */
  advance(message: string, files: Readonly<Record<string, string>>): Promise<string>;
}

const SAYS_NOTHING = `printf '{"nonce":"%s","findings":[]}' "$OKSTRA_NONCE" > "$OKSTRA_RESULT"`;

/** @param options.commits messages of the task's commits */
export async function createHandoffProject(
  options: { commits?: readonly string[]; settings?: Readonly<Record<string, unknown>>; remoteUrl?: (remote: BareRemote) => string } = {},
): Promise<HandoffProject> {
  const project = await createTestProject({ name: "app" });
  const { repo } = project;
  const remote = await createBareRemote(project.home.directory("remotes"), "app.git");
  await repo.git(["remote", "add", "origin", options.remoteUrl?.(remote) ?? remote.url]);
  await repo.git(["push", "--quiet", remote.url, "main:main", "main:staging"]);
  writeFileSync(
    join(repo.root, ".project-docs/okstra/project.json"),
    JSON.stringify({
      schema: 1,
      projectId: "proj",
      workers: Object.fromEntries(["anna", "ben"].map((name) => [name, { kind: "command", command: ["sh", "-c", SAYS_NOTHING] }])),
      roster: { "final-verification": ["anna", "ben"] },
      ...options.settings,
    }),
  );
  const task = "bugs/login";
  const { path: worktree, branch } = await project.provision(task, "--category", "bugfix");
  const verify = async (): Promise<string> => {
    const answer = await project.okstra(["run", task, "-t", "final-verification"]);
    if (answer.status !== 0) throw new Error(`the verification did not pass: ${answer.stdout}${answer.stderr}`);
    return repo.resolve("HEAD", worktree);
  };
  for (const [at, message] of (options.commits ?? ["Mend the login"]).entries())
    await repo.commit(message, { [`src/part-${at}.txt`]: `part ${at}\n` }, worktree);
  const head = await verify();
  return {
    project,
    remote,
    task,
    branch,
    worktree,
    head,
    async remoteCommit(name = branch) {
      const found = await remote.git(["rev-parse", "--verify", "--quiet", "--end-of-options", `refs/heads/${name}`], {
        okExitCodes: [0, 1],
      });
      return found === "" ? null : found;
    },
    async advance(message, files) {
      await repo.commit(message, files, worktree);
      return verify();
    },
  };
}
