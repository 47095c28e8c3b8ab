import type { ReproductionRecord } from "../domain/execution.ts";
import type { Baseline, Disposition, FindingClass, LaneEnd, RaisedFinding, Severity, Verification } from "../domain/finding.ts";
import type { Cluster, Convergence } from "./cluster.ts";
import type { Grounding } from "./ground.ts";

export interface LaneSummary {
  readonly worker: string;
  readonly family: string;
  readonly end: LaneEnd;
}

export interface ConvergenceInput {
  readonly runId: string;
  readonly commit: string;
  readonly lanes: readonly LaneSummary[];
  readonly findings: readonly { readonly finding: RaisedFinding; readonly grounding: Grounding }[];
  readonly reproductions: readonly ReproductionRecord[];
  /** Failures that the base has too do not block (`verify --base`). */
  readonly onlyNewBlocks: boolean;
}

/** At least so many failing executions, and no other, make an executed reproduction. */
const EXECUTIONS_FOR_PROOF = 2;
const SEVERITY_ORDER: Readonly<Record<Severity, number>> = { P0: 0, P1: 1, P2: 2, P3: 3 };

/** Distinct families whose lane is `ok`: a lane that is not has said nothing (docs: convergence). */
function countFamilies(lanes: readonly LaneSummary[]): number {
  return new Set(lanes.filter((lane) => lane.end === "ok").map((lane) => lane.family)).size;
}

/**
 * Steps 0, 5 and 6 of the convergence: each finding stands for itself, is classed by what grounds it and disposed
 * of by what was executed. A lane that did not end `ok` gives no findings. Order of lanes, findings and
 * executions has no effect on the answer.
 */
export function converge(input: ConvergenceInput): Convergence {
  const kEff = countFamilies(input.lanes);
  const heard = new Set(input.lanes.filter((lane) => lane.end === "ok").map((lane) => lane.worker));
  const drafts = input.findings.filter(({ finding }) => heard.has(finding.worker)).map((each) => clusterOf(each, input));
  drafts.sort(compareClusters);
  return {
    schema: 1,
    runId: input.runId,
    commit: input.commit,
    kEff,
    crossChecked: kEff >= 2,
    clusters: drafts.map((cluster, index) => ({ ...cluster, id: `C${index + 1}` })),
  };
}

function clusterOf({ finding, grounding }: ConvergenceInput["findings"][number], input: ConvergenceInput): Cluster {
  const own = input.reproductions.filter((record) => record.findingId === finding.id && record.commit === input.commit);
  const proofs = own.filter(isProof);
  const grounded = grounding.grounded || proofs.length > 0;
  const flaky = proofs.length === 0 && own.some((record) => record.failures > 0 && record.failures < record.executions);
  const verification: Verification = proofs.length > 0 ? "confirmed" : "unverified";
  // One execution that calls it new outweighs those that do not: only what is surely old may be excused.
  const baseline: Baseline =
    (["new", "already-there"] as const).find((each) => own.some((record) => record.baseline === each)) ?? "unknown";
  const findingClass: FindingClass = grounded ? "unique" : "ungrounded";
  return {
    id: "",
    members: [finding.id],
    families: [finding.family],
    claim: finding.claim,
    category: finding.category,
    severity: finding.severity,
    file: finding.file ?? null,
    startLine: grounding.startLine ?? finding.startLine ?? null,
    endLine: grounding.endLine ?? finding.endLine ?? null,
    quote: finding.quote ?? null,
    class: findingClass,
    strong: false,
    verification,
    reproducedBy: [...new Set(proofs.map((record) => record.command))].sort(compareText),
    baseline,
    flaky,
    disposition: disposeOf({
      severity: finding.severity,
      class: findingClass,
      verification,
      flaky,
      baseline,
      onlyNewBlocks: input.onlyNewBlocks,
    }),
  };
}

export function isProof(record: ReproductionRecord): boolean {
  return record.executions >= EXECUTIONS_FOR_PROOF && record.failures === record.executions;
}

/** Step 6: what follows from one cluster for the gate. */
function disposeOf(cluster: {
  severity: Severity;
  class: FindingClass;
  verification: Verification;
  flaky: boolean;
  baseline: Baseline;
  onlyNewBlocks: boolean;
}): Disposition {
  if (SEVERITY_ORDER[cluster.severity] > SEVERITY_ORDER.P1) return "advisory";
  if (cluster.class === "ungrounded" || cluster.class === "dismissed" || cluster.verification === "refuted") return "advisory";
  if (cluster.verification === "confirmed") return cluster.onlyNewBlocks && cluster.baseline === "already-there" ? "advisory" : "blocks";
  return "held";
}

function compareClusters(a: Cluster, b: Cluster): number {
  const disposition = { blocks: 0, held: 1, advisory: 2 } as const;
  return (
    disposition[a.disposition] - disposition[b.disposition] ||
    SEVERITY_ORDER[a.severity] - SEVERITY_ORDER[b.severity] ||
    compareText(a.file ?? "", b.file ?? "") ||
    (a.startLine ?? 0) - (b.startLine ?? 0) ||
    compareText(a.claim, b.claim) ||
    compareText(a.members[0] ?? "", b.members[0] ?? "")
  );
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
