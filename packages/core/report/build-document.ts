import { handoffBlocks } from "../phases/release-handoff/blocks.ts";
import type { Block, ReportDocument, Section } from "./document.ts";
import { outlineFor, phaseHeading, titleFor } from "./outline.ts";
import type { Report } from "./report-data.ts";
import { evidenceBlocks } from "./section-evidence.ts";
import { findingsBlocks } from "./section-findings.ts";
import { nextBlocks, verdictBlocks, workersBlocks } from "./section-overview.ts";
import { implementationRecordBlocks, phaseBlocks } from "./section-phase.ts";
import { wordingFor, type Wording } from "./wording.ts";

function blocksByHeading(report: Report, words: Wording): ReadonlyMap<string, readonly Block[]> {
  const { outline } = words;
  return new Map<string, readonly Block[]>([
    [outline.verdict, verdictBlocks(report, words)],
    [outline.next, nextBlocks(report, words)],
    [outline.workers, workersBlocks(report, words)],
    [outline.findings, findingsBlocks(report, words)],
    [phaseHeading(report.type, report.lang), phaseBlocks(report, words)],
    [outline.implementation, implementationRecordBlocks(report, words)],
    [outline.releaseHandoff, []],
    ...handoffParts(report, words),
    [outline.evidence, evidenceBlocks(report, words)],
  ]);
}

/** 4.6.1 to 4.6.7, by their headings. */
function handoffParts({ releaseHandoff, lang }: Report, words: Wording): (readonly [string, readonly Block[]])[] {
  const parts = releaseHandoff === null ? null : handoffBlocks(releaseHandoff, lang);
  return (Object.keys(words.handoff) as (keyof Wording["handoff"])[]).map((part) => [
    words.handoff[part],
    parts?.[part] ?? [{ kind: "empty", text: words.empty.handoff }],
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
