import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test, type TestContext } from "vitest";
import { isProgramThere } from "@okstra/testkit/forge/call-forge";
import { githubStandInEnvironment, startGithubServer, type GithubServer } from "@okstra/testkit/forge/github-server";
import { createHandoffProject, type HandoffProject } from "@okstra/testkit/handoff-project";
import type { OkstraAnswer } from "@okstra/testkit/run-okstra";

let work: HandoffProject;
let server: GithubServer;
let env: Record<string, string>;
afterEach(async () => {
  await server?.close();
  work?.project.remove();
});

/** The remote is GitHub's by its name, and a bare repository here by the person's own rewrite. */
async function start(context: TestContext, options: { withGh?: boolean } = {}): Promise<void> {
  if (options.withGh !== false && !(await isProgramThere("gh"))) context.skip("gh is not here");
  work = await createHandoffProject({ remoteUrl: () => "https://github.com/acme/app.git" });
  const { home } = work.project;
  home.writeGitConfig(`[init]\n\tdefaultBranch = main\n[url "${work.remote.url}"]\n\tinsteadOf = https://github.com/acme/app.git\n`);
  server = await startGithubServer({ project: "acme/app", headOf: (branch) => work.remoteCommit(branch) });
  const { HOME: _, ...stand } = githubStandInEnvironment(server, home.directory("gh-home"));
  env = stand;
}

const okstra = (...argv: readonly string[]): Promise<OkstraAnswer> => work.project.okstra(["handoff", work.task, ...argv], { env });
const planPullRequest = async (...more: readonly string[]): Promise<OkstraAnswer["json"]> => {
  const planned = await okstra("--plan", "--action", "pr", "--base", "main", ...more);
  expect(planned.status, planned.stdout + planned.stderr).toBe(0);
  return planned.json;
};

test("gh opens one pull request with the plan's title and body; the next hand-off of the branch finds it", async (context) => {
  await start(context);
  const file = join(work.project.home.root, "message.md");
  writeFileSync(file, "Mend the login\n\nIt was `broken`.\n\n- [x] tested\n");
  const first = await planPullRequest("--message", file);
  expect(first.plan.forge).toMatchObject({ kind: "github", project: "acme/app", program: "gh" });
  const done = await okstra("--approve", first.hash);
  expect([done.status, done.json.valid], done.stdout + done.stderr).toEqual([0, true]);
  expect(done.json.handoff.pullRequest).toMatchObject({ kind: "opened", number: 1 });
  expect(server.pulls).toMatchObject([
    { title: "Mend the login", body: "It was `broken`.\n\n- [x] tested", branch: work.branch, base: "main", head: work.head },
  ]);
  const argv = done.json.handoff.calls.map((call: { argv: string[] }) => call.argv.join(" ")).join("\n");
  expect(argv).not.toContain("broken");

  const head = await work.advance("More", { "more.txt": "more\n" });
  const second = await planPullRequest();
  const again = await okstra("--approve", second.hash);
  expect([again.status, again.json.handoff.pullRequest.kind], again.stdout).toEqual([0, "found"]);
  expect(server.pulls.length).toBe(1);
  expect(await work.remoteCommit()).toBe(head);
});

test("case 60: the answer of the forge is lost, and okstra asks before it opens a second one", async (context) => {
  await start(context);
  const { hash } = await planPullRequest();
  for (const fault of ["cut-after", "cut-before"] as const) {
    server.breakNext("POST", "/pulls", fault);
    server.breakNext("GET", "/pulls", "cut-before");
    await okstra("--approve", hash);
  }
  const done = await okstra();
  expect([done.status, done.json.verdict], done.stdout + done.stderr).toEqual([0, "handed-off"]);
  expect(server.pulls.length).toBe(1);
});

test("not logged in: the push is done, the rest goes on later with the same word", async (context) => {
  await start(context);
  const { hash } = await planPullRequest();
  const failed = await work.project.okstra(["handoff", work.task, "--approve", hash], {
    env: { ...env, GH_TOKEN: "wrong-token-of-somebody" },
  });
  expect([failed.status, failed.json.error.code]).toEqual([1, "OKSTRA_HANDOFF_FORGE_FAILED"]);
  expect(failed.json.error.hint).toContain("gh auth login");
  expect(await work.remoteCommit()).toBe(work.head);
  expect((await work.project.okstra(["next", work.task])).json.due).toMatchObject({ type: "release-handoff", resume: 1 });
  expect((await okstra("--plan", "--action", "skip")).json.error.code).toBe("OKSTRA_HANDOFF_UNFINISHED");
  const done = await okstra();
  expect([done.status, done.json.run], done.stdout).toEqual([0, 1]);
  expect(done.json.handoff.calls.filter((call: { argv: string[] }) => call.argv.includes("push")).length).toBe(1);
  expect(server.pulls.length).toBe(1);
});

test("without its program: pushed, and the address for a pull request by hand is given", async (context) => {
  await start(context, { withGh: false });
  const bin = work.project.home.directory("bin");
  mkdirSync(bin, { recursive: true });
  const gitPath = execFileSync("sh", ["-c", "command -v git"], { encoding: "utf8" }).trim();
  writeFileSync(join(bin, "git"), `#!/bin/sh\nexec ${JSON.stringify(gitPath)} "$@"\n`);
  chmodSync(join(bin, "git"), 0o755);
  env = { ...env, PATH: bin };
  const { hash, plan } = await planPullRequest();
  expect(plan.forge.program).toBeNull();
  const done = await okstra("--approve", hash);
  expect([done.status, done.json.handoff.pullRequest], done.stdout + done.stderr).toMatchObject([
    0,
    { kind: "none", reason: "no-program", compareUrl: `https://github.com/acme/app/compare/main...${work.branch}?expand=1` },
  ]);
  expect(server.requests).toEqual([]);
});
