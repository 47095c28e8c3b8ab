import * as z from "zod";
import { compareText } from "../convergence/content.ts";
import { foldText } from "../phases/requirements-discovery/fold-text.ts";
import { blocksSchema, type Clarification } from "./task-context.ts";

/** A question in a worker's result, whatever the phase. */
export const raisedQuestionSchema = z.looseObject({
  question: z.string().min(1),
  why: z.string().default(""),
  blocks: blocksSchema,
});

/** What the workers of one run asked. */
export interface RunQuestions {
  readonly type: string;
  readonly run: number;
  readonly asked: readonly {
    readonly worker: string;
    readonly question: string;
    readonly why: string;
    readonly blocks: Clarification["blocks"];
  }[];
}

/** A person's answer to the question of this text. */
export interface Answer {
  readonly question: string;
  readonly text: string;
  readonly by: string;
  readonly at: string;
}

const STRICTEST_FIRST: readonly Clarification["blocks"][] = ["approval", "progress", "none"];

/**
 * The one table of a task's questions. Questions that are equal when folded are one row, which blocks what the strictest
 * of them blocks. Ids are Q1, Q2 … in the order of the runs given, within a run by the folded text, so that neither
 * workers' names nor their order have an effect, and a run that comes later changes no id. Of several answers to a
 * question the last one counts.
 * @param known the table of the runs before those given
 */
export function foldClarifications(
  runs: readonly RunQuestions[],
  answers: readonly Answer[],
  known: readonly Clarification[] = [],
): Clarification[] {
  const rows = new Map(known.map((row) => [foldText(row.question), row]));
  for (const { type, run, asked } of runs) {
    const ordered = asked
      .map((each) => ({ ...each, key: foldText(each.question) }))
      .filter(({ key }) => key !== "")
      .toSorted(
        (a, b) =>
          compareText(a.key, b.key) ||
          rankOf(a.blocks) - rankOf(b.blocks) ||
          compareText(a.question, b.question) ||
          compareText(a.why, b.why) ||
          compareText(a.worker, b.worker),
      );
    for (const { key, worker, question, why, blocks } of ordered) {
      const row = rows.get(key);
      const raisedBy = { type, run, worker };
      rows.set(
        key,
        row === undefined
          ? { id: `Q${rows.size + 1}`, question, why, blocks, raisedBy: [raisedBy], answer: null }
          : {
              ...row,
              blocks: rankOf(blocks) < rankOf(row.blocks) ? blocks : row.blocks,
              raisedBy: [...row.raisedBy, raisedBy],
            },
      );
    }
  }
  for (const { question, text, by, at } of answers) {
    const key = foldText(question);
    const row = rows.get(key);
    if (row !== undefined) rows.set(key, { ...row, answer: { text, by, at } });
  }
  return [...rows.values()];
}

function rankOf(blocks: Clarification["blocks"]): number {
  return STRICTEST_FIRST.indexOf(blocks);
}
