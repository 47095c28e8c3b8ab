import { createHash } from "node:crypto";
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { forgeEvents as forgeLog } from "@okstra/testkit/forge-events";
import { createRunProject } from "@okstra/testkit/run-project";
import type { TestProject } from "@okstra/testkit/test-project";
import { RULES, type RuleCode } from "./validate-run.ts";

let project: TestProject;
let runDir: string;
let pristine: string;

beforeAll(async () => {
  project = await createRunProject({ passing: false });
  const { json } = await project.okstra(["run", "g/t", "-t", "final-verification", "--workers", "checks,reviewer,crash"]);
  runDir = json.runDir;
  pristine = project.home.directory("pristine");
  cpSync(runDir, pristine, { recursive: true });
}, 60_000);
afterAll(() => project.remove());

const restore = (): void => {
  rmSync(runDir, { recursive: true, force: true });
  cpSync(pristine, runDir, { recursive: true });
};
const read = (file: string): string => readFileSync(join(runDir, file), "utf8");
const write = (file: string, text: string): void => writeFileSync(join(runDir, file), text);
const edit = (file: string, from: string | RegExp, to: string): void => {
  const text = read(file);
  const next = text.replace(from, to);
  if (next === text) throw new Error(`${file} has no ${String(from)}`);
  write(file, next);
};
// eslint-disable-next-line typescript/no-explicit-any -- a forger changes documents of many shapes
type Document = any;
const editJson = (file: string, change: (data: Document) => void): void => {
  const data = JSON.parse(read(file));
  change(data);
  write(file, `${JSON.stringify(data, null, 2)}\n`);
};

const forgeEvents = (change: (events: Document[]) => Document[], options?: { withKey: boolean }): void =>
  forgeLog(join(runDir, "events.jsonl"), project.home.okstraHome, change, options);
const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/** Puts the hash that a file has now into the event that vouches for it. */
function vouch(file: string, type: string, member: string, worker?: string): void {
  const hash = sha256(read(file));
  forgeEvents((events) =>
    events.map((event) =>
      event.type === type && (worker === undefined || event.worker === worker) ? { ...event, [member]: hash } : event,
    ),
  );
}

async function brokenCodes(): Promise<readonly RuleCode[]> {
  const { status, json } = await project.okstra(["validate", runDir]);
  expect(status).toBe(json.ok ? 0 : 1);
  expect(json.error?.code).toBe(json.ok ? undefined : "OKSTRA_VALIDATION_FAILED");
  return json.broken.map((rule: { code: RuleCode }) => rule.code);
}

test("an untouched run is valid", async () => {
  expect(await brokenCodes()).toEqual([]);
});

const TAMPERINGS: readonly (readonly [string, RuleCode, () => void])[] = [
  ["an event is dropped", "OKSTRA_RULE_EVENTS", () => write("events.jsonl", read("events.jsonl").split("\n").toSpliced(3, 1).join("\n"))],
  [
    "two events change places",
    "OKSTRA_RULE_EVENTS",
    () => {
      const lines = read("events.jsonl").split("\n");
      write("events.jsonl", lines.toSpliced(2, 2, lines[3] ?? "", lines[2] ?? "").join("\n"));
    },
  ],
  ["an event is edited", "OKSTRA_RULE_EVENTS", () => edit("events.jsonl", '"end":"failed"', '"end":"ok"')],
  ["the last event is cut", "OKSTRA_RULE_EVENTS", () => write("events.jsonl", read("events.jsonl").slice(0, -5))],
  [
    "the end is forged with a good chain",
    "OKSTRA_RULE_EVENTS",
    () =>
      forgeEvents((events) =>
        events.map((event) => (event.type === "run-ended" ? { ...event, verdict: "accepted", gateOpen: true } : event)),
      ),
  ],
  ["the manifest is edited", "OKSTRA_RULE_MANIFEST", () => edit("run.json", '"onlyNewBlocks": false', '"onlyNewBlocks": true')],
  ["a receipt is edited", "OKSTRA_RULE_RECEIPT", () => edit("workers/crash/receipt.json", '"exitCode": 3', '"exitCode": 0')],
  [
    "a receipt gets another nonce, and its event vouches",
    "OKSTRA_RULE_RECEIPT",
    () => {
      editJson("workers/reviewer/receipt.json", (receipt) => (receipt.nonce = "0".repeat(32)));
      vouch("workers/reviewer/receipt.json", "lane-ended", "receiptSha256", "reviewer");
    },
  ],
  ["a receipt is gone", "OKSTRA_RULE_RECEIPT", () => rmSync(join(runDir, "workers/crash/receipt.json"))],
  ["a result is edited", "OKSTRA_RULE_RESULT", () => edit("workers/reviewer/result.json", '"P1"', '"P3"')],
  ["a failed worker is given a result", "OKSTRA_RULE_RESULT", () => write("workers/crash/result.json", '{"nonce":"x","findings":[]}')],
  ["a prompt is gone", "OKSTRA_RULE_PROMPT", () => rmSync(join(runDir, "prompts/checks.md"))],
  [
    "the run is bound to a commit that does not exist",
    "OKSTRA_RULE_COMMIT",
    () => {
      editJson("run.json", (run) => (run.commit = "1".repeat(40)));
      vouch("run.json", "run-prepared", "manifestSha256");
    },
  ],
  [
    "a failing execution is made to pass",
    "OKSTRA_RULE_REPRODUCTION",
    () => {
      editJson("workers/checks/receipt.json", (receipt) => (receipt.executions[0].exitCode = 0));
      vouch("workers/checks/receipt.json", "lane-ended", "receiptSha256", "checks");
    },
  ],
  [
    "a vote is invented, and the event vouches",
    "OKSTRA_RULE_VOTES",
    () => {
      editJson("convergence.json", (convergence) =>
        convergence.votes.push({
          item: "V1",
          findingId: convergence.clusters[0].members[0],
          worker: "reviewer",
          family: "reviewer",
          answer: "refuted",
          evidence: "quoted-code",
          claimedEvidence: "quoted-code",
          text: "It is right.",
          file: null,
          quote: null,
          command: null,
          grounded: true,
        }),
      );
      vouch("convergence.json", "run-converged", "convergenceSha256");
    },
  ],
  [
    "a row of the ledger is called addressed, and the event vouches",
    "OKSTRA_RULE_LEDGER",
    () => {
      editJson("convergence.json", (convergence) => (convergence.ledger[0].state = "addressed"));
      vouch("convergence.json", "run-converged", "convergenceSha256");
    },
  ],
  [
    "a whole log is written by somebody without the key, with a good chain",
    "OKSTRA_RULE_EVENTS",
    () => forgeEvents((events) => events.map((event) => ({ ...event, at: "2026-01-01T00:00:00.000Z" })), { withKey: false }),
  ],
  [
    "a finding's class is changed, and the event vouches",
    "OKSTRA_RULE_CONVERGENCE",
    () => {
      editJson("convergence.json", (convergence) => (convergence.clusters[0].disposition = "advisory"));
      vouch("convergence.json", "run-converged", "convergenceSha256");
    },
  ],
  [
    "a quote is changed everywhere and every hash made anew",
    "OKSTRA_RULE_CONVERGENCE",
    () => {
      edit("workers/reviewer/result.json", "return   a + b;", "return a * b;");
      vouch("workers/reviewer/result.json", "lane-ended", "resultSha256", "reviewer");
      editJson("convergence.json", (convergence) => {
        for (const cluster of convergence.clusters)
          if (cluster.members[0] === "reviewer#1")
            Object.assign(cluster, { quote: "return a * b;", class: "unique", disposition: "advisory" });
      });
      vouch("convergence.json", "run-converged", "convergenceSha256");
    },
  ],
  [
    "the verdict is forged with a good chain",
    "OKSTRA_RULE_VERDICT",
    () =>
      forgeEvents((events) =>
        events.map((event) =>
          event.type === "gate-decided"
            ? { ...event, verdict: "accepted", gate: { ...event.gate, open: true, reasons: ["all-clear"] } }
            : event.type === "run-ended"
              ? { ...event, verdict: "accepted", gateOpen: true }
              : event,
        ),
      ),
  ],
  [
    "the report says another verdict, and the event vouches",
    "OKSTRA_RULE_REPORT",
    () => {
      edit("report.json", '"verdict": "blocked"', '"verdict": "accepted"');
      vouch("report.json", "report-written", "reportSha256");
    },
  ],
  ["the report drops a raw finding", "OKSTRA_RULE_REPORT", () => editJson("report.json", (report) => report.rawFindings.pop())],
  ["the page is edited", "OKSTRA_RULE_RENDERING", () => edit("report.html", "BLOCKED", "ACCEPTED")],
  ["the SARIF is edited", "OKSTRA_RULE_RENDERING", () => edit("report.sarif", '"error"', '"note"')],
  ["a section is taken out of the report", "OKSTRA_RULE_OUTLINE", () => edit("report.md", /## 2\. .*\n/, "")],
  [
    "a forbidden section is put into the report",
    "OKSTRA_RULE_OUTLINE",
    () => edit("report.md", "## 5.", "## 4.6 Release Handoff Deliverables\n\n## 5."),
  ],
  [
    "the fallback of the writer is taken out with a good chain",
    "OKSTRA_RULE_WRITER",
    () => forgeEvents((events) => events.filter((event) => event.type !== "report-writer-fallback")),
  ],
  ["validation.json is flipped", "OKSTRA_RULE_VALIDATION", () => edit("validation.json", '"ok": true', '"ok": false')],
  ["validation.json is gone", "OKSTRA_RULE_VALIDATION", () => rmSync(join(runDir, "validation.json"))],
  [
    "validation.json and the event both say that a whole run is broken",
    "OKSTRA_RULE_VALIDATION",
    () => {
      editJson("validation.json", (validation) =>
        Object.assign(validation, { ok: false, broken: [{ code: "OKSTRA_RULE_LINKS", message: "m" }] }),
      );
      forgeEvents((events) =>
        events.map((event) =>
          event.type === "run-validated"
            ? { ...event, ok: false, broken: ["OKSTRA_RULE_LINKS"] }
            : event.type === "run-ended"
              ? { ...event, gateOpen: false }
              : event,
        ),
      );
    },
  ],
  ["the last event is dropped whole", "OKSTRA_RULE_VALIDATION", () => forgeEvents((events) => events.slice(0, -1))],
  ["the events end before the report", "OKSTRA_RULE_VALIDATION", () => forgeEvents((events) => events.slice(0, -4))],
  ["the prompt is edited", "OKSTRA_RULE_PROMPT", () => edit("prompts/reviewer.md", "read-only", "read-write")],
  [
    "a lane that failed is said to be ok, with a good chain",
    "OKSTRA_RULE_RECEIPT",
    () =>
      forgeEvents((events) =>
        events.map((event) => (event.worker === "crash" && event.type === "lane-ended" ? { ...event, end: "ok" } : event)),
      ),
  ],
  [
    "a lane that was ok is said to have failed, everywhere but in its result",
    "OKSTRA_RULE_RESULT",
    () => {
      editJson("workers/reviewer/receipt.json", (receipt) => (receipt.end = "failed"));
      vouch("workers/reviewer/receipt.json", "lane-ended", "receiptSha256", "reviewer");
      forgeEvents((events) =>
        events.map((event) => (event.worker === "reviewer" && event.type === "lane-ended" ? { ...event, end: "failed" } : event)),
      );
    },
  ],
  [
    "a worker's family is changed for a second one",
    "OKSTRA_RULE_RECEIPT",
    () => {
      editJson("run.json", (run) => (run.roster[1].family = "another"));
      vouch("run.json", "run-prepared", "manifestSha256");
    },
  ],
  [
    "an execution is invented with a good chain",
    "OKSTRA_RULE_REPRODUCTION",
    () =>
      forgeEvents((events) =>
        events.map((event) =>
          event.type === "reproduction-executed" ? { ...event, record: { ...event.record, executions: 9, failures: 9 } } : event,
        ),
      ),
  ],
  [
    "an execution is taken out of the events with a good chain",
    "OKSTRA_RULE_CONVERGENCE",
    () => forgeEvents((events) => events.filter((event) => event.type !== "reproduction-executed")),
  ],
  [
    "a result gets another lane's nonce, and its event vouches",
    "OKSTRA_RULE_RESULT",
    () => {
      editJson("workers/reviewer/result.json", (result) => (result.nonce = "0".repeat(32)));
      vouch("workers/reviewer/result.json", "lane-ended", "resultSha256", "reviewer");
    },
  ],
  [
    "an override is invented with a good chain",
    "OKSTRA_RULE_REPORT",
    () =>
      forgeEvents((events) => [
        ...events,
        {
          type: "gate-overridden",
          at: events[0].at,
          gate: "verdict",
          reason: "trust me",
          by: "nobody",
          until: null,
          commit: events[0].commit,
        },
      ]),
  ],
  [
    "the gate is decided as overridden with a good chain",
    "OKSTRA_RULE_EVENTS",
    () =>
      forgeEvents((events) =>
        events.map((event) =>
          event.type === "gate-decided"
            ? { ...event, gate: { ...event.gate, open: true, override: { reason: "r", by: "b", at: "", until: null } } }
            : event,
        ),
      ),
  ],
  ["the report is not JSON", "OKSTRA_RULE_REPORT", () => write("report.json", "<html>")],
  [
    "the report is a directory",
    "OKSTRA_RULE_REPORT",
    () => {
      rmSync(join(runDir, "report.json"));
      cpSync(join(runDir, "prompts"), join(runDir, "report.json"), { recursive: true });
    },
  ],
  [
    "the log is a directory",
    "OKSTRA_RULE_EVENTS",
    () => {
      rmSync(join(runDir, "events.jsonl"));
      cpSync(join(runDir, "prompts"), join(runDir, "events.jsonl"), { recursive: true });
    },
  ],
  ["the log is empty", "OKSTRA_RULE_EVENTS", () => write("events.jsonl", "")],
  [
    "the phase is one that nobody knows, in the manifest and its event",
    "OKSTRA_RULE_MANIFEST",
    () => {
      editJson("run.json", (run) => (run.type = "final-verificatiom"));
      vouch("run.json", "run-prepared", "manifestSha256");
      forgeEvents((events) =>
        events.map((event) => (event.type === "run-prepared" ? { ...event, taskType: "final-verificatiom" } : event)),
      );
    },
  ],
];

test.each(TAMPERINGS)("%s: %s", async (_what, code, tamper) => {
  restore();
  tamper();
  expect(await brokenCodes()).toContain(code);
  restore();
});

test("a link to a file that is nowhere", async () => {
  restore();
  editJson("report.json", (report) => (report.clusters[0].file = "src/nowhere.js"));
  expect(await brokenCodes()).toContain("OKSTRA_RULE_LINKS");
  restore();
});

test("every rule has a tampering that it catches", () => {
  // Those about a plan and an executor's work have theirs in validate-task.test.ts, a hand-off's in validate-handoff.test.ts.
  const elsewhere = ["OKSTRA_RULE_APPROVAL", "OKSTRA_RULE_HANDOFF", "OKSTRA_RULE_TASK_LOG", "OKSTRA_RULE_WORK"];
  const caught = new Set([...TAMPERINGS.map(([, code]) => code), "OKSTRA_RULE_LINKS", ...elsewhere]);
  expect([...caught].sort()).toEqual(Object.keys(RULES).sort());
});

test("a byte changed anywhere in what the rules cover is caught, and nothing makes the validator fall", async () => {
  const files = [
    "events.jsonl",
    "run.json",
    "convergence.json",
    "report.json",
    "report.md",
    "report.html",
    "report.sarif",
    "workers/checks/receipt.json",
    "workers/checks/result.json",
    "workers/reviewer/result.json",
    "workers/crash/receipt.json",
    "prompts/checks.md",
    "prompts/crash.md",
  ];
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...files), fc.nat(), fc.integer({ min: 1, max: 255 }), async (file, at, flip) => {
      restore();
      const bytes = readFileSync(join(runDir, file));
      const index = at % bytes.length;
      bytes[index] = (bytes[index] ?? 0) ^ flip;
      writeFileSync(join(runDir, file), bytes);
      expect((await brokenCodes()).length).toBeGreaterThan(0);
    }),
    { numRuns: 100 },
  );
  restore();
  expect(existsSync(join(runDir, "run.json"))).toBe(true);
}, 300_000);

test("a byte changed in any other file of the run never makes the validator fall", async () => {
  const files = ["launch.md", "validation.json", "workers/crash/transcript.log", "workers/reviewer/transcript.log"];
  let harmless = 0;
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...files), fc.nat(), fc.integer({ min: 1, max: 255 }), async (file, at, flip) => {
      restore();
      const bytes = readFileSync(join(runDir, file));
      if (bytes.length === 0) return;
      const index = at % bytes.length;
      bytes[index] = (bytes[index] ?? 0) ^ flip;
      writeFileSync(join(runDir, file), bytes);
      const codes = await brokenCodes();
      if (file !== "validation.json") expect(codes).toEqual([]);
      else if (codes.length === 0) {
        // What is not caught says the same as before: a message for people, a list of what was looked at.
        harmless += 1;
        expect(JSON.parse(bytes.toString("utf8"))).toMatchObject({ ok: true, broken: [] });
      } else expect(codes).toEqual(["OKSTRA_RULE_VALIDATION"]);
    }),
    { numRuns: 100 },
  );
  restore();
  expect(harmless).toBeGreaterThan(0);
}, 300_000);

test("a commit that git has thrown away is named", async () => {
  restore();
  const task = await createRunProject();
  try {
    const { path } = await task.provision("g/lost");
    await task.repo.commit("lost", { "lost.txt": "x\n" }, path);
    const { json } = await task.okstra(["run", "g/lost", "-t", "final-verification", "--workers", "silent"]);
    await task.repo.git(["reset", "--quiet", "--hard", "HEAD~1"], { cwd: path });
    expect((await task.okstra(["validate", "g/lost"])).json.ok).toBe(true);
    await task.repo.git(["reflog", "expire", "--expire=now", "--all"]);
    await task.repo.git(["reflog", "expire", "--expire=now", "--all"], { cwd: path });
    await task.repo.git(["update-ref", "-d", "ORIG_HEAD"], { cwd: path });
    await task.repo.git(["gc", "--quiet", "--prune=now"]);
    const { json: broken, status } = await task.okstra(["validate", json.runDir]);
    expect(status).toBe(1);
    expect(broken.broken.map((rule: { code: RuleCode }) => rule.code)).toContain("OKSTRA_RULE_COMMIT");
  } finally {
    task.remove();
  }
});

test("a run that has not ended is not valid, and says how far it is", async () => {
  restore();
  const task = await createRunProject();
  try {
    const { json } = await task.okstra(["run", "g/early", "-t", "final-verification", "--workers", "silent", "--prepare-only"]);
    const { json: answer } = await task.okstra(["validate", json.runDir]);
    expect(answer.broken).toContainEqual({ code: "OKSTRA_RULE_VALIDATION", message: "the run has not ended: it is prepared" });
  } finally {
    task.remove();
  }
});
