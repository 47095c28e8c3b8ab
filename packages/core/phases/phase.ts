import type * as z from "zod";
import type { Convergence } from "../convergence/cluster.ts";
import type { LaneSummary } from "../convergence/converge.ts";
import type { Execution, ReproductionRecord } from "../domain/execution.ts";
import type { RaisedFinding } from "../domain/finding.ts";
import type { Receipt } from "../domain/receipt.ts";
import type { Gate, Verdict } from "../domain/run.ts";
import type { TaskContext } from "../domain/task-context.ts";
import type { TaskType } from "../domain/work.ts";
import type { HandoffRecord } from "./release-handoff/section.ts";
import type { WorkRecord } from "../domain/work-record.ts";

/** A worker's result as this phase understands it, with the worker's name. */
export interface PhaseResult {
  readonly worker: string;
  readonly result: Readonly<Record<string, unknown>>;
}

/** okstra's own execution of an acceptance criterion's command at the head commit. */
export interface CriterionExecution {
  readonly criterion: string;
  readonly execution: Execution;
}

/** Everything that a phase may look at when it decides and when it says what it found. All of it is on disk. */
export interface DecisionInput {
  readonly convergence: Convergence;
  /** Review lanes of the last round. */
  readonly lanes: readonly LaneSummary[];
  /** Accepted results of those lanes, in the roster's order. */
  readonly results: readonly PhaseResult[];
  readonly findings: readonly RaisedFinding[];
  /** Receipts of those lanes. */
  readonly receipts: readonly Receipt[];
  readonly reproductions: readonly (ReproductionRecord & { readonly worker: string })[];
  readonly treeChanges: readonly { readonly workers: readonly string[]; readonly paths: readonly string[] }[];
  /** Commit that is judged; empty without git. */
  readonly commit: string;
  readonly context: TaskContext;
  /** What git saw of the executor's work; null in phases without one, and without git. */
  readonly work: WorkRecord | null;
  readonly executor: LaneSummary | null;
  /** What the executor says in the last round that it could not do. */
  readonly executorFindings: readonly RaisedFinding[];
  /** Rounds that were run, from 1. */
  readonly round: number;
  /** Number of open blockers after each round. */
  readonly blockersPerRound: readonly number[];
  readonly criterionExecutions: readonly CriterionExecution[];
  /** Of a release-handoff; null for every other type. */
  readonly handoff: HandoffRecord | null;
  readonly sha256: (text: string) => string;
}

/** One task type: what its workers are told, what they answer, and when one may go on. */
export interface Phase {
  readonly type: TaskType;
  /** What a reviewing worker is told: a Liquid template over {@link ProfileVariables}. */
  readonly profile: string;
  /** What the executor is told; only a phase that has one. */
  readonly executorProfile: string | null;
  readonly resultSchema: z.ZodType;
  /** `configured`: every worker that the configuration names, by name. */
  readonly defaultRoster: readonly string[] | "configured";
  readonly readOnly: boolean;
  /** Whether the verdict is about a commit, so that the tree must have nothing that is not committed. */
  readonly judgesCommit: boolean;
  /** Whether okstra runs the reproductions that workers propose itself, at the head commit. */
  readonly reproduces: boolean;
  /** Whether okstra executes the commands of the acceptance criteria at the head commit. */
  readonly executesCriteria: boolean;
  /** Whether findings are about the brief and the plan too: a quote without a file is looked up there. */
  readonly aboutText: boolean;
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
  /** `file`: to the path in OKSTRA_RESULT; `door`: through the tools of okstra's MCP server. */
  readonly answerBy: "file" | "door";
  readonly deadlineMinutes: number;
  readonly resultSchema: string;
  /** The round of this lane, from 1. */
  readonly round: number;
  readonly answers: readonly { readonly id: string; readonly question: string; readonly answer: string }[];
  readonly criteria: readonly { readonly id: string; readonly text: string; readonly how: string; readonly command: string }[];
  readonly causes: readonly { readonly claim: string; readonly place: string; readonly command: string }[];
  /** The approved plan as text, stage by stage; empty when there is none. */
  readonly plan: string;
  /** Open findings of earlier rounds and runs: claim and place, not who raised them. */
  readonly openItems: readonly { readonly id: string; readonly severity: string; readonly claim: string; readonly place: string }[];
  /** Claims to be verified blind; only for a verifier. */
  readonly items: readonly { readonly id: string; readonly claim: string; readonly place: string }[];
  /** Pairs of claims of which one worker says whether they are one defect; only for that one. */
  readonly pairs: readonly { readonly id: string; readonly one: string; readonly other: string }[];
  /** The report's facts as JSON; only for the report writer. */
  readonly facts: string;
}
