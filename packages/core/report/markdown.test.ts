import fc from "fast-check";
import { fromMarkdown } from "mdast-util-from-markdown";
import { toString } from "mdast-util-to-string";
import { expect, test } from "vitest";
import { hostileText, withForeignText } from "./fixtures/hostile.ts";
import { handoffReport } from "./fixtures/handoff-reports.ts";
import { blockedVerification, confirmedAnalysis, emptyReport, overriddenVerification, stoppedImplementation } from "./fixtures/reports.ts";
import { renderMarkdown } from "./markdown.ts";
import { checkOutline } from "./outline.ts";
import { LANGUAGES } from "./wording.ts";

interface Node {
  readonly type: string;
  readonly url?: string;
  readonly depth?: number;
  readonly children?: readonly Node[];
}

function nodesOf(node: Node): Node[] {
  return [node, ...(node.children ?? []).flatMap(nodesOf)];
}

const headingsOf = (markdown: string): string[] =>
  nodesOf(fromMarkdown(markdown) as Node)
    .filter((node) => node.type === "heading")
    .map((node) => `${node.depth} ${toString(node)}`);

for (const lang of LANGUAGES) {
  test.each([
    ["blocked", blockedVerification(lang)],
    ["confirmed", confirmedAnalysis(lang)],
    ["empty", emptyReport(lang)],
    ["overridden", overriddenVerification(lang)],
    ["stopped", stoppedImplementation(lang)],
  ])(`${lang}: the report %s reads as its snapshot`, async (name, report) => {
    const markdown = renderMarkdown(report);
    expect(checkOutline(markdown, report.type, lang)).toEqual([]);
    expect(renderMarkdown(structuredClone(report))).toBe(markdown);
    await expect(markdown).toMatchFileSnapshot(`fixtures/snapshots/${name}.${lang}.md`);
  });
}

test("an override is said with its reason, its author and its end", () => {
  const markdown = renderMarkdown(overriddenVerification());
  for (const part of ["**PASSED (override)**", "ticket SHOP-812", "Dana Kim", "2026-11-09 00:00:00 UTC", "**BLOCKED**"])
    expect(markdown).toContain(part);
  expect(renderMarkdown(blockedVerification())).not.toContain("PASSED");
});

test("an unknown reason and an unknown step are shown as they are", () => {
  const report = blockedVerification();
  const markdown = renderMarkdown({
    ...report,
    gate: { ...report.gate, reasons: ["moon-phase"] },
    nextSteps: [{ code: "wait-for-moon", command: null }],
  });
  expect(markdown).toContain("- moon-phase\n");
  expect(markdown).toContain("1. wait-for-moon\n");
});

test("a text that looks like a list, a rule or a link is only text", () => {
  const report = blockedVerification();
  const [first] = report.clusters;
  const claims = ["- x", "1. x", "---", "***", "# x", "a\nb", "https://x.test", "[a](b)", "a|b", "me@x.test", "x &amp; y"];
  const markdown = renderMarkdown({ ...report, clusters: claims.map((claim) => ({ ...first!, claim })) });
  for (const shown of [
    "\n\\- x\n",
    "\n1\\. x\n",
    "\n\\---\n",
    "\n\\*\\*\\*\n",
    "\n\\# x\n",
    "\na ↵ b\n",
    "\n`https://x.test`\n",
    "\n\\[a\\](b)\n",
    "\na\\|b\n",
    "\n`me@x.test`\n",
    "\nx \\&amp; y\n",
  ]) {
    expect(markdown).toContain(shown);
  }
});

test("case 52, 57: foreign text changes no heading, makes no link, image or HTML and leaves no control character", () => {
  const reports = LANGUAGES.flatMap((lang) => [
    blockedVerification(lang),
    stoppedImplementation(lang),
    handoffReport(lang, "push-rejected"),
  ]);
  const tameReports = reports.map((report) => ({ report, headings: headingsOf(renderMarkdown(report)) }));
  fc.assert(
    fc.property(fc.array(hostileText, { minLength: 1, maxLength: 40 }), fc.constantFrom(...tameReports), (texts, { report, headings }) => {
      const markdown = renderMarkdown(withForeignText({ ...report, sourceRoot: "/root" }, texts));
      expect(checkOutline(markdown, report.type, report.lang)).toEqual([]);
      expect(headingsOf(markdown)).toEqual(headings);
      const nodes = nodesOf(fromMarkdown(markdown) as Node);
      expect(
        nodes.filter((node) =>
          ["html", "image", "definition", "thematicBreak", "blockquote", "imageReference", "linkReference"].includes(node.type),
        ),
      ).toEqual([]);
      expect(nodes.filter((node) => node.type === "link" && !(node.url ?? "").startsWith("file:///"))).toEqual([]);
      expect(markdown).not.toMatch(/[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u202A-\u202E\u2066-\u2069]/);
    }),
    { numRuns: 40 },
  );
});

test("case 52: foreign text breaks no table", () => {
  const cellsOf = (line: string): number => line.replaceAll(/\\[\\|]/g, "").split("|").length;
  fc.assert(
    fc.property(
      fc.array(hostileText, { minLength: 1, maxLength: 20 }),
      fc.constantFrom(blockedVerification, stoppedImplementation, () => handoffReport("en", "opened")),
      (texts, make) => {
        const markdown = renderMarkdown(withForeignText(make(), texts));
        const lines = markdown.split("\n");
        const tables = lines.flatMap((line, at) => (line.startsWith("| ---") ? [at] : []));
        expect(tables.length).toBeGreaterThan(2);
        for (const at of tables) {
          for (let row = at - 1; lines[row]?.startsWith("| "); row += 1) expect(cellsOf(lines[row] ?? "")).toBe(cellsOf(lines[at] ?? ""));
        }
      },
    ),
    { numRuns: 60 },
  );
});
