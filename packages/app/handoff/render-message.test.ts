import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { collectTrailers, type MessageFacts } from "@okstra/core/domain/compose-message";
import { openApp } from "@okstra/testkit/open-app";
import { createTestHome, type TestHome } from "@okstra/testkit/test-home";
import { createTestRepo } from "@okstra/testkit/test-repo";
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

test("trailers are those that git finds", async () => {
  const repo = await createTestRepo(home.directory("repo"));
  for (const message of [
    "a\n\nCo-authored-by: A <a@example.com>\n",
    "a\n\nb\n\nOne: 1\nTwo: 2\n  more\n",
    "a\n\nprose only\nof two lines\n",
    "a: b\n",
    "a\n\nKey : value\n",
  ]) {
    const found = await repo.git(["interpret-trailers", "--parse"], { stdin: message });
    const fold = (text: string): string => text.replaceAll(/\s*:\s*/g, ": ").replaceAll(/\s+/g, " ");
    expect(collectTrailers([message]).map(fold), message).toEqual(
      found
        .split("\n")
        .filter((line) => line !== "")
        .map(fold),
    );
  }
});
