import { badge, code, text, type Block, type Inline, type Tone } from "../../report/document.ts";
import { phraseFor, wordingFor, type Language } from "../../report/wording.ts";
import type { CriterionVerdict } from "./result.ts";
import type { FinalVerificationSection } from "./section.ts";
import { WORDING } from "./wording.ts";

type Words = (typeof WORDING)[Language];
type CriterionRow = FinalVerificationSection["criteria"][number];

const VERDICT_TONES: Readonly<Record<CriterionVerdict, Tone>> = { met: "good", "not-met": "bad", unknown: "warn" };

/** Section 4 of a final verification. */
export function finalVerificationBlocks(section: FinalVerificationSection, lang: Language): Block[] {
  const words = WORDING[lang];
  return [
    { kind: "subhead", text: words.sub.criteria },
    ...criteriaBlocks(section, words),
    { kind: "subhead", text: words.sub.checks },
    ...checksBlocks(section, words, lang),
    { kind: "subhead", text: words.sub.dissent },
    ...dissentBlocks(section, words),
    { kind: "subhead", text: words.sub.residualRisks },
    section.residualRisks.length === 0
      ? { kind: "empty", text: words.empty.residualRisks }
      : { kind: "list", items: section.residualRisks.map((risk) => [text(`${risk.text} (${risk.worker})`)]) },
    ...treeBlocks(section, words),
  ];
}

function criteriaBlocks({ criteria, coverage }: FinalVerificationSection, words: Words): Block[] {
  if (criteria.length === 0) return [{ kind: "empty", text: words.empty.criteria }];
  const { labels } = words;
  const head = [labels.criterion, labels.text, labels.verdict, labels.basis, labels.evidence];
  const rows = criteria.map((criterion): Inline[][] => [
    [code(criterion.id)],
    [text(criterion.text)],
    [badge(phraseFor(words.verdicts, criterion.verdict), VERDICT_TONES[criterion.verdict])],
    [text(phraseFor(words.bases, criterion.basis))],
    evidenceOf(criterion, words),
  ]);
  return [
    { kind: "paragraph", content: [text(words.coverage(coverage.covered, coverage.total))] },
    { kind: "table", head, rows },
  ];
}

function evidenceOf({ execution, words: said }: CriterionRow, words: Words): Inline[] {
  const executed = execution === null ? [] : [code(execution.command), text(`${exitOf(execution, words)}${said.length > 0 ? " ·" : ""}`)];
  const spoken = said.flatMap((word, at): Inline[] => {
    const place = word.file === null ? [] : [code(word.startLine === null ? word.file : `${word.file}:${word.startLine}`)];
    const quote = word.quote === null || word.quote.trim() === "" ? [] : [code(word.quote)];
    const command = word.command === null || word.command.trim() === "" ? [] : [code(word.command)];
    const start = text(`${word.worker}: ${phraseFor(words.verdicts, word.verdict)}: ${word.text}`);
    return [start, ...place, ...quote, ...command, ...(at < said.length - 1 ? [text("·")] : [])];
  });
  return [...executed, ...spoken];
}

function exitOf({ exitCode, timedOut }: NonNullable<CriterionRow["execution"]>, words: Words): string {
  if (timedOut) return words.timedOut;
  return exitCode === null ? words.ended : words.exit(exitCode);
}

function checksBlocks({ checks }: FinalVerificationSection, words: Words, lang: Language): Block[] {
  if (checks.length === 0) return [{ kind: "empty", text: words.empty.checks }];
  const { labels } = words;
  const general = wordingFor(lang);
  const rows = checks.map((check): Inline[][] => {
    const [phrase, tone]: [string, Tone] =
      check.failures === 0
        ? [general.passed, "good"]
        : check.failures < check.executions
          ? [general.flaky, "warn"]
          : [general.failed, "bad"];
    return [
      [code(check.command)],
      [badge(phrase, tone)],
      [text(general.failedOf(check.failures, check.executions))],
      [text(phraseFor(general.baselines, check.baseline))],
      [code(check.worker)],
    ];
  });
  return [{ kind: "table", head: [labels.command, labels.result, labels.runs, labels.against, labels.worker], rows }];
}

/** Each side keeps its words, also the one that was outvoted or that an execution showed to be wrong. */
function dissentBlocks({ dissent }: FinalVerificationSection, words: Words): Block[] {
  if (dissent.length === 0) return [{ kind: "empty", text: words.empty.dissent }];
  return dissent.map((each): Block => ({
    kind: "finding",
    id: each.id,
    tone: "warn",
    claim: each.text,
    badges: [],
    facts: each.sides.map((side) => ({ label: phraseFor(words.positions, side.position), value: [code(side.by), text(side.evidence)] })),
    excerpts: [],
  }));
}

function treeBlocks({ treeChangedBy }: FinalVerificationSection, words: Words): Block[] {
  if (treeChangedBy.length === 0) return [];
  return [
    { kind: "subhead", text: words.sub.treeChanged },
    ...treeChangedBy.flatMap((change): Block[] => [
      { kind: "notice", tone: "bad", content: [text(`${words.labels.changedBy}: ${change.workers.join(", ")}`)] },
      { kind: "list", items: change.paths.map((path) => [code(path)]) },
    ]),
  ];
}
