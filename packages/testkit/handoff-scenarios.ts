import fc from "fast-check";
import type { Trap } from "./handoff-world.ts";

const MESSAGES = [
  "A title\n\nA body.\n",
  "Only a title",
  "\n\n  Indented title  \n\n\n  - a list\n\n  - more of it\n\n\n",
  "Titel\r\n\r\nZeilen mit CRLF\r\nund mehr\r\n",
  '제목 — ünï ✓\nbody right below\n\n# not a heading of ours\n$(touch pwned) `x` "q" --force +refs/heads/*',
] as const;

const often = <T>(weight: number, usual: T, ...others: readonly T[]) =>
  fc.oneof({ weight, arbitrary: fc.constant(usual) }, ...others.map((other) => ({ weight: 1, arbitrary: fc.constant(other) })));

/** What somebody does who chooses nothing that could be done; all of it leaves everything as it is. */
export const HESITATIONS = [
  "no-terminal",
  "end-of-input",
  "yes",
  "yes-plan",
  "yes-message",
  "yes-hash",
  "near-hash",
  "short-hash",
  "other-name",
  "no-base",
  "own-base",
  "two-modes",
] as const;
const CHANGES = ["none", "commit", "dirty", "moved-base", "conflicting-base", "pushed-ancestor", "pushed-same", "pushed-diverged"] as const;
const FAULTS = ["cut-before", "cut-after", "cut-within", { status: 502, body: { message: "Bad Gateway" } }] as const;

/** Where okstra is killed: at any call, and at each that matters. */
const KILL_POINTS: readonly { readonly pattern: string; readonly most: number; readonly isOf: (scenario: Scenario) => boolean }[] = [
  { pattern: "*", most: 40, isOf: () => true },
  { pattern: "git*' init '*", most: 2, isOf: ({ action }) => action !== "skip" },
  { pattern: "git*' ls-remote '*", most: 3, isOf: ({ action }) => action === "pr" },
  { pattern: "git*' push '*", most: 1, isOf: ({ action }) => action === "pr" },
  { pattern: "git*' update-ref '*", most: 1, isOf: ({ action }) => action === "pr" },
  { pattern: "git*' hash-object '*", most: 2, isOf: ({ action, commits }) => action !== "skip" && commits === "squash" },
  { pattern: "gh*", most: 2, isOf: ({ action, forge }) => action === "pr" && forge },
  { pattern: "gh*' POST '*", most: 1, isOf: ({ action, forge }) => action === "pr" && forge },
];
const killArbitrary = fc.record({
  at: fc.nat({ max: 5039 }),
  nth: fc.nat({ max: 5039 }),
  what: fc.constantFrom("before" as const, "during" as const, "after" as const),
});

export function placeKill(scenario: Scenario, { at, nth, what }: { at: number; nth: number; what: "before" | "during" | "after" }): Trap {
  const points = KILL_POINTS.filter(({ isOf }) => isOf(scenario));
  const { pattern, most } = points[at % points.length] ?? { pattern: "*", most: 1 };
  return { pattern, nth: 1 + (nth % most), what };
}

const doingArbitrary = fc.oneof(
  { weight: 3, arbitrary: fc.record({ type: fc.constantFrom("once" as const, "twice" as const, "other" as const, "together" as const) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      type: fc.constant("killed" as const),
      kills: fc.array(killArbitrary, { minLength: 1, maxLength: 2 }),
      meanwhile: often<"nothing" | "commit">(4, "nothing", "commit"),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant("fault" as const),
      method: fc.constantFrom("GET", "POST"),
      fault: fc.constantFrom(...FAULTS),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant("overtaken" as const),
      by: fc.constantFrom("ancestor" as const, "head" as const, "diverged" as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("protected" as const) }) },
);

export interface Scenario {
  /** Whether the remote is at a forge. */
  readonly forge: boolean;
  readonly action: "pr" | "commit" | "skip";
  readonly base: "main" | "staging";
  readonly commits: "as-is" | "squash";
  /** Text of the message's file; null: from the report. */
  readonly message: string | null;
  /** What somebody pushed to the branch's name before, and whether they opened a pull request with it. */
  readonly before: null | "ancestor" | "head" | "diverged";
  readonly pull: boolean;
  readonly hesitations: readonly (typeof HESITATIONS)[number][];
  /** What happens between plan and approval. */
  readonly change: (typeof CHANGES)[number];
  /** Whether a person who was refused plans again. */
  readonly again: boolean;
  readonly doing: typeof doingArbitrary extends fc.Arbitrary<infer D> ? D : never;
}

export const scenarioArbitrary: fc.Arbitrary<Scenario> = fc
  .record<Scenario>({
    forge: often(1, true, true, false),
    action: often<Scenario["action"]>(14, "pr", "commit", "skip"),
    base: fc.constantFrom("main", "staging"),
    commits: fc.constantFrom("as-is", "squash"),
    message: often<string | null>(4, null, ...MESSAGES),
    before: often<Scenario["before"]>(16, null, "ancestor", "head", "diverged"),
    pull: fc.boolean(),
    hesitations: fc.oneof(
      { weight: 2, arbitrary: fc.constant([]) },
      { weight: 1, arbitrary: fc.array(fc.constantFrom(...HESITATIONS), { minLength: 1, maxLength: 2 }) },
    ),
    change: often<Scenario["change"]>(14, ...CHANGES),
    again: often(4, true, false),
    doing: doingArbitrary,
  })
  // These happen on the way to the remote and the forge only.
  .map((scenario) =>
    isOfPush(scenario) ? { ...scenario, action: "pr", forge: scenario.forge || scenario.doing.type === "fault" } : scenario,
  );

function isOfPush({ doing: { type } }: Scenario): boolean {
  return type === "fault" || type === "overtaken" || type === "protected";
}
