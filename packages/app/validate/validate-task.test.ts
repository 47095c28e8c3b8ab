import { createHash } from "node:crypto";
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { forgeEvents } from "@okstra/testkit/forge-events";
import { createPlayProject } from "@okstra/testkit/play-project";
import type { TestProject } from "@okstra/testkit/test-project";

/** A task that went through every phase: what a forger could want to change of it, and the rule that notices. */
let project: TestProject;
let taskDir: string;
let pristine: string;

beforeAll(async () => {
  project = await createPlayProject("forged");
  const run = async (...argv: readonly string[]): Promise<void> => {
    const answer = await project.okstra(argv);
    if (answer.status !== 0 && answer.status !== 10) throw new Error(`${argv.join(" ")}: ${answer.stdout}`);
  };
  await run("task", "new", "bugs/sum", "--category", "feature");
  await run("go", "bugs/sum");
  await run("answer", "bugs/sum", "Q1=No.");
  await run("go", "bugs/sum");
  await run("approve", "bugs/sum");
  await run("go", "bugs/sum");
  taskDir = join(project.repo.root, ".project-docs/okstra/tasks/bugs/sum");
  pristine = project.home.directory("pristine");
  cpSync(taskDir, pristine, { recursive: true });
}, 120_000);
afterAll(() => project.remove());

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
// eslint-disable-next-line typescript/no-explicit-any -- a forger changes documents of many shapes
type Document = any;

function editJson(file: string, change: (data: Document) => void, compact = false): void {
  const path = join(taskDir, file);
  const data = JSON.parse(readFileSync(path, "utf8"));
  change(data);
  writeFileSync(path, compact ? `${JSON.stringify(data)}\n` : `${JSON.stringify(data, null, 2)}\n`);
}

/** The forger has the machine's key: every hash and seal is right again. */
function forgeRun(run: string, change: (event: Document) => Document): void {
  forgeEvents(join(taskDir, "runs", run, "events.jsonl"), project.home.okstraHome, (events) => events.map(change));
}

const vouch = (run: string, file: string, type: string, member: string, lane?: string): void =>
  forgeRun(run, (event) =>
    event.type === type && (lane === undefined || event.lane === lane)
      ? { ...event, [member]: sha256(readFileSync(join(taskDir, "runs", run, file), "utf8")) }
      : event,
  );

const WORK = "implementation/001";
const ANALYSIS = "error-analysis/001";
const FINAL = "final-verification/001";

const TAMPERINGS: readonly (readonly [string, string, () => void])[] = [
  [
    "a voter's answer is turned round, and its event vouches",
    "OKSTRA_RULE_RECEIPT",
    () => {
      editJson(`runs/${WORK}/workers/anna.votes/result.json`, (result) => (result.votes[0].answer = "confirmed"));
      vouch(WORK, "workers/anna.votes/result.json", "lane-ended", "resultSha256", "anna.votes");
      editJson(`runs/${WORK}/workers/anna.votes/receipt.json`, (receipt) => (receipt.commit = "0".repeat(40)));
      vouch(WORK, "workers/anna.votes/receipt.json", "lane-ended", "receiptSha256", "anna.votes");
    },
  ],
  [
    "a voter's answer is turned round with receipt and seals made anew: the votes no longer follow",
    "OKSTRA_RULE_VOTES",
    () => {
      editJson(`runs/${WORK}/workers/anna.votes/result.json`, (result) => (result.votes[0].answer = "confirmed"));
      vouch(WORK, "workers/anna.votes/result.json", "lane-ended", "resultSha256", "anna.votes");
    },
  ],
  [
    "the vote of a verifier is taken out of the convergence, and the event vouches",
    "OKSTRA_RULE_VOTES",
    () => {
      editJson(`runs/${ANALYSIS}/convergence.json`, (convergence) => (convergence.votes = []));
      vouch(ANALYSIS, "convergence.json", "run-converged", "convergenceSha256");
    },
  ],
  [
    "what okstra executed for a vote is taken out of the events",
    "OKSTRA_RULE_VOTES",
    () =>
      forgeEvents(join(taskDir, "runs", ANALYSIS, "events.jsonl"), project.home.okstraHome, (events) =>
        events.filter((event) => event.type !== "vote-executed"),
      ),
  ],
  [
    "a row of the ledger is made to go away, and the event vouches",
    "OKSTRA_RULE_LEDGER",
    () => {
      editJson(`runs/${FINAL}/convergence.json`, (convergence) => convergence.ledger.pop());
      vouch(FINAL, "convergence.json", "run-converged", "convergenceSha256");
    },
  ],
  [
    "a row of the ledger that a later run goes on from is changed",
    "OKSTRA_RULE_CONVERGENCE",
    () => editJson(`runs/${ANALYSIS}/convergence.json`, (convergence) => (convergence.ledger[0].state = "dismissed")),
  ],
  [
    "the verdict is forged with every hash and seal",
    "OKSTRA_RULE_VERDICT",
    () =>
      forgeRun(WORK, (event) => {
        if (event.type === "gate-decided") return { ...event, verdict: "not-implemented", gate: { ...event.gate, open: false } };
        return event.type === "run-ended" ? { ...event, verdict: "not-implemented", gateOpen: false } : event;
      }),
  ],
  [
    "a commit is taken out of the record of the work, and the event vouches",
    "OKSTRA_RULE_WORK",
    () => {
      editJson(`runs/${WORK}/work.json`, (work) => work.commits.pop(), true);
      vouch(WORK, "work.json", "work-inspected", "workSha256");
    },
  ],
  [
    "the record of the work is edited",
    "OKSTRA_RULE_WORK",
    () => editJson(`runs/${WORK}/work.json`, (work) => (work.outsidePlan = ["x"]), true),
  ],
  [
    "the plan that was carried out is another one, and the event vouches",
    "OKSTRA_RULE_APPROVAL",
    () => {
      editJson(`runs/${WORK}/run.json`, (run) => (run.context.plan.stages[0].steps[0].files = ["**/*.js"]));
      vouch(WORK, "run.json", "run-prepared", "manifestSha256");
    },
  ],
  [
    "an approval is invented in run.json, and the event vouches",
    "OKSTRA_RULE_APPROVAL",
    () => {
      editJson(`runs/${WORK}/run.json`, (run) => (run.context.approval.at = "2026-01-01T00:00:00.000Z"));
      vouch(WORK, "run.json", "run-prepared", "manifestSha256");
    },
  ],
  [
    "an approval is put into the task's log by somebody without the key",
    "OKSTRA_RULE_TASK_LOG",
    () =>
      forgeEvents(
        join(taskDir, "events.jsonl"),
        project.home.okstraHome,
        (events) => [...events, { ...events.find((event) => event.type === "plan-approved"), planSha256: "1".repeat(64), by: "mallory" }],
        { withKey: false },
      ),
  ],
  [
    "an answer in the task's log is changed by somebody without the key",
    "OKSTRA_RULE_TASK_LOG",
    () =>
      forgeEvents(
        join(taskDir, "events.jsonl"),
        project.home.okstraHome,
        (events) => events.map((event) => (event.type === "answered" ? { ...event, text: "Yes." } : event)),
        { withKey: false },
      ),
  ],
  [
    "an execution of a criterion is made to fail",
    "OKSTRA_RULE_VERDICT",
    () =>
      forgeRun(FINAL, (event) =>
        event.type === "criterion-executed" ? { ...event, execution: { ...event.execution, exitCode: 1 } } : event,
      ),
  ],
  [
    "the executor's prompt is changed",
    "OKSTRA_RULE_PROMPT",
    () => writeFileSync(join(taskDir, "runs", WORK, "prompts/erik.execute.md"), "Do as you like.\n"),
  ],
  [
    "the number of open blockers is forged",
    "OKSTRA_RULE_CONVERGENCE",
    () => forgeRun(WORK, (event) => (event.type === "run-converged" ? { ...event, blockers: event.blockers + 1 } : event)),
  ],
];

test("an untouched task is valid", async () => {
  const { status, json } = await project.okstra(["validate", "bugs/sum"]);
  expect([status, json.broken]).toEqual([0, []]);
});

test.each(TAMPERINGS)("%s: %s", async (_what, code, tamper) => {
  rmSync(taskDir, { recursive: true, force: true });
  cpSync(pristine, taskDir, { recursive: true });
  tamper();
  const { status, json } = await project.okstra(["validate", "bugs/sum"]);
  expect(status).toBe(1);
  expect(json.broken.map((rule: { code: string }) => rule.code)).toContain(code);
});
