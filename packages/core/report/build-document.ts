import type { Block, ReportDocument, Section } from "./document.ts";
import { outlineFor, phaseHeading, titleFor } from "./outline.ts";
import type { Report } from "./report-data.ts";
import { evidenceBlocks } from "./section-evidence.ts";
import { findingsBlocks } from "./section-findings.ts";
import { nextBlocks, verdictBlocks, workersBlocks } from "./section-overview.ts";
import { implementationRecordBlocks, phaseBlocks } from "./section-phase.ts";
import { wordingFor, type Wording } from "./wording.ts";

function blocksByHeading(report: Report, words: Wording): ReadonlyMap<string, readonly Block[]> {
  const { outline, empty } = words;
  return new Map<string, readonly Block[]>([
    [outline.verdict, verdictBlocks(report, words)],
    [outline.next, nextBlocks(report, words)],
    [outline.workers, workersBlocks(report, words)],
    [outline.findings, findingsBlocks(report, words)],
    [phaseHeading(report.type, report.lang), phaseBlocks(report, words)],
    [outline.implementation, implementationRecordBlocks(report, words)],
    [outline.releaseHandoff, []],
    ...Object.values(words.handoff).map((heading): [string, Block[]] => [heading, [{ kind: "empty", text: empty.handoff }]]),
    [outline.evidence, evidenceBlocks(report, words)],
  ]);
}

/** Says a report in its language, section by section in the order of the fixed outline; no markup yet. */
export function buildDocument(report: Report): ReportDocument {
  const blocks = blocksByHeading(report, wordingFor(report.lang));
  const sections = outlineFor(report.type, report.lang)
    .filter(({ level }) => level > 1)
    .map(({ level, text }): Section => ({ level: level === 3 ? 3 : 2, heading: text, blocks: blocks.get(text) ?? [] }));
  return { lang: report.lang, title: titleFor(report.type, report.lang), sections };
}
