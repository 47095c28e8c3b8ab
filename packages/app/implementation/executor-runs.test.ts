import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { createPlayProject } from "@okstra/testkit/play-project";
import { createRunProject, WORKER_LINES } from "@okstra/testkit/run-project";
import type { TestProject } from "@okstra/testkit/test-project";

/** Whole implementation runs: what an executor does besides, git sees, and the gate names it. */
let project: TestProject;
afterEach(() => project.remove());

const RESULT = WORKER_LINES.silent;
const COMMIT = `git -c user.name=e -c user.email=e@example.invalid commit --quiet`;
/** A test first, then the change: both sums become right. */
const MEND = [
  `printf '%s' 'import { test } from "node:test"; import assert from "node:assert/strict"; import { sum } from "../src/sum.js"; test("more", () => assert.equal(sum(3, 4), 7));' > test/more.test.js`,
  `git add test && ${COMMIT} -m 'Test more sums'`,
  `sed -i 's/a - b/a + b/' src/sum.js && ${COMMIT} -a -m 'Add'`,
].join(" && ");

async function implement(line: string, workers = "edit,silent,quiet", more: Readonly<Record<string, string>> = {}) {
  project = await createRunProject({ passing: false, lines: { edit: reviewing(line), quiet: RESULT, ...more } });
  const { status, json } = await project.okstra(["run", "g/t", "-t", "implementation", "--workers", workers]);
  if (json.error !== undefined) throw new Error(JSON.stringify(json.error));
  const valid = await project.okstra(["validate", "g/t"]);
  expect([json.valid, valid.status, valid.json.broken]).toEqual([true, 0, []]);
  return { status, json, report: readFileSync(json.report.md, "utf8"), reasons: json.gate.reasons as readonly string[] };
}

/** Edits as the executor, and has nothing to say as a reviewer or voter. */
function reviewing(line: string): string {
  return `if [ "$OKSTRA_STEP" = execute ]; then ${line}; fi; ${RESULT}`;
}

test("test first, then the change: implemented, with section 4.5 from git", async () => {
  const { status, json, report, reasons } = await implement(MEND);
  expect([status, json.verdict, json.gate.open, reasons]).toEqual([0, "implemented", true, ["all-clear", "without-plan"]]);
  expect(report).toContain("## 4.5 Implementation Record");
  expect(report).toContain("Test more sums");
  expect(report).toContain("fails before, passes after");
  expect(json.lanes.map((lane: { lane: string; end: string }) => [lane.lane, lane.end])).toEqual([
    ["edit.execute", "ok"],
    ["edit", "ok"],
    ["silent", "ok"],
    ["quiet", "ok"],
  ]);
});

describe("case 41: what git sees besides holds the gate and is named", () => {
  test.each([
    ["no commit", ":", ["no-commits"]],
    ["leftovers", `${MEND}; echo x > left.txt`, ["uncommitted-work"]],
    ["another branch", `${MEND}; git branch sneaky`, ["other-refs-changed"]],
    ["a tag", `${MEND}; git tag v1`, ["other-refs-changed"]],
    ["history is rewritten", `sed -i 's/a - b/a + b/' src/sum.js && ${COMMIT} -a --amend -m 'Begin anew'`, ["history-rewritten"]],
    [
      "case 13: settings of agents",
      `mkdir -p .claude && echo '{}' > .claude/settings.json && git add -f .claude && ${COMMIT} -m 'Set'; ${MEND}`,
      ["agent-settings-changed"],
    ],
    ["it ends badly after its commit", `${MEND}; exit 3`, ["executor-not-ok"]],
    ["it ends badly before a commit", "exit 3", ["executor-not-ok", "no-commits"]],
  ])("%s", async (_what, line, expected) => {
    const { status, json, reasons, report } = await implement(line);
    expect(status).toBe(10);
    expect(json.verdict).toBe("not-implemented");
    for (const reason of expected) {
      expect(reasons).toContain(reason);
      expect(report).toContain(`\`${reason}\``);
    }
  });

  test("the main checkout", async () => {
    const { status, reasons, report } = await implement(
      `${MEND}; echo x >> "$(git worktree list --porcelain | sed -n '1s/worktree //p')/src/sum.js"`,
    );
    expect([status, reasons.includes("main-checkout-changed")]).toEqual([10, true]);
    expect(report).toContain("src/sum.js");
  });
});

test("a verifier that crashes is missing, and an edit by one is named with all who could have made it", async () => {
  const { status, json, reasons } = await implement(MEND, "edit,crash,vandal");
  expect(status).toBe(10);
  expect(reasons).toContain("verifiers-missing");
  const ends = Object.fromEntries(json.lanes.map((lane: { lane: string; end: string }) => [lane.lane, lane.end]));
  expect(ends).toMatchObject({ "edit.execute": "ok", crash: "failed" });
  expect(reasons).toContain("tree-changed");
});

test("what is never mended stalls, and goes to a person", async () => {
  const { status, json, reasons } = await implement(
    `echo x >> notes.txt && git add notes.txt && ${COMMIT} -m 'Note'`,
    "edit,silent,checks",
  );
  expect(status).toBe(10);
  expect(reasons).toContain("blocking-findings");
  expect(reasons.some((reason) => reason === "stalled" || reason === "rounds-exhausted")).toBe(true);
  const executing = json.lanes.filter((lane: { role: string }) => lane.role === "execute");
  expect(executing.length).toBeGreaterThan(1);
  expect(executing.length).toBeLessThanOrEqual(3);
});

test("what the first round left is mended in the second", async () => {
  const { status, json, report } = await implement(
    `case "$(git log --format=%s -1)" in Note) ${MEND};; *) echo x > notes.txt && git add notes.txt && ${COMMIT} -m Note;; esac`,
    "edit,silent,checks",
  );
  expect([status, json.verdict]).toEqual([0, "implemented"]);
  expect(report).toMatch(/\| 1 \| \*\*1\*\* \|\n\| 2 \| \*\*0\*\* \|/);
});

test("an executor whose result is no JSON has failed, whatever it committed", async () => {
  const { status, reasons, json } = await implement(`${MEND}; echo nonsense > "$OKSTRA_RESULT"; exit 0`);
  expect([status, json.verdict]).toEqual([10, "not-implemented"]);
  expect(reasons).toContain("executor-not-ok");
});

test("a file that the approved plan does not name holds the gate, and is named", async () => {
  project = await createPlayProject("strict");
  const settings = join(project.repo.root, ".project-docs/okstra/project.json");
  await project.okstra(["task", "new", "g/t", "--category", "feature"]);
  await project.okstra(["go", "g/t"]);
  await project.okstra(["answer", "g/t", "Q1=No."]);
  await project.okstra(["go", "g/t"]);
  expect((await project.okstra(["approve", "g/t"])).status).toBe(0);
  const config = JSON.parse(readFileSync(settings, "utf8"));
  const rogue = reviewing(`sed -i 's/a - b/a + b/' src/sum.js && echo x > src/extra.js && git add src && ${COMMIT} -m 'Add and more'`);
  config.workers.erik.command = ["sh", "-c", rogue];
  writeFileSync(settings, JSON.stringify(config));
  const { status, json } = await project.okstra(["run", "g/t", "-t", "implementation"]);
  expect([status, json.gate.open, json.gate.reasons.includes("outside-plan")]).toEqual([10, false, true]);
  expect(readFileSync(json.report.md, "utf8")).toContain("src/extra.js");
  expect((await project.okstra(["validate", "g/t"])).json.broken).toEqual([]);
});

test("inside another task's worktree nobody edits without --here", async () => {
  project = await createRunProject({ passing: false, lines: { edit: reviewing(MEND) } });
  const { path } = await project.provision("g/other");
  const before = await project.repo.git(["rev-parse", "HEAD"], { cwd: path });
  const refused = await project.okstra(["run", "g/t", "-t", "implementation", "--workers", "edit,silent"], { cwd: path });
  expect([refused.status === 0, refused.json.error.code]).toEqual([false, "OKSTRA_PREPARE_HERE_REQUIRED"]);
  expect(await project.repo.git(["rev-parse", "HEAD"], { cwd: path })).toEqual(before);
});

describe("the report writer", () => {
  const WRITER = `printf '{"nonce":"%s","summary":"One thing was found, in plain words."}' "$OKSTRA_NONCE" > "$OKSTRA_RESULT"`;
  const verify = async (line: string) => {
    project = await createRunProject({ lines: { scribe: line }, settings: { reportWriter: "scribe" } });
    const { json } = await project.okstra(["run", "g/t", "-t", "final-verification", "--workers", "silent,checks"]);
    const events = readFileSync(join(json.runDir, "events.jsonl"), "utf8")
      .trimEnd()
      .split("\n")
      .map((each) => JSON.parse(each) as { type: string; lane?: string; reason?: string });
    const tries = events.filter((event) => event.type === "lane-started" && event.lane === "report-writer").length;
    const fallback = events.find((event) => event.type === "report-writer-fallback")?.reason ?? null;
    expect((await project.okstra(["validate", "g/t"])).json.broken).toEqual([]);
    return { json, tries, fallback, report: readFileSync(json.report.md, "utf8") };
  };

  test("its prose is in the report, and it is no reviewer", async () => {
    const { json, tries, fallback, report } = await verify(WRITER);
    expect([tries, fallback, json.verdict]).toEqual([1, null, "accepted"]);
    expect(report).toContain("One thing was found, in plain words.");
    expect(existsSync(join(json.runDir, "workers/report-writer/result.json"))).toBe(true);
  });

  test.each([
    ["missing", "exit 0"],
    ["invalid", `printf '{"nonce":"%s","summary":7}' "$OKSTRA_NONCE" > "$OKSTRA_RESULT"`],
    ["invalid", "exit 4"],
  ])("%s: asked twice, then okstra's own text and an event", async (reason, line) => {
    const { json, tries, fallback } = await verify(line);
    expect([tries, fallback, json.verdict]).toEqual([2, reason, "accepted"]);
  });
});
