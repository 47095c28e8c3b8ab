import * as z from "zod";
import type { ExecutedVote } from "../domain/execution.ts";
import type { FindingClass, LaneEnd, Severity } from "../domain/finding.ts";
import { EVIDENCE, needsVerification, type Evidence } from "./classify.ts";
import { rulingSchema } from "./rulings.ts";
import { compareText } from "./content.ts";
import { groundFinding } from "./ground.ts";
import { EXECUTIONS_FOR_PROOF, isProof } from "./proof.ts";

/** So many items one voter is given at most, and so many votes a result may have. */
const MOST_ITEMS = 2000;

const itemIdSchema = z
  .string()
  .regex(/^V[1-9]\d*$/)
  .describe("V1, V2 … as the prompt names them");
const answerSchema = z.enum(["confirmed", "refuted", "unverifiable"]);

/**
 * A claim to be verified blind. A voter is shown id, claim and place: neither `families` nor `findingId`, which name
 * who raised it. The order of the ids says nothing about who, how many or how severe.
 */
export const verificationItemSchema = z.looseObject({
  id: itemIdSchema,
  findingId: z.string().describe("The finding that speaks for its cluster"),
  claim: z.string(),
  file: z.string().nullable(),
  startLine: z.int().nullable(),
  endLine: z.int().nullable(),
  symbol: z.string().nullable(),
  families: z.array(z.string()).describe("Who raised it; never shown to a voter"),
});
export type VerificationItem = z.infer<typeof verificationItemSchema>;

export interface VerificationPlan {
  readonly items: readonly VerificationItem[];
  /** By worker; one without items is left out. */
  readonly assignments: readonly { readonly worker: string; readonly items: readonly string[] }[];
}

const voteAnswerSchema = z.looseObject({
  item: itemIdSchema,
  answer: answerSchema.describe("unverifiable: it can be neither shown nor excluded from this tree"),
  evidence: z.looseObject({
    kind: z
      .enum(EVIDENCE)
      .describe("reproduction: okstra executes `command` itself; quoted-code: okstra looks `quote` up in `file`; reasoning: neither"),
    text: z.string().max(8000).describe("Why the answer is so"),
    file: z.string().max(4096).optional().describe("Path relative to the worktree, with forward slashes"),
    startLine: z.int().min(1).optional(),
    quote: z.string().max(4000).optional().describe("Copied letter by letter from the file at the head commit"),
    command: z
      .string()
      .min(1)
      .max(4000)
      .optional()
      .describe(
        "Shell command, run in the worktree. With `confirmed` it must fail (exit other than 0) while the defect is there; with `refuted` it must pass (exit 0), fail in an empty directory, and so show that the claim is not so",
      ),
  }),
});
export type VoteAnswer = z.infer<typeof voteAnswerSchema>;

/** What a blind verifier writes. An item that it leaves out stays unverified. */
export const voteResultSchema = z.looseObject({
  nonce: z.string().describe("OKSTRA_NONCE, word for word: it binds the result to this lane of this run"),
  runId: z.string().optional().describe("OKSTRA_RUN_ID; checked when given"),
  votes: z.array(voteAnswerSchema).max(MOST_ITEMS).default([]).describe("One for each item; two for one item cancel each other"),
  rulings: z.array(rulingSchema).max(MOST_ITEMS).default([]).describe("One for each pair, where pairs were asked about"),
});

/** A vote as it counts. */
export const voteRecordSchema = z.looseObject({
  item: z.string(),
  findingId: z.string(),
  worker: z.string(),
  family: z.string(),
  answer: answerSchema,
  evidence: z.enum(EVIDENCE).describe("What it counts as, after okstra executed the command and looked the quote up"),
  claimedEvidence: z.enum(EVIDENCE).describe("What the voter called it"),
  text: z.string(),
  file: z.string().nullable(),
  quote: z.string().nullable(),
  command: z.string().nullable(),
  grounded: z.boolean().describe("Whether the quote is in its file at the commit"),
});
export type VoteRecord = z.infer<typeof voteRecordSchema>;

/** A cluster as far as its verification needs it. */
interface VerifiableCluster {
  /** The first speaks for the cluster. */
  readonly members: readonly string[];
  readonly families: readonly string[];
  readonly claim: string;
  readonly severity: Severity;
  readonly class: FindingClass;
  readonly strong: boolean;
  readonly file: string | null;
  readonly startLine: number | null;
  readonly endLine: number | null;
}

export interface VerificationInput {
  readonly clusters: readonly VerifiableCluster[];
  readonly findings: readonly { readonly id: string; readonly symbol?: string | undefined }[];
  readonly lanes: readonly { readonly worker: string; readonly family: string; readonly end: LaneEnd; readonly canVote: boolean }[];
  readonly sha256: (text: string) => string;
}

/**
 * Step 4: who verifies what. A claim goes to workers of families that did not raise it: a grave one (P0, P1) to one
 * of every such family, another to one worker alone, always to whoever has least to do. Without such a worker it
 * stays an item that nobody is asked. Pure; the order of clusters, findings and lanes has no effect.
 */
export function planVerification({ clusters, findings, lanes, sha256 }: VerificationInput): VerificationPlan {
  const symbols = new Map(findings.map(({ id, symbol }) => [id, symbol ?? null]));
  const drafts = clusters.filter(needsVerification).map((cluster) => {
    const { claim, file, startLine, endLine, members, families, severity } = cluster;
    const findingId = members[0] ?? "";
    const item = { findingId, claim, file, startLine, endLine, symbol: symbols.get(findingId) ?? null, families: [...families].sort() };
    return { item, severity, key: sha256(JSON.stringify([claim, file, startLine, endLine, item.symbol])) };
  });
  drafts.sort((a, b) => compareText(a.key, b.key) || compareText(a.item.findingId, b.item.findingId));
  const items = drafts.map(({ item }, at): VerificationItem => ({ id: `V${at + 1}`, ...item }));
  const voters = lanes.filter(({ end, canVote }) => end === "ok" && canVote);
  const given = new Map<string, number[]>(voters.map(({ worker }) => [worker, []]));
  // The gravest first, so that a voter who has all that it can take was given those.
  const order = [...drafts.entries()].sort(([a, one], [b, other]) => compareText(one.severity, other.severity) || a - b);
  for (const [at, { item, severity, key }] of order) {
    const able = voters
      .filter(({ worker, family }) => !item.families.includes(family) && (given.get(worker)?.length ?? 0) < MOST_ITEMS)
      .map(({ worker, family }) => ({ worker, family, load: given.get(worker)?.length ?? 0, lot: sha256(`${key} ${worker}`) }))
      .sort((a, b) => a.load - b.load || compareText(a.lot, b.lot));
    const isGrave = severity === "P0" || severity === "P1";
    const chosen = isGrave ? [...new Map(able.toReversed().map((voter) => [voter.family, voter])).values()] : able.slice(0, 1);
    for (const { worker } of chosen) given.get(worker)?.push(at);
  }
  const assignments = [...given]
    .filter(([, own]) => own.length > 0)
    .sort(([a], [b]) => compareText(a, b))
    .map(([worker, own]) => ({ worker, items: own.sort((a, b) => a - b).map((at) => `V${at + 1}`) }));
  return { items, assignments };
}

export interface RankingInput extends VerificationPlan {
  /** Of voters whose lane is `ok`. */
  readonly results: readonly { readonly worker: string; readonly family: string; readonly votes: readonly VoteAnswer[] }[];
  /** A file's text at the commit; null when there is none. Without a file: the text that the phase is about, if it is about one. */
  readonly loadText: (file: string | undefined) => string | null;
  readonly executions: readonly ExecutedVote[];
  readonly commit: string;
}

/**
 * What each vote counts as. What was not asked is left out; two answers of one worker to one item cancel each other;
 * evidence counts as what okstra itself could see, never as what it is called. Pure; no order has an effect.
 * @returns records by item and worker, and what nobody answered: that leaves the class unverified
 */
export function rankVotes(input: RankingInput): { records: VoteRecord[]; unanswered: { item: string; worker: string }[] } {
  const items = new Map(input.items.map((item) => [item.id, item]));
  const asked = input.assignments.flatMap(({ worker, items: own }) => [...new Set(own)].map((item) => ({ item, worker })));
  asked.sort((a, b) => numberOf(a.item) - numberOf(b.item) || compareText(a.worker, b.worker));
  const answers = new Map<string, { family: string; vote: VoteAnswer }[]>();
  for (const { worker, family, votes } of input.results) {
    for (const vote of votes) {
      const key = JSON.stringify([vote.item, worker]);
      const known = answers.get(key);
      if (known === undefined) answers.set(key, [{ family, vote }]);
      else known.push({ family, vote });
    }
  }
  const records: VoteRecord[] = [];
  const unanswered: { item: string; worker: string }[] = [];
  for (const each of asked) {
    const item = items.get(each.item);
    const [only, ...others] = answers.get(JSON.stringify([each.item, each.worker])) ?? [];
    if (item === undefined || only === undefined || others.length > 0 || item.families.includes(only.family)) unanswered.push(each);
    else records.push(recordVote(item, { ...only, worker: each.worker }, input));
  }
  return { records, unanswered };
}

function recordVote(
  { id, findingId }: VerificationItem,
  { worker, family, vote }: { worker: string; family: string; vote: VoteAnswer },
  { loadText, executions, commit }: RankingInput,
): VoteRecord {
  const { answer, evidence } = vote;
  const { kind, text, file, startLine, quote, command } = evidence;
  const grounded = quote !== undefined && groundFinding({ quote, startLine }, loadText(file)).grounded;
  const own = executions.filter((each) => each.item === id && each.worker === worker && each.command === command && each.commit === commit);
  const isShown = own.length > 0 && own.every((execution) => shows(answer, execution));
  const counted: Evidence =
    kind === "reproduction" && isShown ? "reproduction" : kind !== "reasoning" && grounded ? "quoted-code" : "reasoning";
  return {
    item: id,
    findingId,
    worker,
    family,
    answer,
    evidence: counted,
    claimedEvidence: kind,
    text,
    file: file ?? null,
    quote: quote ?? null,
    command: command ?? null,
    grounded,
  };
}

/** A command that passes in an empty directory too says nothing about this tree, so that it refutes nothing. */
function shows(answer: VoteAnswer["answer"], execution: ExecutedVote): boolean {
  if (answer === "confirmed") return isProof(execution);
  if (answer === "unverifiable") return false;
  return execution.executions >= EXECUTIONS_FOR_PROOF && execution.failures === 0 && execution.failsInEmptyDirectory === true;
}

/** The number in an item's id. */
export function numberOf(id: string): number {
  return Number(id.slice(1));
}
