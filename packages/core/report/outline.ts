import { SUBHEADS as FINAL_VERIFICATION_SUBHEADS } from "../phases/final-verification/wording.ts";
import {
  RECORD_SUBHEADS as IMPLEMENTATION_RECORD_SUBHEADS,
  SUBHEADS as IMPLEMENTATION_SUBHEADS,
} from "../phases/implementation/wording.ts";
import { SUBHEADS as PLANNING_SUBHEADS } from "../phases/implementation-planning/wording.ts";
import { SUBHEADS as IMPROVEMENTS_SUBHEADS } from "../phases/improvement-discovery/wording.ts";
import { SUBHEADS as REQUIREMENTS_SUBHEADS } from "../phases/requirements-discovery/wording.ts";
import { escapeMarkdown } from "./markdown-escape.ts";
import { scanMarkdown, type MarkdownHeading } from "./markdown-headings.ts";
import { phraseFor, wordingFor, type Language, type Wording } from "./wording.ts";

/** A heading that a report must have. */
export interface OutlineHeading {
  readonly level: number;
  readonly text: string;
}

const SUBHEADS = {
  next: ["questions"],
  findings: ["P0", "P1", "P2", "P3", "notCounted", "unheard"],
  errorAnalysis: ["symptoms", "hypotheses", "reproductions"],
  evidence: ["executions", "reproductions", "rawFindings", "ledger", "gates", "provision", "brief", "identity"],
} as const satisfies Record<string, readonly (keyof Wording["sub"])[]>;

/** The title of a report: its only heading of level 1. */
export function titleFor(type: string, lang: Language): string {
  return `okstra · ${phraseFor(wordingFor(lang).phases, type)}`;
}

/** Heading of section 4: the phase's own result. A task type that this version does not know is shown as it is. */
export function phaseHeading(type: string, lang: Language): string {
  return `4. ${phraseFor(wordingFor(lang).phases, type)}`;
}

/**
 * The fixed outline of a task type's report, title first: sections 0 to 5, with 4.5 only for `implementation`
 * and 4.6 (with 4.6.1 to 4.6.7) only for `release-handoff`. Source: the contract's report outline.
 */
export function outlineFor(type: string, lang: Language): OutlineHeading[] {
  const words = wordingFor(lang);
  const { verdict, next, workers, findings, implementation, releaseHandoff, evidence } = words.outline;
  const section = (text: string): OutlineHeading => ({ level: 2, text });
  return [
    { level: 1, text: titleFor(type, lang) },
    ...[verdict, next, workers, findings, phaseHeading(type, lang)].map(section),
    ...(type === "implementation" ? [section(implementation)] : []),
    ...(type === "release-handoff" ? [section(releaseHandoff), ...Object.values(words.handoff).map((text) => ({ level: 3, text }))] : []),
    section(evidence),
  ];
}

/** Headings of level 3 of each phase's own section. */
function phaseSubheads(type: string, lang: Language): ReadonlySet<string> {
  const { sub } = wordingFor(lang);
  const byType: Readonly<Record<string, readonly string[]>> = {
    "requirements-discovery": REQUIREMENTS_SUBHEADS[lang],
    "error-analysis": SUBHEADS.errorAnalysis.map((key) => sub[key]),
    "implementation-planning": PLANNING_SUBHEADS[lang],
    implementation: IMPLEMENTATION_SUBHEADS[lang],
    "final-verification": FINAL_VERIFICATION_SUBHEADS[lang],
    "improvement-discovery": IMPROVEMENTS_SUBHEADS[lang],
  };
  return new Set((Object.hasOwn(byType, type) ? (byType[type] ?? []) : []).map(escapeMarkdown));
}

/** Headings of level 3 that may stand in a section, by the section's heading. */
function subheadsBySection(type: string, lang: Language): ReadonlyMap<string, ReadonlySet<string>> {
  const words = wordingFor(lang);
  const texts = (keys: readonly (keyof Wording["sub"])[]): Set<string> => new Set(keys.map((key) => escapeMarkdown(words.sub[key])));
  return new Map([
    [escapeMarkdown(words.outline.next), texts(SUBHEADS.next)],
    [escapeMarkdown(words.outline.findings), texts(SUBHEADS.findings)],
    [escapeMarkdown(phaseHeading(type, lang)), phaseSubheads(type, lang)],
    [escapeMarkdown(words.outline.implementation), new Set(IMPLEMENTATION_RECORD_SUBHEADS[lang].map(escapeMarkdown))],
    [escapeMarkdown(words.outline.evidence), texts(SUBHEADS.evidence)],
  ]);
}

/**
 * Holds a Markdown report against the outline of its task type and language.
 *
 * Each problem is one line that begins with its code: `missing`, `extra` and `out-of-order` for headings,
 * `empty` for a heading under which nothing stands (not even its empty-state line), `raw-html` for HTML outside
 * code. Headings inside fenced code or quotes do not count. No problem: an empty list.
 */
export function checkOutline(markdown: string, type: string, lang: Language): string[] {
  const { headings, htmlLines } = scanMarkdown(markdown);
  const expected = outlineFor(type, lang).map(({ level, text }) => ({ level, text: escapeMarkdown(text) }));
  const key = (heading: OutlineHeading): string => `${heading.level} ${heading.text}`;
  const expectedKeys = new Set(expected.map(key));
  const allowed = subheadsBySection(type, lang);

  const problems: string[] = [];
  const found: MarkdownHeading[] = [];
  const seen = new Set<string>();
  let section = "";
  for (const heading of headings) {
    if (heading.level <= 2) section = heading.text;
    const isOutline = expectedKeys.has(key(heading));
    const isSubhead = heading.level === 3 && (allowed.get(section)?.has(heading.text) ?? false);
    const identity = isOutline ? key(heading) : `${section}\n${key(heading)}`;
    if (!(isOutline || isSubhead) || seen.has(identity)) {
      problems.push(`extra: line ${heading.line}: ${heading.text}`);
      continue;
    }
    seen.add(identity);
    if (isOutline) found.push(heading);
  }

  const foundKeys = new Set(found.map(key));
  problems.push(...expected.filter((heading) => !foundKeys.has(key(heading))).map((heading) => `missing: ${heading.text}`));
  const order = expected.map(key).filter((heading) => foundKeys.has(heading));
  const misplaced = found.find((heading, at) => key(heading) !== order[at]);
  if (misplaced !== undefined) problems.push(`out-of-order: line ${misplaced.line}: ${misplaced.text}`);

  problems.push(...headings.filter((heading) => !heading.hasContent).map((heading) => `empty: line ${heading.line}: ${heading.text}`));
  problems.push(...htmlLines.map((line) => `raw-html: line ${line}`));
  return problems;
}
