import { fromMarkdown } from "mdast-util-from-markdown";
import { toString } from "mdast-util-to-string";
import { expect, test } from "vitest";
import { TASK_TYPES } from "../../domain/work.ts";
import { handoffReport, reportOf } from "../../report/fixtures/handoff-reports.ts";
import { filledReport } from "../../report/fixtures/phase-reports.ts";
import { renderHtml } from "../../report/html.ts";
import { renderMarkdown } from "../../report/markdown.ts";
import { checkOutline } from "../../report/outline.ts";
import { LANGUAGES, wordingFor, type Wording } from "../../report/wording.ts";
import { describeOutcome, handoffBlocks } from "./blocks.ts";
import { HANDOFFS, handoffPlan, handoffRecord, type HandoffName } from "./fixtures/handoffs.ts";
import type { HandoffRecord } from "./section.ts";
import { WORDING } from "./wording.ts";

const CASES = LANGUAGES.flatMap((lang) => HANDOFFS.map((name) => [lang, name] as const));

type Part = keyof Wording["handoff"];

/** What stands under one of the seven headings. */
function partOf(markdown: string, part: Part, lang: "en" | "ko" = "en"): string {
  const [, after = ""] = markdown.split(`### ${wordingFor(lang).handoff[part]}\n`);
  return (/^[\s\S]*?(?=\n#{2,3} |$(?![\s\S]))/.exec(after)?.[0] ?? "").trim();
}

test.each(CASES)("%s %s: the report keeps its outline and reads as its snapshot", async (lang, name) => {
  const report = handoffReport(lang, name);
  const markdown = renderMarkdown(report);
  expect(checkOutline(markdown, "release-handoff", lang)).toEqual([]);
  expect(renderMarkdown(structuredClone(report))).toBe(markdown);
  await expect(markdown).toMatchFileSnapshot(`fixtures/snapshots/${name}.${lang}.md`);
});

test.each(CASES)("%s %s: the outcome is one sentence, and nothing speaks of workers, cross-checks or overrides to come", (lang, name) => {
  const report = handoffReport(lang, name);
  const words = wordingFor(lang);
  const markdown = renderMarkdown(report);
  const sentence = report.releaseHandoff === null ? "" : describeOutcome(report.releaseHandoff, lang);
  expect(sentence).not.toBe("");
  expect(markdown.split(sentence)).toHaveLength(3);
  for (const absent of [words.empty.workers, words.empty.findings, words.empty.executions, words.empty.phase])
    expect(markdown).not.toContain(`_${absent}_`);
  expect(markdown).not.toContain(words.noCrossCheck);
  expect(markdown).not.toMatch(/okstra override|okstra run/);
  expect(report.nextSteps).toHaveLength(1);
});

test.each(LANGUAGES)("%s: 4.6 stands in a release-handoff and nowhere else", (lang) => {
  for (const type of TASK_TYPES) {
    const headings = renderMarkdown(filledReport(lang, type)).match(/^#{2,3} 4\.6[. ].*$/gm) ?? [];
    expect(headings).toHaveLength(type === "release-handoff" ? 8 : 0);
  }
});

test.each(LANGUAGES.flatMap((lang) => (["skipped", "cancelled"] as const).map((name) => [lang, name] as const)))(
  "%s %s: 4.6.3 is filled; 4.6.4, 4.6.5 and 4.6.6 say that they are empty, each in its own words",
  (lang, name) => {
    const markdown = renderMarkdown(handoffReport(lang, name));
    const { calls, commits, pullRequest } = WORDING[lang].notDone[name];
    expect(partOf(markdown, "executedCommands", lang)).toBe(`_${calls}_`);
    expect(partOf(markdown, "commitList", lang)).toBe(`_${commits}_`);
    expect(partOf(markdown, "pullRequest", lang)).toBe(`_${pullRequest}_`);
    expect(new Set([calls, commits, pullRequest]).size).toBe(3);
    expect(partOf(markdown, "userSelections", lang)).toContain("| `H1` ");
    expect(markdown.includes(`_${WORDING[lang].empty.choice}_`)).toBe(name === "cancelled");
  },
);

test.each(LANGUAGES)("%s: without a forge the words are exact; without a program the compare URL is named", (lang) => {
  expect(partOf(renderMarkdown(handoffReport(lang, "no-forge")), "pullRequest", lang)).toContain("not created: no forge");
  const without = partOf(renderMarkdown(handoffReport(lang, "no-program")), "pullRequest", lang);
  expect(without).toContain("`https://github.com/acme/shop/compare/main...fix-fix-totals?expand=1`");
  expect(without).toContain("gh");
});

test("a push URL that differs is said, and one that is the same is too", () => {
  const en = WORDING.en;
  expect(partOf(renderMarkdown(handoffReport("en", "found")), "branchState")).toContain(en.urlsDiffer);
  const same = partOf(renderMarkdown(handoffReport("en", "opened")), "branchState");
  expect(same).not.toContain(en.urlsDiffer);
  expect(same).toContain(`(${en.sameUrl})`);
});

test("the remote's URL, the pull request's and the compare URL are no links", () => {
  for (const name of HANDOFFS) {
    const report = handoffReport("en", name);
    expect(renderHtml(report)).not.toMatch(/<a /);
    expect(nodesOf(fromMarkdown(renderMarkdown(report)) as Node).filter(({ type }) => type === "link")).toEqual([]);
  }
});

test("a call that was ended says how, and a status other than 0 is shown", () => {
  const record = handoffRecord("opened");
  const [call] = record.calls;
  const ends = (["deadline", "cancelled", "not-found", "by-itself"] as const).map((ended) => ({ ...call!, exitCode: null, ended }));
  const { releaseHandoff } = reportOf("en", { ...record, calls: [...ends, { ...call!, exitCode: 128 }] });
  const [table] = handoffBlocks(releaseHandoff!, "en").executedCommands;
  expect(table?.kind === "table" ? table.rows.map(([, end]) => end?.[0]) : []).toEqual([
    { kind: "badge", text: "ended at its deadline", tone: "bad" },
    { kind: "badge", text: "ended because a person interrupted", tone: "bad" },
    { kind: "badge", text: "program not found", tone: "bad" },
    { kind: "badge", text: "ended by a signal", tone: "bad" },
    { kind: "badge", text: "exit 128", tone: "quiet" },
  ]);
});

test("many files are cut off with their number", () => {
  const rows = Array.from({ length: 130 }, (_, at) => ({ path: `src/${at}.ts`, insertions: 1, deletions: 0 }));
  const plan = handoffPlan({ diffstat: { files: 130, insertions: 130, deletions: 0, rows } });
  const state = partOf(renderMarkdown(reportOf("en", handoffRecord("opened", plan))), "branchState");
  expect(state).toContain("`src/99.ts`");
  expect(state).not.toContain("`src/100.ts`");
  expect(state).toContain(WORDING.en.moreFiles(30));
});

test("an empty answer and an empty body are said to be empty; a hand-off without any answer says so", () => {
  const record = handoffRecord("opened", handoffPlan({ body: " \n" }));
  const blank = record.answers.map((answer) => ({ ...answer, text: " " }));
  const markdown = renderMarkdown(reportOf("en", { ...record, answers: blank }));
  expect(partOf(markdown, "userSelections").split(WORDING.en.blank)).toHaveLength(4);
  expect(partOf(markdown, "pullRequest")).toContain(WORDING.en.empty.body);
  const none = renderMarkdown(reportOf("en", { ...handoffRecord("cancelled"), answers: [] }));
  expect(partOf(none, "userSelections")).toContain(WORDING.en.empty.selections);
});

interface Node {
  readonly type: string;
  readonly value?: string;
  readonly children?: readonly Node[];
}

function nodesOf(node: Node): Node[] {
  return [node, ...(node.children ?? []).flatMap(nodesOf)];
}

const HOSTILE =
  "\u001B]8;;https://evil.test\u0007x\u001B[31m \u202Egnp.exe <script>alert(1)</script> a|b `tick` ``` \n## 5. Evidence\n\n![p](https://evil.test/p.png)";

/** A record in which everything that a person, a repository, a remote or a forge can choose is hostile. */
function hostileRecord(name: HandoffName): HandoffRecord {
  const plan = handoffPlan({
    branch: HOSTILE,
    title: HOSTILE,
    body: HOSTILE,
    notes: [HOSTILE],
    list: handoffRecord(name).plan?.list.map((commit) => ({ ...commit, subject: HOSTILE, author: HOSTILE })) ?? [],
    base: { ...handoffPlan().base!, branch: HOSTILE },
    remote: { ...handoffPlan().remote!, name: HOSTILE, url: HOSTILE, pushUrl: `${HOSTILE}2` },
    diffstat: { files: 1, insertions: 1, deletions: 1, rows: [{ path: HOSTILE, insertions: 1, deletions: 1 }] },
    secrets: { scanned: 1, accepted: [HOSTILE] },
  });
  const record = handoffRecord(name, plan);
  const { state } = record;
  return {
    ...record,
    answers: record.answers.map((answer) => ({ ...answer, text: HOSTILE, by: HOSTILE })),
    calls: record.calls.map((call) => ({ ...call, argv: ["git", HOSTILE, "", "it's"] })),
    state: {
      ...state,
      rejection: state.rejection === null ? null : HOSTILE,
      pullRequest: state.pullRequest === null ? null : { ...state.pullRequest, url: "javascript:alert(1)", state: HOSTILE },
    },
  };
}

test.each(LANGUAGES.flatMap((lang) => (["opened", "push-rejected", "cancelled"] as const).map((name) => [lang, name] as const)))(
  "case 52, 57: %s %s: hostile names, answers, arguments and a remote's words stay text",
  (lang, name) => {
    const report = reportOf(lang, hostileRecord(name));
    const markdown = renderMarkdown(report);
    const page = renderHtml(report);
    const acting = /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u202A-\u202E\u2066-\u2069]/;
    expect(checkOutline(markdown, "release-handoff", lang)).toEqual([]);
    expect(markdown).not.toMatch(acting);
    expect(page).not.toMatch(acting);
    expect(page).not.toMatch(/<(?:script|img|a|svg)[ >]/);
    const nodes = nodesOf(fromMarkdown(markdown) as Node);
    expect(nodes.filter(({ type }) => ["html", "image", "link", "definition", "thematicBreak"].includes(type))).toEqual([]);
    const headings = nodes.filter(({ type }) => type === "heading").map((node) => toString(node));
    const tame = nodesOf(fromMarkdown(renderMarkdown(handoffReport(lang, name))) as Node).filter(({ type }) => type === "heading");
    expect(headings).toEqual(tame.map((node) => toString(node)));
    const cellsOf = (line: string): number => line.replaceAll(/\\[\\|]/g, "").split("|").length;
    for (const table of markdown.split("\n\n").filter((block) => block.startsWith("| ")))
      expect(new Set(table.split("\n").map(cellsOf)).size).toBe(1);
    if (name === "push-rejected") {
      const rejection = nodes.find(({ type, value }) => type === "code" && value?.includes("<script>") === true);
      expect(rejection?.value).toContain("## 5. Evidence");
      expect(rejection?.value).toContain("\\u{1b}]8;;https://evil.test\\u{7}x");
    }
    if (name !== "cancelled") expect(partOf(markdown, "executedCommands", lang)).toContain("\\033]8;;https://evil.test\\007x");
  },
);
