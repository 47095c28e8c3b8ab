/** Proves the tutorial: every command is entered as it stands there, and what is printed is held against the page. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bundleOkstra } from "./bundle-okstra.ts";
import { matchesOutput } from "./tutorial/match-output.ts";
import { parseTutorial, splitCommands } from "./tutorial/parse-tutorial.ts";
import { playTutorial } from "./tutorial/play-tutorial.ts";

const LANGUAGES = ["en", "kr"] as const;
const READMES = ["README.md", "README.kr.md"] as const;
/** A line of a script that only says something. */
const COMMENT = /^\s*(?:\/\/|#) .*\n/gmu;
const loadPage = (path: string): string => readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), "utf8");
const load = (language: string): string => loadPage(`docs/${language}/tutorial.md`);

let directory = "";
let okstra = "";

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "okstra-tutorial-"));
  okstra = await bundleOkstra(directory);
});

afterAll(() => rmSync(directory, { recursive: true, force: true, maxRetries: 3 }));

function play(markdown: string, signal: AbortSignal): ReturnType<typeof playTutorial> {
  return playTutorial(markdown, { directory: mkdtempSync(join(directory, "play-")), okstra, signal });
}

test.for(LANGUAGES)("the tutorial's commands do what it says: docs/%s/tutorial.md", { timeout: 600_000 }, async (language, { signal }) => {
  const markdown = load(language);
  const { entered, failure, home } = await play(markdown, signal);
  expect(failure).toBe(null);
  expect(entered).toBe(parseTutorial(markdown).flatMap(({ commands }) => commands).length);
  // It says that removing its directory removes everything.
  expect(readdirSync(home)).toEqual([".gitconfig"]);
});

test("both languages have the same commands apart from comments, and show the same output", () => {
  const [english, korean] = LANGUAGES.map((language) =>
    parseTutorial(load(language)).map(({ commands, expectedOutput }) => ({
      commands: commands.map(({ text, expectedStatus }) => ({ text: text.replaceAll(COMMENT, ""), expectedStatus })),
      expectedOutput,
    })),
  );
  expect(english?.length).toBeGreaterThan(20);
  expect(korean).toEqual(english);
});

test.for(READMES)("the start in %s can be entered in a repository of one's own", { timeout: 300_000 }, async (path, { signal }) => {
  // What installs is proven by offline.test.ts.
  const commands = parseTutorial(loadPage(path)).flatMap((step) => step.commands.map(({ text }) => text));
  const start = commands.slice(commands.indexOf("okstra setup --yes"), commands.indexOf("okstra status") + 1);
  expect(start.length).toBe(7);
  const repository = [
    "git init --quiet --initial-branch=main mine",
    "cd mine",
    `echo '{ "scripts": { "test": "node -e 0" } }' > package.json`,
    "git add --all",
    "git commit --quiet --message Begin",
  ];
  // Where a gate holds, the exit status is 10; which gates hold depends on the repository.
  const entered = start.map((command) => `${command} || [ $? = 10 ]`);
  expect((await play(["```sh", ...repository, ...entered, "```"].join("\n"), signal)).failure).toBe(null);
});

test("both READMEs have the same commands", () => {
  const [english, korean] = READMES.map((path) =>
    parseTutorial(loadPage(path)).flatMap((step) => step.commands.map(({ text }) => text.replace(/ +# .*$/u, ""))),
  );
  expect(english).toContain("npm test");
  expect(korean).toEqual(english);
});

test("a page that announces another exit status, or shows another output, is found out", async ({ signal }) => {
  const page = (status: string, shown: string): string =>
    `\`\`\`sh${status}\ncd /\nfalse\n\`\`\`\n\n\`\`\`sh\npwd\n\`\`\`\n\n\`\`\`text\n${shown}\n\`\`\`\n`;
  expect((await play(page(" exit=1", "/"), signal)).failure).toBe(null);
  expect((await play(page("", "/"), signal)).failure).toMatchObject({
    line: 1,
    command: "false",
    problem: "exit status 1, the page says 0",
  });
  expect((await play(page(" exit=1", "/tmp"), signal)).failure).toMatchObject({ line: 6, command: "pwd", output: "/\n" });
});

test("a command that does not end is ended with its jobs when the test is over", async () => {
  const over = new AbortController();
  const played = play("```sh\nsleep 600 &\nsleep 600\n```\n", over.signal);
  over.abort();
  await expect(played).rejects.toThrow("the shell ended");
});

test("commands are taken apart as a shell would read them", () => {
  expect(splitCommands("# why\necho a \\\n  b\n\ncat <<'EOF'\n# kept\n\nx\nEOF\ntrue")).toEqual([
    "echo a \\\n  b",
    "cat <<'EOF'\n# kept\n\nx\nEOF",
    "true",
  ]);
  expect(() => splitCommands("cat <<'EOF'\nx")).toThrow("does not end");
  expect(() => parseTutorial("```text\nx\n```\n")).toThrow("follows no command");
});

test.each([
  ["a\nb", "a\nb\n", true],
  ["a\nb", "a\nb\nc\n", false],
  ["a\n…", "a\nb\nc\n", true],
  ["…\nc", "c\n", true],
  ["a … c", "a b c", true],
  ["a <n> c", "a  c", false],
  ["a <n> c", "a 12 c", true],
  ["x <= 1", "x <= 1  ", true],
  ["a.c", "abc", false],
])("%j shows %j: %s", (shown, output, expected) => expect(matchesOutput(shown, output)).toBe(expected));
