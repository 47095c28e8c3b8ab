import fc from "fast-check";
import { fromMarkdown } from "mdast-util-from-markdown";
import { expect, test } from "vitest";
import { neutralise } from "../report/neutral-text.ts";
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

test("a title is cut between what is seen as one character, however many code points that has", () => {
  const family = "\u{1F468}\u200D\u{1F469}\u200D\u{1F467}\u200D\u{1F466}";
  const ofSubject = (subject: string): string => composeTitle({ ...FACTS, commits: [commit(subject)] });
  expect(ofSubject(`Mend ${family.repeat(12)}`)).toBe(`Mend ${family.repeat(9)}…`);
  expect(ofSubject(`${"word ".repeat(13)}wo${"r".repeat(9)}d`)).toBe(`${"word ".repeat(13).trim()}…`);
  expect([...ofSubject(`a${"\u0301".repeat(100)}`)]).toHaveLength(72);
});

test("a message's first line that says something is the title", () => {
  expect(splitMessage("\uFEFF\n\n  Mend  it \r\n\r\nBecause.\n\n- a\n\n")).toEqual({ title: "Mend it", body: "Because.\n\n- a" });
  expect(splitMessage("Only")).toEqual({ title: "Only", body: "" });
  for (const bad of [
    "",
    " \n\t\n",
    "a\0b",
    "a\uFFFDb",
    "x".repeat(257),
    `t\n${"x".repeat(59_998)}`,
    `t\n${"가".repeat(20_000)}`,
    `t\n${"\u001B".repeat(10_000)}`,
  ])
    expect(() => splitMessage(bad)).toThrow(expect.objectContaining({ code: "OKSTRA_HANDOFF_MESSAGE_INVALID" }));
  for (const body of ["x".repeat(59_997), "가".repeat(19_999), "\\u{1b}".repeat(9999)]) {
    expect(splitMessage(`t\n${body}`)).toEqual({ title: "t", body });
    expect(splitMessage(`t\n\n${body}`)).toEqual({ title: "t", body });
  }
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
        "acme/app!7",
        "acme/app&7",
        "acme/app%1.0",
        "app~bug",
        "_GH-12_",
        "(gh-1)",
        "GL-12",
        "[issue:12]",
        "/close",
        "/merge",
      ),
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

/** The node types of a text as Markdown, its words outside of code, and all that it shows. */
function readMarkdown(markdown: string): { readonly types: ReadonlySet<string>; readonly outside: string; readonly shown: string } {
  const types = new Set<string>();
  const outside: string[] = [];
  const shown: string[] = [];
  const walk = (node: { type: string; value?: string; children?: unknown[] }): void => {
    types.add(node.type);
    if (node.type === "text") outside.push(node.value ?? "");
    shown.push(node.value ?? "");
    for (const child of node.children ?? []) walk(child as typeof node);
  };
  walk(fromMarkdown(markdown) as never);
  return { types, outside: outside.join(" "), shown: shown.join("") };
}

test("case 14: foreign text does nothing in a forge's Markdown, and all of it is seen", () => {
  fc.assert(
    fc.property(nasty, (text) => {
      const markdown = inert(text);
      const { types, outside, shown } = readMarkdown(markdown);
      for (const type of types) expect(["root", "paragraph", "text", "inlineCode"]).toContain(type);
      expect(outside).not.toMatch(/@\w|#\d|(?<![a-z\d])G[HL]-\d|:\/\/|www\.|[!&$%~]\w|\[\w+:\w/i);
      expect(markdown).not.toMatch(/[\n\r]|^\s*\//);
      const words = neutralise(text).split(/\s+/);
      expect(shown).toBe(words.filter((word) => word !== "").join(" "));
    }),
    { numRuns: 2000 },
  );
});

test.each([
  ["fixes acme/app#3 for @ann", "fixes `acme/app#3` for `@ann`"],
  ["closes acme/app!7, acme&2, app%1.0 and app~bug", "closes `acme/app!7,` `acme&2,` `app%1.0` and `app~bug`"],
  ["_GH-1_ GL-2 [issue:3]", "`_GH-1_` `GL-2` `[issue:3]`"],
  ["![x](https://e.test/a.png)", "`![x](https://e.test/a.png)`"],
  ["/merge now", "\\/merge now"],
  ["a/b stays, 50% too, and so does Wow!", "a/b stays, 50% too, and so does Wow\\!"],
])("case 14: %s", (text, markdown) => {
  expect(inert(text)).toBe(markdown);
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

test("a sign-off beside prose, as cherry-pick -x leaves it, is not lost; only the token's case is folded", () => {
  const signed = "Signed-off-by: B <b@example.com>";
  expect(collectTrailers([`One\n\nWhy.\n\n${signed}\n(cherry picked from commit ${"1".repeat(40)})\n`])).toEqual([signed]);
  expect(collectTrailers([`One\n\nWhy.\n\n${signed}\n[b: mended a typo]\n`])).toEqual([signed]);
  expect(collectTrailers([`One\n\n${signed}\none\ntwo\nthree\nfour\n`])).toEqual([]);
  expect(collectTrailers([`One\r\n\r\nStep: S1\r\nNote: a\r\n  b\r\n`])).toEqual(["Step: S1", "Note: a b"]);
  expect(collectTrailers(["One\n\nLink: https://e.test/a", "Two\n\nlink: https://e.test/a", "Three\n\nLink: https://e.test/A"])).toEqual([
    "Link: https://e.test/a",
    "Link: https://e.test/A",
  ]);
});
