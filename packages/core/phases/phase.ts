import type * as z from "zod";
import type { Convergence } from "../convergence/cluster.ts";
import type { LaneSummary } from "../convergence/converge.ts";
import type { ReproductionRecord } from "../domain/execution.ts";
import type { Gate, Verdict } from "../domain/run.ts";
import type { TaskType } from "../domain/work.ts";

/** A worker's result as this phase understands it, with the worker's name. */
export interface PhaseResult {
  readonly worker: string;
  readonly result: Readonly<Record<string, unknown>>;
}

/** Everything that a phase may look at when it decides. */
export interface DecisionInput {
  readonly convergence: Convergence;
  readonly lanes: readonly LaneSummary[];
  readonly results: readonly PhaseResult[];
  readonly reproductions: readonly ReproductionRecord[];
  readonly treeChanged: boolean;
  /** Head commit; empty without git. */
  readonly commit: string;
}

/** One task type: what its workers are told, what they answer, and when one may go on. */
export interface Phase {
  readonly type: TaskType;
  /** What a worker is told: a Liquid template over {@link ProfileVariables}. */
  readonly profile: string;
  readonly resultSchema: z.ZodType;
  readonly defaultRoster: readonly string[];
  readonly readOnly: boolean;
  /** Whether the verdict is about a commit, so that the tree must have nothing that is not committed. */
  readonly judgesCommit: boolean;
  /** Whether okstra runs the reproductions that workers propose itself, at the head commit. */
  readonly reproduces: boolean;
  decide(input: DecisionInput): { readonly verdict: Verdict; readonly gate: Gate };
}

/** The variables of a profile; a template that uses another one does not render. */
export interface ProfileVariables {
  readonly taskKey: string;
  readonly phase: string;
  readonly worker: string;
  readonly worktree: string;
  readonly headCommit: string;
  readonly baseCommit: string;
  readonly brief: string;
  readonly nonce: string;
  readonly deadlineMinutes: number;
  readonly resultSchema: string;
}
