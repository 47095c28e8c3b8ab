import { badge, code, fact, text, type Block, type Inline, type Tone } from "../../report/document.ts";
import { phraseFor, wordingFor, type Language, type Wording } from "../../report/wording.ts";
import type { ImprovementsSection } from "./section.ts";
import { WORDING } from "./wording.ts";

type Words = (typeof WORDING)[Language];
type Improvement = ImprovementsSection["improvements"][number];

/** Section 4 of an improvement discovery. */
export function improvementsBlocks({ improvements, unplaced }: ImprovementsSection, lang: Language): Block[] {
  const words = WORDING[lang];
  const general = wordingFor(lang);
  const ranked: Block[] =
    improvements.length === 0
      ? [{ kind: "empty", text: words.empty.improvements }]
      : improvements.map((improvement, at) => improvementBlock(improvement, at, words, general));
  const lost: Block[] =
    unplaced.length === 0
      ? []
      : [
          { kind: "subhead", text: words.sub.unplaced },
          { kind: "list", items: unplaced.map(({ finding, why, worker }) => [text(words.unplaced(finding, why, worker))]) },
        ];
  return [{ kind: "subhead", text: words.sub.improvements }, ...ranked, ...lost];
}

function improvementBlock(improvement: Improvement, at: number, words: Words, general: Wording): Block {
  const { labels } = words;
  const { benefit, effort, evidence } = improvement;
  const tone: Tone = benefit === "high" ? "good" : benefit === "medium" ? "info" : "quiet";
  const rating: Inline[] =
    benefit === null && effort === null
      ? [badge(words.unrated, "quiet")]
      : [
          ...(benefit === null ? [] : [badge(words.benefits[benefit], tone)]),
          ...(effort === null ? [] : [badge(words.efforts[effort], effort === "large" ? "warn" : "quiet")]),
        ];
  return {
    kind: "finding",
    id: `I${at + 1}`,
    tone,
    claim: improvement.claim,
    badges: [...rating, badge(improvement.severity, "quiet"), badge(phraseFor(general.classes, improvement.class), "quiet")],
    facts: [
      fact(labels.where, placeOf(evidence, general)),
      fact(labels.support, text(String(improvement.support))),
      fact(labels.nextPhase, text(phraseFor(general.phases, improvement.nextPhase))),
      fact(labels.finding, code(improvement.cluster)),
      ...improvement.reasons.map(({ worker, why }) => fact(labels.why, text(`${why} (${worker})`))),
    ],
    excerpts: [
      ...(evidence.quote === null || evidence.quote === "" ? [] : [{ label: labels.quote, text: evidence.quote }]),
      ...evidence.reproducedBy.map((command) => ({ label: labels.reproducedBy, text: command })),
    ],
  };
}

function placeOf({ file, startLine }: Improvement["evidence"], general: Wording): Inline {
  if (file === null || file === "") return text(general.noPlace);
  return code(startLine === null ? file : `${file}:${startLine}`);
}
