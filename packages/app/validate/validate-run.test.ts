import { createHash } from "node:crypto";
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
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
const editJson = (file: string, change: (data: any) => void): void => {
  const data = JSON.parse(read(file));
  change(data);
  write(file, `${JSON.stringify(data, null, 2)}\n`);
};

/** A forger who knows how the log is chained: changes events and computes every hash anew. */
function forgeEvents(change: (events: any[]) => any[]): void {
  const events = change(
    read("events.jsonl")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line)),
  );
  let prev = "";
  const lines = events.map((event, index) => {
    const line = JSON.stringify({ ...event, seq: index + 1, prev });
    prev = createHash("sha256").update(line).digest("hex");
    return line;
  });
  write("events.jsonl", `${lines.join("\n")}\n`);
}
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
  const caught = new Set([...TAMPERINGS.map(([, code]) => code), "OKSTRA_RULE_LINKS"]);
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
  ];
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...files),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      fc.integer({ min: 1, max: 255 }),
      async (file, at, flip) => {
        restore();
        const bytes = readFileSync(join(runDir, file));
        const index = Math.floor(at * bytes.length);
        bytes[index] = (bytes[index] ?? 0) ^ flip;
        writeFileSync(join(runDir, file), bytes);
        expect((await brokenCodes()).length).toBeGreaterThan(0);
      },
    ),
    { numRuns: 60 },
  );
  restore();
  expect(existsSync(join(runDir, "run.json"))).toBe(true);
});
