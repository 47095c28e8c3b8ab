import * as z from "zod";
import { compareText } from "../../convergence/content.ts";
import { clarificationSchema, type Clarification } from "../../domain/task-context.ts";
import { foldText } from "./fold-text.ts";
import type { Heard } from "./heard.ts";
import type { ProposedClarification } from "./result-schema.ts";

/** A question of this run. Its id comes from the task's table, where it is found by its folded text. */
export const askedClarificationSchema = z.looseObject({
  question: z.string(),
  why: z.string(),
  blocks: clarificationSchema.shape.blocks,
  workers: z.array(z.string()).min(1),
});
export type AskedClarification = z.infer<typeof askedClarificationSchema>;

const STRICTEST_FIRST: readonly AskedClarification["blocks"][] = ["approval", "progress", "none"];

/**
 * The questions of all workers; those that are equal when folded are one, which blocks what the strictest of them
 * blocks. Ordered by strictness, then by text: neither the order of workers nor their names have an effect.
 */
export function mergeClarifications(
  heard: readonly Heard<{ readonly clarifications: readonly ProposedClarification[] }>[],
): AskedClarification[] {
  const groups = new Map<string, (ProposedClarification & { readonly worker: string })[]>();
  for (const { worker, said } of heard)
    for (const each of said.clarifications) {
      const key = foldText(each.question);
      if (key !== "") groups.set(key, [...(groups.get(key) ?? []), { ...each, worker }]);
    }
  return [...groups.values()]
    .flatMap((group) => {
      const [first] = group.toSorted((a, b) => compareStrictness(a, b) || compareText(a.question, b.question) || compareText(a.why, b.why));
      if (first === undefined) return [];
      const workers = [...new Set(group.map(({ worker }) => worker))].toSorted(compareText);
      return [{ question: first.question, why: first.why, blocks: first.blocks, workers }];
    })
    .toSorted((a, b) => compareStrictness(a, b) || compareText(foldText(a.question), foldText(b.question)));
}

function compareStrictness(a: Pick<AskedClarification, "blocks">, b: Pick<AskedClarification, "blocks">): number {
  return STRICTEST_FIRST.indexOf(a.blocks) - STRICTEST_FIRST.indexOf(b.blocks);
}

/** Number of questions that no phase passes without: those of this run and those of the task's table are one by their folded text. */
export function countApprovalQuestions(
  asked: readonly AskedClarification[],
  table: readonly Clarification[],
): { readonly open: number; readonly answered: number } {
  const blocking = [...asked, ...table].filter(({ blocks }) => blocks === "approval").map(({ question }) => foldText(question));
  const answers = new Set(table.filter(({ answer }) => answer !== null).map(({ question }) => foldText(question)));
  const questions = new Set(blocking);
  const answered = [...questions].filter((question) => answers.has(question)).length;
  return { open: questions.size - answered, answered };
}
