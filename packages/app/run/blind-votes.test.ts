import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { bundleOkstra } from "@okstra/testkit/bundle-okstra";
import { endStarted, startProcess } from "@okstra/testkit/faults/start-process";
import { createRunProject } from "@okstra/testkit/run-project";
import type { OkstraAnswer } from "@okstra/testkit/run-okstra";
import type { TestProject } from "@okstra/testkit/test-project";

let project: TestProject;
afterEach(async () => {
  await endStarted();
  project.remove();
});

/** Says what the test wrote down for the step, else nothing. A file `<worker>.<step>.sh` is executed instead. */
const SAYS = `f="$0.$OKSTRA_STEP"; [ -f "$f.sh" ] && . "$f.sh"; if [ -f "$f" ]; then sed "s/NONCE/$OKSTRA_NONCE/" "$f" > "$OKSTRA_RESULT"; else printf '{"nonce":"%s","findings":[]}' "$OKSTRA_NONCE" > "$OKSTRA_RESULT"; fi`;
const WORKERS = ["zara", "yves", "xena", "walt"];
const CLAIM = "sum subtracts its second argument instead of adding it";
const WRONG = { claim: CLAIM, category: "correctness", severity: "P1", file: "src/sum.js", startLine: 2, quote: "return a + b;" };
/** Passes in the tree, fails where there is nothing. */
const ADDS = `node -e 'import("./src/sum.js").then(({ sum }) => process.exit(sum(2, 2) === 4 ? 0 : 1), () => process.exit(1))'`;

async function createProject(more: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {}): Promise<void> {
  project = await createRunProject();
  const tools = project.home.directory("tools");
  const path = join(project.repo.root, ".project-docs/okstra/project.json");
  const settings = JSON.parse(readFileSync(path, "utf8"));
  for (const name of WORKERS)
    settings.workers[name] = { kind: "command", family: `vendor-${name}`, command: ["sh", "-c", SAYS, join(tools, name)], ...more[name] };
  writeFileSync(path, JSON.stringify(settings));
}

function put(worker: string, step: string, content: string): void {
  writeFileSync(join(project.home.root, "tools", `${worker}.${step}`), content);
}
function find(worker: string, ...findings: readonly unknown[]): void {
  put(worker, "review", JSON.stringify({ nonce: "NONCE", findings }));
}
function vote(worker: string, answer: string, evidence: Readonly<Record<string, unknown>>, item = "V1"): void {
  votes(worker, [{ item, answer, evidence: { text: "I looked.", ...evidence } }]);
}
function votes(worker: string, all: readonly unknown[]): void {
  put(worker, "vote", JSON.stringify({ nonce: "NONCE", votes: all }));
}

/** Runs to the end; whatever was said, the run is valid, and converging it again gives the same. */
async function run(workers: string, options: { task?: string; type?: string; more?: readonly string[] } = {}): Promise<OkstraAnswer> {
  const { task = "g/t", type = "final-verification", more = [] } = options;
  let answer = await project.okstra(["run", task, "-t", type, "--workers", workers, ...more]);
  // A run waits for a quota until a person goes on without it.
  while (answer.json.state === "paused") {
    expect(answer.status).toBe(10);
    answer = await project.okstra(["resume", task, "--task-type", type, "--without-quota"]);
  }
  expect(answer.json, answer.stdout).toMatchObject({ state: "ended", valid: true });
  const again = await project.okstra(["converge", "--run", task]);
  const { clusters, votes: cast, ledger } = convergenceOf(answer);
  expect(again.json, again.stdout).toMatchObject({ clusters, votes: cast, ledger });
  expect((await project.okstra(["validate", task])).json.ok).toBe(true);
  return answer;
}

// eslint-disable-next-line typescript/no-explicit-any -- tests look into documents of many shapes
const convergenceOf = (answer: OkstraAnswer): any => JSON.parse(readFileSync(join(answer.json.runDir, "convergence.json"), "utf8"));
/** What the voters were asked: the prompts of lanes that no review had. */
const votePrompts = (answer: OkstraAnswer): readonly string[] =>
  readdirSync(join(answer.json.runDir, "prompts"))
    .map((name) => readFileSync(join(answer.json.runDir, "prompts", name), "utf8"))
    .filter((text) => text.startsWith("# Blind verification"));

const expectHeld = (answer: OkstraAnswer, verification: string): void => {
  expect(answer.status).toBe(10);
  expect(answer.json.gate).toMatchObject({ open: false, reasons: expect.arrayContaining(["held-findings"]) });
  expect(convergenceOf(answer).clusters).toMatchObject([{ disposition: "held", verification }]);
};

describe("blind: what a voter is told", () => {
  test("the prompt is the same whoever raised the claim, how many did, and how grave they call it", async () => {
    await createProject();
    const asked: string[] = [];
    const raised: Readonly<Record<string, string>>[] = [{ zara: "P0" }, { yves: "P3" }, { zara: "P1", yves: "P1" }];
    for (const [at, who] of raised.entries()) {
      for (const name of ["zara", "yves"]) find(name, ...(who[name] === undefined ? [] : [{ ...WRONG, severity: who[name] }]));
      const answer = await run("zara,yves,xena", { task: "g/t", more: [] });
      const { verification } = answer.json;
      const lane = verification.find(({ worker }: { worker: string }) => worker === "xena")?.lane;
      // One advice goes to one voter alone, which may be the other one.
      const prompts = lane === undefined ? votePrompts(answer) : [readFileSync(join(answer.json.runDir, `prompts/${lane}.md`), "utf8")];
      expect(prompts.length, `${at}`).toBeGreaterThan(0);
      const { nonce } = JSON.parse(readFileSync(join(answer.json.runDir, `workers/${lane ?? verification[0].lane}/receipt.json`), "utf8"));
      asked.push(...prompts.map((text) => text.replaceAll(nonce, "NONCE").replaceAll(/\b(?:zara|xena)\b/g, "VOTER")));
      const items = prompts[0]?.slice(prompts[0].indexOf("## Items"), prompts[0].indexOf("## How you judge")) ?? "";
      expect(items).toContain(CLAIM);
      for (const word of [/zara|yves|vendor-/, /\bP[0-3]\b/, /severity/i, /famil/i]) expect([word, word.exec(items)]).toEqual([word, null]);
      for (const prompt of prompts) expect(prompt).not.toMatch(/vendor-(?:zara|yves)|"?severity"?|\bP[0-3]\b/);
    }
    expect(new Set(asked).size, asked.join("\n=====\n")).toBe(1);
  }, 60_000);

  test("another worker of the family that raised it is not asked, and a voter gets no item of its own", async () => {
    await createProject({ yves: { family: "vendor-zara" } });
    find("zara", WRONG);
    find("xena", {
      ...WRONG,
      claim: "The tests are run against no lock file",
      file: "package.json",
      quote: '"type": "module"',
      startLine: 1,
    });
    const answer = await run("zara,yves,xena");
    const asked = Object.fromEntries(
      answer.json.verification.map(({ worker, lane }: { worker: string; lane: string }) => [
        worker,
        readFileSync(join(answer.json.runDir, `prompts/${lane}.md`), "utf8"),
      ]),
    );
    expect(asked["xena"]).toContain(CLAIM);
    expect(asked["xena"]).not.toContain("no lock file");
    for (const name of ["zara", "yves"]) expect(asked[name] ?? "").not.toContain(CLAIM);
    expect(Object.values(asked).join()).toContain("no lock file");
  });
});

describe("evidence counts as what okstra saw", () => {
  test("a refuting command that passes here and fails in an empty directory dismisses a wrong P1, and the gate opens", async () => {
    await createProject();
    find("zara", WRONG);
    vote("yves", "refuted", { kind: "reproduction", command: ADDS });
    const answer = await run("zara,yves");
    expect([answer.status, answer.json.verdict, answer.json.gate.open]).toEqual([0, "accepted", true]);
    expect(convergenceOf(answer)).toMatchObject({
      clusters: [
        { class: "dismissed", verification: "refuted", disposition: "advisory", reason: "a reproduction shows that it is not so" },
      ],
      votes: [{ worker: "yves", answer: "refuted", evidence: "reproduction", claimedEvidence: "reproduction" }],
    });
    const md = readFileSync(answer.json.report.md, "utf8");
    expect(md).toContain(CLAIM);
    expect(md).toMatch(/a reproduction shows that it is not so/i);
  });

  test.each([
    ["true", "true"],
    ["what looks at nothing of this tree", "test 1 = 1"],
    ["what fails here", "exit 1"],
    ["a program that is not there", "no-such-program-at-all"],
    [
      "what passes only once",
      `test -f src/sum.js && test ! -e "$HOME/.okstra-vote-once-$(pwd | cksum | cut -d" " -f1)" && ln -s x "$HOME/.okstra-vote-once-$(pwd | cksum | cut -d" " -f1)"`,
    ],
  ])("a refuting command that says nothing counts as reasoning and refutes nothing: %s", async (_what, command) => {
    await createProject();
    find("zara", WRONG);
    vote("yves", "refuted", { kind: "reproduction", command: command.replaceAll("$HOME", project.home.root) });
    const answer = await run("zara,yves");
    expect(convergenceOf(answer).votes).toMatchObject([{ evidence: "reasoning", claimedEvidence: "reproduction" }]);
    expectHeld(answer, "unverifiable");
  });

  test("a confirming command that fails twice makes a P1 block", async () => {
    await createProject();
    find("zara", { ...WRONG, claim: "sum cannot add three numbers" });
    vote("yves", "confirmed", {
      kind: "reproduction",
      command: `node -e 'import("./src/sum.js").then(({ sum }) => process.exit(sum(1, 1, 1) === 3 ? 0 : 1))'`,
    });
    const answer = await run("zara,yves");
    expect([answer.status, answer.json.verdict]).toEqual([10, "blocked"]);
    expect(answer.json.gate.reasons).toContain("blocking-findings");
    expect(convergenceOf(answer).clusters).toMatchObject([{ class: "unique", verification: "confirmed", disposition: "blocks" }]);
  });

  test.each([
    ["passes", "true"],
    ["fails once and passes then", `test -e "$HOME/once" || { touch "$HOME/once"; exit 1; }`],
    ["cannot be started", "no-such-program-at-all"],
  ])("a confirming command that %s is no reproduction", async (_what, command) => {
    await createProject();
    find("zara", WRONG);
    vote("yves", "confirmed", { kind: "reproduction", command: command.replaceAll("$HOME", project.home.root) });
    const { votes: cast } = convergenceOf(await run("zara,yves"));
    expect(cast).toMatchObject([{ answer: "confirmed", evidence: "reasoning", claimedEvidence: "reproduction" }]);
  });

  test.each([
    ["a quote that is not there", { file: "src/sum.js", quote: "return a - b;" }],
    ["a file that is not there", { file: "src/none.js", quote: "return a + b;" }],
    ["a file outside", { file: "../../../../../../etc/passwd", quote: "root:" }],
    ["no quote", { file: "src/sum.js" }],
    ["an empty quote", { file: "src/sum.js", quote: " \n" }],
  ])("quoted code with %s counts as reasoning, which refutes nothing", async (_what, place) => {
    await createProject();
    find("zara", WRONG);
    vote("yves", "refuted", { kind: "quoted-code", ...place });
    const answer = await run("zara,yves");
    expect(convergenceOf(answer).votes).toMatchObject([{ evidence: "reasoning", claimedEvidence: "quoted-code", grounded: false }]);
    expectHeld(answer, "unverifiable");
  });

  test("quoted code that is there, against a grounded claim: contested, and held for a person", async () => {
    await createProject();
    find("zara", WRONG);
    vote("yves", "refuted", { kind: "quoted-code", file: "src/sum.js", quote: "return  a + b;" });
    const answer = await run("zara,yves");
    expect(convergenceOf(answer).clusters).toMatchObject([{ class: "contested" }]);
    expectHeld(answer, "refuted");
    expect((await run("zara,yves")).json.gate.open).toBe(false);
  });

  test("a voter that changes the tree is not heard, and it is named", async () => {
    await createProject();
    find("zara", WRONG);
    vote("yves", "refuted", { kind: "reproduction", command: ADDS });
    put("yves", "vote.sh", "echo x > made.txt");
    const answer = await run("zara,yves");
    expect(answer.status).toBe(10);
    expect(answer.json.gate.reasons).toContain("tree-changed");
    expect(answer.json.verification).toMatchObject([{ worker: "yves", end: "failed" }]);
    expect(convergenceOf(answer).votes).toEqual([]);
  });

  test("a command in a vote that makes the claim go away by an edit is noticed", async () => {
    await createProject();
    find("zara", WRONG);
    vote("yves", "refuted", { kind: "reproduction", command: "test -f src/sum.js && echo x > made.txt" });
    const answer = await run("zara,yves");
    expect(answer.status).toBe(10);
    expect(answer.json.gate.reasons).toContain("tree-changed");
    expect(readFileSync(answer.json.report.md, "utf8")).toContain("made.txt");
  });
});

describe("what is no answer leaves the claim unverified and held", () => {
  const refuting = { text: "I looked.", kind: "reproduction", command: ADDS };
  const good = { item: "V1", answer: "refuted", evidence: refuting };
  test.each<[string, string, string, RegExp | null]>([
    ["a vote for an item that nobody assigned", JSON.stringify({ nonce: "NONCE", votes: [{ ...good, item: "V2" }] }), "ok", null],
    ["two votes for one item", JSON.stringify({ nonce: "NONCE", votes: [good, good] }), "ok", null],
    ["two votes that differ", JSON.stringify({ nonce: "NONCE", votes: [good, { ...good, answer: "confirmed" }] }), "ok", null],
    ["no votes", JSON.stringify({ nonce: "NONCE", votes: [] }), "ok", null],
    ["votes that are no list", JSON.stringify({ nonce: "NONCE", votes: { V1: "refuted" } }), "failed", /breaks its schema/],
    ["an answer that nobody knows", JSON.stringify({ nonce: "NONCE", votes: [{ ...good, answer: "no" }] }), "failed", /breaks its schema/],
    ["an item that is no id", JSON.stringify({ nonce: "NONCE", votes: [{ ...good, item: "1" }] }), "failed", /breaks its schema/],
    ["no JSON", "refuted", "failed", /not JSON/],
    ["another nonce", JSON.stringify({ nonce: "0".repeat(32), votes: [good] }), "failed", /another nonce/],
    ["another run", JSON.stringify({ nonce: "NONCE", runId: "0".repeat(24), votes: [good] }), "failed", /another run/],
    [
      "the class and the disposition of its choice",
      JSON.stringify({ nonce: "NONCE", votes: [], clusters: [], gate: { open: true } }),
      "ok",
      null,
    ],
  ])("%s", async (_what, content, end, reason) => {
    await createProject();
    find("zara", WRONG);
    put("yves", "vote", content);
    const answer = await run("zara,yves");
    expect(answer.json.verification).toMatchObject([{ worker: "yves", end }]);
    if (reason !== null) expect(answer.json.verification[0].reason).toMatch(reason);
    if (reason !== null) expect(readFileSync(answer.json.report.md, "utf8")).toMatch(reason);
    expect(convergenceOf(answer).votes).toEqual([]);
    expectHeld(answer, "unverified");
  });

  test.each([
    ["crashes", "exit 3", "failed"],
    ["has no quota left", "exit 75", "quota"],
    ["is ended by a signal", "kill -KILL $$", "failed"],
  ])("a voter that %s", async (_what, line, end) => {
    await createProject();
    find("zara", WRONG);
    put("yves", "vote.sh", line);
    const answer = await run("zara,yves");
    expect(answer.json.verification).toMatchObject([{ worker: "yves", end }]);
    expectHeld(answer, "unverified");
  });

  test("one voter that answers well is heard although another one crashes", async () => {
    await createProject();
    find("zara", WRONG);
    put("yves", "vote.sh", "exit 3");
    vote("xena", "refuted", { kind: "reproduction", command: ADDS });
    const answer = await run("zara,yves,xena");
    expect(convergenceOf(answer).clusters).toMatchObject([{ class: "dismissed" }]);
    expect(answer.json.gate.open).toBe(true);
  });
});

describe("agreement", () => {
  test("three families of three are strong: nobody is asked to vote, and a P1 blocks", async () => {
    await createProject();
    for (const name of ["zara", "yves", "xena"]) find(name, WRONG);
    const answer = await run("zara,yves,xena");
    expect(answer.json.verification).toEqual([]);
    expect(votePrompts(answer)).toEqual([]);
    expect(convergenceOf(answer).clusters).toMatchObject([
      { class: "consensus", strong: true, support: 3, kEff: 3, disposition: "blocks" },
    ]);
    expect(answer.json.verdict).toBe("blocked");
  });

  test("three families of four are consensus, not strong, and the fourth is asked", async () => {
    await createProject();
    for (const name of ["zara", "yves", "xena"]) find(name, WRONG);
    const answer = await run("zara,yves,xena,walt");
    expect(answer.json.verification).toMatchObject([{ worker: "walt", end: "ok" }]);
    expect(convergenceOf(answer).clusters).toMatchObject([{ class: "consensus", strong: false, support: 3, kEff: 4 }]);
    expect(answer.json.gate.open).toBe(false);
  });

  test.each(["exit 3", "exit 75", `printf '{"nonce":"no"}' > "$OKSTRA_RESULT"; exit 0`])(
    "a lane that did not finish is no agreement and no silence that counts: %s",
    async (line) => {
      await createProject();
      for (const name of ["zara", "yves"]) find(name, WRONG);
      put("xena", "review.sh", line);
      const answer = await run("zara,yves,xena");
      expect(convergenceOf(answer)).toMatchObject({ kEff: 2, clusters: [{ class: "consensus", strong: false, support: 2, kEff: 2 }] });
      expectHeld(answer, "unverified");
    },
  );

  test("one family twice is one voice", async () => {
    await createProject({ yves: { family: "vendor-zara" } });
    for (const name of ["zara", "yves"]) find(name, WRONG);
    const answer = await run("zara,yves,xena");
    expect(convergenceOf(answer)).toMatchObject({ kEff: 2, clusters: [{ support: 1, families: ["vendor-zara"] }] });
    expect(answer.json.verification.map(({ worker }: { worker: string }) => worker)).toEqual(["xena"]);
  });

  test("severities two levels apart stay contested and held, whatever reasoning says", async () => {
    await createProject();
    find("zara", { ...WRONG, severity: "P0" });
    find("yves", { ...WRONG, severity: "P2" });
    vote("xena", "refuted", { kind: "reasoning" });
    const answer = await run("zara,yves,xena");
    expect(convergenceOf(answer).clusters).toMatchObject([{ class: "contested", severity: "P0", disposition: "held" }]);
    expect(answer.json.gate).toMatchObject({ open: false });
    // Nobody but a person goes on: neither again nor with more who say nothing.
    expect((await run("zara,yves,xena,walt")).json.gate.open).toBe(false);
  });
});

describe("order and names", () => {
  test("the order of --workers changes nothing in convergence.json", async () => {
    await createProject();
    find("zara", WRONG, { ...WRONG, claim: "The module exports a single name only", severity: "P2" });
    find(
      "yves",
      { ...WRONG, claim: "The second argument is subtracted by sum instead of added" },
      { ...WRONG, claim: "package.json has no licence", severity: "P3", file: "package.json", quote: "module" },
    );
    find("xena", {
      ...WRONG,
      severity: "P0",
      claim: "No test covers negative numbers",
      file: "test/sum.test.js",
      quote: "assert.equal(sum(2, 2), 4);",
      startLine: 5,
    });
    for (const name of WORKERS)
      votes(
        name,
        [1, 2, 3, 4, 5].map((item) => ({ item: `V${item}`, answer: "confirmed", evidence: { kind: "reasoning", text: "so it is" } })),
      );
    const seen: string[] = [];
    for (const [at, workers] of ["zara,yves,xena,walt", "walt,xena,yves,zara", "xena,zara,walt,yves"].entries()) {
      const { runId: _own, ...rest } = convergenceOf(await run(workers, { task: `g/t${at}` }));
      seen.push(JSON.stringify(rest));
    }
    expect(seen[1]).toBe(seen[0]);
    expect(seen[2]).toBe(seen[0]);
  }, 60_000);
});

describe("one worker that proposes more commands than okstra executes", () => {
  const many = Array.from({ length: 25 }, (_, at) => ({
    claim: `Rubbish number ${at}${"abcdefghijklmnopqrstuvwxyz"[at]}`,
    category: "c",
    severity: "P3",
    reproduction: { command: `true ${at}` },
  }));
  const proof = { ...WRONG, claim: "sum cannot add three numbers", reproduction: { command: "test -f nowhere" } };

  test("takes nothing away from the others, in whatever order they are named", async () => {
    await createProject();
    find("zara", ...many);
    find("yves", proof);
    for (const [at, workers] of ["yves,zara", "zara,yves"].entries()) {
      const answer = await run(workers, { task: `g/t${at}`, type: "error-analysis" });
      const cluster = convergenceOf(answer).clusters.find(({ members }: { members: string[] }) => members.includes("yves#1"));
      expect([workers, cluster.reproducedBy, cluster.verification]).toEqual([workers, ["test -f nowhere"], "confirmed"]);
    }
  }, 60_000);
});

describe("rounds: what was executed in one says nothing about another claim in the next", () => {
  const TRUE_DEFECT = {
    claim: "There is no licence file anywhere",
    category: "legal",
    severity: "P1",
    reproduction: { command: "test -f made1" },
  };
  const commit = `n=$(ls made* 2>/dev/null | wc -l); echo x > "made$n"; git add -A; git -c user.name=W -c user.email=w@example.com commit -qm "Make $n"`;
  /** `step` in the given round of a worker is the result. */
  const inRound = (worker: string, rounds: readonly string[]): void =>
    put(
      worker,
      "review.sh",
      [
        `p=$(cat); n=$(printf '%s\\n' "$p" | sed -n 's/.*, round \\([0-9]*\\)$/\\1/p' | head -1); n=\${n:-1}; f="$0.review.$n"`,
        ...rounds.map((content, at) => `[ "$n" = ${at + 1} ] && cat > "$f" <<'END'\n${content}\nEND\n`),
        `[ -f "$f" ] || f=none`,
      ].join("\n"),
    );
  const result = (...findings: readonly unknown[]): string => JSON.stringify({ nonce: "NONCE", findings });
  const clustersOf = async (answer: OkstraAnswer, round: number): Promise<readonly Record<string, unknown>[]> => {
    const kept = join(answer.json.runDir, `convergence-r${round}.json`);
    return (existsSync(kept) ? JSON.parse(readFileSync(kept, "utf8")) : convergenceOf(answer)).clusters;
  };

  test("a refutation in round 2 is executed although the same voter refuted another claim in round 1", async () => {
    await createProject();
    put("walt", "execute.sh", commit);
    inRound("zara", [result(TRUE_DEFECT, WRONG), result({ ...WRONG, claim: "The exported function ignores what it is given" })]);
    votes(
      "yves",
      ["V1", "V2"].map((item) => ({ item, answer: "refuted", evidence: { kind: "reproduction", text: "It adds.", command: ADDS } })),
    );
    const answer = await run("walt,zara,yves", { type: "implementation", more: ["--executor", "walt"] });
    expect((await clustersOf(answer, 1)).find(({ claim }) => claim === WRONG.claim)).toMatchObject({ class: "dismissed" });
    const [second] = await clustersOf(answer, 2);
    expect(second).toMatchObject({ claim: "The exported function ignores what it is given", class: "dismissed", verification: "refuted" });
  }, 60_000);

  test("a reproduction of round 1 confirms no other claim of round 2 at the same commit", async () => {
    await createProject();
    put("walt", "execute.sh", `[ -f made0 ] || { ${commit}; }`);
    inRound("zara", [
      result({ ...TRUE_DEFECT, reproduction: { command: "test -f nowhere" } }),
      result({ ...WRONG, claim: "The exported function ignores what it is given" }),
    ]);
    const answer = await run("walt,zara,yves", { type: "implementation", more: ["--executor", "walt"] });
    expect(await clustersOf(answer, 1)).toMatchObject([{ verification: "confirmed", reproducedBy: ["test -f nowhere"] }]);
    expect(await clustersOf(answer, 2)).toMatchObject([
      { claim: "The exported function ignores what it is given", verification: "unverified", reproducedBy: [], disposition: "held" },
    ]);
  }, 60_000);

  test("a run that is interrupted in round 2 and resumed keeps what round 1 rests on, and is valid", async () => {
    await createProject();
    put("walt", "execute.sh", commit);
    inRound("zara", [result(TRUE_DEFECT, WRONG), result()]);
    put(
      "yves",
      "review.sh",
      `if cat | grep -q ', round 2$'; then touch "$OKSTRA_WORKTREE/../second"; [ -f "$OKSTRA_WORKTREE/../ready" ] || sleep 600; fi`,
    );
    votes(
      "yves",
      ["V1", "V2"].map((item) => ({ item, answer: "refuted", evidence: { kind: "reproduction", text: "It adds.", command: ADDS } })),
    );
    const okstra = await bundleOkstra(project.home.directory("bundle"));
    const beside = join(project.home.okstraHome, "worktrees/sums/g");
    const workers = ["--workers", "walt,zara,yves", "--executor", "walt"];
    const first = startProcess(["node", okstra, "run", "g/t", "-t", "implementation", ...workers, "--json"], {
      cwd: project.repo.root,
      env: { OKSTRA_HOME: project.home.okstraHome },
    });
    first.closeStdin();
    while (!existsSync(join(beside, "second")) && first.isRunning()) await new Promise((done) => setTimeout(done, 20));
    first.signal("SIGINT", "process");
    const { status, stdout } = await first.ended;
    expect(status, stdout).toBe(130);
    writeFileSync(join(beside, "ready"), "");
    const resumed = await project.okstra(["resume", "g/t", "--task-type", "implementation"]);
    const validated = await project.okstra(["validate", "g/t"]);
    expect(validated.json, validated.stdout).toMatchObject({ ok: true });
    expect(resumed.json, resumed.stdout).toMatchObject({ state: "ended", valid: true });
    expect((await clustersOf(resumed, 1)).find(({ claim }) => claim === WRONG.claim)).toMatchObject({ class: "dismissed" });
  }, 60_000);
});

describe("requirements", () => {
  test("findings and votes without a file are grounded in the brief", async () => {
    await createProject();
    const brief = join(project.home.root, "brief.md");
    writeFileSync(brief, "# Shop\n\nEvery order gets a number.\nNumbers may repeat after a year.\n");
    const base = { category: "requirements", severity: "P1" };
    find(
      "zara",
      { ...base, claim: "Repeating numbers contradict unique orders", quote: "Numbers may\nrepeat after a year." },
      { ...base, claim: "Nothing says who may cancel", quote: "Orders are cancelled by clerks." },
    );
    votes(
      "yves",
      ["V1", "V2"].map((item) => ({
        item,
        answer: "confirmed",
        evidence: { kind: "quoted-code", text: "It says so.", quote: "Every order gets a number." },
      })),
    );
    const answer = await run("zara,yves", { type: "requirements-discovery", more: ["--brief", brief] });
    const { clusters, votes: cast } = convergenceOf(answer);
    const byClaim = (part: string): Record<string, unknown> => clusters.find(({ claim }: { claim: string }) => claim.includes(part));
    expect(byClaim("Repeating")).toMatchObject({ class: "unique", support: 1, startLine: 4, endLine: 4, file: null });
    expect(cast.find(({ findingId }: { findingId: string }) => findingId === "zara#1")).toMatchObject({
      evidence: "quoted-code",
      grounded: true,
    });
    expect(byClaim("cancel")).toMatchObject({ support: 0 });
    expect(existsSync(answer.json.report.md)).toBe(true);
  });

  test("in a phase about code a finding without a file is grounded in nothing", async () => {
    await createProject();
    const brief = join(project.home.root, "brief.md");
    writeFileSync(brief, "Every order gets a number.\n");
    find("zara", { claim: "Orders lack numbers", category: "c", severity: "P1", quote: "Every order gets a number." });
    const answer = await run("zara,yves", { more: ["--brief", brief] });
    expect(convergenceOf(answer).clusters).toMatchObject([{ class: "ungrounded", disposition: "advisory" }]);
  });
});
