import { UNKNOWN_FAMILY } from "../../domain/agent-use.ts";
import type { Criterion } from "../../domain/task-context.ts";
import type { Execution } from "../../domain/execution.ts";
import type { DecisionInput } from "../phase.ts";
import { finalVerificationResultSchema, type CriterionVerdict } from "./result.ts";

/** What one heard worker said about a criterion. */
interface CriterionWord {
  readonly worker: string;
  readonly family: string;
  readonly verdict: CriterionVerdict;
  readonly text: string;
  readonly file: string | null;
  readonly startLine: number | null;
  readonly quote: string | null;
  readonly command: string | null;
}

export interface JudgedCriterion {
  readonly criterion: Criterion;
  readonly verdict: CriterionVerdict;
  /**
   * What the verdict rests on. `executed`: okstra's own execution, which outranks every word. `agreement`: two families or
   * more, none against. `one-family`: one alone. `split`: families say both, or too few say that it is not met.
   */
  readonly basis: "executed" | "agreement" | "one-family" | "split" | "none";
  readonly execution: Execution | null;
  readonly words: readonly CriterionWord[];
  /** Whether somebody says otherwise than the verdict, or two families differ. */
  readonly isDisputed: boolean;
}

/** 126 and 127: the shell could not start the command, which says nothing about the criterion. */
const COULD_NOT_START = [126, 127];

/** Exit 0: met. A command that was ended, timed out or could not be started has shown nothing. */
function verdictOf({ exitCode, timedOut }: Execution): CriterionVerdict {
  if (exitCode === 0) return "met";
  return exitCode === null || timedOut || COULD_NOT_START.includes(exitCode) ? "unknown" : "not-met";
}

/** The execution that decides: one that failed before one that passed, so that no repetition hides a failure. */
function decidingExecution(id: string, input: DecisionInput): Execution | null {
  const own = input.criterionExecutions.filter(({ criterion }) => criterion === id).map(({ execution }) => execution);
  const withVerdict = (verdict: CriterionVerdict): Execution | undefined => own.find((execution) => verdictOf(execution) === verdict);
  return withVerdict("not-met") ?? withVerdict("met") ?? own[0] ?? null;
}

function wordsOn(id: string, input: DecisionInput): CriterionWord[] {
  const heard = new Map(input.lanes.filter((lane) => lane.end === "ok").map((lane) => [lane.worker, lane.family]));
  return input.results.flatMap(({ worker, result }) => {
    const family = heard.get(worker);
    const parsed = finalVerificationResultSchema.safeParse(result);
    if (family === undefined || !parsed.success) return [];
    return parsed.data.criteria
      .filter((each) => each.id === id)
      .map(({ verdict, evidence }) => ({
        worker,
        family,
        verdict,
        text: evidence.text,
        file: evidence.file ?? null,
        startLine: evidence.startLine ?? null,
        quote: evidence.quote ?? null,
        command: evidence.command ?? null,
      }));
  });
}

function judgeCriterion(criterion: Criterion, input: DecisionInput): JudgedCriterion {
  const execution = decidingExecution(criterion.id, input);
  const words = wordsOn(criterion.id, input);
  const saying = (verdict: CriterionVerdict): string[] => [
    ...new Set(words.filter((word) => word.verdict === verdict).map(({ family }) => family)),
  ];
  // A model that nobody knows may warn, but its praise agrees with nobody.
  const met = saying("met").filter((family) => family !== UNKNOWN_FAMILY).length;
  const notMet = saying("not-met").length;
  const heard = new Set(input.lanes.filter((lane) => lane.end === "ok").map(({ family }) => family)).size;
  const answer = (verdict: CriterionVerdict, basis: JudgedCriterion["basis"], isDisputed: boolean): JudgedCriterion => ({
    criterion,
    verdict,
    basis,
    execution,
    words,
    isDisputed,
  });

  const executed = execution === null ? "unknown" : verdictOf(execution);
  if (executed !== "unknown") return answer(executed, "executed", (executed === "met" ? notMet : met) > 0);
  if (met > 0 && notMet > 0) return answer("unknown", "split", true);
  // What only a minority of the heard families calls not met is neither settled nor dropped.
  if (notMet > 0 && notMet * 2 <= heard) return answer("unknown", "split", true);
  const basis = met + notMet >= 2 ? "agreement" : "one-family";
  if (met > 0) return answer("met", basis, false);
  if (notMet > 0) return answer("not-met", basis, false);
  return answer("unknown", "none", false);
}

/** Each acceptance criterion of the task with its verdict at the judged commit, in the task's order. */
export function judgeCriteria(input: DecisionInput): JudgedCriterion[] {
  return input.context.criteria.map((criterion) => judgeCriterion(criterion, input));
}
