import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { bundleOkstra } from "@okstra/testkit/bundle-okstra";
import { endStarted, startProcess } from "@okstra/testkit/faults/start-process";
import { createRunProject } from "@okstra/testkit/run-project";
import { runOkstra, type OkstraAnswer } from "@okstra/testkit/run-okstra";
import type { TestProject } from "@okstra/testkit/test-project";

let project: TestProject;
afterEach(async () => {
  await endStarted();
  project.remove();
});

const TASK = "g/t";
/** Writes the file of the step with this lane's nonce in it, byte for byte; a step without a file votes on nothing. */
const SAYS = `f="$0.$OKSTRA_STEP"; if [ -f "$f" ]; then LC_ALL=C sed "s/NONCE/$OKSTRA_NONCE/;s/RUNID/$OKSTRA_RUN_ID/" "$f" > "$OKSTRA_RESULT"; else printf '{"nonce":"%s","findings":[]}' "$OKSTRA_NONCE" > "$OKSTRA_RESULT"; fi`;
const GOOD = { claim: "The sum has no types", category: "style", severity: "P3", file: "src/sum.js", startLine: 2, quote: "return a + b;" };

/** A project whose worker `good` has one finding, and whose worker `odd` says what a test gives it. */
async function createProject(more: Readonly<Record<string, string>> = {}): Promise<void> {
  project = await createRunProject({ lines: more });
  const tools = project.home.directory("tools");
  const path = join(project.repo.root, ".project-docs/okstra/project.json");
  const settings = JSON.parse(readFileSync(path, "utf8"));
  for (const name of ["good", "odd"]) settings.workers[name] = { kind: "command", command: ["sh", "-c", SAYS, join(tools, name)] };
  writeFileSync(path, JSON.stringify(settings));
  say("good", "review", result([GOOD]));
}

function say(worker: string, step: string, content: string | Uint8Array): void {
  writeFileSync(join(project.home.root, "tools", `${worker}.${step}`), content);
}

const result = (findings: readonly unknown[], more: Readonly<Record<string, unknown>> = {}): string =>
  JSON.stringify({ nonce: "NONCE", findings, ...more });
const finding = (more: Readonly<Record<string, unknown>>): Record<string, unknown> => ({
  claim: "The sum overflows for large numbers",
  category: "correctness",
  severity: "P2",
  ...more,
});
const run = (type = "final-verification", workers = "good,odd"): Promise<OkstraAnswer> =>
  project.okstra(["run", TASK, "-t", type, "--workers", workers]);
// eslint-disable-next-line typescript/no-explicit-any -- tests look into documents of many shapes
const reportOf = (answer: OkstraAnswer): any => JSON.parse(readFileSync(answer.json.report.json, "utf8"));
/** The cluster that a worker's finding is in. */
// eslint-disable-next-line typescript/no-explicit-any -- tests look into documents of many shapes
const clusterOf = (answer: OkstraAnswer, id: string): any =>
  reportOf(answer).clusters.find((cluster: { members: string[] }) => cluster.members.includes(id));

/** Whatever `odd` did: the run is whole, `good` was heard, and nobody sees a stack. */
async function expectWhole(answer: OkstraAnswer): Promise<void> {
  expect([0, 10], answer.stdout).toContain(answer.status);
  expect(answer.json, answer.stdout).toMatchObject({ state: "ended", valid: true });
  expect(answer.json.lanes[0]).toMatchObject({ worker: "good", end: "ok" });
  const { rawFindings } = reportOf(answer);
  expect(rawFindings.filter(({ worker }: { worker: string }) => worker === "good")).toMatchObject([GOOD]);
  const md = readFileSync(answer.json.report.md, "utf8");
  expect(md).toContain(GOOD.claim);
  for (const text of [answer.stdout, answer.stderr, md]) expect(text).not.toMatch(/\n\s+at .*[(/]\S+:\d+:\d+/);
  const validated = await project.okstra(["validate", TASK]);
  expect([validated.status, validated.json.ok], validated.stdout).toEqual([0, true]);
}

async function expectFailedLane(answer: OkstraAnswer, reason: RegExp): Promise<void> {
  await expectWhole(answer);
  expect(answer.status).toBe(10);
  const [, lane] = answer.json.lanes;
  expect(lane).toMatchObject({ worker: "odd", end: "failed" });
  expect(lane.reason).toMatch(reason);
  expect(lane.reason.length).toBeLessThan(500);
  expect(lane.reason).not.toMatch(/[\u0000-\u001f]/u);
  const md = readFileSync(answer.json.report.md, "utf8");
  const row = md.split("\n").find((line) => line.startsWith("| `odd`") || line.includes("odd")) ?? "";
  expect(row).toContain("failed");
  expect(md.replaceAll("\\", "")).toMatch(reason);
  expect(answer.json.findings.total).toBe(1);
}

const DEEP = 100_000;

describe("a result that is none: its lane has failed, the reason is told, the others are heard", () => {
  test.each<[string, string | Uint8Array, RegExp]>([
    [
      "10,000 findings, of at most 2,000",
      result(Array.from({ length: 10_000 }, (_, at) => finding({ claim: `Finding ${at}` }))),
      /breaks its schema.*2000/,
    ],
    ["2,001 findings", result(Array.from({ length: 2001 }, (_, at) => finding({ claim: `Finding ${at}` }))), /breaks its schema.*2000/],
    ["an unknown severity", result([finding({ severity: "catastrophic" })]), /breaks its schema.*P0/],
    ["a severity in lower case", result([finding({ severity: "p1" })]), /breaks its schema.*P0/],
    ["a claim of 201 letters", result([finding({ claim: "a".repeat(201) })]), /breaks its schema.*200/],
    ["a line 0", result([finding({ startLine: 0 })]), /breaks its schema/],
    ["a line that is no whole number", result([finding({ startLine: 1.5 })]), /breaks its schema/],
    ["a line beyond all numbers", result([finding({})]).replace('"severity"', '"startLine":1e400,"severity"'), /breaks its schema/],
    ["a raw NUL in a claim", result([finding({ claim: "a\u0001b" })]).replace("\\u0001", "\0"), /not JSON/],
    ["NUL bytes after the document", `${result([])}\0\0`, /not JSON/],
    ["UTF-16 with its mark", Buffer.from(`\uFEFF${result([])}`, "utf16le"), /not JSON|another nonce/],
    ["another run's id", result([], { runId: "0123456789abcdef01234567" }), /another run/],
    ["a run id that is no text", result([], { runId: 7 }), /another run/],
    ["no findings at all", JSON.stringify({ nonce: "NONCE" }), /breaks its schema/],
    ["valid, but 8 MiB and one byte", result([]).padEnd(8 * 1024 * 1024 + 1 - 27, " "), /cannot be read/],
    ["findings nested without end", `{"nonce":"NONCE","findings":${"[".repeat(DEEP)}${"]".repeat(DEEP)}}`, /schema|not JSON|nested/],
    [
      "a member nested without end",
      `{"nonce":"NONCE","findings":[],"more":${"[".repeat(DEEP)}${"]".repeat(DEEP)}}`,
      /schema|not JSON|nested/,
    ],
    [
      "objects nested without end",
      `{"nonce":"NONCE","findings":[],"more":${'{"a":'.repeat(DEEP)}1${"}".repeat(DEEP)}}`,
      /schema|not JSON|nested/,
    ],
  ])("%s", async (_what, content, reason) => {
    await createProject();
    say("odd", "review", content);
    const answer = await run();
    await expectFailedLane(answer, reason);
    expect(project.repo.exists("workers/odd/result.json", answer.json.runDir)).toBe(false);
  });

  test("the nonce of a lane of an earlier run", async () => {
    await createProject();
    const first = await run();
    expect(first.json).toMatchObject({ state: "ended", lanes: [{ end: "ok" }, { end: "ok" }] });
    const { nonce } = JSON.parse(readFileSync(join(first.json.runDir, "workers/odd/receipt.json"), "utf8"));
    say("odd", "review", JSON.stringify({ nonce, findings: [finding({ severity: "P0" })] }));
    const second = await run();
    expect(second.json.run).toBe(2);
    await expectFailedLane(second, /another nonce/);
  });

  test("the nonce of the other worker of the same run", async () => {
    await createProject({
      thief: `n=$(sed -n 's/.*"nonce": *"\\([0-9a-f]*\\)".*/\\1/p' "\${OKSTRA_RESULT%/thief/*}/good/result.json" 2>/dev/null | head -1); printf '{"nonce":"%s","findings":[]}' "\${n:-none}" > "$OKSTRA_RESULT"`,
    });
    const { status, json } = await run("final-verification", "good,thief");
    expect(status).toBe(10);
    expect(json.lanes).toMatchObject([
      { worker: "good", end: "ok" },
      { worker: "thief", end: "failed" },
    ]);
    expect(json.lanes[1].reason).toMatch(/another nonce/);
  });
});

describe("a result that is one, with findings that cannot be believed", () => {
  test("a quote that is not in the file: kept, listed, without a vote", async () => {
    await createProject();
    say("odd", "review", result([finding({ severity: "P0", file: "src/sum.js", startLine: 2, quote: "return a ** b;" })]));
    const answer = await run();
    await expectWhole(answer);
    expect(answer.json.lanes[1]).toMatchObject({ end: "ok", reason: null });
    expect(clusterOf(answer, "odd#1")).toMatchObject({ class: "ungrounded", disposition: "advisory", support: 0 });
    expect(readFileSync(answer.json.report.md, "utf8")).toContain("The sum overflows for large numbers");
  });

  test("lines upside down: a quote that is there puts them right, without one they are turned round", async () => {
    await createProject();
    say(
      "odd",
      "review",
      result([
        finding({ file: "src/sum.js", startLine: 40, endLine: 3, quote: "export function sum(a, b) {\n  return a + b;" }),
        finding({ claim: "Nothing is documented at all here", file: "src/sum.js", startLine: 40, endLine: 3 }),
      ]),
    );
    const answer = await run();
    await expectWhole(answer);
    expect(clusterOf(answer, "odd#1")).toMatchObject({ startLine: 1, endLine: 2, class: "unique" });
    expect(clusterOf(answer, "odd#2")).toMatchObject({ startLine: 3, endLine: 40, class: "ungrounded" });
    const sarif = JSON.parse(readFileSync(answer.json.report.sarif, "utf8"));
    for (const { locations = [] } of sarif.runs[0].results)
      for (const { physicalLocation } of locations) {
        const { startLine, endLine = startLine } = physicalLocation.region ?? { startLine: 1 };
        expect(endLine).toBeGreaterThanOrEqual(startLine);
      }
  });

  test("a file outside the repository, also by a link that leads out, grounds nothing, and what is in it is in no record", async () => {
    await createProject();
    const outside = project.home.directory("outside");
    writeFileSync(join(outside, "secret.txt"), "the treasure is under the oak\n");
    const { root } = project.repo;
    mkdirSync(join(root, "links"));
    symlinkSync(join(outside, "secret.txt"), join(root, "links/file.txt"));
    symlinkSync(outside, join(root, "links/dir"));
    await project.repo.git(["add", "links"]);
    await project.repo.git(["commit", "--quiet", "--message", "links"]);
    const files = [
      "../x",
      "/etc/passwd",
      "src/../../../outside/secret.txt",
      join(outside, "secret.txt"),
      "links/file.txt",
      "links/dir/secret.txt",
      ":/src/sum.js",
      "HEAD:src/sum.js",
    ];
    const claims = ["apples", "pears", "plums", "cherries", "figs", "grapes", "melons", "lemons"];
    say(
      "odd",
      "review",
      result(
        files.map((file, at) => finding({ claim: `It holds ${claims[at]}`, severity: "P0", file, quote: "the treasure is under the oak" })),
      ),
    );
    const answer = await run();
    await expectWhole(answer);
    for (const at of files.keys()) expect([files[at], clusterOf(answer, `odd#${at + 1}`).class]).toEqual([files[at], "ungrounded"]);
    expect(answer.json.gate.open).toBe(true);
    expect(readFileSync(answer.json.report.html, "utf8")).not.toMatch(/href="[^"]*(?:etc\/passwd|outside)/);
  });

  test("a path of two lines names no file", async () => {
    await createProject();
    const files = ["src/sum.js\nHEAD:package.json", "nowhere\nHEAD:src/sum.js", "src/sum.js\n", "./src/sum.js", "src//sum.js", "src"];
    const claims = ["apples", "pears", "plums", "cherries", "figs", "grapes"];
    say(
      "odd",
      "review",
      result(files.map((file, at) => finding({ claim: `It holds ${claims[at]}`, severity: "P0", file, quote: "return a + b;" }))),
    );
    const answer = await run();
    await expectWhole(answer);
    for (const at of [0, 1, 2, 5]) expect([files[at], clusterOf(answer, `odd#${at + 1}`).class]).toEqual([files[at], "ungrounded"]);
  });

  test("a file that is too large to be looked into grounds nothing and ends no run", async () => {
    await createProject();
    await project.repo.commit("large", { "large.txt": `return a + b;\n${"x".repeat(80 * 1024 * 1024)}\n` });
    say("odd", "review", result([finding({ file: "large.txt", quote: "return a * b;" })]));
    const answer = await run();
    await expectWhole(answer);
    expect(clusterOf(answer, "odd#1").class).toBe("ungrounded");
  }, 60_000);

  test("NUL characters in claim, quote, file, symbol and fix are neutral in every form of the report", async () => {
    await createProject();
    say(
      "odd",
      "review",
      result([
        finding({ claim: "A \0 claim", quote: "return a\0 + b;", file: "src/sum.js" }),
        finding({ claim: "Another thing entirely", quote: "return a + b;", file: "src/\0sum.js", symbol: "su\0m", fix: "d\0o" }),
        finding({ claim: "Nobody calls it anywhere", quote: "\0", file: "src/sum.js" }),
      ]),
    );
    const answer = await run();
    await expectWhole(answer);
    expect(answer.json.lanes[1]).toMatchObject({ end: "ok" });
    for (const id of ["odd#1", "odd#2", "odd#3"]) expect([id, clusterOf(answer, id).class]).toEqual([id, "ungrounded"]);
    for (const form of ["md", "html", "sarif", "json"])
      expect([form, readFileSync(answer.json.report[form], "utf8").includes("\0")]).toEqual([form, false]);
    const shown = await runOkstra(["report", TASK], { cwd: project.repo.root });
    expect(shown.stdout.includes("\0")).toBe(false);
    expect((await project.okstra(["converge", "--run", TASK])).status).toBe(0);
  });

  test("half a character, a member called __proto__ and a family of its own choice", async () => {
    await createProject();
    say(
      "odd",
      "review",
      `{"nonce":"NONCE","runId":"RUNID","__proto__":{"nonce":"x"},"constructor":1,"family":"good","findings":[{"claim":"Half \\ud800 of it","category":"c","severity":"P2","worker":"good","family":"good","id":"good#1","__proto__":{"severity":"P0"}}]}`,
    );
    const answer = await run();
    await expectWhole(answer);
    expect(reportOf(answer).rawFindings.filter(({ worker }: { worker: string }) => worker === "odd")).toMatchObject([
      { id: "odd#1", family: "odd", severity: "P2" },
    ]);
  });

  test("2,000 findings are the most, and all of them arrive", async () => {
    await createProject();
    say(
      "odd",
      "review",
      result(Array.from({ length: 2000 }, (_, at) => finding({ claim: `Thing ${at} of ${(at * 7919) % 2003} is odd`, severity: "P3" }))),
    );
    const answer = await run();
    await expectWhole(answer);
    expect(answer.json.findings.total).toBe(2001);
    const members = reportOf(answer).clusters.flatMap((cluster: { members: string[] }) => cluster.members);
    expect(new Set(members).size).toBe(2001);
  }, 60_000);
});

describe("commands that no shell can be given", () => {
  test("a reproduction with a NUL in it shows nothing, and the run goes on", async () => {
    await createProject();
    const proof = { command: "false", output: "" };
    say(
      "odd",
      "review",
      result([finding({ severity: "P1", file: "src/sum.js", quote: "return a + b;", reproduction: { command: "false \0" } })]),
    );
    say("good", "review", result([{ ...GOOD, reproduction: proof }]));
    const answer = await run("error-analysis");
    await expectWhole(answer);
    expect(clusterOf(answer, "odd#1").reproducedBy).toEqual([]);
    expect(clusterOf(answer, "good#1").reproducedBy).toEqual(["false"]);
  });

  test("a vote with a NUL in its command counts as reasoning, and the run goes on", async () => {
    await createProject();
    say("good", "review", result([{ ...GOOD, severity: "P1" }]));
    say(
      "odd",
      "vote",
      JSON.stringify({
        nonce: "NONCE",
        votes: [{ item: "V1", answer: "refuted", evidence: { kind: "reproduction", text: "see", command: "true\0" } }],
      }),
    );
    const answer = await run();
    expect(answer.json, answer.stdout).toMatchObject({ state: "ended", valid: true });
    expect(reportOf(answer).votes).toMatchObject([{ worker: "odd", evidence: "reasoning" }]);
    expect(answer.json.gate.open).toBe(false);
  });
});

describe("an executor that writes into what okstra noted before it began", () => {
  const forge = `node -e '
    const { readFileSync, writeFileSync } = require("node:fs");
    const { execFileSync } = require("node:child_process");
    const path = process.argv[1];
    const noted = JSON.parse(readFileSync(path, "utf8"));
    if (process.argv[2] === "forge") {
      noted.refs["refs/heads/main"] = execFileSync("git", ["rev-parse", "refs/heads/main"], { encoding: "utf8" }).trim();
      if (noted.main !== null) noted.main.head = noted.refs["refs/heads/main"];
      writeFileSync(path, JSON.stringify(noted));
    }' "\${OKSTRA_RESULT%/workers/*}/surroundings.json"`;
  const git = "git -c user.name=x -c user.email=x@example.com";

  test.each(["leave", "forge"])("hides no edit of another branch: %s", async (what) => {
    await createProject({
      sly: `if [ "$OKSTRA_STEP" = execute ]; then echo 1 > made; git add made; ${git} commit -qm made; git update-ref refs/heads/main "$(${git} commit-tree -p refs/heads/main -m sneaky refs/heads/main^{tree})"; ${forge} ${what}; fi; printf '{"nonce":"%s","findings":[]}' "$OKSTRA_NONCE" > "$OKSTRA_RESULT"`,
    });
    const { status, json, stdout } = await project.okstra([
      "run",
      TASK,
      "-t",
      "implementation",
      "--workers",
      "sly,good",
      "--executor",
      "sly",
    ]);
    expect(status, stdout).not.toBe(0);
    // Either the gate names what it did, or okstra says that its own notes are not what they were.
    const gate = json.gate?.kind === "abort" || json.valid === false || json.error?.code === "OKSTRA_RUN_CORRUPT";
    expect(gate, stdout).toBe(true);
  });
});

describe("exit status 75", () => {
  const NOTHING = `printf '{"nonce":"%s","findings":[]}' "$OKSTRA_NONCE" > "$OKSTRA_RESULT"`;

  test("a quota that is used up is no verdict and no agreement, and its last words are told", async () => {
    await createProject({ spent: "echo 'come back at noon' >&2; exit 75" });
    const paused = await run("final-verification", "good,spent");
    expect(paused.status).toBe(10);
    expect(paused.json).toMatchObject({
      state: "paused",
      verdict: "none",
      report: null,
      waiting: { reason: "quota", lanes: ["spent"], until: null },
    });
    const answer = await project.okstra(["resume", TASK, "--task-type", "final-verification", "--without-quota"]);
    await expectWhole(answer);
    expect(answer.status).toBe(10);
    expect(answer.json).toMatchObject({ verdict: "conditional-accept", lanes: [{ end: "ok" }, { worker: "spent", end: "quota" }] });
    expect(answer.json.lanes[1].reason).toContain("come back at noon");
    expect(readFileSync(answer.json.report.md, "utf8")).toContain("come back at noon");
    expect(reportOf(answer)).toMatchObject({ kEff: 1, crossChecked: false });
  });

  test("a result that is written before it is none", async () => {
    await createProject({ spent: `${NOTHING}; exit 75` });
    const { json } = await run("final-verification", "good,spent");
    expect(json.lanes[1]).toMatchObject({ worker: "spent", end: "quota" });
    expect(project.repo.exists("workers/spent/result.json", json.runDir)).toBe(false);
  });

  test("a resumed run asks again, and not who has answered", async () => {
    await createProject({
      spent: `[ -f "$OKSTRA_WORKTREE/../ready" ] || { touch "$OKSTRA_WORKTREE/../spent"; exit 75; }; ${NOTHING}`,
      slow: `echo started >> "$OKSTRA_WORKTREE/../slow"; [ -f "$OKSTRA_WORKTREE/../ready" ] || sleep 600; ${NOTHING}`,
    });
    const beside = join(project.home.okstraHome, "worktrees/sums/g");
    const okstra = await bundleOkstra(project.home.directory("bundle"));
    const first = startProcess(["node", okstra, "run", TASK, "-t", "final-verification", "--workers", "good,spent,slow", "--json"], {
      cwd: project.repo.root,
      env: { OKSTRA_HOME: project.home.okstraHome },
    });
    first.closeStdin();
    const runDir = join(project.repo.root, ".project-docs/okstra/tasks/g/t/runs/final-verification/001");
    await waitFor(() => {
      const events = existsSync(join(runDir, "events.jsonl")) ? readFileSync(join(runDir, "events.jsonl"), "utf8") : "";
      return existsSync(join(beside, "slow")) && events.split('"type":"lane-ended"').length === 3;
    });
    first.signal("SIGINT", "process");
    expect((await first.ended).status).toBe(130);
    const before = readFileSync(join(runDir, "events.jsonl"), "utf8");
    expect(before).toContain('"end":"quota"');
    expect(before).not.toContain("gate-decided");
    writeFileSync(join(beside, "ready"), "");
    const resumed = await project.okstra(["resume", TASK, "--task-type", "final-verification"]);
    expect(resumed.json.lanes, resumed.stdout).toMatchObject([
      { worker: "good", end: "ok" },
      { worker: "spent", end: "ok" },
      { worker: "slow", end: "ok" },
    ]);
    const events = readFileSync(join(runDir, "events.jsonl"), "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    const started = (worker: string): number => events.filter((event) => event.type === "lane-started" && event.lane === worker).length;
    expect([started("good"), started("spent"), started("slow")]).toEqual([1, 2, 2]);
    expect((await project.okstra(["validate", TASK])).json.ok).toBe(true);
  }, 60_000);
});

async function waitFor(isThere: () => boolean): Promise<void> {
  while (!isThere()) await new Promise((done) => setTimeout(done, 20));
}
