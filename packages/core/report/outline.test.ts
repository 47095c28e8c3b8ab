import fc from "fast-check";
import { expect, test } from "vitest";
import { TASK_TYPES } from "../domain/work.ts";
import { filledReport } from "./fixtures/phase-reports.ts";
import { emptyReport } from "./fixtures/reports.ts";
import { hostileText, withForeignText } from "./fixtures/hostile.ts";
import { renderHtml } from "./html.ts";
import { renderMarkdown } from "./markdown.ts";
import { checkOutline, outlineFor } from "./outline.ts";
import { LANGUAGES, wordingFor } from "./wording.ts";

const CASES = LANGUAGES.flatMap((lang) => TASK_TYPES.map((type) => [lang, type] as const));

test.each(CASES)("%s %s: an empty report has the whole outline and an empty-state line in each section", (lang, type) => {
  const markdown = renderMarkdown(emptyReport(lang, type));
  expect(checkOutline(markdown, type, lang)).toEqual([]);
  const numbers = outlineFor(type, lang)
    .filter(({ level }) => level === 2)
    .map(({ text }) => text.split(/\.? /)[0]);
  const extra = type === "implementation" ? ["4.5"] : type === "release-handoff" ? ["4.6"] : [];
  expect(numbers).toEqual(["0", "1", "2", "3", "4", ...extra, "5"]);
  const { empty } = wordingFor(lang);
  const ofLanes =
    type === "release-handoff"
      ? [empty.handoffWorkers, empty.handoffFindings, empty.handoffExecutions, empty.handoff]
      : [empty.workers, empty.findings, empty.executions];
  for (const line of [empty.verdict, empty.next, empty.phase, ...ofLanes]) expect(markdown).toContain(`_${line}_`);
});

test.each(CASES)("%s %s: a report with data keeps the outline, and its own section is not empty", (lang, type) => {
  const report = filledReport(lang, type);
  const markdown = renderMarkdown(report);
  expect(checkOutline(markdown, type, lang)).toEqual([]);
  const { empty } = wordingFor(lang);
  for (const line of [empty.phase, empty.implementation, empty.handoff]) expect(markdown).not.toContain(`_${line}_\n`);
  expect(/^## 4\.6 /m.test(markdown)).toBe(type === "release-handoff");
  expect(markdown).not.toMatch(/undefined|\[object Object\]|NaN/);
});

test.each(CASES)("case 52, 57: %s %s: foreign text in the phase's own section keeps the outline", (lang, type) => {
  const report = filledReport(lang, type);
  fc.assert(
    fc.property(fc.array(hostileText, { minLength: 1, maxLength: 20 }), (texts) => {
      const hostile = withForeignText({ ...report, sourceRoot: "/root" }, texts);
      expect(checkOutline(renderMarkdown(hostile), type, lang)).toEqual([]);
      expect(renderHtml(hostile)).not.toMatch(/<(?:script|img|svg)|[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u202A-\u202E\u2066-\u2069]/);
    }),
    { numRuns: 15 },
  );
});

test("4.6 has its seven parts, named as in the contract", () => {
  for (const lang of LANGUAGES) {
    const texts = outlineFor("release-handoff", lang).map(({ text }) => text);
    expect(texts.some((text) => text.startsWith("4.6 Release Handoff Deliverables"))).toBe(true);
    expect(texts.filter((text) => /^4\.6\.[1-7] /.test(text))).toHaveLength(7);
    expect(texts.some((text) => text.startsWith("4.6.2 Feature Branch & Working-Tree State"))).toBe(true);
  }
});

const report = renderMarkdown(emptyReport("en", "final-verification"));
const check = (markdown: string): string[] => checkOutline(markdown, "final-verification", "en");

test("a missing, a foreign, a doubled and a moved heading are each named", () => {
  expect(check(report.replace("## 2. Workers\n", ""))).toContain("missing: 2. Workers");
  expect(check(report.replace("## 2. Workers", "## 2. Helpers"))).toEqual([
    expect.stringMatching(/^extra: line \d+: 2\. Helpers$/),
    "missing: 2. Workers",
  ]);
  expect(check(`${report}\n## 3. Findings\n\ntext\n`)).toEqual([expect.stringMatching(/^extra: line \d+: 3\. Findings$/)]);
  const moved = report
    .replace("## 1. What to do next", "## X")
    .replace("## 2. Workers", "## 1. What to do next")
    .replace("## X", "## 2. Workers");
  expect(check(moved)).toEqual([expect.stringMatching(/^out-of-order: line \d+: 2\. Workers$/)]);
  expect(check(`${report}\nAnother\n---\n\ntext\n`)).toEqual([expect.stringMatching(/^extra: line \d+: Another$/)]);
  expect(check(`${report}\n#### Deep\n\ntext\n`)).toEqual([expect.stringMatching(/^extra: line \d+: Deep$/)]);
  expect(check(report.replace(/^# .*\n/, ""))).toEqual(["missing: okstra · Final verification"]);
});

test("4.5 and 4.6 are wanted where they belong and refused elsewhere", () => {
  const implementation = renderMarkdown(emptyReport("en", "implementation"));
  const handoff = renderMarkdown(emptyReport("en", "release-handoff"));
  expect(check(report.replace("## 5. Evidence", "## 4.5 Implementation Record\n\ntext\n\n## 5. Evidence"))).toEqual([
    expect.stringMatching(/^extra: .*4\.5/),
  ]);
  expect(check(report.replace("## 5. Evidence", "## 4.6 Release Handoff Deliverables\n\ntext\n\n## 5. Evidence"))).toEqual([
    expect.stringMatching(/^extra: .*4\.6/),
  ]);
  expect(checkOutline(implementation.replace(/## 4\.5[^#]*/, ""), "implementation", "en")).toEqual(["missing: 4.5 Implementation Record"]);
  expect(checkOutline(handoff.replace(/### 4\.6\.4[^#]*/, ""), "release-handoff", "en")).toEqual(["missing: 4.6.4 Executed Commands"]);
});

test("a section without its empty-state line is named", () => {
  expect(check(report.replace("_No worker ran._\n", ""))).toEqual([expect.stringMatching(/^empty: line \d+: 2\. Workers$/)]);
  expect(check(report.replace("_okstra executed no command._\n", ""))).toEqual([expect.stringMatching(/^empty: line \d+: Executions$/)]);
});

test("headings in fences, indented code and quotes do not count; raw HTML is named", () => {
  for (const hidden of ["```\n## 3. Findings\n```", "~~~~ text\n# x\n```\n# y\n~~~~", "> ## 3. Findings", "    ## 3. Findings"]) {
    expect(check(`${report}\n${hidden}\n`)).toEqual([]);
  }
  expect(check(report.replace("## 3. Findings", "```\n## 3. Findings\n```"))).toContain("missing: 3. Findings");
  expect(check(`${report}\n<!-- x -->\n`)).toEqual([expect.stringMatching(/^raw-html: line \d+$/)]);
});

test("a task type that is not known is shown as it is and keeps the outline", () => {
  expect(outlineFor("brand-new", "en").map(({ text }) => text)).toContain("4. brand-new");
  fc.assert(
    fc.property(hostileText, fc.constantFrom(...LANGUAGES), (type, lang) => {
      fc.pre(type !== "implementation" && type !== "release-handoff");
      expect(checkOutline(renderMarkdown(emptyReport(lang, type)), type, lang)).toEqual([]);
    }),
  );
});
