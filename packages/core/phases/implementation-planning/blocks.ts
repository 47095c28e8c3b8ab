import { badge, code, fact, text, type Block, type Inline } from "../../report/document.ts";
import { phraseFor, type Language } from "../../report/wording.ts";
import { clarificationBlocks } from "../requirements-discovery/blocks.ts";
import type { PlanningSection } from "./section.ts";
import { WORDING } from "./wording.ts";

type Words = (typeof WORDING)[Language];
type Plan = NonNullable<PlanningSection["plan"]>;

/** Section 4 of an implementation planning. */
export function planningBlocks(section: PlanningSection, lang: Language): Block[] {
  const words = WORDING[lang];
  const { plan, alternatives, invalid } = section;
  const empty: Block = { kind: "empty", text: words.empty.plan };
  return [
    { kind: "subhead", text: words.sub.options },
    ...(plan === null ? [empty] : optionsBlocks(plan, section, words)),
    { kind: "subhead", text: words.sub.stages },
    ...(plan === null ? [empty] : stagesBlocks(plan, section, words)),
    { kind: "subhead", text: words.sub.alternatives },
    ...(alternatives.length === 0
      ? [{ kind: "empty" as const, text: words.empty.alternatives }]
      : alternatives.flatMap((each) => alternativeBlocks(each, words))),
    { kind: "subhead", text: words.sub.invalid },
    ...(invalid.length === 0
      ? [{ kind: "empty" as const, text: words.empty.invalid }]
      : [
          {
            kind: "list" as const,
            items: invalid.flatMap(({ worker, problems }) => problems.map((problem) => [code(worker), text(wordProblem(problem, words))])),
          },
        ]),
    { kind: "subhead", text: words.sub.clarifications },
    ...clarificationBlocks(section.clarifications, lang),
  ];
}

function optionsBlocks(plan: Plan, { planSha256 }: PlanningSection, words: Words): Block[] {
  const { labels } = words;
  return [
    {
      kind: "facts",
      facts: [
        fact(labels.recommended, code(plan.recommended)),
        fact(labels.reason, text(plan.reason)),
        fact(labels.proposedBy, code(plan.proposedBy)),
        ...(planSha256 === null ? [] : [fact(labels.planSha256, code(planSha256))]),
      ],
    },
    optionsTable(plan.options, plan.recommended, words),
  ];
}

function optionsTable(options: Plan["options"], recommended: string, words: Words): Block {
  const { labels } = words;
  return {
    kind: "table",
    head: [labels.option, labels.summary, labels.pros, labels.cons],
    rows: options.map((option): Inline[][] => [
      [code(option.id), text(option.title), ...(option.id === recommended ? [badge(words.recommended, "info")] : [])],
      [text(option.summary)],
      [text(option.pros.join("; "))],
      [text(option.cons.join("; "))],
    ]),
  };
}

function stagesBlocks({ stages }: Plan, { waves, minutes }: PlanningSection, words: Words): Block[] {
  const { labels } = words;
  const byId = new Map(stages.map((stage) => [stage.id, stage]));
  const order = waves.map((wave) => (wave.length > 1 ? `{ ${wave.join(", ")} }` : wave.join(""))).join(" → ");
  const hasParallel = waves.some((wave) => wave.length > 1);
  return [
    {
      kind: "facts",
      facts: [
        fact(labels.order, text(order), ...(hasParallel ? [text(`(${words.parallel})`)] : [])),
        fact(labels.total, text(words.minutes(minutes))),
      ],
    },
    ...waves.flat().flatMap((id) => stageBlocks(byId.get(id), words)),
  ];
}

function stageBlocks(stage: Plan["stages"][number] | undefined, words: Words): Block[] {
  if (stage === undefined) return [];
  const { labels } = words;
  const { id, title, dependsOn, steps, validation, rollback } = stage;
  return [
    {
      kind: "paragraph",
      content: [
        { kind: "strong", text: words.stage(id, title) },
        ...(dependsOn.length === 0 ? [] : [text(`(${words.after(dependsOn.join(", "))})`)]),
      ],
    },
    {
      kind: "table",
      head: [labels.step, labels.text, labels.time, labels.files],
      rows: steps.map((step): Inline[][] => [
        [code(step.id)],
        [text(step.text)],
        [text(words.minutes(step.minutes))],
        step.files.map(code),
      ]),
    },
    { kind: "facts", facts: [fact(labels.validation, ...validation.map(code)), fact(labels.rollback, text(rollback))] },
  ];
}

function alternativeBlocks(plan: PlanningSection["alternatives"][number], words: Words): Block[] {
  const { labels } = words;
  return [
    {
      kind: "facts",
      facts: [
        fact(labels.worker, code(plan.worker)),
        fact(labels.recommended, code(plan.recommended)),
        fact(labels.reason, text(plan.reason)),
        fact(labels.stages, text(String(plan.stages))),
        fact(labels.total, text(words.minutes(plan.minutes))),
      ],
    },
    optionsTable(plan.options, plan.recommended, words),
  ];
}

/** `code: subject` in the language. */
function wordProblem(problem: string, words: Words): string {
  const at = problem.indexOf(": ");
  return at < 0 ? phraseFor(words.problems, problem) : `${phraseFor(words.problems, problem.slice(0, at))}${problem.slice(at)}`;
}
