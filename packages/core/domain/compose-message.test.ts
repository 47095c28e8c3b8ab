import fc from "fast-check";
import { fromMarkdown } from "mdast-util-from-markdown";
import { expect, test } from "vitest";
import { collectTrailers, composeTitle, inert, splitMessage, squashMessage, type MessageFacts } from "./compose-message.ts";

const FACTS: MessageFacts = {
  taskKey: "shop/bugs/fix-login",
  category: "bugfix",
  branch: "fix-login",
  base: "main",
  head: "1".repeat(40),
  brief: null,
  source: { run: 1, verdict: "accepted", commit: "1".repeat(40), reportPath: "x/report.md", reportSha256: "2".repeat(64), override: null },
  criteria: [],
  findings: { total: 0, byClass: {}, bySeverity: {} },
  lanes: [],
  commits: [],
  runs: [],
  lang: "en",
};
const commit = (subject: string) => ({ sha: "1".repeat(40), subject, author: "A <a@example.com>", at: "2026-01-01T00:00:00Z" });

test("a title is the only commit's subject, else the brief's first line, else the task's name", () => {
  expect(composeTitle({ ...FACTS, commits: [commit("Mend the login")] })).toBe("Mend the login");
  const brief = "\n---\n## The login *fails* ##\n\nLong ago.";
  expect(composeTitle({ ...FACTS, brief, commits: [commit("a"), commit("b")] })).toBe("The login *fails*");
  expect(composeTitle(FACTS)).toBe("bugfix: fix login");
  expect(composeTitle({ ...FACTS, commits: [commit("\u001B[31m\u202E")] })).toBe("\\u{1b}[31m\\u{202e}");
});

test("a title is one neutral line of at most 72 characters", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 300 }), (subject) => {
      const title = composeTitle({ ...FACTS, commits: [commit(subject)] });
      expect([...title].length).toBeLessThanOrEqual(72);
      expect(title).not.toMatch(/(?![\u200C\u200D])[\p{Cc}\p{Cf}\p{Cs}]/u);
      expect(title.trim()).not.toBe("");
    }),
  );
});

test("a message's first line that says something is the title", () => {
  expect(splitMessage("\uFEFF\n\n  Mend  it \r\n\r\nBecause.\n\n- a\n\n")).toEqual({ title: "Mend it", body: "Because.\n\n- a" });
  expect(splitMessage("Only")).toEqual({ title: "Only", body: "" });
  for (const bad of ["", " \n\t\n", "a\0b", "x".repeat(257), `t\n${"x".repeat(60_001)}`])
    expect(() => splitMessage(bad)).toThrow(/^The message /);
});

test("what was split is the same when it is split again", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", minLength: 1, maxLength: 200 }), (text) => {
      fc.pre(text.trim() !== "" && !text.includes("\0") && !text.includes("\uFFFD"));
      const once = splitMessage(text);
      expect(splitMessage([once.title, "", once.body].join("\n"))).toEqual(once);
    }),
  );
});

const nasty = fc
  .array(
    fc.oneof(
      fc.constantFrom("@ann", "#12", "GH-12", "fixes #1", "acme/app#3", "!7", "<img src=x>", "![x](http://e.test/a.png)", "https://e.test"),
      fc.constantFrom(
        "[a](b)",
        "`",
        "**",
        "_",
        "~~",
        "- ",
        "1. ",
        "> ",
        "# ",
        "|",
        "\n",
        "\n\n",
        "\\",
        "&lt;",
        "www.e.test",
        "a@b.example",
      ),
      fc.string({ unit: "binary", maxLength: 8 }),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(" "));

test("case 14: foreign text does nothing in a forge's Markdown", () => {
  fc.assert(
    fc.property(nasty, (text) => {
      const kinds = new Set<string>();
      const outside: string[] = [];
      const walk = (node: { type: string; value?: string; children?: unknown[] }): void => {
        kinds.add(node.type);
        if (node.type === "text") outside.push(node.value ?? "");
        for (const child of node.children ?? []) walk(child as typeof node);
      };
      walk(fromMarkdown(inert(text)) as never);
      for (const kind of kinds) expect(["root", "paragraph", "text", "inlineCode"]).toContain(kind);
      expect(outside.join(" ")).not.toMatch(/@\w|#\d|\bGH-\d|:\/\//i);
    }),
    { numRuns: 2000 },
  );
});

test("trailers of all messages are kept once each; a last paragraph that is prose is none", () => {
  const messages = [
    "One\n\nBody.\n\nCo-authored-by: A <a@example.com>\nStep: S1\n",
    "Two\n\nSigned-off-by: B <b@example.com>\nCo-authored-by: A <a@example.com>\nNote: long\n  and folded\n",
    "Three: not one",
    "Four\n\nSee: this\nand that",
  ];
  const trailers = collectTrailers(messages);
  expect(trailers).toEqual(["Co-authored-by: A <a@example.com>", "Step: S1", "Signed-off-by: B <b@example.com>", "Note: long and folded"]);
  expect(squashMessage({ title: "All", body: "Why.", trailers })).toBe(`All\n\nWhy.\n\n${trailers.join("\n")}\n`);
  expect(squashMessage({ title: "All", body: "Why.\n\nStep: S1", trailers })).toBe(
    "All\n\nWhy.\n\nStep: S1\nCo-authored-by: A <a@example.com>\nSigned-off-by: B <b@example.com>\nNote: long and folded\n",
  );
  expect(squashMessage({ title: "All", body: "", trailers: [] })).toBe("All\n");
});
