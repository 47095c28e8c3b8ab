import { badge, code, text, type Block, type Inline } from "../../report/document.ts";
import { phraseFor, wordingFor, type Language } from "../../report/wording.ts";
import type { ImplementationSection } from "./section.ts";
import { WORDING } from "./wording.ts";

type Words = (typeof WORDING)[Language];

/** Characters of a commit id that are shown. */
const SHORT = 12;

/** Section 4: what the phase came to, in short. */
export function implementationSummaryBlocks(section: ImplementationSection, lang: Language): Block[] {
  const words = WORDING[lang];
  const { rounds, commits, diffstat, testFirst, breaches } = section;
  const isShown = testFirst.some(({ outcome }) => outcome === "shown");
  return [
    { kind: "paragraph", content: [text(words.summary(rounds.length, commits.length, diffstat.files))] },
    { kind: "paragraph", content: [text(isShown ? words.shown : words.notShown)] },
    ...breaches.map((breach): Block => ({
      kind: "notice",
      tone: "bad",
      content: [text(phraseFor(wordingFor(lang).gateReasons, breach.code))],
    })),
    { kind: "subhead", text: words.sub.rounds },
    rounds.length === 0
      ? { kind: "empty", text: words.empty.rounds }
      : {
          kind: "table",
          head: [words.labels.round, words.labels.blockers],
          rows: rounds.map(({ round, blockers }) => [[text(String(round))], [badge(String(blockers), blockers === 0 ? "good" : "bad")]]),
        },
  ];
}

/** Section 4.5: the record of the work. */
export function implementationBlocks(section: ImplementationSection, lang: Language): Block[] {
  const words = WORDING[lang];
  const { record } = words;
  return [
    { kind: "subhead", text: record.executor },
    executorBlock(section, words, lang),
    { kind: "subhead", text: record.commits },
    commitsBlock(section, words),
    { kind: "subhead", text: record.files },
    ...filesBlocks(section, words),
    { kind: "subhead", text: record.steps },
    ...stepsBlocks(section, words),
    { kind: "subhead", text: record.testFirst },
    testFirstBlock(section, words),
    { kind: "subhead", text: record.breaches },
    ...breachesBlocks(section, words, lang),
  ];
}

function executorBlock({ executor }: ImplementationSection, words: Words, lang: Language): Block {
  if (executor === null) return { kind: "empty", text: words.empty.executor };
  const { labels } = words;
  const end = badge(phraseFor(wordingFor(lang).ends, executor.end), executor.end === "ok" ? "good" : "bad");
  return {
    kind: "facts",
    facts: [
      { label: labels.worker, value: [code(executor.worker)] },
      { label: labels.family, value: [text(executor.family)] },
      { label: labels.end, value: [end] },
    ],
  };
}

function commitsBlock({ commits }: ImplementationSection, words: Words): Block {
  if (commits.length === 0) return { kind: "empty", text: words.empty.commits };
  const rows = commits.map(({ id, subject }): Inline[][] => [[code(id.slice(0, SHORT))], [text(subject)]]);
  return { kind: "table", head: [words.labels.commit, words.labels.subject], rows };
}

function filesBlocks({ files, diffstat }: ImplementationSection, words: Words): Block[] {
  if (files.length === 0) return [{ kind: "empty", text: words.empty.files }];
  const { labels } = words;
  const lines = (n: number | null): Inline[] => [text(n === null ? words.lines : String(n))];
  return [
    { kind: "paragraph", content: [text(words.diffstat(diffstat.files, diffstat.insertions, diffstat.deletions))] },
    {
      kind: "table",
      head: [labels.path, labels.change, labels.added, labels.removed],
      rows: files.map(({ path, status, insertions, deletions }): Inline[][] => [
        [code(path)],
        [text(phraseFor(words.statuses, status))],
        lines(insertions),
        lines(deletions),
      ]),
    },
  ];
}

function stepsBlocks({ hasPlan, steps, unmapped }: ImplementationSection, words: Words): Block[] {
  if (!hasPlan) return [{ kind: "empty", text: words.empty.steps }];
  const { labels } = words;
  const rows = steps.map(({ id, text: what, commits }): Inline[][] => [
    [code(id)],
    [text(what)],
    commits.length === 0 ? [badge(words.noCommits, "warn")] : commits.map((commit) => code(commit.slice(0, SHORT))),
  ]);
  const loose: Block[] =
    unmapped.length === 0
      ? []
      : [{ kind: "notice", tone: "warn", content: [text(words.unmapped), ...unmapped.map((commit) => code(commit.slice(0, SHORT)))] }];
  return [{ kind: "table", head: [labels.step, labels.text, labels.commits], rows }, ...loose];
}

function testFirstBlock({ testFirst }: ImplementationSection, words: Words): Block {
  if (testFirst.length === 0) return { kind: "empty", text: words.empty.testFirst };
  const { labels } = words;
  const rows = testFirst.map((each): Inline[][] => [
    [code(each.command)],
    each.testFiles.map(code),
    executionOf(each.before, words),
    executionOf(each.after, words),
    [badge(phraseFor(words.outcomes, each.outcome), each.outcome === "shown" ? "good" : "quiet")],
    [text(each.note)],
  ]);
  return { kind: "table", head: [labels.command, labels.tests, labels.before, labels.after, labels.result, labels.note], rows };
}

/** A command that could not be executed has shown nothing: it neither passed nor failed. */
function executionOf({ exitCode, failed }: ImplementationSection["testFirst"][number]["before"], words: Words): Inline[] {
  const exit = exitCode === null ? [] : [text(words.exit(exitCode))];
  if (failed) return [badge(words.failed, "bad"), ...exit];
  return exitCode === 0 ? [badge(words.passed, "good"), ...exit] : [badge(words.notExecuted, "quiet"), ...exit];
}

function breachesBlocks({ breaches }: ImplementationSection, words: Words, lang: Language): Block[] {
  if (breaches.length === 0) return [{ kind: "empty", text: words.empty.breaches }];
  return breaches.flatMap((breach): Block[] => [
    { kind: "notice", tone: "bad", content: [text(phraseFor(wordingFor(lang).gateReasons, breach.code))] },
    ...(breach.details.length === 0 ? [] : [{ kind: "list" as const, items: breach.details.map((detail) => [code(detail)]) }]),
  ]);
}
