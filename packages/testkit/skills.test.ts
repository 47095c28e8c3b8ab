/** What agents are told: that the shipped skills are what the specification asks for, and name only what there is. */
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadSkill, ROOT, SKILL_NAMES, skills, type Mention } from "./skills/scripts-skills.ts";

const OVERRIDE = "assets/.claude-plugin/overrides/skills/okstra-report-finder/SKILL.md";

let directory = "";
let routes: unknown;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "okstra-skills-"));
  routes = await skills.loadRoutes(ROOT);
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe("the shipped skills", () => {
  test("are the ten, as their sources make them, and keep the specification", () => {
    expect(SKILL_NAMES).toEqual(
      ["brief", "handoff", "history", "report-finder", "report-writer", "run", "schedule", "setup", "status", "time-summary"].map(
        (name) => `okstra-${name}`,
      ),
    );
    const stale = skills.renderSkillFiles(ROOT).filter(({ path, text }) => readFileSync(join(ROOT, path), "utf8") !== text);
    expect(stale.map(({ path }) => path)).toEqual([]);
    expect(skills.checkSkillFiles(ROOT)).toEqual([]);
  });

  test("are short", () => {
    expect(SKILL_NAMES.filter((name) => loadSkill(name).split("\n").length > 110)).toEqual([]);
  });

  test("okstra-report-finder is not for users: by metadata, and for Claude Code by its own key", () => {
    const portable = loadSkill("okstra-report-finder");
    expect(portable).toContain('metadata:\n  version: "');
    expect(portable).toContain('\n  user-invocable: "false"\n---\n');
    expect(readFileSync(join(ROOT, OVERRIDE), "utf8")).toBe(
      portable.replace('  user-invocable: "false"\n---', "user-invocable: false\n---"),
    );
    expect(SKILL_NAMES.filter((name) => loadSkill(name).includes("user-invocable"))).toEqual(["okstra-report-finder"]);
  });

  test("pass the reference validator", (context) => {
    const places = [join(ROOT, "packages/testkit/foreign/node_modules/.bin"), ...(process.env["PATH"] ?? "").split(delimiter)];
    const validator = places.map((place) => join(place, "skills-ref")).find((path) => existsSync(path));
    if (validator === undefined) return context.skip("skills-ref is neither in packages/testkit/foreign nor on PATH");
    for (const name of SKILL_NAMES) {
      expect(() => execFileSync(validator, ["validate", join(ROOT, "assets/skills", name)], { stdio: "pipe" }), name).not.toThrow();
    }
  });

  test("name only commands and flags that there are, and so does the documentation", () => {
    const found = skills.checkCommandMentions(skills.listMentioningFiles(ROOT), routes);
    expect(found.map(({ path, line, message }) => `${path}:${line}: ${message}`)).toEqual([]);
  });
});

describe("a skill that breaks the specification is refused:", () => {
  const GOOD = ["---", "name: okstra-x", 'description: "Does x. Use when x."', "license: MIT", "---", "", "# X", ""].join("\n");
  const CASES: readonly (readonly [string, Readonly<Record<string, string>>, string])[] = [
    ["no frontmatter", { "SKILL.md": "# X\n" }, "must begin with frontmatter"],
    ["no SKILL.md", { "skill.txt": "X" }, "has no SKILL.md"],
    ["another name than the directory", { "SKILL.md": GOOD.replace("okstra-x", "okstra-y") }, "name is okstra-y, its directory okstra-x"],
    ["upper case", { "SKILL.md": GOOD.replace("okstra-x", "Okstra-x") }, "lower-case"],
    ["two hyphens", { "SKILL.md": GOOD.replace("okstra-x", "okstra--x") }, "lower-case"],
    ["a description over 1024 characters", { "SKILL.md": GOOD.replace("Does x", "x".repeat(1020)) }, "1033 characters, at most 1024"],
    ["no description", { "SKILL.md": GOOD.replace(/description.*\n/u, "") }, "description is missing"],
    ["a field that the specification does not have", { "SKILL.md": GOOD.replace("license", "user-invocable") }, "no field user-invocable"],
    ["a field twice", { "SKILL.md": GOOD.replace("license: MIT", "name: okstra-x") }, "says name twice"],
    [
      "a value that readers of YAML differ about",
      { "SKILL.md": GOOD.replace("license: MIT", "license: MIT: yes") },
      "plain word or a JSON string",
    ],
    ["a line that is none", { "SKILL.md": GOOD.replace("license: MIT", "license MIT") }, "cannot be read"],
    ["an empty body", { "SKILL.md": GOOD.replace("# X\n", "") }, "it says nothing"],
    ["500 lines", { "SKILL.md": `${GOOD}${"line\n".repeat(500)}` }, "fewer than 500 lines"],
    ["a file that is not there", { "SKILL.md": `${GOOD}[a](references/a.md)\n` }, "references/a.md does not exist"],
    ["a file two levels below", { "SKILL.md": `${GOOD}[a](a/b/c.md)\n`, "a/b/c.md": "c" }, "a/b/c.md is not one level"],
    ["a file outside", { "SKILL.md": `${GOOD}[a](../a.md)\n` }, "../a.md is not one level"],
    ["a chain of files", { "SKILL.md": `${GOOD}[a](r/a.md)\n`, "r/a.md": "[b](b.md)", "r/b.md": "b" }, "r/a.md points on to b.md"],
  ];

  test.each(CASES)("%s", (_, files, says) => {
    expect(plant(files).join("\n")).toContain(says);
  });

  test("and one that keeps it is not", () => {
    const strangers = plant({ "SKILL.md": `${GOOD}[a](references/a.md) [b](https://example.org) [c](#x)\n`, "references/a.md": "a" });
    expect(strangers).toEqual(["assets/skills/okstra-x/SKILL.md: no source in scripts/skills makes it"]);
  });

  function plant(files: Readonly<Record<string, string>>): readonly string[] {
    const tree = mkdtempSync(join(directory, "tree-"));
    for (const path of ["package.json", "scripts/skills", "assets/.claude-plugin"])
      cpSync(join(ROOT, path), join(tree, path), { recursive: true });
    for (const [path, text] of Object.entries(files)) {
      const file = join(tree, "assets/skills/okstra-x", path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
    }
    return skills.checkSkillFiles(tree);
  }
});

describe("mentions of commands", () => {
  const REFUSED: readonly (readonly [string, string])[] = [
    ["Say `okstra stauts`.", "there is no command okstra stauts"],
    ["Say `okstra worktree mend`.", "there is no command okstra worktree mend"],
    ["Say `okstra status --al`.", "okstra status has no flag --al"],
    ["Say `okstra --al`.", "okstra has no flag --al"],
    ["Say `okstra worktree --al`.", "okstra worktree has no flag --al"],
    ["Say `okstra status -x`.", "okstra status has no flag -x"],
    ["Say `okstra status --no-all`.", "okstra status has no flag --no-all"],
    ["Say `okstra report bugs/login --fromat md`.", "okstra report has no flag --fromat"],
    ["Say `okstra report fnid words`.", "there is no command okstra report fnid"],
    ["Say `okstra handoff a/b --plan --action push`.", "--action is one of commit, pr, skip, not push"],
    ["Say `okstra handoff a/b --action commit|push`.", "not push"],
    ["Say `okstra config get|put KEY`.", "there is no command okstra config put"],
    ["Say `okstra history a/b`.", "okstra history takes 0 arguments, not 1"],
    ["Say `--al` as well.", "no command has a flag --al"],
    ["| a | `okstra status --phase\\|--al` |", "okstra status has no flag --al"],
    ["Say `npx -y okstra@1.0.0 stauts`.", "okstra stauts"],
    ["Say `node ~/okstra/bin/okstra.js stauts`.", "okstra stauts"],
    ['Say `eval "$(okstra pahts --shell)"`.', "okstra pahts"],
    ["```sh\ncd a && X=1 okstra stauts # words\n```", "okstra stauts"],
    ["```sh\nif ! Y=$(okstra status --al); then okstra stauts; fi\n```", "okstra status has no flag --al"],
    ["```sh\nif ! Y=$(okstra status); then okstra stauts; fi\n```", "okstra stauts"],
    ["```\n$ okstra status \\\n    --al\n```", "okstra status has no flag --al"],
    ["```\nokstra dashboard --oepn         opens it\n```", "okstra dashboard has no flag --oepn"],
  ];

  test.each(REFUSED)("%j is refused", (text, says) => {
    const found = check(`# Title\n\n${text}\n`);
    expect(found.map(({ message }) => message).join("\n")).toContain(says);
    expect(found[0]).toMatchObject({ path: "a.md", line: text.startsWith("```") ? 4 : 3 });
  });

  test.each([
    "okstra takes tasks; okstra stauts in prose is no command, nor is `okstra` alone.",
    "`okstra --version`, `okstra --help`, `okstra run --help`, `okstra <command>`, `okstra …`, `okstra worktree`",
    "`okstra run … --notify`, `okstra run a/b -t error-analysis`, `okstra exec a/b -- npm test --silent`",
    "`okstra override <task> <phase>[.<gate>] --reason TEXT [--until DATE]`, `okstra config get|set|list --show-origin`",
    "`okstra handoff <task> --plan --action commit|pr|skip --base BRANCH`, `--action commit\\|pr`, `git push --no-verify`, `--no-verify`",
    "`okstra report`, `okstra report a/b --format path`, `okstra report show a/b`, `okstra schedule --save`, `okstra schedule check`",
    "`okstra-run`, `okstra.js`, `other --al`, `.okstra/x`, `OKSTRA_HOME`",
    '```json\n["okstra", "stauts", "--al"]\n```',
    "```sh\n# okstra stauts\ngit commit --all # okstra stauts\necho 'okstra stauts'\n```",
    "```\nokstra dashboard --port 4711     that port, or an error\n```",
    "```sh\nokstra workers add open --kind acp -- my-agent --acp\nokstra answer a/b Q1='one or two' Q2=three\n```",
  ])("%j is not", (text) => {
    expect(check(text)).toEqual([]);
  });

  test("a misspelt flag is found in every line of every skill that has one", () => {
    for (const name of SKILL_NAMES) {
      const text = loadSkill(name);
      const lines = text.split("\n").flatMap((line, index) => (line.includes("--json") ? [index + 1] : []));
      const found = skills.checkCommandMentions([{ path: name, text: text.replaceAll("--json", "--jsno") }], routes);
      expect(new Set(found.filter(({ message }) => message.includes("--jsno")).map(({ line }) => line)), name).toEqual(new Set(lines));
    }
  });

  function check(text: string): readonly Mention[] {
    return skills.checkCommandMentions([{ path: "a.md", text }], routes);
  }
});
