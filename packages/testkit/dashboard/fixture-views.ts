import type { CostReport } from "@okstra/app/cost/sum-cost";
import type { ScheduleReport } from "@okstra/app/schedule/load-schedule";
import type { TimesReport } from "@okstra/app/time/load-times";
import type { BranchDiff, Code, FindingOfTask, Findings, ReportText, TaskPage, Transcript } from "@okstra/core/dashboard/api";
import { COMMIT, HOSTILE, HOSTILE_BIDI, type FixtureWorld } from "./fixture-tasks.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const FILE = "src/refund/total.ts";
const SOURCE = Array.from({ length: 1200 }, (_, at) => {
  if (at === 41) return "  const shown = Math.round(amount * 100) / 100; // rounded here";
  if (at === 42) return "  return Math.floor(shown * 100); // and again";
  if (at === 99) return `  // ${HOSTILE}`;
  return at % 12 === 0
    ? `export function step${at}(amount: number): number {`
    : at % 12 === 11
      ? "}"
      : `  const value${at} = amount + ${at}; /* line ${at + 1} */`;
}).join("\n");

/** @returns a file of 1200 lines, and one of each kind that has no text */
export function codeOf(commit: string, path: string): Code {
  const none = (kind: Code["kind"], bytes: number | null): Code => ({ commit, path, kind, text: null, bytes });
  if (path.endsWith(".png")) return none("binary", 20_480);
  if (path.endsWith(".bin")) return none("too-large", 9_000_000);
  if (path.includes("gone")) return none("absent", null);
  return { commit, path, kind: "text", text: SOURCE, bytes: SOURCE.length };
}

type Raw = readonly [severity: "P0" | "P1" | "P2" | "P3", claim: string, file: string | null, line: number | null, verification: string];
const RAW: readonly Raw[] = [
  ["P0", "A refund can be booked twice when the answer of the bank is late", "src/refund/book.ts", 88, "confirmed"],
  ["P1", "The amount is rounded twice, so that a cent is lost", FILE, 42, "confirmed"],
  ["P1", `The name of the product is put into the mail as it is ${HOSTILE}`, "src/mail/receipt.ts", 12, "unverified"],
  ["P2", HOSTILE_BIDI, "test/refund/total.test.ts", 3, "unverifiable"],
  ["P2", "No test for a refund of nothing", "test/refund/gone.test.ts", 1, "refuted"],
  ["P3", "A comment says the opposite of what the code does", FILE, 100, "unverified"],
  ["P3", "The word is written wrong", null, null, "unverified"],
];

/** Seven findings of all severities for tasks that have open ones, none for the others. */
export function findingsOf({ openFindings }: Pick<TaskPage, "openFindings">): Findings {
  return openFindings === 0 ? { findings: [], unheard: [] } : { findings: RAW.map(findingOf), unheard: ["gemini#1"] };
}

function findingOf([severity, claim, file, startLine, verification]: Raw, at: number): FindingOfTask {
  const quote = file === FILE ? (SOURCE.split("\n")[(startLine ?? 1) - 1] ?? null) : "const sent = mail(product.name);";
  const place = { file, startLine, endLine: startLine === null ? null : startLine + 1 };
  const same = { claim, category: "correctness", severity, ...place, disposition: severity < "P2" ? "blocks" : "advisory" } as const;
  const strong = at % 2 === 0;
  const checked = verification as "confirmed";
  const families = strong ? ["anthropic", "openai"] : ["anthropic"];
  const members = strong ? ["claude", "codex"] : ["claude"];
  const sighting = { type: "final-verification", run: 1, round: 1 };
  return {
    id: `F${at + 1}`,
    type: "final-verification",
    run: 1,
    commit: COMMIT,
    row: {
      id: `F${at + 1}`,
      state: (["open", "persistent", "regressed", "addressed", "dismissed", "deferred", "open"] as const)[at] ?? "open",
      ...same,
      quoteSha256: null,
      quote,
      families,
      class: strong ? "consensus" : "unique",
      verification: checked,
      firstSeen: sighting,
      lastSeen: sighting,
      commit: COMMIT,
      cluster: `C${at + 1}`,
    },
    cluster: {
      id: `C${at + 1}`,
      members: members.map((worker) => `${worker}#${at + 1}`),
      families,
      ...same,
      quote,
      class: strong ? "consensus" : "unique",
      strong,
      verification: checked,
      reproducedBy: at === 1 ? ["npm test -- refund"] : [],
      baseline: "new",
      flaky: false,
      support: families.length,
      kEff: 3,
      reason: at === 4 ? "the quote is not in the file" : null,
      score: null,
      possiblySame: [],
    },
    members: members.map((worker) => ({
      id: `${worker}#${at + 1}`,
      worker,
      claim: worker === "claude" ? claim : `${claim}, in other words`,
      severity,
      ...place,
      quote,
      fix: at === 1 ? "Round once, where it is booked." : null,
    })),
    votes:
      at > 4
        ? []
        : (["gemini", "codex"] as const).map((worker, each) => ({
            item: `V${at + 1}`,
            findingId: `claude#${at + 1}`,
            worker,
            family: worker === "gemini" ? "google" : "openai",
            answer: verification === "refuted" ? "refuted" : each === 0 ? "confirmed" : "unverifiable",
            evidence: each === 0 ? "reproduction" : "reasoning",
            claimedEvidence: "reproduction",
            text: `Because of the second rounding. ${HOSTILE}`,
            file,
            quote,
            command: each === 0 ? "npm test -- refund" : null,
            grounded: each === 0,
          })),
    executions: at === 1 ? [{ worker: "gemini", command: "npm test -- refund", outcome: "failed 2 of 2 times" }] : [],
  };
}

function fileDiff(name: string, hunks: number): string {
  const one = (at: number): string =>
    [
      `@@ -${at * 20 + 1},6 +${at * 20 + 1},7 @@ export function step${at}()`,
      ` const a = ${at};`,
      `-const shown = Math.round(amount * 100) / 100;`,
      `+const shown = roundHalfEven(amount);`,
      `+// ${HOSTILE}`,
      ` return shown;`,
      ` }`,
      ` `,
      ` export const end = ${at};`,
    ].join("\n");
  const body = Array.from({ length: hunks }, (_, at) => one(at)).join("\n");
  return `diff --git a/${name} b/${name}\nindex 1111111..2222222 100644\n--- a/${name}\n+++ b/${name}\n${body}\n`;
}

const NAMES = [
  FILE,
  "src/refund/book.ts",
  "test/refund/total.test.ts",
  "docs/money.md",
  "src/a-very-long-folder-name/".repeat(6) + "end.ts",
];

export const DIFF: BranchDiff = {
  base: "0b1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e6f7a8b9c",
  head: COMMIT,
  text: NAMES.map((name, at) => fileDiff(name, at === 0 ? 30 : 2)).join(""),
  isCut: false,
  files: [
    ...NAMES.map((path, at) => ({ path, added: at === 0 ? 60 : 4, removed: at === 0 ? 30 : 2 })),
    { path: "docs/picture.png", added: null, removed: null },
  ],
};

export function reportOf({ task }: TaskPage, type: string, run: number): ReportText {
  const rows = RAW.map(([severity, claim, file], at) => `| F${at + 1} | ${severity} | ${claim.replaceAll("|", "\\|")} | ${file ?? ""} |`);
  return {
    type,
    run,
    lang: "en",
    verdict: "blocked",
    valid: true,
    generatedAt: new Date().toISOString(),
    markdown: [
      `# ${type} ${run} of ${task}`,
      "",
      `The verdict is **blocked**. ${HOSTILE} <script>document.title = "owned"</script>`,
      "",
      "[a trap](javascript:alert(1)) · [a page](https://example.org/a) · ![a picture](https://example.org/p.png)",
      "",
      "## Findings",
      "",
      "| id | severity | claim | file |",
      "| --- | --- | --- | --- |",
      ...rows,
      "",
      "## What was run",
      "",
      "```sh",
      "npm test -- refund",
      "```",
      "",
      "1. Clean tree",
      "2. Twice the same outcome",
    ].join("\n"),
  };
}

const KINDS = ["message", "tool-call", "tool-result", "thought", "error"];

/** 12 000 lines, 500 at a time. */
export function transcriptOf({ at }: FixtureWorld, after: number): Transcript {
  const total = 12_000;
  const end = Math.min(after + 500, total);
  return {
    lines: Array.from({ length: Math.max(end - after, 0) }, (_, each) => {
      const line = after + each;
      const worker = line % 3 === 0 ? "codex" : "claude";
      return {
        lane: worker,
        worker,
        at: line % 50 === 49 ? null : new Date(at - HOUR + line * 200).toISOString(),
        kind: KINDS[line % KINDS.length] ?? "message",
        text:
          line % 97 === 5
            ? `${line} ${HOSTILE} ${HOSTILE_BIDI}`
            : line % 31 === 7
              ? `${line} ${"long ".repeat(120)}`
              : `line ${line}\nits second line`,
      };
    }),
    next: end,
    isEnd: end >= total,
  };
}

export function scheduleReport({ at, pages }: FixtureWorld): ScheduleReport {
  const iso = (hours: number): string => new Date(at + hours * HOUR).toISOString();
  const open = [...pages.values()].filter(({ state }) => state !== "done" && state !== "handed-off" && state !== "damaged");
  const keys = open.map(({ taskKey }) => taskKey);
  const capacity = 3;
  return {
    at: iso(0),
    from: iso(0),
    capacity,
    basis: "thin",
    samples: 3,
    words: "known from 3 runs at least: the dates are rough",
    simulations: 1000,
    criticalPath: { taskKeys: [keys[0] ?? "", keys[3] ?? "", keys[6] ?? ""], durationMs: 9 * HOUR },
    finish: { plannedAt: iso(22), p50At: iso(24), p90At: iso(31) },
    tasks: open.map((task, index) => {
      const start = Math.floor(index / capacity) * 2.5;
      const phases = ["implementation", "final-verification"].map((phase, each) => ({
        phase,
        samples: 3 + each,
        like: "phase" as const,
        medianMs: 1.2 * HOUR,
        startAt: iso(start + each * 1.2),
        endAt: iso(start + (each + 1) * 1.2),
      }));
      return {
        place: index + 1,
        taskKey: task.taskKey,
        category: task.category,
        cycle: task.cycle,
        priority: index === 2 ? 5 : 0,
        risk: (index * 3) % 11,
        createdAt: iso(-100 + index),
        after: index >= 3 && index % 3 === 0 ? [keys[index - 3] ?? ""] : [],
        held: task.state === "waiting" ? task.command : null,
        critical: index === 0 || index === 3 || index === 6,
        basis: "thin" as const,
        samples: 3,
        spentMs: index === 0 ? 20 * MINUTE : 0,
        phases,
        lane: (index % capacity) + 1,
        startAt: iso(start),
        endAt: iso(start + 2.4),
        p50At: iso(start + 2.6),
        p90At: iso(start + 4),
      };
    }),
    cycles: [],
    projects: ["billing", "webshop"],
    group: null,
    missing: [{ taskKey: keys[4] ?? "", after: "webshop/checkout/nobody-has-it" }],
    damaged: [{ taskKey: "webshop/emails/bounce-handling", reason: `line 14 does not follow line 13 ${HOSTILE}` }],
  };
}

const WORKERS = ["claude", "codex", "gemini", "checks"];
const PHASES = ["requirements-discovery", "error-analysis", "implementation-planning", "implementation", "final-verification"];

export function timesReport({ at, pages }: FixtureWorld): TimesReport {
  const split = (hours: number) => {
    const parts = {
      workingMs: Math.round(hours * 0.4 * HOUR),
      waitingForPersonMs: Math.round(hours * 0.35 * HOUR),
      waitingForQuotaMs: Math.round(hours * 0.1 * HOUR),
      stoppedMs: Math.round(hours * 0.05 * HOUR),
      idleMs: Math.round(hours * 0.1 * HOUR),
    };
    return { spanMs: Object.values(parts).reduce((sum, each) => sum + each, 0), ...parts };
  };
  const lanes = (hours: number) => ({ lanes: 4, laneMs: Math.round(hours * 0.9 * HOUR), busyMs: Math.round(hours * 0.4 * HOUR) });
  const tasks = [...pages.values()].slice(0, 20).map((page, index): TimesReport["tasks"][number] => {
    const hours = 12 - index * 0.5;
    const startedAt = new Date(at - hours * HOUR).toISOString();
    return {
      taskKey: page.taskKey,
      taskDir: `/srv/${page.project}/.project-docs/okstra/tasks/${page.group}/${page.task}`,
      startedAt,
      endedAt: new Date(at).toISOString(),
      current: page.state === "waiting" ? "person" : page.state === "running" ? "working" : "idle",
      ...split(hours),
      ...lanes(hours),
      runs: page.runs.map((run) => ({
        type: run.type,
        run: run.run,
        runDir: `/srv/runs/${run.type}/${run.run}`,
        startedAt: run.createdAt,
        endedAt: new Date(Date.parse(run.createdAt) + HOUR).toISOString(),
        attempts: 1,
        wall: split(1),
        ...split(1),
        ...lanes(1),
        workers: WORKERS.slice(0, 2).map((worker) => ({ worker, ...lanes(0.5) })),
        laneTimes: run.lanes.map(({ lane, worker, attempt, end, startedAt: laneAt }) => {
          return { lane, worker, attempt, end, startedAt: laneAt, laneMs: 9 * MINUTE };
        }),
        gaps: [],
      })),
      phases: PHASES.slice(0, 3).map((phase) => ({ phase, runs: 1, ...split(hours / 3), ...lanes(hours / 3), workers: [] })),
      workers: WORKERS.map((worker) => ({ worker, ...lanes(hours / 4) })),
      between: split(0.2),
      segments: page.segments.map(({ state, startAt, endAt }) => ({
        state: state as "working",
        type: null,
        run: null,
        startedAt: startAt,
        durationMs: Date.parse(endAt) - Date.parse(startAt),
      })),
      clockJumps: 0,
    };
  });
  return {
    phase: null,
    since: null,
    until: null,
    tasks,
    totals: { ...split(140), ...lanes(140) },
    byPhase: PHASES.map((phase, index) => ({ phase, runs: 9 - index, ...split(40 - index * 6), ...lanes(40 - index * 6) })),
    byWorker: WORKERS.map((worker, index) => ({ worker, ...lanes(50 - index * 11) })),
    clockJumps: 0,
    damaged: [{ path: "/srv/webshop/.project-docs/okstra/tasks/emails/bounce-handling/runs/error-analysis/001", reason: HOSTILE }],
  };
}

export function costReport({ pages }: FixtureWorld): CostReport {
  const sum = (tokens: number, amount: string): CostReport["totals"] => ({
    tokens,
    cost: [
      { amount, currency: "USD" },
      { amount: "1.10", currency: "EUR" },
    ],
    sources: ["agent", "prices"],
    lanes: 12,
    unknownCostLanes: 2,
    durationMs: 5 * HOUR,
  });
  return {
    taskKey: null,
    phase: null,
    since: null,
    until: null,
    totals: sum(12_482_113, "96.1234"),
    runs: [...pages.values()]
      .slice(0, 12)
      .flatMap(({ taskKey, runs }, index) =>
        runs.map(({ type, run }) => ({ taskKey, type, run, ...sum(400_000 - index * 20_000, (9 - index * 0.5).toFixed(2)) })),
      ),
    byTask: [...pages.values()]
      .slice(0, 12)
      .map(({ taskKey }, index) => ({ taskKey, ...sum(900_000 - index * 60_000, (20 - index).toFixed(2)) })),
    byDay: Array.from({ length: 9 }, (_, index) => ({
      day: `2026-01-${String(index + 5).padStart(2, "0")}`,
      ...sum(700_000, (3 + index).toFixed(2)),
    })),
    byWorker: WORKERS.map((worker, index) => ({ worker, ...sum(5_000_000 - index * 1_200_000, (40 - index * 10).toFixed(2)) })),
    byModel: ["opus-large", "gpt-code", "unknown", "none"].map((model, index) => ({ model, ...sum(4_000_000 - index * 900_000, "12.50") })),
    byRole: ["review", "execution", "verification", "report"].map((role) => ({ role, ...sum(3_000_000, "20.00") })),
    byPhase: PHASES.map((phase) => ({ phase, ...sum(2_000_000, "19.22") })),
    unknown: [
      { reason: "no-price", model: "gpt-code", lanes: 1, tokens: 120_000 },
      { reason: "no-usage", model: null, lanes: 1, tokens: 0 },
    ],
    damaged: [],
    pricesAsOf: "2026-01-15",
  };
}
