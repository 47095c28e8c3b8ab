import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { collectTrailers, composeTitle, squashMessage, type MessageFacts } from "@okstra/core/domain/compose-message";
import { createRedactor } from "@okstra/core/domain/redaction";
import { openApp } from "@okstra/testkit/open-app";
import { createTestHome, type TestHome } from "@okstra/testkit/test-home";
import { createTestRepo, type TestRepo } from "@okstra/testkit/test-repo";
import type { App } from "../app.ts";
import { loadTemplate, renderMessage } from "./render-message.ts";

let home: TestHome;
let app: App;
let root: string;
beforeEach(async () => {
  home = createTestHome();
  app = await openApp({ env: home.env, cwd: home.root, emit: () => {} });
  root = home.directory("project");
});
afterEach(() => home.remove());

const FACTS: MessageFacts = {
  taskKey: "shop/bugs/login",
  category: "bugfix",
  branch: "fix-login",
  base: "main",
  head: "1".repeat(40),
  brief: "# Login\n\nIt fails for @ann, see #12.\n\nMore.",
  source: {
    run: 2,
    verdict: "conditional-accept",
    commit: "1".repeat(40),
    reportPath: "runs/final-verification/002/report.md",
    reportSha256: "2".repeat(64),
    override: { reason: "urgent <b>now</b>", by: "ann" },
  },
  criteria: [
    { id: "AC1", text: "A user logs in", state: "met" },
    { id: "AC2", text: "fixes #3 | really", state: "unknown" },
  ],
  findings: { total: 3, byClass: { agreed: 2, contested: 1 }, bySeverity: { P2: 3 } },
  lanes: [
    { worker: "anna", family: "acme", end: "ok" },
    { worker: "ben", family: "north", end: "timeout" },
  ],
  commits: [
    { sha: "a".repeat(40), subject: "Test it", author: "A <a@example.com>", at: "2026-01-01T00:00:00Z" },
    { sha: "b".repeat(40), subject: "Mend `it`", author: "A <a@example.com>", at: "2026-01-01T00:00:00Z" },
  ],
  runs: [{ type: "final-verification", run: 2, verdict: "conditional-accept", reportPath: "runs/final-verification/002/report.md" }],
  lang: "en",
};

test.each(["en", "ko"] as const)("the built-in body, %s", async (lang) => {
  const template = await loadTemplate(app, { flag: null, project: {}, home: {}, root, lang });
  expect(template.from).toBe("built-in");
  expect(await renderMessage(template, { ...FACTS, lang })).toMatchSnapshot("everything");
  const bare = { ...FACTS, brief: null, criteria: [], commits: [], lanes: [], source: { ...FACTS.source, override: null }, lang };
  expect(await renderMessage(template, bare)).toMatchSnapshot("nothing but the verdict");
});

test("the flag's template wins over the project's, that over the person's, that over the built-in one", async () => {
  const flag = join(home.root, "flag.md");
  writeFileSync(flag, "flag {{ verdict }}");
  writeFileSync(join(root, "own.md"), "project {{ task }}");
  mkdirSync(home.okstraHome, { recursive: true });
  writeFileSync(join(home.okstraHome, "mine.md"), "home {{ branch }}");
  const sources = { flag, project: { handoffTemplate: "own.md" }, home: { handoffTemplate: "mine.md" }, root, lang: "en" as const };
  const bodyOf = async (more: object): Promise<string> => renderMessage(await loadTemplate(app, { ...sources, ...more }), FACTS);
  expect(await bodyOf({})).toBe("flag conditional-accept");
  expect(await bodyOf({ flag: null })).toBe("project `shop/bugs/login`");
  expect(await bodyOf({ flag: null, project: {} })).toBe("home `fix-login`");
});

test("a template that is not there, leads outside, names what is not there, or never ends is an error", async () => {
  writeFileSync(join(home.root, "secret.txt"), "secret");
  symlinkSync(join(home.root, "secret.txt"), join(root, "link.md"));
  for (const handoffTemplate of ["gone.md", "../secret.txt", "link.md"])
    await expect(loadTemplate(app, { flag: null, project: { handoffTemplate }, home: {}, root, lang: "en" })).rejects.toMatchObject({
      code: "OKSTRA_HANDOFF_TEMPLATE_INVALID",
    });
  for (const text of [
    "{{ nobody }}",
    "{% if %}",
    "{% include 'x' %}",
    "{{ brief.constructor.name }}",
    "{% for a in (1..100000000) %}x{% endfor %}",
  ])
    await expect(renderMessage({ text, from: "flag" }, FACTS)).rejects.toMatchObject({ code: "OKSTRA_HANDOFF_TEMPLATE_INVALID" });
});

test("a template that does not render is told with its place, in one line", async () => {
  await expect(renderMessage({ text: "one\ntwo {{ nobody }}\n", from: "project" }, FACTS)).rejects.toMatchObject({
    code: "OKSTRA_HANDOFF_TEMPLATE_INVALID",
    kind: "config",
    message: expect.stringMatching(/^The project template does not render: .*nobody.*line:2.*$/),
  });
});

test("a body of up to 60,000 bytes is given, of more refused, however much of it is white space", async () => {
  const render = (text: string): Promise<string> => renderMessage({ text, from: "home" }, FACTS);
  expect(await render("x".repeat(60_000))).toHaveLength(60_000);
  expect(await render(`a${" ".repeat(50_000)}b${" ".repeat(50_000)}\n\n\n\nc`)).toBe(`a${" ".repeat(50_000)}b\n\nc`);
  for (const text of [
    "x".repeat(60_001),
    "가".repeat(20_001),
    `a${" ".repeat(200_000)}b`,
    `{% for i in (1..100000) %}${"x".repeat(1000)}{% endfor %}`,
  ])
    await expect(render(text)).rejects.toMatchObject({
      code: "OKSTRA_HANDOFF_TEMPLATE_INVALID",
      message: expect.stringContaining("60000"),
    });
});

test("a long first paragraph is cut between characters", async () => {
  const body = await renderMessage(
    { text: "{{ brief }}", from: "flag" },
    { ...FACTS, brief: `${"a".repeat(1199)}${"\u{1F600}".repeat(9)}` },
  );
  expect(body).toBe(`${"a".repeat(1199)}\u{1F600} …`);
});

test("a secret that the caller took out of the facts is in no title and no body", async () => {
  const canary = "canary-0123456789";
  const token = `ghp_${"a1".repeat(20)}`;
  const redact = createRedactor([canary]);
  const said = redact(`Log in with ${canary} or ${token}`);
  const facts: MessageFacts = {
    ...FACTS,
    brief: said,
    criteria: [{ id: "AC1", text: said, state: "met" }],
    commits: FACTS.commits.map((commit) => ({ ...commit, subject: said })),
    source: { ...FACTS.source, override: { reason: said, by: "ann" } },
  };
  const everything = "{{ brief }} {{ override.reason }} {{ criteria | map: 'text' | join }} {{ commits | json }}";
  const template = await loadTemplate(app, { flag: null, project: {}, home: {}, root, lang: "en" });
  const texts = [composeTitle(facts), await renderMessage(template, facts), await renderMessage({ text: everything, from: "flag" }, facts)];
  for (const text of texts) {
    expect(text).toContain("redacted");
    expect(text).not.toContain(canary);
    expect(text).not.toContain(token);
  }
});

/** Lines that a message's last paragraph may have: what git writes, trailers of all shapes, prose, comments, blank ones. */
const trailerLine = fc.constantFrom(
  "Signed-off-by: B <b@example.com>",
  "(cherry picked from commit 1234567)",
  "Co-authored-by: 김 <k@example.com>",
  "Key: v",
  "Key : v",
  "Key:",
  "-k:v",
  "https://example.test/a",
  "Two words: no",
  "키: 값",
  "  folded",
  "\tfolded: too",
  "prose",
  "[b: prose]",
  "# comment",
  "#",
  "---",
  "",
  " \t",
);
const messageOf = fc
  .tuple(fc.constantFrom("Title", "Title: x", "# Title"), fc.array(trailerLine, { maxLength: 10 }), fc.constantFrom("\n", "\r\n"))
  .map(([title, lines, end]) => [title, ...lines, ""].join(end));

/** A trailer with one form of the white space that git writes anew, or keeps from the ends of folded lines. */
const fold = (text: string): string =>
  text
    .replace(/[ \t]*:[ \t]*/, ": ")
    .replaceAll(/[ \t\r]+/g, " ")
    .trim();

/** What git finds in a message. Commits know no divider `---`: it belongs to mails. */
async function parseTrailers(repo: TestRepo, message: string): Promise<readonly string[]> {
  const found = await repo.git(["interpret-trailers", "--parse", "--no-divider"], { stdin: message });
  return found
    .split("\n")
    .filter((line) => line !== "")
    .map(fold);
}
const unique = (trailers: readonly string[]): readonly string[] => [...new Set(trailers)];

test("trailers are those that git finds", async () => {
  const repo = await createTestRepo(home.directory("repo"));
  await fc.assert(
    fc.asyncProperty(messageOf, async (message) => {
      expect(collectTrailers([message]).map(fold)).toEqual(unique(await parseTrailers(repo, message)));
    }),
    { numRuns: 150 },
  );
});

test("git finds each trailer of all messages once in the squashed one, and those of its body", async () => {
  const repo = await createTestRepo(home.directory("repo"));
  await fc.assert(
    fc.asyncProperty(fc.array(messageOf, { maxLength: 3 }), fc.array(trailerLine, { maxLength: 6 }), async (messages, lines) => {
      const body = lines.join("\n").trim();
      const trailers = collectTrailers(messages);
      const squashed = squashMessage({ title: "All", body, trailers });
      const found = await parseTrailers(repo, squashed);
      expect(squashed.startsWith(body === "" ? "All\n" : `All\n\n${body}\n`)).toBe(true);
      expect([...unique(found)].sort()).toEqual(
        [...unique([...(await parseTrailers(repo, `All\n\n${body}\n`)), ...trailers.map(fold)])].sort(),
      );
    }),
    { numRuns: 150 },
  );
});
