import * as z from "zod";
import type { LaneEnd } from "../domain/finding.ts";
import type { Candidate } from "./agglomerate.ts";
import { pairKey } from "./agglomerate.ts";
import { compareText } from "./content.ts";

/** At most so many pairs are asked about, the likeliest first; the others stay as the text has them. */
const MOST_PAIRS = 200;

/** One side of a pair: claim and place, not who raised it. */
export interface PairSide {
  readonly claim: string;
  readonly file: string | null;
  readonly startLine: number | null;
}

/** A question to the adjudicator: would one fix resolve both? */
export interface RulingPair {
  /** P1, P2 … in an order that says nothing. */
  readonly id: string;
  /** Of {@link pairKey}. */
  readonly key: string;
  readonly sides: readonly [PairSide, PairSide];
}

/** One batched question to one worker (docs: convergence, step 2); null when nothing is open or nobody can be asked. */
export interface RulingPlan {
  readonly worker: string;
  readonly pairs: readonly RulingPair[];
}

export const rulingSchema = z.looseObject({
  pair: z.string().regex(/^P\d+$/),
  same: z.boolean().describe("Whether one fix would resolve both"),
});

/**
 * Who is asked about the pairs that the text leaves open. The worker is chosen by content, and neither who raised a claim
 * nor the order of workers and findings shows in the question.
 */
export function planRulings(input: {
  readonly undecided: readonly Candidate[];
  readonly findings: readonly {
    readonly id: string;
    readonly claim: string;
    readonly file?: string | undefined;
    readonly startLine?: number | undefined;
  }[];
  readonly lanes: readonly { readonly worker: string; readonly end: LaneEnd; readonly canVote: boolean }[];
  readonly sha256: (text: string) => string;
}): RulingPlan | null {
  const { sha256 } = input;
  const byId = new Map(input.findings.map((finding) => [finding.id, finding]));
  const side = (id: string): PairSide => {
    const finding = byId.get(id);
    return { claim: finding?.claim ?? "", file: finding?.file ?? null, startLine: finding?.startLine ?? null };
  };
  const drafts = input.undecided
    .filter(({ pair }) => pair.every((id) => byId.has(id)))
    .slice(0, MOST_PAIRS)
    .map(({ pair: [one, other] }) => {
      const sides = [side(one), side(other)].map((each) => ({ each, lot: sha256(JSON.stringify(each)) }));
      sides.sort((a, b) => compareText(a.lot, b.lot));
      const [first, second] = sides.map(({ each }) => each) as [PairSide, PairSide];
      return { key: pairKey(one, other), sides: [first, second] as const, lot: sha256(JSON.stringify([first, second])) };
    })
    .sort((a, b) => compareText(a.lot, b.lot) || compareText(a.key, b.key));
  const topic = sha256(JSON.stringify(drafts.map(({ lot }) => lot)));
  const [chosen] = input.lanes
    .filter(({ end, canVote }) => end === "ok" && canVote)
    .map(({ worker }) => ({ worker, lot: sha256(`${topic} ${worker}`) }))
    .sort((a, b) => compareText(a.lot, b.lot));
  if (drafts.length === 0 || chosen === undefined) return null;
  return { worker: chosen.worker, pairs: drafts.map(({ key, sides }, at) => ({ id: `P${at + 1}`, key, sides })) };
}

/** The adjudicator's answers by `pairKey`. A pair that it answers twice, differently, or not at all has no ruling. */
export function readRulings(plan: RulingPlan, rulings: readonly z.infer<typeof rulingSchema>[]): ReadonlyMap<string, boolean> {
  const answers = new Map<string, boolean>();
  for (const { id, key } of plan.pairs) {
    const said = new Set(rulings.filter(({ pair }) => pair === id).map(({ same }) => same));
    const [only] = said;
    if (said.size === 1 && only !== undefined) answers.set(key, only);
  }
  return answers;
}
