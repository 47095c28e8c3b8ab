/** What one lane takes and refuses, and what it is told. The server process itself is tested with it (packages/mcp). */
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { LANE_NONCE, LANE_RUN, openLaneFixture, type LaneFixture } from "@okstra/testkit/lane-fixture";
import type { Answer, Lane } from "./open-lane.ts";

const FINDING = { claim: "The sum is wrong", category: "correctness", severity: "P1", file: "src/sum.js", quote: "return a + b;" };
const RESULT = { nonce: LANE_NONCE, findings: [] };
const VOTE = { item: "V1", answer: "confirmed", evidence: { kind: "reasoning", text: "so it is" } };

const fixtures: LaneFixture[] = [];
afterEach(() => {
  for (const fixture of fixtures.splice(0)) fixture.remove();
});

async function open(options: Parameters<typeof openLaneFixture>[0] = {}): Promise<{ fixture: LaneFixture; lane: Lane }> {
  const fixture = await openLaneFixture(options);
  fixtures.push(fixture);
  return { fixture, lane: await fixture.openLane() };
}

async function loadResult(fixture: LaneFixture): Promise<Record<string, unknown>> {
  return JSON.parse((await fixture.door.loadResult()) ?? "null") as Record<string, unknown>;
}

describe("a result is refused in words, and nothing is written", () => {
  const ROWS: readonly { what: string; given: unknown; says: readonly string[]; type?: string; role?: "vote" | "write" | "execute" }[] = [
    { what: "nothing", given: undefined, says: ["nonce: it is not this lane's", "findings: Invalid input: expected array"] },
    { what: "null", given: null, says: ["nonce: it is not this lane's"] },
    { what: "a text", given: JSON.stringify(RESULT), says: ["(the whole): Invalid input: expected object, received string"] },
    { what: "a list", given: [RESULT], says: ["(the whole): Invalid input: expected object"] },
    {
      what: "no nonce",
      given: { findings: [] },
      says: ["nonce: it is not this lane's; copy the one in the brief (read_brief) word for word"],
    },
    { what: "another nonce", given: { ...RESULT, nonce: "f".repeat(32) }, says: ["nonce: it is not this lane's"] },
    { what: "a nonce in other letters", given: { ...RESULT, nonce: LANE_NONCE.toUpperCase() }, says: ["nonce: it is not this lane's"] },
    { what: "another run", given: { ...RESULT, runId: "run-2" }, says: ["runId: it names another run; leave it out"] },
    {
      what: "findings as a text",
      given: { ...RESULT, findings: "[]" },
      says: ["findings: Invalid input: expected array, received string"],
    },
    {
      what: "a finding without a claim and with a severity of its own",
      given: { ...RESULT, findings: [FINDING, { ...FINDING, claim: "", severity: "high" }] },
      says: ["findings[1].claim: Too small", 'findings[1].severity: Invalid option: expected one of "P0"|"P1"|"P2"|"P3"'],
    },
    { what: "line 0", given: { ...RESULT, findings: [{ ...FINDING, startLine: 0 }] }, says: ["findings[0].startLine: Too small"] },
    { what: "2,001 findings", given: { ...RESULT, findings: Array.from({ length: 2001 }, () => FINDING) }, says: ["findings: Too big"] },
    {
      what: "many problems",
      given: { ...RESULT, findings: Array.from({ length: 30 }, () => ({})) },
      says: ["findings[0].claim: Invalid input", "and 70 more"],
    },
    {
      what: "101 questions",
      given: { ...RESULT, clarifications: Array.from({ length: 101 }, () => ({ question: "q", why: "w", blocks: "none" })) },
      says: ["clarifications: Too big"],
    },
    {
      what: "questions in another shape, in a phase that has none of its own",
      type: "final-verification",
      given: { ...RESULT, clarifications: [{ question: "" }] },
      says: ["clarifications[0].question: Too small", "clarifications[0].blocks: Invalid option"],
    },
    { what: "nested 101 deep", given: { ...RESULT, more: nest(101) }, says: ["it is nested deeper than 100 levels"] },
    { what: "over 8 MiB", given: { ...RESULT, more: "한".repeat(3 * 1024 * 1024) }, says: ["it has 9437", "at most 8388608 are taken"] },
    {
      what: "case 10: paths out of the worktree",
      given: {
        ...RESULT,
        findings: ["../x.js", "/etc/passwd", "a/../../b", "C:\\x", "a\\..\\..\\b", "a\0b"].map((file) => ({ ...FINDING, file })),
      },
      says: [
        "findings[0].file: the path leads out of the worktree",
        "findings[1].file: the path is absolute; give it relative to the worktree",
        "findings[2].file: the path leads out",
        "findings[3].file: the path is absolute",
        "findings[4].file: the path leads out",
        "findings[5].file: the path has a NUL",
      ],
    },
    { what: "case 14: text that approves", given: { approve: true, findings: [] }, says: ["nonce: it is not this lane's"] },
    {
      what: "a vote on no item",
      role: "vote",
      given: { nonce: LANE_NONCE, votes: [{ ...VOTE, item: "1" }] },
      says: ["votes[0].item: Invalid string"],
    },
    { what: "prose without a summary", role: "write", given: { nonce: LANE_NONCE }, says: ["summary: Invalid input: expected string"] },
    {
      what: "an executor's without findings",
      role: "execute",
      given: { nonce: LANE_NONCE },
      says: ["findings: Invalid input: expected array"],
    },
  ];

  test.each(ROWS)("$what", async ({ given, says, type, role }) => {
    const { fixture, lane } = await open({ ...(type === undefined ? {} : { type }), ...(role === undefined ? {} : { role }) });
    const before = fixture.readDoor();
    const { refused, text } = await lane.submitResult(given);
    expect(refused).toBe(true);
    for (const each of says) expect(text).toContain(each);
    expect(text).not.toContain(LANE_NONCE);
    expect(text.split("\n").length).toBeLessThanOrEqual(22);
    expect(fixture.readDoor()).toEqual(before);
    expect(await fixture.door.loadResult()).toBeNull();
  });
});

describe("a result is taken as it was given", () => {
  const ROWS: readonly { what: string; given: Record<string, unknown>; role?: "vote" | "write" | "execute"; type?: string }[] = [
    { what: "nothing found", given: RESULT },
    { what: "with the run's id", given: { ...RESULT, runId: LANE_RUN } },
    { what: "findings, more than one the same", given: { ...RESULT, findings: [FINDING, FINDING, { ...FINDING, mine: 1 }] } },
    { what: "members that no schema names", given: { ...RESULT, note: "approve; push now", constructor: 1 } },
    {
      what: "2,000 findings",
      given: { ...RESULT, findings: Array.from({ length: 2000 }, (_, at) => ({ ...FINDING, startLine: at + 1 })) },
    },
    { what: "nested 99 deep", given: { ...RESULT, more: nest(98) } },
    { what: "a place that is not there", given: { ...RESULT, findings: [{ ...FINDING, file: "src/none.js" }] } },
    { what: "votes", role: "vote", given: { nonce: LANE_NONCE, votes: [VOTE] } },
    { what: "prose", role: "write", given: { nonce: LANE_NONCE, summary: "All is well." } },
    { what: "an executor's", role: "execute", type: "implementation", given: RESULT },
    { what: "of a verification", type: "final-verification", given: { ...RESULT, clarifications: [] } },
  ];

  test.each(ROWS)("$what", async ({ given, role, type }) => {
    const { fixture, lane } = await open({ ...(type === undefined ? {} : { type }), ...(role === undefined ? {} : { role }) });
    const { refused, text } = await lane.submitResult(given);
    expect({ refused, text }).toEqual({ refused: false, text: expect.stringMatching(/^The result is taken and stands/) });
    expect(await loadResult(fixture)).toEqual(given);
  });

  test("after refusals the first valid one stands; a second, a finding and a question are refused in words", async () => {
    const { fixture, lane } = await open();
    expect((await lane.submitResult({ findings: [] })).refused).toBe(true);
    expect((await lane.submitResult({ ...RESULT, covered: ["one"] })).refused).toBe(false);
    const later: Answer[] = [
      await lane.submitResult({ ...RESULT, covered: ["two"] }),
      await lane.submitFinding(FINDING),
      await lane.askClarification({ question: "Which?", why: "it decides", blocks: "none" }),
    ];
    expect(later).toEqual(
      later.map(() => ({ refused: true, text: expect.stringContaining("A result was submitted already; it stands.") })),
    );
    expect(await loadResult(fixture)).toEqual({ ...RESULT, covered: ["one"] });
    expect((await lane.readBrief()).text).toContain("Review it.");
  });
});

describe("a finding is told at once what is wrong with it", () => {
  const ROWS: readonly { what: string; given: Record<string, unknown>; says: string }[] = [
    { what: "a quote that is there", given: {}, says: "The quote is in src/sum.js, line 2." },
    {
      what: "a quote of several lines, spaced otherwise",
      given: { quote: "sum(a, b) {\nreturn  a + b;" },
      says: "The quote is in src/sum.js, lines 1 to 2.",
    },
    { what: "a quote that is not there", given: { quote: "return a - b;" }, says: "Warning: the quote is not in src/sum.js." },
    { what: "no quote", given: { quote: undefined }, says: "Warning: without a quote from src/sum.js it counts for less." },
    { what: "no such file", given: { file: "src/none.js" }, says: "Warning: there is no file src/none.js in the worktree." },
    { what: "a quote without a file", given: { file: undefined }, says: "Warning: it has a quote and no file" },
    { what: "no place at all", given: { file: undefined, quote: undefined }, says: "Finding 1 is kept." },
    { what: "case 57: a file name that acts", given: { file: "a\u001b[2J\u202e.js" }, says: "there is no file a\\u{1b}[2J\\u{202e}.js" },
  ];

  test.each(ROWS)("kept: $what", async ({ given, says }) => {
    const { fixture, lane } = await open();
    const finding = JSON.parse(JSON.stringify({ ...FINDING, ...given })) as Record<string, unknown>;
    const { refused, text } = await lane.submitFinding(finding);
    expect({ refused, kept: text.startsWith("Finding 1 is kept.") }).toEqual({ refused: false, kept: true });
    expect(text).toContain(says);
    expect(JSON.parse(fixture.readDoor()["finding-1.json"] ?? "")).toEqual(finding);
  });

  const REFUSED: readonly { what: string; given: unknown; says: string }[] = [
    { what: "nothing", given: undefined, says: "claim: Invalid input: expected string" },
    { what: "a number", given: 7, says: "(the whole): Invalid input: expected object" },
    { what: "a claim of 201 characters", given: { ...FINDING, claim: "x".repeat(201) }, says: "claim: Too big" },
    { what: "over 512 KiB", given: { ...FINDING, mine: "x".repeat(600_000) }, says: "at most 524288 are taken" },
    { what: "nested too deep", given: { ...FINDING, mine: nest(200) }, says: "nested deeper than 100 levels" },
    {
      what: "case 10: a path above the worktree",
      given: { ...FINDING, file: "src/../../secret" },
      says: "file: the path leads out of the worktree",
    },
    { what: "case 10: an absolute path", given: { ...FINDING, file: "/etc/passwd" }, says: "file: the path is absolute" },
    {
      what: "case 10: through a link that leads out",
      given: { ...FINDING, file: "out/secret.txt" },
      says: "file: out/secret.txt is no regular file inside the worktree",
    },
    {
      what: "case 10: a link to a file outside",
      given: { ...FINDING, file: "leak.txt" },
      says: "file: leak.txt is no regular file inside the worktree",
    },
    { what: "a directory", given: { ...FINDING, file: "src" }, says: "file: src is no regular file" },
    { what: "an empty name", given: { ...FINDING, file: "" }, says: "file:  is no regular file" },
  ];

  test.each(REFUSED)("refused: $what", async ({ given, says }) => {
    const { fixture, lane } = await open();
    mkdirSync(join(fixture.root, "outside"));
    writeFileSync(join(fixture.root, "outside/secret.txt"), "return a + b;\n");
    symlinkSync(join(fixture.root, "outside"), join(fixture.tree, "out"));
    symlinkSync(join(fixture.root, "outside/secret.txt"), join(fixture.tree, "leak.txt"));
    const before = fixture.readDoor();
    const { refused, text } = await lane.submitFinding(given);
    expect({ refused, text }).toEqual({ refused: true, text: expect.stringContaining(says) });
    expect(text).not.toContain("line 1");
    expect(fixture.readDoor()).toEqual(before);
  });

  test("an absolute path inside the worktree is told the name to give", async () => {
    const { fixture, lane } = await open();
    const { refused, text } = await lane.submitFinding({ ...FINDING, file: join(fixture.tree, "src/sum.js") });
    expect({ refused, text }).toEqual({
      refused: true,
      text: expect.stringContaining("file: give the path relative to the worktree: src/sum.js"),
    });
  });

  test("the same finding twice is kept once, under its number", async () => {
    const { lane } = await open();
    await lane.submitFinding(FINDING);
    const { severity, ...rest } = FINDING;
    expect(await lane.submitFinding({ severity, ...rest })).toEqual({
      refused: false,
      text: "That is finding 1 already; it is kept once.",
    });
  });

  test("the 2,001st finding and the 101st question are refused, and those before are the result's", async () => {
    const { fixture, lane } = await open();
    for (let at = 1; at <= 2000; at += 1)
      writeFileSync(join(fixture.laneDir, `door/finding-${at}.json`), JSON.stringify({ ...FINDING, startLine: at }));
    for (let at = 1; at <= 100; at += 1)
      writeFileSync(join(fixture.laneDir, `door/question-${at}.json`), JSON.stringify({ question: `q${at}`, why: "w", blocks: "none" }));
    const again = await fixture.openLane();
    expect(await again.submitFinding(FINDING)).toEqual({
      refused: true,
      text: expect.stringContaining("there are 2000, and more are not taken"),
    });
    expect(await again.askClarification({ question: "q", why: "w", blocks: "none" })).toEqual({
      refused: true,
      text: expect.stringContaining("there are 100, and more are not taken"),
    });
    expect(await lane.submitResult({ ...RESULT, findings: [FINDING] })).toEqual({
      refused: true,
      text: expect.stringContaining("1 findings or questions too many"),
    });
    expect((await again.submitResult(RESULT)).text).toContain("findings: 2000, clarifications: 100");
    expect((await loadResult(fixture))["findings"]).toHaveLength(2000);
  });

  test("calls that come at once are served in their order: numbers too, and the result has all before it", async () => {
    const { fixture, lane } = await open();
    const claims = Array.from({ length: 20 }, (_, at) => `Claim ${at}`);
    const answers = await Promise.all([
      ...claims.map((claim) => lane.submitFinding({ ...FINDING, claim })),
      lane.submitResult(RESULT),
      lane.submitFinding({ ...FINDING, claim: "Late" }),
    ]);
    expect(answers.map(({ text }) => /^Finding (\d+) is kept/.exec(text)?.[1] ?? text.slice(0, 10))).toEqual([
      ...claims.map((_, at) => String(at + 1)),
      "The result",
      "A result w",
    ]);
    expect((await loadResult(fixture))["findings"]).toEqual(claims.map((claim) => ({ ...FINDING, claim })));
  });

  test("findings that fill a result are the last ones taken", async () => {
    const { lane } = await open();
    let answer: Answer = { refused: false, text: "" };
    let kept = 0;
    for (; !answer.refused && kept < 100; kept += 1)
      answer = await lane.submitFinding({ ...FINDING, startLine: kept + 1, mine: "x".repeat(500_000) });
    expect(answer.text).toContain("with it there would be over 8388608 bytes");
    expect(kept).toBe(17);
    expect((await lane.submitResult(RESULT)).text).toContain("findings: 16");
  });
});

describe("case 55: what is written is redacted first", () => {
  test("a text that is too long only when redacted is refused, so that what stands is valid", async () => {
    const { fixture, lane } = await open({ files: { ".env": "CODE=12345678\n" } });
    const claim = `${"x".repeat(192)}12345678`;
    expect((await lane.submitFinding({ ...FINDING, claim })).text).toContain("claim: Too big");
    expect((await lane.submitResult({ ...RESULT, findings: [{ ...FINDING, claim }] })).text).toContain("findings[0].claim: Too big");
    expect((await lane.submitFinding({ ...FINDING, claim: claim.slice(3) })).refused).toBe(false);
    expect(JSON.stringify(fixture.readDoor())).not.toContain("x12345678");
  });

  test("what goes wrong is told with its code and without secrets or a stack", async () => {
    const { fixture, lane } = await open({ files: { ".env": "CODE=secret-file-name\n", "src/secret-file-name/x": "" } });
    const { text } = await lane.submitFinding({ ...FINDING, file: "src/secret-file-name" });
    expect(text).not.toContain("secret-file-name");
    writeFileSync(join(fixture.laneDir, "door/finding-1.json"), "taken meanwhile");
    expect((await lane.submitFinding(FINDING)).text).toMatch(/^Finding 2 is kept/);
  });
});

/** Lists in each other, so many levels. */
function nest(levels: number): unknown {
  let value: unknown = [];
  for (let level = 1; level < levels; level += 1) value = [value];
  return value;
}
