import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { bundleScriptedAgent } from "@okstra/testkit/agents/bundle-scripted-agent";
import { bundleOkstra } from "@okstra/testkit/bundle-okstra";
import { createRunProject } from "@okstra/testkit/run-project";
import type { OkstraAnswer } from "@okstra/testkit/run-okstra";
import { createTestHome, type TestHome } from "@okstra/testkit/test-home";
import type { TestProject } from "@okstra/testkit/test-project";

let bundles: TestHome | undefined;
let agent = "";
let okstra = "";
let project: TestProject;

beforeAll(async () => {
  bundles = createTestHome();
  const directory = bundles.directory("bundles");
  [agent, okstra] = await Promise.all([bundleScriptedAgent(directory), bundleOkstra(directory)]);
  return () => bundles?.remove();
}, 60_000);

afterEach(() => project.remove());

interface Scripted {
  readonly mode: string;
  readonly state?: string;
  readonly settings?: Readonly<Record<string, unknown>>;
}

/** A project with scripted agents as its workers. */
async function createProject(workers: Readonly<Record<string, Scripted>>, settings: Readonly<Record<string, unknown>> = {}): Promise<void> {
  project = await createRunProject({
    settings: {
      workers: Object.fromEntries(
        Object.entries(workers).map(([name, { mode, state = "", settings: own = {} }]) => [
          name,
          { kind: "acp", command: [process.execPath, agent, mode, ...(state === "" ? [] : [state])], ...own },
        ]),
      ),
      ...settings,
    },
  });
}

function call(...argv: readonly string[]): Promise<OkstraAnswer> {
  return project.okstra(argv, { launcher: [process.execPath, okstra] });
}

function run(workers: string, ...more: readonly string[]): Promise<OkstraAnswer> {
  return call("run", "g/t", "-t", "final-verification", "--workers", workers, ...more);
}

// eslint-disable-next-line typescript/no-explicit-any -- documents of many shapes
function load(answer: OkstraAnswer, path: string): any {
  return JSON.parse(readFileSync(join(answer.json.runDir, path), "utf8"));
}

function events(answer: OkstraAnswer): readonly Record<string, unknown>[] {
  return readFileSync(join(answer.json.runDir, "events.jsonl"), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

async function expectValid(): Promise<void> {
  const { json } = await call("validate", "g/t");
  expect(json.broken ?? [], JSON.stringify(json)).toEqual([]);
}

describe("agents in a run", () => {
  test("two agents of two vendors: receipts, families, a report, and the validator is content", async () => {
    await createProject({ anna: { mode: "door" }, ben: { mode: "message" } }, { families: { "claude-sonnet-4-5-20250929": "anthropic" } });
    const answer = await run("anna,ben");
    expect(answer.json, answer.stdout).toMatchObject({ state: "ended", valid: true, verdict: "conditional-accept" });
    expect(load(answer, "workers/anna/receipt.json")).toMatchObject({
      kind: "acp",
      family: "anthropic",
      modelServed: "claude-sonnet-4-5-20250929",
      sessionId: "session-1",
      resultBy: "door",
      agentVersion: "scripted 1.0.0",
      sandbox: "bwrap",
      attempts: [{ resumed: false, failure: null }],
    });
    // One vendor twice is one voice.
    expect(load(answer, "convergence.json")).toMatchObject({ kEff: 1, crossChecked: false, clusters: [{ members: ["anna#1", "ben#1"] }] });
    expect(readFileSync(answer.json.report.md, "utf8")).toContain("Sandbox: on (bwrap)");
    expect(existsSync(join(answer.json.runDir, "workers/anna/door"))).toBe(false);
    expect(existsSync(join(answer.json.runDir, "workers/anna/tmp"))).toBe(false);
    await expectValid();
  });

  test("a model that nobody named adds no agreement, whatever family is configured", async () => {
    await createProject({
      anna: { mode: "nameless", settings: { family: "one" } },
      ben: { mode: "nameless", settings: { family: "other" } },
    });
    const answer = await run("anna,ben");
    expect(load(answer, "workers/anna/receipt.json")).toMatchObject({ modelServed: null, family: "unknown", end: "ok" });
    expect(load(answer, "convergence.json")).toMatchObject({ kEff: 0, crossChecked: false, clusters: [{ class: "unique", support: 0 }] });
    expect(answer.json.gate).toMatchObject({ open: false });
    await expectValid();
  });

  test("another model than the one that was asked for is an event of its own", async () => {
    await createProject({ anna: { mode: "door", settings: { model: "claude-opus-4-1" } } });
    const answer = await run("anna");
    expect(events(answer)).toContainEqual(
      expect.objectContaining({
        type: "model-substituted",
        worker: "anna",
        asked: "claude-opus-4-1",
        served: "claude-sonnet-4-5-20250929",
      }),
    );
    expect(readFileSync(answer.json.report.md, "utf8")).toContain("claude-opus-4-1, served by claude-sonnet-4-5-20250929");
    await expectValid();
  });

  test("case 42: a passing failure is asked once more, and the run's log says so", async () => {
    await createProject({
      anna: { mode: "transient", state: join(bundles?.directory("state") ?? "", `t-${Date.now()}`), settings: { sandbox: "off" } },
    });
    const answer = await run("anna");
    expect(answer.json.lanes).toMatchObject([{ worker: "anna", end: "ok", sandbox: "off" }]);
    expect(events(answer)).toContainEqual(expect.objectContaining({ type: "lane-retried", lane: "anna", resumed: true }));
  });

  test("case 39: the result of another lane fails", async () => {
    await createProject({ anna: { mode: "wrong-nonce" } });
    expect((await run("anna")).json.lanes).toMatchObject([{ end: "failed", reason: expect.stringContaining("another nonce") }]);
  });

  test("the executor commits from inside its sandbox", async () => {
    await createProject({ anna: { mode: "commit" } });
    const answer = await call("run", "g/t", "-t", "implementation", "--workers", "anna");
    expect(answer.json.lanes, answer.stdout).toMatchObject([
      { role: "execute", end: "ok", sandbox: "bwrap" },
      { role: "review", end: "ok" },
    ]);
    expect(load(answer, "work.json")).toMatchObject({
      commits: [{ subject: "Mend the sum" }],
      otherRefs: [],
      mainCheckout: [],
      uncommitted: [],
      rewritten: false,
    });
    await expectValid();
  });
});

describe("budgets", () => {
  test("tokens: the agent is cancelled, what it had delivered stays as partial, and is no verdict", async () => {
    await createProject({ anna: { mode: "spender", settings: { budget: { tokens: 5000 } } } });
    const answer = await run("anna");
    expect(answer.json.lanes).toMatchObject([{ end: "partial", reason: expect.stringMatching(/over its budget: \d+ tokens of 5000/) }]);
    expect(load(answer, "workers/anna/result.json")).toMatchObject({ findings: [{ claim: "The sum is wrong for two numbers" }] });
    expect(load(answer, "workers/anna/receipt.json")).toMatchObject({ breach: { scope: "worker", limit: "tokens", allowed: "5000" } });
    expect(load(answer, "convergence.json")).toMatchObject({ clusters: [], unheard: ["anna#1"], kEff: 0 });
    expect(load(answer, "report.json")).toMatchObject({ rawFindings: [{ id: "anna#1" }], unheard: ["anna#1"], verdict: "blocked" });
    await expectValid();
  });

  test("idle: an agent that gives no sign of life is a timeout", async () => {
    await createProject({ anna: { mode: "silent", settings: { budget: { idleMs: 1500 } } } });
    expect((await run("anna")).json.lanes).toMatchObject([{ end: "timeout", reason: "no sign of life for 1500 ms" }]);
  });

  test("wall time: the deadline holds for an agent that would go on for ever", async () => {
    await createProject({ anna: { mode: "slow" } });
    expect((await run("anna", "--deadline", "2s")).json.lanes).toMatchObject([
      { end: "timeout", reason: "the deadline of 2000 ms passed" },
    ]);
  });

  test("output: a flood ends", async () => {
    await createProject({ anna: { mode: "flood", settings: { budget: { outputBytes: 4 * 1024 * 1024 } } } });
    expect((await run("anna")).json.lanes).toMatchObject([{ end: "failed", reason: expect.stringContaining("bytes of output") }]);
  });

  test("the run's own limit ends every lane of it", async () => {
    await createProject({ anna: { mode: "spender" }, ben: { mode: "spender" } });
    const answer = await run("anna,ben", "--max-tokens", "20k");
    expect(answer.json.lanes).toMatchObject([
      { worker: "anna", end: "partial", reason: expect.stringContaining("over the run's budget") },
      { worker: "ben", end: "partial", reason: expect.stringContaining("over the run's budget") },
    ]);
    await expectValid();
  });

  test("cost: what the agent says it costs counts", async () => {
    await createProject({ anna: { mode: "costly", settings: { budget: { cost: "0.05" } } } });
    const answer = await run("anna");
    expect(answer.json.lanes).toMatchObject([
      { end: "failed", reason: expect.stringMatching(/cost 0\.\d+ of 0\.05/), cost: { currency: "USD" } },
    ]);
  });
});

describe("case 42: quota", () => {
  test("the run waits, says until when, and resume picks the lane up; who has answered is not asked again", async () => {
    const state = join(bundles?.directory("state") ?? "", `q-${Date.now()}`);
    await createProject({ anna: { mode: "door" }, ben: { mode: "quota-once", state, settings: { sandbox: "off" } } });
    const paused = await run("anna,ben");
    expect(paused.status).toBe(10);
    expect(paused.json).toMatchObject({ state: "paused", verdict: "none", waiting: { reason: "quota", lanes: ["ben"] } });
    expect(Date.parse(paused.json.waiting.until)).toBeGreaterThan(Date.now());
    expect(load(paused, "workers/ben/receipt.json")).toMatchObject({ end: "quota", quotaResetsAt: paused.json.waiting.until });
    const done = await call("resume", "g/t");
    expect(done.json.lanes, done.stdout).toMatchObject([
      { worker: "anna", end: "ok" },
      { worker: "ben", end: "ok" },
    ]);
    expect(events(done).filter((event) => event["type"] === "lane-started" && event["lane"] === "anna")).toHaveLength(1);
    expect(existsSync(join(done.json.runDir, "workers/ben/receipt-1.json"))).toBe(true);
    await expectValid();
  });

  test("a person goes on without it", async () => {
    await createProject({ anna: { mode: "door" }, ben: { mode: "quota" } });
    expect((await run("anna,ben")).json.state).toBe("paused");
    const done = await call("resume", "g/t", "--without-quota");
    expect(done.json).toMatchObject({ state: "ended", valid: true, lanes: [{ end: "ok" }, { worker: "ben", end: "quota" }] });
    expect(done.json.gate.reasons).toContain("lane-not-ok");
    await expectValid();
  });
});

describe("cases 12 and 13: settings that the repository supplies to agents", () => {
  test("are approved once per content before an agent starts", async () => {
    await createProject({ anna: { mode: "door" } });
    await project.repo.commit("settings", { ".claude/settings.json": "{}" });
    const refused = await run("anna");
    expect(refused.status).toBe(3);
    expect(refused.json.error).toMatchObject({
      code: "OKSTRA_PREPARE_UNTRUSTED_SETTINGS",
      message: expect.stringContaining(".claude/settings.json"),
    });
    expect((await call("trust", "g/t")).status).toBe(0);
    expect((await run("anna")).json.lanes).toMatchObject([{ end: "ok" }]);
  });

  test("of a commit that is checked out nowhere: the way to approve them works", async () => {
    await createProject({ anna: { mode: "door" } });
    await project.repo.commit("settings", { ".claude/settings.json": "{}" });
    const commit = await project.repo.resolve("HEAD");
    await project.repo.git(["rm", "--quiet", "-r", ".claude"]);
    await project.repo.commit("none");
    const verify = (): Promise<OkstraAnswer> => call("verify", "--head", commit, "--workers", "checks,anna");
    const { status, json } = await verify();
    expect(status).toBe(3);
    expect(json.error).toMatchObject({
      code: "OKSTRA_PREPARE_UNTRUSTED_SETTINGS",
      message: expect.stringContaining(`Commit ${commit.slice(0, 12)}`),
    });
    const place = join(project.home.root, "look");
    expect(json.error.hint).toContain(`git worktree add --detach <dir> ${commit.slice(0, 12)} && okstra trust --project-root <dir>`);
    await project.repo.git(["worktree", "add", "--quiet", "--detach", place, commit.slice(0, 12)]);
    expect((await call("trust", "--project-root", place)).status).toBe(0);
    expect((await verify()).status).toBe(0);
  });

  test("what an executor plants is obeyed by nobody after it", async () => {
    await createProject({ anna: { mode: "plant" }, ben: { mode: "door" } });
    const answer = await call("run", "g/t", "-t", "implementation", "--workers", "anna,ben", "--executor", "anna");
    const reviews = answer.json.lanes.filter((lane: { role: string }) => lane.role === "review");
    for (const lane of reviews)
      expect(lane).toMatchObject({ end: "failed", reason: expect.stringContaining("OKSTRA_PREPARE_UNTRUSTED_SETTINGS") });
    expect(answer.json.gate.open).toBe(false);
  });

  test("a command worker is no agent and is not held up", async () => {
    project = await createRunProject();
    mkdirSync(join(project.repo.root, ".claude"));
    writeFileSync(join(project.repo.root, ".claude/settings.json"), "{}");
    expect((await run("silent")).json.lanes).toMatchObject([{ end: "ok" }]);
  });
});

describe("case 41: the sandbox", () => {
  test("an agent writes nothing of the person's, and okstra's key is not to be seen", async () => {
    await createProject({ anna: { mode: "outside" } });
    const before = ownTargets()
      .slice(0, 2)
      .map((path) => readFileSync(path, "utf8"));
    const config = join(project.repo.root, ".project-docs/okstra/project.json");
    writeFileSync(
      config,
      JSON.stringify({
        schema: 1,
        projectId: "sums",
        workers: { anna: { kind: "acp", command: [process.execPath, agent, "outside", "-", ownTargets().join(":")] } },
      }),
    );
    const answer = await run("anna");
    expect(answer.json.lanes).toMatchObject([{ end: "ok", sandbox: "bwrap" }]);
    expect(load(answer, "workers/anna/result.json").findings).toEqual([]);
    expect(
      ownTargets()
        .slice(0, 2)
        .map((path) => readFileSync(path, "utf8")),
    ).toEqual(before);
    await expectValid();
  });

  test("off by setting is written down and shown", async () => {
    await createProject({ anna: { mode: "door" } }, { sandbox: "off" });
    const answer = await run("anna");
    expect(answer.json.lanes).toMatchObject([{ sandbox: "off" }]);
    expect(readFileSync(answer.json.report.md, "utf8")).toContain("Sandbox: off");
  });
});

function ownTargets(): string[] {
  return [join(project.repo.root, "src/sum.js"), join(project.repo.root, ".git/config"), join(project.home.okstraHome, "seal.key")];
}

test("a model's alias that nobody knows is an error that lists the known ones", async () => {
  await createProject({ anna: { mode: "door", settings: { model: "opsu" } } });
  const answer = await run("anna");
  expect(answer.status).toBe(3);
  expect(answer.json.error).toMatchObject({
    code: "OKSTRA_PREPARE_MODEL_UNKNOWN",
    message: expect.stringMatching(/opus.*sonnet|sonnet.*opus/s),
  });
});

test("protected paths that an executor touches are named and hold the gate", async () => {
  await createProject({ anna: { mode: "commit" } }, { protectedPaths: ["src/**"] });
  const answer = await call("run", "g/t", "-t", "implementation", "--workers", "anna");
  expect(answer.json.gate.reasons).toContain("protected-paths-changed");
  expect(load(answer, "work.json").protectedPaths).toEqual(["src/sum.js"]);
});
