/** Help that a person can read, and the reference that is made from the same declarations. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runOkstra, type OkstraAnswer } from "@okstra/testkit/run-okstra";
import { countCells } from "./cells.ts";
import { completionCommands } from "./commands/completion.ts";
import { describeRoutes, listCommands, type RouteNote } from "./help/describe-routes.ts";
import { EXAMPLES } from "./help/examples.ts";
import { EXIT_NOTES } from "./help/exit-notes.ts";
import { GROUPS } from "./help/groups.ts";
import { listUsageParts, renderCommandHelp, renderOverview } from "./help/render-help.ts";
import { routes } from "./routes.ts";

const root = describeRoutes(routes);
const listAll = (route: RouteNote): readonly RouteNote[] => [route, ...route.routes.flatMap(listAll)];
const every = [...listAll(root).slice(1), describeRoutes(completionCommands.completion, ["completion"])];
const commands = new Map(every.flatMap(listCommands).map((command) => [command.path.join(" "), command]));

const say = (argv: readonly string[]): Promise<OkstraAnswer> => runOkstra(argv, { cwd: tmpdir() });
const tooWide = (text: string): readonly string[] => text.split("\n").filter((line) => countCells(line) > 80);

describe("okstra --help", () => {
  test("is the way in, however it is asked for", async () => {
    const { status, stdout, stderr } = await say([]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    for (const argv of [["--help"], ["-h"], ["help"], ["--help-all"]]) expect((await say(argv)).stdout).toBe(stdout);
    expect(stdout.split("\n")[0]).toMatch(/^okstra takes coding tasks through phases/);
    for (const command of ["setup", "task new bugs/login --brief ask.md", "go bugs/login", "status", "handoff bugs/login"])
      expect(stdout).toContain(`\n  okstra ${command}  `);
  });

  test("has every command once, in a group, on a line of at most 80 cells", () => {
    const text = renderOverview(root);
    expect(tooWide(text)).toEqual([]);
    expect(text).not.toContain("\nOther\n");
    const lines = (text.split("COMMANDS\n")[1]?.split("\n\n")[0] ?? "").split("\n");
    const names = lines.flatMap((line) => /^ {2}([a-z][a-z-]*) {2,}\S/.exec(line)?.[1] ?? []);
    expect([...names].sort()).toEqual(root.routes.map(({ path }) => path[0]).sort());
    // A text that goes on in the next line is to be said shorter in groups.ts.
    expect(lines.filter((line) => /^ {3}/.test(line))).toEqual([]);
    expect(lines.filter((line) => /^\S/.test(line))).toEqual(GROUPS.map(({ title }) => title).filter((title) => lines.includes(title)));
    const grouped = GROUPS.flatMap(({ entries }) => entries.map(({ name }) => name));
    expect(grouped).toHaveLength(new Set(grouped).size);
  });

  test("shows a command that nobody put in a group, so that it is missed", () => {
    const stray: RouteNote = { ...root, path: ["stray"], brief: "Go astray", routes: [] };
    const text = renderOverview({ ...root, routes: [...root.routes, stray] });
    expect(text).toMatch(/\nOther\n {2}stray +Go astray\n/);
  });

  test("suggests what was meant", async () => {
    const { status, stderr } = await say(["statsu"]);
    expect(status).toBe(2);
    expect(stderr).toContain('No command "statsu". Did you mean `status`');
    expect((await say(["help", "statsu"])).stderr).toContain('No command "statsu"');
  });
});

describe("okstra <command> --help", () => {
  test("fits 80 cells and says all that is declared", () => {
    for (const route of every) {
      const text = renderCommandHelp(route);
      expect([route.path, tooWide(text)]).toEqual([route.path, []]);
      for (const { name, brief } of route.flags) {
        expect(text).toContain(`--${name}`);
        expect(text.replaceAll(/\s+/g, " ")).toContain(brief.replaceAll(/\s+/g, " "));
      }
      for (const { placeholder } of route.arguments) expect(text).toContain(placeholder);
      for (const below of route.routes) expect(text).toContain(`\n  ${below.path.at(-1)}  `);
    }
  });

  test("is what okstra prints, before the command, after it, and by help", async () => {
    const { status, stdout, stderr } = await say(["worktree", "update", "--help"]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toContain(
      "USAGE\n  okstra worktree update [--onto REF] [--strategy rebase|merge]\n                         [--project-root DIR] [--json] <group/task>\n",
    );
    expect((await say(["worktree", "update", "bugs/login", "-h"])).stdout).toBe(stdout);
    expect((await say(["help", "worktree", "update"])).stdout).toBe(stdout);
    expect((await say(["worktree"])).stdout).toBe((await say(["worktree", "--help"])).stdout);
  });

  test("of a command with a default one below shows how that is called", async () => {
    const { stdout } = await say(["report", "--help"]);
    expect(stdout).toContain("USAGE\n  okstra report [--task-type TYPE]");
    expect(stdout).toContain("\n  okstra report <command> …\n");
    expect(stdout).toContain("\nEXAMPLES\n  okstra report bugs/login\n");
    expect((await say(["report", "show", "--help"])).stdout).toContain("  -t --task-type TYPE");
  });

  test("says in the usage what must be said, may be said, and may be said again", () => {
    const parts = (key: string): readonly string[] => listUsageParts(commands.get(key) ?? root);
    expect(parts("task link")).toEqual(expect.arrayContaining(["[--after group/task]...", "[--unlink]", "<group/task>"]));
    expect(parts("reject")[0]).toBe("(--reason TEXT)");
    expect(parts("time").at(-1)).toBe("[<group/task>]");
    expect(parts("report find").at(-1)).toBe("[<WORD>]...");
  });

  test("tells of exit statuses where they say something", async () => {
    expect((await say(["go", "--help"])).stdout).toContain("\nEXIT STATUS\n  10: it stopped where a person is needed\n");
    expect((await say(["status", "--help"])).stdout).not.toContain("EXIT STATUS");
  });
});

/** Words of each okstra in a line of shell, quotes taken off. */
function readExample(line: string): readonly (readonly string[])[] {
  return [...line.matchAll(/(?:^|\$\()okstra ([^)>]*)/gu)].map(([, rest = ""]) =>
    [...rest.trim().matchAll(/"([^"]*)"|(\S+)/gu)].map(([, quoted, plain]) => quoted ?? plain ?? ""),
  );
}

test("every example names commands, flags and values that there are", () => {
  for (const [key, examples] of Object.entries(EXAMPLES)) {
    expect([key, commands.has(key)]).toEqual([key, true]);
    for (const words of examples.flatMap(readExample)) {
      const path = words.slice(0, key.split(" ").length).join(" ");
      const isDefault = every.some((route) => route.defaultRoute === key.split(" ").at(-1) && key.startsWith(`${words[0]} `));
      expect([words, path === key || isDefault]).toEqual([words, true]);
      const own = words.includes("--") ? words.slice(0, words.indexOf("--")) : words;
      for (const [at, word] of own.entries()) {
        if (!word.startsWith("-")) continue;
        const flag = commands.get(key)?.flags.find(({ name, alias }) => word === `--${name}` || word === `-${alias}`);
        expect([key, word, flag !== undefined]).toEqual([key, word, true]);
        if (flag !== undefined && flag.values.length > 0) expect(flag.values).toContain(own[at + 1]);
      }
    }
  }
  for (const examples of Object.values(EXAMPLES)) for (const line of examples) expect(readExample(line)).not.toEqual([]);
});

test("every word on exit statuses is about a command, lead's own aside", () => {
  const known = Object.keys(EXIT_NOTES).filter((key) => !key.startsWith("lead "));
  expect(known.filter((key) => !commands.has(key))).toEqual([]);
});

describe("the reference", () => {
  const ROOT = fileURLToPath(new URL("../..", import.meta.url));
  let tree = "";
  // A copy of what it is made from, to plant in it what must be noticed.
  beforeAll(() => {
    tree = mkdtempSync(join(tmpdir(), "okstra-reference-"));
    mkdirSync(join(tree, "scripts"));
    for (const language of ["en", "kr"]) mkdirSync(join(tree, "docs", language), { recursive: true });
    cpSync(join(ROOT, "packages/cli"), join(tree, "packages/cli"), { recursive: true, filter: (path) => !path.endsWith(".test.ts") });
    for (const name of ["reference.mjs", "translate.mjs"]) cpSync(join(ROOT, "scripts", name), join(tree, "scripts", name));
    symlinkSync(join(ROOT, "node_modules"), join(tree, "node_modules"));
  });
  afterAll(() => rmSync(tree, { recursive: true, force: true }));

  const make = (...args: readonly string[]): { status: number | null; stderr: string } =>
    spawnSync(process.execPath, [join(tree, "scripts/reference.mjs"), ...args], { encoding: "utf8", cwd: tree });
  const read = (language: string): string => readFileSync(join(tree, "docs", language, "commands.md"), "utf8");
  const korean = (): Record<string, string> => JSON.parse(readFileSync(join(tree, "packages/cli/help/korean.json"), "utf8"));
  const writeKorean = (texts: Record<string, string>): void =>
    writeFileSync(join(tree, "packages/cli/help/korean.json"), JSON.stringify(texts));
  /** Texts that commands declared after the translations were made: they are said as they are. */
  const writeAllKorean = (): void => {
    const texts = every.flatMap((route) => [route, ...route.flags, ...route.arguments]).map(({ brief }) => brief);
    const more = every.flatMap(({ description }) => (description === null ? [] : [description]));
    writeKorean({ ...Object.fromEntries([root.brief, ...texts, ...more].map((text) => [text, text])), ...korean() });
  };

  test("has every command, flag and argument in both languages, and Korean where it is written", () => {
    writeAllKorean();
    expect(make()).toMatchObject({ status: 0 });
    expect(make("--check")).toMatchObject({ status: 0 });
    for (const language of ["en", "kr"]) {
      const text = read(language);
      for (const { path, flags } of listCommands(root)) {
        expect(text).toMatch(new RegExp(`^####? okstra ${path.join(" ")}$`, "mu"));
        for (const { name } of flags) expect(text).toContain(`--${name}`);
      }
    }
    expect(read("kr")).toContain("태스크의 단계 하나를 실행한다.");
    expect(read("en")).toContain("Run one phase of a task.");
  });

  test("is not made when a text has no translation, which it names", () => {
    const { "Run one phase of a task": _, ...rest } = korean();
    writeKorean(rest);
    const { status, stderr } = make("--check");
    expect(status).not.toBe(0);
    expect(stderr).toContain('has no translation of:\n  "Run one phase of a task"');
    writeAllKorean();
  });

  test("is not made when a command is in no group, which it names", () => {
    const path = join(tree, "packages/cli/routes.ts");
    const text = readFileSync(path, "utf8");
    writeFileSync(path, text.replace("  routes: {\n", "  routes: {\n    stray: systemCommands.doctor,\n"));
    const { status, stderr } = make("--check");
    writeFileSync(path, text);
    expect(status).not.toBe(0);
    expect(stderr).toContain("in no group of packages/cli/help/groups.ts: stray");
  });
});
