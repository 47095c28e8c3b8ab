import type { Board, BoardState, BoardTask, RunOfTask, TaskPage, TaskRef, TimelineLane } from "@okstra/core/dashboard/api";
import type { Clarification, Plan } from "@okstra/core/domain/task-context";
import { TASK_TYPES } from "@okstra/core/domain/work";

/** What a page must show as text. */
export const HOSTILE = `<img src=x onerror="document.title='owned'"> \u{1F4A5}`;
/** As the server sends it: what would turn the order of letters is made visible. */
export const HOSTILE_BIDI = "user\\u202Egnp.exe is a file <b>name</b>";
export const COMMIT = "4f1c9d0a7be2835c61d0f9a1b2c3d4e5f6a7b8c9";
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Everything that the fixture answers about tasks; tests may change it. */
export interface FixtureWorld {
  readonly at: number;
  readonly pages: Map<string, TaskPage>;
}

export const RUNNING: TaskRef = { project: "webshop", group: "checkout", task: "refund-rounding" };
export const PLANNED: TaskRef = { project: "webshop", group: "checkout", task: "guest-checkout" };
export const ASKED: TaskRef = { project: "billing", group: "invoices", task: "vat-rates" };
export const HELD: TaskRef = { project: "billing", group: "ledger", task: "double-entry" };
const TO_HAND_OFF: TaskRef = { project: "webshop", group: "search", task: "typo-tolerance" };
const PAUSED: TaskRef = { project: "webshop", group: "search", task: "reindex-nightly" };
const LONG: TaskRef = {
  project: "webshop",
  group: "platform",
  task: "replace-the-hand-written-session-store-by-the-one-of-the-framework-and-move-every-caller",
};

const BRIEF = `# Refunds are rounded twice

A partial refund of **10.005** is shown as \`10.01\` and booked as \`10.00\`.

- Round once, at the end, half to even.
- Keep [the rule](https://example.org/rounding) in one place.

\`\`\`ts
export const round = (cents: number) => Math.round(cents);
\`\`\`

| step | amount |
| --- | --- |
| shown | 10.01 |
| booked | 10.00 |

${HOSTILE} and [a trap](javascript:alert(1)) and ![a picture](https://example.org/p.png)
`;

const PLAN: Plan = {
  proposedBy: "claude",
  options: [
    { id: "O1", title: "Round in the domain", summary: "One function, used by all.", pros: ["one place"], cons: ["touches callers"] },
    { id: "O2", title: "Round in the database", summary: "A generated column.", pros: ["no code"], cons: ["locks the table"] },
  ],
  recommended: "O1",
  reason: "Callers are few, and the rule can be tested without a database.",
  stages: [
    {
      id: "A",
      title: "A function for rounding",
      dependsOn: [],
      steps: [
        { id: "S1", text: "Write `roundHalfEven` with its table of cases", minutes: 20, files: ["src/money/round.ts"] },
        { id: "S2", text: `Say it in the docs ${HOSTILE}`, minutes: 10, files: ["docs/money.md"] },
      ],
      validation: ["npm test -- money"],
      rollback: "git revert of the stage's commit",
    },
    {
      id: "B",
      title: "Use it where refunds are made",
      dependsOn: ["A"],
      steps: [{ id: "S3", text: "Replace both roundings", minutes: 30, files: ["src/refund/*.ts", "test/refund/*.ts"] }],
      validation: ["npm test", "npm run typecheck"],
      rollback: "git revert of the stage's commit",
    },
  ],
};

function keyOf({ project, group, task }: TaskRef): string {
  return `${project}/${group}/${task}`;
}

function hashOf(text: string): string {
  let value = 0;
  for (const char of text) value = (value * 31 + (char.codePointAt(0) ?? 0)) >>> 0;
  return value.toString(16).padStart(8, "0").repeat(8);
}

function laneOf(name: string, worker: string, role: string, startedAt: string, rest: Partial<TimelineLane> = {}): TimelineLane {
  return {
    lane: name,
    worker,
    role,
    attempt: 1,
    startedAt,
    endedAt: null,
    end: null,
    findings: 0,
    tokens: null,
    cost: [],
    activity: null,
    ...rest,
  };
}

const REST: readonly (readonly [string, string, string, BoardState])[] = [
  ["webshop", "checkout", "coupon-stacking", "due"],
  ["webshop", "checkout", "address-form", "done"],
  ["webshop", "checkout", "apple-pay", "handed-off"],
  ["webshop", "checkout", "cart-merge", "stopped"],
  ["webshop", "search", "facets", "due"],
  ["webshop", "search", "synonyms", "done"],
  ["webshop", "search", "highlighting", "running"],
  ["webshop", "search", "empty-results", "done"],
  ["webshop", "platform", "node-upgrade", "waiting"],
  ["webshop", "platform", "log-format", "done"],
  ["webshop", "platform", "rate-limits", "due"],
  ["webshop", "platform", "health-checks", "handed-off"],
  ["webshop", "platform", "image-sizes", "done"],
  ["webshop", "emails", "receipt-template", "due"],
  ["webshop", "emails", "bounce-handling", "damaged"],
  ["webshop", "emails", "unsubscribe", "done"],
  ["billing", "invoices", "pdf-fonts", "done"],
  ["billing", "invoices", "numbering", "due"],
  ["billing", "invoices", "reminders", "running"],
  ["billing", "invoices", "credit-notes", "handed-off"],
  ["billing", "invoices", "rounding-line", "due"],
  ["billing", "ledger", "closing-dates", "done"],
  ["billing", "ledger", "currency-table", "stopped"],
  ["billing", "ledger", "reconcile", "due"],
  ["billing", "ledger", "audit-trail", "done"],
  ["billing", "import", "csv-encoding", "waiting"],
  ["billing", "import", "bank-feeds", "due"],
  ["billing", "import", "duplicate-rows", "done"],
  ["billing", "import", "big-files", "paused"],
  ["billing", "import", "mt940", "done"],
  ["billing", "reports", "monthly", "due"],
  ["billing", "reports", "aging", "done"],
  ["billing", "reports", "export", "handed-off"],
];

/** Forty tasks in two projects, each state among them. @param at epoch milliseconds that it is as of */
export function createWorld(at: number): FixtureWorld {
  const ago = (ms: number): string => new Date(at - ms).toISOString();
  const pages = new Map<string, TaskPage>();
  const add = (ref: TaskRef, page: Partial<TaskPage> & Pick<TaskPage, "state" | "phase" | "why">): void => {
    pages.set(keyOf(ref), {
      ...ref,
      taskKey: keyOf(ref),
      run: 1,
      cycle: 1,
      command: null,
      since: ago(HOUR),
      lanes: [],
      category: "bugfix",
      brief: `# ${ref.task}\n\nMade up for the page.`,
      worktree: `/srv/okstra/worktrees/${keyOf(ref)}`,
      branch: `fix/${ref.group}/${ref.task}`,
      head: COMMIT,
      runs: [],
      clarifications: [],
      plan: null,
      openFindings: 0,
      segments: [
        { state: "working", startAt: ago(5 * HOUR), endAt: ago(4 * HOUR) },
        { state: "person", startAt: ago(4 * HOUR), endAt: ago(2 * HOUR) },
        { state: "quota", startAt: ago(2 * HOUR), endAt: ago(1.5 * HOUR) },
        { state: "stopped", startAt: ago(1.5 * HOUR), endAt: ago(1.2 * HOUR) },
        { state: "working", startAt: ago(1.2 * HOUR), endAt: ago(0) },
      ],
      ...page,
    });
  };
  const runOf = (type: string, run: number, startMs: number, rest: Partial<RunOfTask> = {}): RunOfTask => ({
    type,
    run,
    runId: `${type}-${run}`,
    cycle: 1,
    createdAt: ago(startMs),
    state: "ended",
    verdict: "none",
    commit: COMMIT,
    valid: true,
    damaged: null,
    hasReport: true,
    gate: null,
    lanes: [
      laneOf("claude", "claude", "review", ago(startMs), {
        endedAt: ago(startMs - 9 * MINUTE),
        end: "ok",
        findings: 3,
        tokens: 184_220,
        cost: [{ amount: "0.82", currency: "USD" }],
      }),
      laneOf("codex", "codex", "review", ago(startMs - 20 * SECOND), {
        endedAt: ago(startMs - 14 * MINUTE),
        end: "ok",
        findings: 1,
        tokens: 96_001,
      }),
    ],
    ...rest,
  });

  add(RUNNING, {
    state: "running",
    phase: "final-verification",
    why: "run 1 goes on",
    command: null,
    since: ago(6 * MINUTE),
    lanes: [
      { lane: "claude", worker: "claude", role: "review", since: ago(6 * MINUTE) },
      { lane: "gemini", worker: "gemini", role: "review", since: ago(95 * SECOND) },
    ],
    brief: BRIEF,
    openFindings: 4,
    runs: [
      runOf("error-analysis", 1, 5 * HOUR, { verdict: "reproduced" }),
      runOf("implementation", 1, 1.2 * HOUR, { verdict: "implemented" }),
      runOf("final-verification", 1, 6 * MINUTE, {
        state: "running",
        verdict: "none",
        valid: null,
        hasReport: false,
        lanes: [
          laneOf("claude", "claude", "review", ago(6 * MINUTE), { activity: `reads src/refund/total.ts ${HOSTILE}` }),
          laneOf("codex", "codex", "review", ago(6 * MINUTE), {
            endedAt: ago(2 * MINUTE),
            end: "ok",
            findings: 2,
            tokens: 51_870,
            cost: [{ amount: "0.31", currency: "USD" }],
          }),
          laneOf("gemini", "gemini", "review", ago(6 * MINUTE), { endedAt: ago(3 * MINUTE), end: "failed", attempt: 1 }),
          laneOf("gemini", "gemini", "review", ago(95 * SECOND), { attempt: 2, activity: HOSTILE_BIDI }),
          laneOf("checks", "checks", "review", ago(5.9 * MINUTE), { endedAt: ago(5.2 * MINUTE), end: "ok" }),
        ],
      }),
    ],
  });
  add(PLANNED, {
    state: "waiting",
    phase: "implementation-planning",
    why: "the plan of run 2 waits for an approval",
    run: 2,
    command: "okstra approve checkout/guest-checkout",
    since: ago(3 * HOUR),
    category: "feature",
    runs: [
      runOf("requirements-discovery", 1, 9 * HOUR),
      runOf("implementation-planning", 1, 6 * HOUR, { state: "cancelled", hasReport: false, valid: null }),
      runOf("implementation-planning", 2, 4 * HOUR, {
        gate: {
          name: "implementation-planning.approval",
          kind: "escalation",
          open: false,
          reasons: ["plan-not-approved"],
          override: null,
          passed: false,
          by: "the plan is not approved",
          boundTo: null,
        },
      }),
    ],
    clarifications: [
      {
        id: "Q1",
        question: "May a guest see the order later without an account?",
        why: "It decides whether a token goes into the mail.",
        blocks: "approval",
        raisedBy: [{ type: "requirements-discovery", run: 1, worker: "claude" }],
        answer: { text: "Yes, by a link that ends after 30 days.", by: "sam", at: ago(8 * HOUR) },
        boundTo: hashOf("Q1 guest"),
      },
    ],
    plan: { run: 2, state: "pending", planSha256: hashOf("plan"), plan: PLAN, approval: null, rejection: null },
  });
  const questions: readonly (Clarification & { readonly boundTo: string })[] = [
    {
      id: "Q1",
      question: `Which date decides over the rate: that of the order or that of the delivery? ${HOSTILE}`,
      why: "Both are in the table, and they differ in January.",
      blocks: "approval",
      raisedBy: [
        { type: "requirements-discovery", run: 1, worker: "claude" },
        { type: "requirements-discovery", run: 1, worker: "codex" },
      ],
      answer: null,
      boundTo: hashOf("Q1 vat"),
    },
    {
      id: "Q2",
      question: "Is a rate of 0 % a rate or none?",
      why: "The form has to print one of both.",
      blocks: "progress",
      raisedBy: [{ type: "requirements-discovery", run: 1, worker: "codex" }],
      answer: null,
      boundTo: hashOf("Q2 vat"),
    },
  ];
  add(ASKED, {
    state: "waiting",
    phase: "requirements-discovery",
    why: "2 questions wait for an answer",
    command: "okstra answer invoices/vat-rates Q1",
    since: ago(26 * HOUR),
    category: "feature",
    runs: [runOf("requirements-discovery", 1, 26.5 * HOUR)],
    clarifications: questions,
  });
  add(HELD, {
    state: "waiting",
    phase: "final-verification",
    run: 3,
    why: "the gate of final-verification 3 holds: blocking findings",
    command: "okstra override ledger/double-entry final-verification.verdict --reason …",
    since: ago(50 * MINUTE),
    cycle: 2,
    openFindings: 3,
    runs: [
      runOf("implementation", 1, 5 * HOUR, { verdict: "implemented" }),
      runOf("final-verification", 3, 2 * HOUR, {
        cycle: 2,
        verdict: "blocked",
        gate: {
          name: "final-verification.verdict",
          kind: "revision",
          open: false,
          reasons: ["blocking-findings", "no-cross-check"],
          override: null,
          passed: false,
          by: "2 findings block, and nobody cross-checked",
          boundTo: hashOf("gate"),
        },
      }),
    ],
  });
  add(TO_HAND_OFF, {
    state: "waiting",
    phase: "release-handoff",
    run: null,
    why: "verified; what goes out is a person's choice",
    command: "okstra handoff search/typo-tolerance",
    since: ago(20 * MINUTE),
    category: "feature",
    runs: [runOf("final-verification", 1, 3 * HOUR, { verdict: "accepted" })],
  });
  add(PAUSED, {
    state: "paused",
    phase: "error-analysis",
    why: "the quota of codex is used up until 18:00",
    command: "okstra resume search/reindex-nightly",
    runs: [runOf("error-analysis", 1, HOUR, { state: "paused", hasReport: false, valid: null })],
  });
  add(LONG, {
    state: "due",
    phase: "implementation",
    run: null,
    why: `implementation is due ${HOSTILE}`,
    command: `okstra run platform/${LONG.task} -t implementation`,
    category: "refactor",
  });
  const phases = TASK_TYPES.slice(0, 6);
  for (const [index, [project, group, task, state]] of REST.entries()) {
    const ref = { project, group, task };
    const phase = state === "done" || state === "handed-off" ? "release-handoff" : (phases[index % 5] ?? null);
    const since = ago((index + 1) * 37 * MINUTE);
    const isRunning = state === "running";
    const damaged = state === "damaged";
    add(ref, {
      state,
      phase: damaged ? null : phase,
      why: WHY[state] ?? state,
      command: state === "done" || state === "handed-off" || isRunning || damaged ? null : `okstra go ${group}/${task}`,
      since,
      cycle: (index % 3) + 1,
      lanes: isRunning ? [{ lane: "codex.execute", worker: "codex", role: "execute", since }] : [],
      runs: damaged
        ? [
            runOf("error-analysis", 1, 7 * HOUR, {
              damaged: "line 14 of events.jsonl does not follow line 13",
              hasReport: false,
              lanes: [],
            }),
          ]
        : [runOf(phase ?? "error-analysis", 1, (index + 2) * 37 * MINUTE, isRunning ? { state: "running", hasReport: false } : {})],
    });
  }
  return { at, pages };
}

const WHY: Partial<Record<BoardState, string>> = {
  waiting: "the gate holds: criteria not met",
  running: "run 1 goes on",
  paused: "the quota of gemini is used up",
  stopped: "run 1 was begun and nobody leads it",
  damaged: "line 14 of events.jsonl does not follow line 13",
  due: "the phase could start",
  "handed-off": "handed off in run 1",
  done: "merged into main",
};

const ORDER: readonly BoardState[] = ["waiting", "running", "paused", "stopped", "damaged", "due", "handed-off", "done"];

/** @param query filters as they stand in the address */
export function boardOf({ at, pages }: FixtureWorld, query: URLSearchParams): Board {
  const is = (name: "project" | "group" | "phase" | "state", task: BoardTask): boolean => {
    const wanted = query.get(name);
    return wanted === null || wanted === "" || task[name] === wanted;
  };
  const tasks = [...pages.values()]
    .filter((task) => (["project", "group", "phase", "state"] as const).every((name) => is(name, task)))
    .map(({ project, group, task, taskKey, state, phase, run, cycle, why, command, since, lanes }): BoardTask => {
      return { project, group, task, taskKey, state, phase, run, cycle, why, command, since, lanes };
    })
    .toSorted((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state) || (b.since ?? "").localeCompare(a.since ?? ""));
  return {
    version: "1.0.0-fixture",
    at: new Date(at).toISOString(),
    projects: [
      { project: "webshop", root: "/srv/webshop" },
      { project: "billing", root: "/srv/billing" },
    ],
    phases: [...TASK_TYPES],
    tasks,
  };
}
