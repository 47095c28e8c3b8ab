import { afterEach, expect, test } from "vitest";
import { createHandoffProject, type HandoffProject } from "@okstra/testkit/handoff-project";

let work: HandoffProject;
afterEach(() => work.project.remove());

const plan = async (...flags: readonly string[]) => work.project.okstra(["handoff", work.task, "--plan", ...flags]);
const approve = async (hash: string) => work.project.okstra(["handoff", work.task, "--approve", hash]);

test("a plan changes nothing; its hash pushes exactly the verified commit, once", async () => {
  work = await createHandoffProject();
  const planned = await plan("--action", "pr", "--base", "main", "--message", "as-is");
  expect(planned.status, planned.stdout + planned.stderr).toBe(0);
  expect(await work.remoteCommit()).toBeNull();
  const done = await approve(planned.json.hash);
  expect([done.status, done.json.verdict, done.json.valid], JSON.stringify(done.json, null, 1).slice(0, 3000) + done.stderr).toEqual([
    0,
    "handed-off",
    true,
  ]);
  expect(await work.remoteCommit()).toBe(work.head);
  expect(done.json.handoff.pullRequest).toMatchObject({ kind: "none", reason: "no-forge" });
  const again = await approve(planned.json.hash);
  expect([again.status, again.json.run]).toEqual([0, done.json.run]);
});

test("squash: one commit with the verified tree goes out, the branch moves to it, and what it was at is kept", async () => {
  work = await createHandoffProject({ commits: ["One\n\nCo-authored-by: A <a@example.com>", "Two\n\nSigned-off-by: B <b@example.com>"] });
  const planned = await plan("--action", "pr", "--base", "main", "--commits", "squash");
  expect(planned.status, planned.stdout).toBe(0);
  const done = await approve(planned.json.hash);
  expect([done.status, done.json.valid], done.stdout + done.stderr).toEqual([0, true]);
  const out = planned.json.plan.outgoing;
  expect(await work.remoteCommit()).toBe(out);
  const { repo } = work.project;
  expect(await repo.resolve("HEAD", work.worktree)).toBe(out);
  expect(await repo.git(["diff", "--stat", work.head, out])).toBe("");
  expect(await repo.git(["rev-list", "--count", `main..${out}`])).toBe("1");
  expect(await repo.resolve(done.json.handoff.moved.recoveryRef)).toBe(work.head);
  expect(await repo.status(work.worktree)).toEqual([]);
  expect((await work.project.okstra(["next", work.task])).json).toMatchObject({
    done: true,
    due: null,
    handedOff: { outcome: "handed-off" },
  });
});

test("commit keeps the commits here; skip and a refusal leave nothing behind but their report", async () => {
  work = await createHandoffProject();
  const skipped = await plan("--action", "skip");
  const skip = await approve(skipped.json.hash);
  expect([skip.status, skip.json.verdict, skip.json.valid], skip.stdout + skip.stderr).toEqual([0, "skipped", true]);
  const planned = await plan("--action", "commit", "--base", "staging");
  const done = await approve(planned.json.hash);
  expect([done.status, done.json.verdict, done.json.valid, done.json.run], done.stdout).toEqual([0, "committed", true, 2]);
  expect(await work.remoteCommit()).toBeNull();
});

test("case 59: what changed after the plan is named, and nothing is pushed", async () => {
  work = await createHandoffProject();
  const planned = await plan("--action", "pr", "--base", "main");
  await work.project.repo.commit("later", { "later.txt": "x\n" }, work.worktree);
  const refused = await approve(planned.json.hash);
  expect([refused.status, refused.json.error.code, refused.json.error.details.changed]).toEqual([4, "OKSTRA_HANDOFF_CHANGED", ["head"]]);
  expect(await work.remoteCommit()).toBeNull();
});

test("case 58: without a terminal and a hash nothing happens, and the exit status says so", async () => {
  work = await createHandoffProject();
  const nobody = await work.project.okstra(["handoff", work.task]);
  expect([nobody.status, nobody.json.error.code]).toEqual([10, "OKSTRA_HANDOFF_NO_CHOICE"]);
  expect((await approve("0".repeat(64))).json.error.code).toBe("OKSTRA_HANDOFF_PLAN_UNKNOWN");
  expect(await work.remoteCommit()).toBeNull();
});

test("a hand-off is no run: run, resume and override lead to its own command, and cancel gives a plan up", async () => {
  work = await createHandoffProject();
  const { okstra } = work.project;
  expect((await okstra(["run", work.task, "-t", "release-handoff"])).json.error).toMatchObject({
    code: "OKSTRA_PHASE_NOT_AVAILABLE",
    hint: `Hand it off: okstra handoff ${work.task}`,
  });
  const planned = await plan("--action", "pr", "--base", "main");
  expect((await okstra(["resume", work.task])).json.error.hint).toContain(`okstra handoff ${work.task}`);
  expect((await okstra(["cancel", work.task, "-t", "release-handoff"])).json.state).toBe("cancelled");
  expect((await approve(planned.json.hash)).json.error.code).toBe("OKSTRA_HANDOFF_CHANGED");
  const skip = await plan("--action", "skip");
  expect((await approve(skip.json.hash)).status).toBe(0);
  const override = await okstra(["override", work.task, "release-handoff", "--reason", "I want"]);
  expect(override.json.error.code).toBe("OKSTRA_OVERRIDE_IMPOSSIBLE");
  expect((await okstra(["task", "show", work.task])).status).toBe(0);
  expect(await work.remoteCommit()).toBeNull();
});

test("the pre-flight: a verification at this commit, a clean tree, a base that merges, commits to hand off", async () => {
  work = await createHandoffProject();
  const { repo } = work.project;
  const codeOf = async (...flags: readonly string[]): Promise<string> => (await plan(...flags)).json.error?.code ?? "none";
  expect(await codeOf("--action", "pr", "--base", "nowhere")).toBe("OKSTRA_HANDOFF_BASE_NOT_FOUND");
  expect(await codeOf("--action", "pr")).toBe("OKSTRA_HANDOFF_BASE_NOT_FOUND");
  expect(await codeOf("--action", "pr", "--base", work.branch)).toBe("OKSTRA_HANDOFF_BASE_NOT_FOUND");
  repo.write("dirty.txt", "x", { at: work.worktree });
  expect(await codeOf("--action", "pr", "--base", "main")).toBe("OKSTRA_PREPARE_TREE_DIRTY");
  await repo.git(["clean", "--quiet", "--force"], { cwd: work.worktree });
  await repo.commit("other", { "src/part-0.txt": "another part\n" });
  await repo.git(["push", "--quiet", work.remote.url, "main:main"]);
  const conflict = await plan("--action", "pr", "--base", "main");
  expect([conflict.status, conflict.json.error]).toMatchObject([
    4,
    { code: "OKSTRA_HANDOFF_CONFLICT", details: { files: ["src/part-0.txt"] } },
  ]);
  await repo.git(["push", "--quiet", "--force", work.remote.url, `${work.head}:refs/heads/main`]);
  expect(await codeOf("--action", "pr", "--base", "main")).toBe("OKSTRA_HANDOFF_NOTHING");
  await repo.commit("unverified", { "more.txt": "more\n" }, work.worktree);
  const early = await plan("--action", "pr", "--base", "staging");
  expect([early.status, early.json.error.code]).toEqual([10, "OKSTRA_GATE_HOLDS"]);
});
