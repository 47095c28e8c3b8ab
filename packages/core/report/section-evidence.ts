import { badge, code, fact, text, type Block, type Fact, type FindingBlock, type Inline, type Tone } from "./document.ts";
import type { Report } from "./report-data.ts";
import { placeOf } from "./section-findings.ts";
import { reproductionTable } from "./section-phase.ts";
import { formatDuration, formatTime, phraseFor, type Wording } from "./wording.ts";

const LEDGER_TONES: Readonly<Record<string, Tone>> = { open: "warn", persistent: "bad", regressed: "bad", addressed: "good" };

/** Characters of what a gate looked at that a report repeats; the whole is in `report.json`. */
const MAX_LOOKED = 600;

/** Characters of the brief that a report repeats; the whole brief is in `run.json`. */
const MAX_BRIEF = 4000;

function executionRows(report: Report, words: Wording): Inline[][][] {
  return report.executions.map((execution): Inline[][] => {
    const how = execution.timedOut ? words.timedOut : execution.signal === null ? "" : words.signal(execution.signal);
    const exit = execution.exitCode === null ? how : String(execution.exitCode);
    return [
      [code(execution.command)],
      [execution.exitCode === 0 ? badge(exit, "good") : badge(exit, "bad")],
      [text(formatDuration(execution.durationMs, words))],
      [code(execution.worker)],
      [code(execution.commit.slice(0, 12))],
      [text(formatTime(execution.startedAt))],
      [code(execution.outputSha256.slice(0, 12))],
    ];
  });
}

function executionsBlock(report: Report, words: Wording): Block {
  if (report.executions.length === 0)
    return { kind: "empty", text: report.type === "release-handoff" ? words.empty.handoffExecutions : words.empty.executions };
  const { labels } = words;
  const head = [labels.command, labels.exit, labels.time, labels.worker, labels.commit, labels.started, labels.output];
  return { kind: "table", head, rows: executionRows(report, words) };
}

function reproductionBlocks(report: Report, words: Wording): Block[] {
  const table = reproductionTable(report.errorAnalysis?.reproductions ?? [], words);
  if (table.length > 0) return table;
  const rows = report.clusters.flatMap((cluster) =>
    cluster.reproducedBy.map((command): Inline[][] => [[code(command)], [code(cluster.id)], [text(cluster.claim)]]),
  );
  if (rows.length === 0) return [{ kind: "empty", text: words.empty.reproductions }];
  return [{ kind: "table", head: [words.labels.command, words.labels.finding, words.labels.detail], rows }];
}

/** Said only where there were several rounds. */
function roundOf({ round }: Report["rawFindings"][number], report: Report, words: Wording): string {
  return report.rounds.length > 1 ? words.inRound(round) : "";
}

function rawFindingBlock(finding: Report["rawFindings"][number], report: Report, words: Wording): FindingBlock {
  const { labels } = words;
  const excerpt = (label: string, value: string | null | undefined): { label: string; text: string }[] =>
    value === null || value === undefined || value === "" ? [] : [{ label, text: value }];
  const raisedBy = [finding.worker, finding.family ?? "", finding.category ?? "", finding.symbol ?? "", roundOf(finding, report, words)]
    .filter((part) => part !== "")
    .join(" · ");
  return {
    kind: "finding",
    id: finding.id,
    tone: "quiet",
    claim: finding.claim,
    badges: [badge(finding.severity, "quiet")],
    facts: [fact(labels.where, placeOf(finding, report.sourceRoot, words)), fact(labels.raisedBy, text(raisedBy))],
    excerpts: [
      ...excerpt(labels.quote, finding.quote),
      ...excerpt(labels.reproduction, finding.reproduction?.command),
      ...excerpt(labels.printed, finding.reproduction?.output),
      ...excerpt(labels.fix, finding.fix),
    ],
  };
}

/** Each defect under its stable id, over the rounds and runs of the task. */
function ledgerBlock(report: Report, words: Wording): Block {
  if (report.ledger.length === 0) return { kind: "empty", text: words.empty.ledger };
  const { labels } = words;
  type Row = Report["ledger"][number];
  const seen = ({ type, run, round }: Row["firstSeen"]): string => words.sighting(phraseFor(words.phases, type), run, round);
  const rows = report.ledger.map((row): Inline[][] => [
    [code(row.id)],
    [badge(phraseFor(words.ledgerStates, row.state), LEDGER_TONES[row.state] ?? "quiet")],
    [text(row.severity)],
    [text(row.claim), placeOf(row, report.sourceRoot, words)],
    [text(seen(row.firstSeen))],
    [text(seen(row.lastSeen))],
    row.cluster === null ? [] : [code(row.cluster)],
  ]);
  const head = [labels.id, labels.state, labels.severity, labels.claim, labels.firstSeen, labels.lastSeen, labels.finding];
  return { kind: "table", head, rows };
}

function gatesBlock(report: Report, words: Wording): Block {
  if (report.gates.length === 0) return { kind: "empty", text: words.empty.gates };
  const { labels } = words;
  const rows = report.gates.map((gate): Inline[][] => [
    [code(gate.name)],
    [text(phraseFor(words.gateKinds, gate.kind))],
    [gate.open ? badge(words.gate.open, "good") : badge(words.gate.held, "bad")],
    [text(gate.reasons.map((reason) => phraseFor(words.gateReasons, reason)).join(" "))],
    Object.keys(gate.looked).length === 0 ? [] : [code(JSON.stringify(gate.looked).slice(0, MAX_LOOKED))],
  ]);
  return { kind: "table", head: [labels.gate, labels.kind, labels.state, labels.reasons, labels.looked], rows };
}

function briefBlocks(brief: string | null, words: Wording): Block[] {
  if (brief === null || brief.trim() === "") return [{ kind: "empty", text: words.empty.brief }];
  const blocks: Block[] = [{ kind: "code", text: brief.slice(0, MAX_BRIEF).trimEnd() }];
  if (brief.length > MAX_BRIEF) blocks.push({ kind: "paragraph", content: [text(words.more(brief.length - MAX_BRIEF))] });
  return blocks;
}

function writerText(report: Report, words: Wording): string {
  const { fallback, summary } = report.reportWriter;
  if (fallback !== null) return words.writerNotUsed(phraseFor(words.writerFallbacks, fallback));
  return summary === null ? words.writerNotUsed(words.writerFallbacks["not-configured"]) : words.writerUsed;
}

function identityFacts(report: Report, words: Wording): Fact[] {
  const { labels } = words;
  return [
    fact(labels.runId, code(report.runId)),
    ...(report.cycle > 1 ? [fact(labels.cycle, text(String(report.cycle)))] : []),
    fact(labels.verdict, code(report.verdict)),
    fact(labels.gate, code(report.gate.name), text(`(${report.gate.kind})`)),
    fact(labels.commit, report.commit === "" ? text(words.noCommit) : code(report.commit)),
    ...(report.baseCommit === null ? [] : [fact(labels.base, code(report.baseCommit))]),
    ...(report.type === "release-handoff"
      ? []
      : [fact(labels.families, text(String(report.kEff))), fact(labels.writer, text(writerText(report, words)))]),
    fact(labels.project, code(report.project.id), code(report.project.root)),
    fact(labels.version, code(report.okstraVersion)),
  ];
}

/** Section 5: what the report rests on. */
export function evidenceBlocks(report: Report, words: Wording): Block[] {
  const { labels, sub, provisions } = words;
  const { provision } = report;
  const raw: Block[] = report.rawFindings.map((finding) => rawFindingBlock(finding, report, words));
  return [
    { kind: "subhead", text: sub.executions },
    executionsBlock(report, words),
    { kind: "subhead", text: sub.reproductions },
    ...reproductionBlocks(report, words),
    { kind: "subhead", text: sub.rawFindings },
    ...(raw.length === 0 ? [{ kind: "empty" as const, text: words.empty.rawFindings }] : raw),
    { kind: "subhead", text: sub.ledger },
    ledgerBlock(report, words),
    { kind: "subhead", text: sub.gates },
    gatesBlock(report, words),
    { kind: "subhead", text: sub.provision },
    {
      kind: "facts",
      facts: [
        fact(labels.status, text(phraseFor(provisions, provision.status))),
        fact(labels.path, code(provision.path)),
        ...(provision.branch === "" ? [] : [fact(labels.branch, code(provision.branch))]),
        ...(provision.baseRef === "" ? [] : [fact(labels.base, code(provision.baseRef))]),
        ...(provision.note === "" ? [] : [fact(labels.note, text(provision.note))]),
      ],
    },
    { kind: "subhead", text: sub.brief },
    ...briefBlocks(report.brief, words),
    { kind: "subhead", text: sub.identity },
    { kind: "facts", facts: identityFacts(report, words) },
  ];
}
