import { badge, code, fact, text, type Block, type Inline, type Tone } from "./document.ts";
import type { Report } from "./report-data.ts";
import { phraseFor, type Wording } from "./wording.ts";

type ErrorAnalysis = NonNullable<Report["errorAnalysis"]>;
type FinalVerification = NonNullable<Report["finalVerification"]>;

function withEmpty(blocks: readonly Block[], empty: string): readonly Block[] {
  return blocks.length === 0 ? [{ kind: "empty", text: empty }] : blocks;
}

function hypothesisBlock(hypothesis: ErrorAnalysis["hypotheses"][number], at: number, words: Wording): Block {
  const { labels } = words;
  return {
    kind: "finding",
    id: `H${at + 1}`,
    tone: hypothesis.confirmed ? "good" : "quiet",
    claim: hypothesis.cause,
    badges: [hypothesis.confirmed ? badge(words.confirmedCause, "good") : badge(words.unconfirmedCause, "quiet")],
    facts: [
      ...hypothesis.evidenceFor.map((evidence) => fact(labels.evidenceFor, text(evidence))),
      ...hypothesis.evidenceAgainst.map((evidence) => fact(labels.evidenceAgainst, text(evidence))),
      fact(labels.raisedBy, text(hypothesis.worker)),
      ...(hypothesis.cluster === null ? [] : [fact(labels.finding, code(hypothesis.cluster))]),
    ],
    excerpts: [],
  };
}

/** The reproductions that okstra executed, as a table; nothing when there is none. */
export function reproductionTable(reproductions: ErrorAnalysis["reproductions"], words: Wording): Block[] {
  if (reproductions.length === 0) return [];
  const { labels } = words;
  const rows = reproductions.map((reproduction): Inline[][] => [
    [code(reproduction.command)],
    [text(words.failedOf(reproduction.failures, reproduction.executions))],
    [reproduction.confirmed ? badge(words.executedReproduction, "good") : badge(words.noExecutedReproduction, "quiet")],
    [code(reproduction.findingId)],
  ]);
  return [{ kind: "table", head: [labels.command, labels.runs, labels.result, labels.finding], rows }];
}

function errorAnalysisBlocks(analysis: ErrorAnalysis, words: Wording): Block[] {
  const symptoms: Block[] =
    analysis.symptoms.length === 0
      ? []
      : [{ kind: "list", items: analysis.symptoms.map((symptom) => [text(`${symptom.text} (${symptom.worker})`)]) }];
  const hypotheses = analysis.hypotheses.map((hypothesis, at) => hypothesisBlock(hypothesis, at, words));
  return [
    { kind: "subhead", text: words.sub.symptoms },
    ...withEmpty(symptoms, words.empty.symptoms),
    { kind: "subhead", text: words.sub.hypotheses },
    ...withEmpty(hypotheses, words.empty.hypotheses),
    { kind: "subhead", text: words.sub.reproductions },
    ...withEmpty(reproductionTable(analysis.reproductions, words), words.empty.reproductions),
  ];
}

function checkResult(check: FinalVerification["checks"][number], words: Wording): Inline {
  if (check.failures === 0) return badge(words.passed, "good");
  const [phrase, tone]: [string, Tone] = check.failures < check.executions ? [words.flaky, "warn"] : [words.failed, "bad"];
  return badge(phrase, tone);
}

function finalVerificationBlocks(verification: FinalVerification, words: Wording): Block[] {
  const { labels } = words;
  const rows = verification.checks.map((check): Inline[][] => [
    [code(check.command)],
    [checkResult(check, words)],
    [text(words.failedOf(check.failures, check.executions))],
    [text(phraseFor(words.baselines, check.baseline))],
    [code(check.worker)],
  ]);
  const checks: Block[] =
    rows.length === 0 ? [] : [{ kind: "table", head: [labels.command, labels.result, labels.runs, labels.against, labels.worker], rows }];
  const changes: Block[] = verification.treeChangedBy.flatMap((change): Block[] => [
    { kind: "notice", tone: "bad", content: [text(`${labels.changedBy}: ${change.workers.join(", ")}`)] },
    { kind: "list", items: change.paths.map((path) => [code(path)]) },
  ]);
  return [
    { kind: "subhead", text: words.sub.checks },
    ...withEmpty(checks, words.empty.checks),
    ...(changes.length === 0 ? [] : [{ kind: "subhead" as const, text: words.sub.treeChanged }, ...changes]),
  ];
}

/** Section 4: what the phase itself found out. */
export function phaseBlocks(report: Report, words: Wording): Block[] {
  if (report.errorAnalysis !== null) return errorAnalysisBlocks(report.errorAnalysis, words);
  if (report.finalVerification !== null) return finalVerificationBlocks(report.finalVerification, words);
  return [{ kind: "empty", text: words.empty.phase }];
}
