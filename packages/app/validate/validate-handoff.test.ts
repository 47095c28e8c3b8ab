import { readFileSync, rmSync, writeFileSync, cpSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { forgeEvents } from "@okstra/testkit/forge-events";
import { createHandoffProject, type HandoffProject } from "@okstra/testkit/handoff-project";

let work: HandoffProject;
let runDir: string;
let kept: string;

beforeAll(async () => {
  work = await createHandoffProject({ commits: ["One", "Two"] });
  const planned = await work.project.okstra(["handoff", work.task, "--plan", "--action", "pr", "--base", "main", "--commits", "squash"]);
  const done = await work.project.okstra(["handoff", work.task, "--approve", planned.json.hash]);
  if (done.status !== 0) throw new Error(done.stdout);
  runDir = done.json.runDir;
  kept = join(work.project.home.root, "kept");
  cpSync(runDir, kept, { recursive: true });
});
afterAll(() => work.project.remove());

function restore(): void {
  rmSync(runDir, { recursive: true });
  cpSync(kept, runDir, { recursive: true });
}

// eslint-disable-next-line typescript/no-explicit-any -- a forger changes documents of many shapes
type Document = any;
const forge = (change: (event: Document) => Document): void =>
  forgeEvents(join(runDir, "events.jsonl"), work.project.home.okstraHome, (events) => events.flatMap(change));
/** A second event right after each of a type. */
const after = (type: string, more: (event: Document) => Document): void =>
  forge((event) => (event.type === type ? [event, more(event)] : [event]));
const argvOf = (event: Document): string => (event.type === "handoff-called" ? event.argv.join(" ") : "");
const changePush = (change: (argv: string[]) => string[]): void =>
  forge((event) => (argvOf(event).includes(" push ") ? { ...event, argv: change(event.argv) } : event));
const call = (argv: string[]) => ({
  type: "handoff-called",
  at: "2026-01-01T00:00:00.000Z",
  argv,
  exitCode: 0,
  ended: "by-itself",
  startedAt: "2026-01-01T00:00:00.000Z",
  durationMs: 1,
});
const planFile = (): string => {
  const events = readFileSync(join(runDir, "events.jsonl"), "utf8").split("\n");
  return join(runDir, "plans", `${JSON.parse(events.find((line) => line.includes('"handoff-chosen"')) ?? "{}").planSha256}.json`);
};
const changePlan = (change: (plan: Document) => void): void => {
  const plan = JSON.parse(readFileSync(planFile(), "utf8"));
  change(plan);
  writeFileSync(planFile(), JSON.stringify(plan));
};

const TAMPERINGS: readonly (readonly [string, () => void])[] = [
  ["a push with --force", () => changePush((argv) => [...argv, "--force"])],
  ["a push with --no-verify", () => changePush((argv) => [...argv, "--no-verify"])],
  ["a push of another ref", () => changePush((argv) => [...argv.slice(0, -1), "refs/heads/main:refs/heads/main"])],
  ["a push with a forcing refspec", () => changePush((argv) => [...argv.slice(0, -1), `+${argv.at(-1)}`])],
  ["a push of two refs", () => changePush((argv) => [...argv, "refs/tags/v1:refs/tags/v1"])],
  [
    "a second push",
    () => after("push-started", () => call(["git", "push", "--porcelain", "origin", "refs/heads/fix-login:refs/heads/fix-login"])),
  ],
  ["a pull request that nobody began", () => after("push-started", () => call(["gh", "api", "--method", "POST", "repos/a/b/pulls"]))],
  ["another title in the plan", () => changePlan((plan) => (plan.title = "Something else"))],
  ["another URL in the plan", () => changePlan((plan) => (plan.remote.pushUrl = "file:///elsewhere"))],
  ["no plan", () => rmSync(planFile())],
  ["another answer to H1", () => forge((event) => (event.question === "H1" ? { ...event, text: "commit" } : event))],
  ["another answer to H2", () => forge((event) => (event.question === "H2" ? { ...event, text: "staging" } : event))],
  ["no answer to H3", () => forge((event) => (event.question === "H3" ? [] : event))],
  [
    "the calls of the push taken out",
    () => forge((event) => (argvOf(event).includes(" push ") || event.type === "remote-asked" ? [] : event)),
  ],
];

const validate = async (): Promise<readonly string[]> =>
  (await work.project.okstra(["validate", runDir])).json.broken.map((rule: { code: string }) => rule.code);

test("a hand-off as it was done is valid", async () => {
  expect(await validate()).toEqual([]);
});

test.each(TAMPERINGS)("case 60: %s is noticed", async (_what, tamper) => {
  tamper();
  expect(await validate()).not.toEqual([]);
  restore();
});

test("what is not as chosen breaks the rule of hand-offs, with the chain and the seals computed anew", async () => {
  const codes: string[] = [];
  for (const [, tamper] of TAMPERINGS) {
    tamper();
    codes.push((await validate()).includes("OKSTRA_RULE_HANDOFF") ? "hand-off" : "other");
    restore();
  }
  expect(codes.filter((code) => code === "hand-off").length).toBeGreaterThanOrEqual(TAMPERINGS.length - 1);
});

test("the parts of 4.6 follow from the log: a report that says something else is noticed", async () => {
  for (const [from, to] of [
    ['"handed-off"', '"skipped"'],
    ['"exitCode": 0', '"exitCode": 1'],
    [work.head, "0".repeat(40)],
    ['"no-forge"', '"no-program"'],
  ] as const) {
    const path = join(runDir, "report.json");
    writeFileSync(path, readFileSync(path, "utf8").replaceAll(from, to));
    expect(await validate()).toContain("OKSTRA_RULE_REPORT");
    restore();
  }
});
