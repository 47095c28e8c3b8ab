import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createTestProject, type TestProject } from "@okstra/testkit/test-project";
import { openApp } from "@okstra/testkit/open-app";
import type { Notice } from "@okstra/core/domain/notice";
import { afterEach, expect, test } from "vitest";
import { cleanNotice } from "./clean-notice.ts";
import { desktopCommand } from "./desktop-command.ts";

let project: TestProject | null = null;
afterEach(() => {
  project?.remove();
  project = null;
});

const notice = (part: Partial<Notice>): Notice => ({
  kind: "needs-person",
  reason: "gate",
  project: "sums",
  taskKey: "sums/bugs/login",
  phase: "error-analysis",
  run: 1,
  verdict: null,
  gateOpen: null,
  title: "okstra: sums/bugs/login waits for you",
  text: "it waits",
  command: null,
  at: "2026-03-01T12:00:00.000Z",
  limit: null,
  keys: [],
  ...part,
});

test("no text acts on a terminal or gives a secret away, and none is longer than is read", async () => {
  project = await createTestProject();
  writeFileSync(join(project.repo.root, ".env"), "PASSWORD=hunter2hunter2\n");
  const app = await openApp({ env: { ...process.env, API_TOKEN: "token-1234567890" }, cwd: project.repo.root, emit: () => undefined });
  const hostile = "a\u001B]52;c;aGk=\u0007\u202Eb\r\nc token-1234567890 hunter2hunter2 \uD800";
  const clean = await cleanNotice(
    app,
    project.repo.root,
    notice({ text: hostile, command: `okstra ${hostile}`, title: `okstra: ${"x".repeat(500)}` }),
  );
  expect(clean.text).toBe("a\\u{1b}]52;c;aGk=\\u{7}\\u{202e}b ↵ c [redacted] [redacted] \\u{d800}");
  expect(clean.command).toBe(`okstra ${clean.text}`);
  expect([...clean.title].length).toBe(120);
  expect([...(await cleanNotice(app, project.repo.root, notice({ text: "😀".repeat(1000) }))).text].length).toBe(400);
  expect((await cleanNotice(app, project.repo.root, notice({ command: "x".repeat(2000) }))).command).toBeNull();
});

test("each platform's program takes the texts as data: no shell, no script, no markup is made of them", () => {
  const hostile = `"; do shell script "rm" $(x) <b>&`;
  const linux = desktopCommand("linux", "okstra: t", hostile);
  expect(linux).toEqual({
    program: "notify-send",
    args: ["--app-name=okstra", "--", "okstra: t", `"; do shell script "rm" $(x) &lt;b&gt;&amp;`],
  });
  const mac = desktopCommand("darwin", "okstra: t", hostile);
  expect(mac.program).toBe("osascript");
  expect(mac.args.slice(-2)).toEqual(["okstra: t", hostile]);
  expect(mac.args.slice(0, -2)).toEqual(desktopCommand("darwin", "okstra: t", "other").args.slice(0, -2));
  expect(desktopCommand("win32", "okstra: t", hostile)).toEqual(desktopCommand("win32", "okstra: u", "other"));
});
