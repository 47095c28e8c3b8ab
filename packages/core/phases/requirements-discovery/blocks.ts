import { code, fact, text, type Block, type Inline } from "../../report/document.ts";
import { phraseFor, wordingFor, type Language, type Wording } from "../../report/wording.ts";
import type { AskedClarification } from "./clarifications.ts";
import type { RequirementsSection } from "./section.ts";
import { WORDING } from "./wording.ts";

type Words = (typeof WORDING)[Language];

/** Section 4 of a requirements discovery. */
export function requirementsBlocks(section: RequirementsSection, lang: Language): Block[] {
  const words = WORDING[lang];
  const general = wordingFor(lang);
  return [
    { kind: "subhead", text: words.sub.classification },
    ...classificationBlocks(section, words, general),
    { kind: "subhead", text: words.sub.criteria },
    ...criteriaBlocks(section, words),
    { kind: "subhead", text: words.sub.clarifications },
    ...clarificationBlocks(section.clarifications, lang),
    { kind: "subhead", text: words.sub.skip },
    section.skip.length === 0
      ? { kind: "empty", text: words.empty.skip }
      : {
          kind: "list",
          items: section.skip.flatMap(({ phase, reasons }) =>
            reasons.map(({ worker, why }) => [text(`${phraseFor(general.phases, phase)}: ${why} (${worker})`)]),
          ),
        },
  ];
}

function classificationBlocks(section: RequirementsSection, words: Words, general: Wording): Block[] {
  const spoken = section.classifications.filter((each) =>
    [each.category, each.size, each.nextPhase, each.summary].some((said) => said !== null),
  );
  if (spoken.length === 0) return [{ kind: "empty", text: words.empty.classification }];
  const { labels } = words;
  const phrase = (table: Readonly<Record<string, string>>, said: string | null): Inline =>
    text(said === null ? words.notSaid : phraseFor(table, said));
  const choice = (each: Pick<RequirementsSection, "category" | "size" | "nextPhase">): [Inline, Inline, Inline] => [
    phrase(words.categories, each.category),
    phrase(words.sizes, each.size),
    phrase(general.phases, each.nextPhase),
  ];
  const [category, size, nextPhase] = choice(section);
  const tables = { category: words.categories, size: words.sizes, nextPhase: general.phases };
  return [
    { kind: "facts", facts: [fact(labels.category, category), fact(labels.size, size), fact(labels.nextPhase, nextPhase)] },
    ...section.notes.map(({ about, between }): Block => ({
      kind: "notice",
      tone: "warn",
      content: [text(`${words.ties[about]} ${between.map((each) => phraseFor(tables[about], each)).join(", ")}`)],
    })),
    {
      kind: "table",
      head: [labels.worker, labels.family, labels.category, labels.size, labels.nextPhase, labels.summary],
      rows: spoken.map((each): Inline[][] => [
        [code(each.worker)],
        [text(each.family)],
        ...choice(each).map((cell) => [cell]),
        each.summary === null ? [] : [text(each.summary)],
      ]),
    },
  ];
}

function criteriaBlocks({ criteria }: RequirementsSection, words: Words): Block[] {
  if (criteria.length === 0) return [{ kind: "empty", text: words.empty.criteria }];
  const { labels } = words;
  const rows = criteria.map(({ id, text: said, check, workers, otherTexts, otherCommands }): Inline[][] => [
    [code(id)],
    [text(said), ...otherTexts.map((other) => text(`(${words.alsoPut(other)})`))],
    [
      text(check.how),
      ...(check.command === null ? [] : [code(check.command)]),
      ...(otherCommands.length === 0 ? [] : [text(`· ${words.alsoRun}:`), ...otherCommands.map(code)]),
    ],
    [text(workers.join(", "))],
  ]);
  return [{ kind: "table", head: [labels.criterion, labels.text, labels.check, labels.workers], rows }];
}

/** The questions of a run as a table, or the line that says that there is none. */
export function clarificationBlocks(clarifications: readonly AskedClarification[], lang: Language): Block[] {
  const { labels, empty } = WORDING[lang];
  if (clarifications.length === 0) return [{ kind: "empty", text: empty.clarifications }];
  const rows = clarifications.map(({ question, why, blocks, workers }): Inline[][] => [
    [text(question)],
    [text(why)],
    [text(phraseFor(wordingFor(lang).blocks, blocks))],
    [text(workers.join(", "))],
  ]);
  return [{ kind: "table", head: [labels.question, labels.why, labels.blocks, labels.askedBy], rows }];
}
