import { finalVerificationBlocks } from "../phases/final-verification/blocks.ts";
import { implementationBlocks, implementationSummaryBlocks } from "../phases/implementation/blocks.ts";
import { planningBlocks } from "../phases/implementation-planning/blocks.ts";
import { improvementsBlocks } from "../phases/improvement-discovery/blocks.ts";
import { handoffSummaryBlocks } from "../phases/release-handoff/blocks.ts";
import { requirementsBlocks } from "../phases/requirements-discovery/blocks.ts";
import { badge, code, fact, text, type Block, type Inline } from "./document.ts";
import type { Report } from "./report-data.ts";
import type { Wording } from "./wording.ts";

type ErrorAnalysis = NonNullable<Report["errorAnalysis"]>;

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

/** Section 4: what the phase itself found out. */
export function phaseBlocks(report: Report, words: Wording): readonly Block[] {
  const { lang } = report;
  if (report.errorAnalysis !== null) return errorAnalysisBlocks(report.errorAnalysis, words);
  if (report.finalVerification !== null) return finalVerificationBlocks(report.finalVerification, lang);
  if (report.requirementsDiscovery !== null) return requirementsBlocks(report.requirementsDiscovery, lang);
  if (report.implementationPlanning !== null) return planningBlocks(report.implementationPlanning, lang);
  if (report.implementation !== null) return implementationSummaryBlocks(report.implementation, lang);
  if (report.improvementDiscovery !== null) return improvementsBlocks(report.improvementDiscovery, lang);
  if (report.releaseHandoff !== null) return handoffSummaryBlocks(report.releaseHandoff, lang);
  return [{ kind: "empty", text: words.empty.phase }];
}

/** Section 4.5: what git saw of the executor's work. */
export function implementationRecordBlocks(report: Report, words: Wording): readonly Block[] {
  if (report.implementation === null) return [{ kind: "empty", text: words.empty.implementation }];
  return implementationBlocks(report.implementation, report.lang);
}
