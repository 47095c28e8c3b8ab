/** Completion, in the shells themselves: each is given the shipped script and asked what it would insert. */
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as fc from "fast-check";
import { bundleOkstra } from "@okstra/testkit/bundle-okstra";
import { createRunProject } from "@okstra/testkit/run-project";
import { runOkstra } from "@okstra/testkit/run-okstra";
import type { TestProject } from "@okstra/testkit/test-project";
import { run as printScript } from "./commands/completion/completion.ts";
import { COMPLETION_SCRIPTS } from "./completion/scripts.ts";
import { complete } from "./completion/complete.ts";
import { describeRoutes } from "./help/describe-routes.ts";
import { openIndex } from "./open-index.ts";
import { routes } from "./routes.ts";

const HOSTILE = [
  "g/$(touch pwned)",
  "g/`touch pwned`",
  "g/a;touch pwned",
  "g/new\nline",
  "g/esc\u001B]0;x\u0007",
  "g/q'uote",
  'g/q"uote',
  "g/sp ace",
  "g/~",
  "g/a\u202Eb",
  "-rf/x",
  "--x/y",
  "~/x",
  "g/a|b",
  "g/a&b",
  "g/a>b",
  "g/a\tb",
  "g/*",
  "g/{a,b}",
  "g/a#b",
  "g/a=b:c",
  "g/\\x",
];

let project: TestProject;
let bin = "";
let directory = "";
beforeAll(async () => {
  project = await createRunProject();
  for (const task of ["bugs/login", "bugs/cart", "docs/guide"]) {
    const { status, stderr } = await runOkstra(["run", task, "-t", "error-analysis", "--workers", "silent", "--prepare-only"], {
      cwd: project.repo.root,
    });
    if (status !== 0) throw new Error(stderr);
  }
  // Directories and branches that okstra did not make.
  const tasks = join(project.repo.root, ".project-docs/okstra/tasks");
  for (const name of ["kept/task", ...HOSTILE.filter((each) => !/[\\]/.test(each))]) {
    mkdirSync(join(tasks, name), { recursive: true });
    const ref = join(project.repo.root, ".git/refs/heads", name);
    mkdirSync(join(ref, ".."), { recursive: true });
    writeFileSync(ref, "");
  }
  bin = project.home.directory("bin");
  directory = project.home.directory("where");
  const bundle = await bundleOkstra(project.home.directory("bundle"));
  const launcher = join(bin, "okstra");
  writeFileSync(launcher, `#!/bin/sh\nexec '${process.execPath}' '${bundle}' "$@"\n`);
  chmodSync(launcher, 0o755);
  mkdirSync(join(directory, "some dir"));
  writeFileSync(join(directory, "a $(touch pwned) b.md"), "");
  writeFileSync(join(directory, "ask.md"), "");
}, 120_000);
afterAll(() => project.remove());

function ask(words: readonly string[], partial = "", cwd = project.repo.root): ReturnType<typeof complete> {
  return complete(describeRoutes(routes), words, partial, openIndex({ env: process.env, cwd }));
}

function values(words: readonly string[], partial = "", cwd = project.repo.root): readonly string[] {
  return ask(words, partial, cwd).candidates.map(({ value }) => value);
}

describe("candidates", () => {
  test("commands, and those below one", () => {
    expect(values([], "st")).toEqual(["status"]);
    expect(values([])).toContain("worktree");
    expect(values(["worktree"], "re")).toEqual(["release", "remove", "restore", "repair"]);
    expect(values(["help"], "work")).toEqual(["workers", "worktree"]);
    expect(values(["help", "worktree"], "ad")).toEqual(["adopt"]);
    expect(values(["nothing-such"])).toEqual([]);
    expect(values(["worktree", "nothing-such"])).toEqual([]);
  });

  test("flags that are left, and their values", () => {
    expect(values(["run"], "--la")).toEqual(["--lang"]);
    expect(values(["run", "--lang", "ko"], "--la")).toEqual([]);
    expect(values(["run", "--lang"])).toEqual(["en", "ko"]);
    expect(values(["run"], "--lang=")).toEqual(["--lang=en", "--lang=ko"]);
    expect(values(["run", "-t"], "final")).toEqual(["final-verification"]);
    expect(values(["task", "link", "bugs/login", "--after", "bugs/cart"], "--a")).toEqual(["--after"]);
    expect(values(["run", "--notify"], "bell,")).toEqual(["bell,desktop", "bell,command"]);
    expect(values(["run", "--notify"], "--not")).toEqual(["--notify", "--notify-command"]);
    expect(values(["run", "--workers"], "checks,sil")).toEqual(["checks,silent"]);
    expect(values(["workers", "add", "mine", "--preset"], "open")).toEqual(["opencode"]);
    expect(values(["exec", "bugs/login", "--"], "--")).toEqual([]);
  });

  test("tasks of the project that is meant, and no others", () => {
    expect(values(["go"], "bugs/")).toEqual(["bugs/cart", "bugs/login"]);
    expect(values(["report"], "bugs/l")).toEqual(["bugs/login"]);
    expect(values(["report"])).toEqual(expect.arrayContaining(["find", "bugs/login", "kept/task"]));
    expect(values(["go", "bugs/login"], "bugs/")).toEqual([]);
    expect(values(["history", "--group"], "b")).toEqual(["bugs"]);
    expect(values(["history", "--project"])).toEqual(["sums"]);
    expect(values(["handoff", "bugs/login", "--base"])).toEqual(expect.arrayContaining(["main", "kept/task"]));
    expect(values(["go"], "bugs/", directory)).toEqual([]);
    expect(values(["go", "--project-root", project.repo.root], "bugs/", directory)).toEqual(["bugs/cart", "bugs/login"]);
    expect(values(["time", "--project", "sums"], "bugs/l", directory)).toEqual(["bugs/login"]);
    expect(values(["time", "--all"], "bugs/l", directory)).toEqual(["bugs/login"]);
  });

  test("files and directories are the shell's own", () => {
    expect(ask(["run", "bugs/login", "--brief"])).toMatchObject({ files: "files", candidates: [] });
    expect(ask(["status", "--project-root"])).toMatchObject({ files: "directories", candidates: [] });
    expect(ask(["handoff", "bugs/login", "--message"])).toMatchObject({ files: "files", candidates: [{ value: "as-is" }] });
    expect(ask(["exec", "bugs/login", "--"])).toMatchObject({ files: "files", candidates: [] });
  });

  test("whatever the index and the line say, each is one plain word that begins as typed", () => {
    const words = fc.array(
      fc.oneof(
        fc.string(),
        fc.constantFrom("run", "report", "worktree", "go", "--", "--notify", "--lang", "--project", "--all", "-t", "--base", "workers"),
      ),
      { maxLength: 5 },
    );
    fc.assert(
      fc.property(words, fc.oneof(fc.string(), fc.constantFrom("", "-", "--", "g/", "--lang=", "bell,")), (typed, partial) => {
        for (const value of values(typed, partial)) {
          expect(value.startsWith(partial)).toBe(true);
          expect(value.slice(partial.length)).toMatch(/^[\p{L}\p{N}\p{M}_.,/@=-]*$/u);
        }
      }),
      { numRuns: 300 },
    );
    for (const line of [["go"], ["report"], ["history", "--group"], ["handoff", "x/y", "--base"]])
      expect(values(line).filter((value) => HOSTILE.some((name) => value.startsWith(name) || name === value))).toEqual([]);
  });

  test("hundreds are cut to what a person can look at", () => {
    const root = project.home.directory("many");
    const records = join(root, ".project-docs/okstra");
    for (let at = 0; at < 600; at += 1) mkdirSync(join(records, `tasks/many/t${at}`), { recursive: true });
    writeFileSync(join(records, "project.json"), '{ "projectId": "many" }');
    expect(values(["go"], "", root)).toHaveLength(500);
    expect(values(["go"], "many/t599", root)).toEqual(["many/t599"]);
  });
});

describe("okstra __complete", () => {
  const call = (args: readonly string[], options: { cwd?: string; env?: Record<string, string> } = {}) =>
    spawnSync(join(bin, "okstra"), ["__complete", ...args], {
      encoding: "utf8",
      cwd: options.cwd ?? project.repo.root,
      env: { ...process.env, ...options.env },
    });

  test("prints the shell's part, then a candidate a line", () => {
    expect(call(["--partial=valid", "--"])).toMatchObject({
      status: 0,
      stderr: "",
      stdout: "none\nvalidate\tCheck that a task's runs are what they claim to be\n",
    });
    expect(call(["--partial=", "--", "run", "--brief"]).stdout).toBe("files\n");
  });

  test("takes no flag of the line for its own", () => {
    for (const words of [["run", "--json"], ["run", "--help"], ["--version"], ["run", "--events", "ndjson"]])
      expect(call(["--partial=--la", "--", ...words]).stderr).toBe("");
    expect(call(["--partial=--la", "--", "run", "--json"]).stdout).toBe("none\n--lang\tLanguage of the report\n");
  });

  test("is silent and answers whatever is wrong", () => {
    const notADirectory = join(directory, "ask.md");
    const broken = project.home.directory("broken");
    mkdirSync(join(broken, "index", "tasks"), { recursive: true });
    for (const name of ["x.jsonl", "tasks/x.json"]) writeFileSync(join(broken, "index", name), "{ nothing of the kind");
    symlinkSync("loop.jsonl", join(broken, "index", "loop.jsonl"));
    const answers = [
      call(["--partial=", "--", "go"], { env: { OKSTRA_HOME: notADirectory } }),
      call(["--partial=", "--", "history", "--project"], { env: { OKSTRA_HOME: broken } }),
      call(["--partial=", "--", "go", "--project-root", "/nowhere/at all"]),
      call([]),
      call(["nonsense"]),
      call(["--partial"]),
      call(["--partial=", "--", "no", "such", "command"]),
    ];
    expect(answers.map(({ status, stderr }) => ({ status, stderr }))).toEqual(answers.map(() => ({ status: 0, stderr: "" })));
    expect(answers.every(({ stdout }) => /^(?:none|files|directories)\n/.test(stdout))).toBe(true);
  });

  test("writes nothing", () => {
    const home = join(project.home.root, "not-made");
    expect(call(["--partial=", "--", "go"], { env: { OKSTRA_HOME: home } }).status).toBe(0);
    expect(existsSync(home)).toBe(false);
  });
});

test("okstra completion prints a script, and knows its shells", async () => {
  const said: unknown[] = [];
  const context = { ui: { answer: (...answer: unknown[]) => said.push(answer) } } as never;
  for (const shell of Object.keys(COMPLETION_SCRIPTS)) await printScript(context, {}, shell);
  expect(said).toEqual(Object.entries(COMPLETION_SCRIPTS).map(([shell, script]) => [{ shell, script }, script]));
  await expect(printScript(context, {}, "toString")).rejects.toMatchObject({
    code: "OKSTRA_USAGE",
    message: 'There is no completion for "toString"; there is for bash, zsh, fish, powershell.',
  });
});

describe("in the shells", () => {
  const has = (program: string): boolean =>
    (process.env["PATH"] ?? "")
      .split(delimiter)
      .some((place) => existsSync(join(place, program)) || existsSync(join(place, `${program}.exe`)));
  const environment = () => ({ ...process.env, PATH: `${bin}${delimiter}${process.env["PATH"] ?? ""}` });
  const shell = (program: string, args: readonly string[], cwd = project.repo.root): string =>
    execFileSync(program, args, { encoding: "utf8", cwd, env: environment(), stdio: ["ignore", "pipe", "pipe"] });
  const script = (name: keyof typeof COMPLETION_SCRIPTS): string => {
    const path = join(project.home.directory("scripts"), name === "powershell" ? "okstra.ps1" : `okstra.${name}`);
    writeFileSync(path, COMPLETION_SCRIPTS[name]);
    return path;
  };
  const noneRan = (cwd = project.repo.root): void => {
    expect(existsSync(join(cwd, "pwned"))).toBe(false);
    expect(existsSync(join(directory, "pwned"))).toBe(false);
  };
  /** What each shell has to answer to the same lines; the last word is the one that is being typed. */
  const LINES: readonly (readonly [readonly string[], readonly string[]])[] = [
    [["valid"], ["validate"]],
    [["worktree", "rel"], ["release"]],
    [
      ["run", "--lang", ""],
      ["en", "ko"],
    ],
    [["run", "--lang=k"], ["--lang=ko"]],
    [
      ["go", "bugs/"],
      ["bugs/cart", "bugs/login"],
    ],
    [["report", "kep"], ["kept/task"]],
    [["run", "bugs/login", "-t", "final"], ["final-verification"]],
    [["history", "--project", ""], ["sums"]],
    [["run", "--workers", "checks,sil"], ["checks,silent"]],
    [["no-such", ""], []],
    [["go", "g/"], []],
  ];
  const quote = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;
  /** Words as bash gives them to a completion function. */
  const splitLikeBash = (words: readonly string[]): readonly string[] =>
    words.flatMap((word) => {
      const parts = /^(--[^=]*)(=)(.*)$/su.exec(word)?.slice(1);
      return parts === undefined ? [word] : parts.filter((part, at) => at < 2 || part !== "");
    });

  describe("bash", () => {
    const inBash = (words: readonly string[], cwd?: string): readonly string[] => {
      const given = ["okstra", ...splitLikeBash(words)];
      const lines = [
        "set -u",
        `. ${quote(script("bash"))}`,
        `COMP_WORDS=(${given.map(quote).join(" ")}); COMP_CWORD=${given.length - 1}`,
        "_okstra okstra",
        `for each in \${COMPREPLY[@]+"\${COMPREPLY[@]}"}; do printf '%s\\0' "$each"; done`,
      ];
      return shell("bash", ["--norc", "-c", lines.join("\n")], cwd)
        .split("\0")
        .slice(0, -1);
    };

    test("takes the script", (context) => {
      if (!has("bash")) return context.skip("bash is not on PATH");
      expect(() => shell("bash", ["-n", script("bash")])).not.toThrow();
      expect(shell("bash", ["--norc", "-c", `. ${quote(script("bash"))}; complete -p okstra`])).toBe("complete -F _okstra okstra\n");
    });

    test("completes, and inserts nothing that it would run", (context) => {
      if (!has("bash")) return context.skip("bash is not on PATH");
      for (const [words, wanted] of LINES) {
        // Bash replaces only what is after the equals sign.
        const expected = wanted.map((value) => value.replace(/^--[^=]*=/u, ""));
        expect([words, [...inBash(words)].sort()]).toEqual([words, [...expected].sort()]);
      }
      noneRan();
    });

    test("completes files itself", (context) => {
      if (!has("bash")) return context.skip("bash is not on PATH");
      expect([...inBash(["run", "--brief", "a"], directory)].sort()).toEqual(["a $(touch pwned) b.md", "ask.md"]);
      expect(inBash(["run", "--brief=as"], directory)).toEqual(["ask.md"]);
      expect(inBash(["status", "--project-root", ""], directory)).toEqual(["some dir"]);
      noneRan();
    });
  });

  describe("zsh", () => {
    /** The words are given as zsh gives them; what would be offered is printed instead. */
    const inZsh = (words: readonly string[], cwd?: string): readonly string[] => {
      const lines = [
        "compdef() { :; }",
        `_describe() { local -a offered; offered=("\${(@P)4}"); printf '%s\\0' "\${offered[@]}"; }`,
        `_files() { printf 'FILES %s\\0' "$*"; }`,
        "compset() { :; }",
        `. ${quote(script("zsh"))}`,
        `words=(okstra ${words.map(quote).join(" ")}); CURRENT=$#words`,
        "_okstra",
      ];
      return shell("zsh", ["-f", "-c", lines.join("\n")], cwd)
        .split("\0")
        .slice(0, -1)
        .map((line) => line.replace(/:.*$/su, ""));
    };

    test("takes the script", (context) => {
      if (!has("zsh")) return context.skip("zsh is not on PATH");
      expect(() => shell("zsh", ["-f", "-n", script("zsh")])).not.toThrow();
    });

    test("completes, and inserts nothing that it would run", (context) => {
      if (!has("zsh")) return context.skip("zsh is not on PATH");
      for (const [words, wanted] of LINES) expect([words, [...inZsh(words)].sort()]).toEqual([words, [...wanted].sort()]);
      expect(inZsh(["run", "--brief", ""])).toEqual(["FILES "]);
      expect(inZsh(["status", "--project-root", ""])).toEqual(["FILES -/"]);
      noneRan();
    });

    test("completes on a terminal of its own", (context) => {
      if (!has("zsh")) return context.skip("zsh is not on PATH");
      if (!shell("zsh", ["-f", "-c", "zmodload zsh/zpty 2>/dev/null && echo yes || echo no"]).startsWith("yes"))
        return context.skip("zsh has no zsh/zpty");
      const inner = [
        "PS1=; unsetopt zle_bracketed_paste 2>/dev/null; autoload -Uz compinit; compinit -u -D",
        `. ${quote(script("zsh"))}`,
        // The line as it stands after Tab is what would be run: it is shown, and the line is emptied.
        'show() { print -r -- "LINE<$BUFFER>"; BUFFER=""; zle -I }; zle -N show; bindkey "^X" show',
      ];
      const lines = [
        "zmodload zsh/zpty",
        "zpty -b sh 'zsh -f -i'",
        `zpty -w sh ${quote(inner.join("; "))}`,
        'zpty -w sh "print -r READ""Y"; zpty -r sh line "*READY*"',
        ...["go bugs/lo", "run --lang=k", "worktree rel", "report kep"].flatMap((typed) => [
          `zpty -wn sh ${quote(`okstra ${typed}\t\u0018`)}`,
          'zpty -r sh line "*LINE<*>*"; print -r -- "$line"',
        ]),
        "zpty -d sh",
      ];
      const seen = shell("zsh", ["-f", "-c", lines.join("\n")]);
      expect([...seen.matchAll(/LINE<(.*?)>/gsu)].map((match) => match[1]?.trim())).toEqual([
        "okstra go bugs/login",
        "okstra run --lang=ko",
        "okstra worktree release",
        "okstra report kept/task",
      ]);
    });
  });

  describe("fish", () => {
    const inFish = (words: readonly string[], cwd?: string): readonly string[] => {
      const line = `okstra ${words.join(" ")}`;
      return shell("fish", ["--no-config", "-c", `source ${quote(script("fish"))}; complete -C ${quote(line)}`], cwd)
        .split("\n")
        .filter((each) => each !== "")
        .map((each) => each.split("\t")[0] ?? "");
    };

    test("takes the script", (context) => {
      if (!has("fish")) return context.skip("fish is not on PATH");
      expect(() => shell("fish", ["--no-execute", script("fish")])).not.toThrow();
    });

    test("completes, and inserts nothing that it would run", (context) => {
      if (!has("fish")) return context.skip("fish is not on PATH");
      for (const [words, wanted] of LINES) expect([words, [...inFish(words)].sort()]).toEqual([words, [...wanted].sort()]);
      expect(inFish(["run", "--brief", "as"], directory)).toEqual(["ask.md"]);
      expect(inFish(["run", "--brief=as"], directory)).toEqual(["--brief=ask.md"]);
      noneRan();
    });
  });

  describe("PowerShell", () => {
    const inPowerShell = (words: readonly string[], cwd?: string): readonly string[] => {
      const line = `okstra ${words.join(" ")}`;
      const lines = [
        `. '${script("powershell")}'`,
        `(TabExpansion2 -inputScript '${line}' -cursorColumn ${line.length}).CompletionMatches | ForEach-Object { $_.CompletionText }`,
      ];
      return shell("pwsh", ["-NoProfile", "-NonInteractive", "-Command", lines.join("\n")], cwd)
        .split(/\r?\n/u)
        .filter((each) => each !== "")
        .map((each) => each.replaceAll("'", ""));
    };

    test("takes the script and completes", (context) => {
      if (!has("pwsh")) return context.skip("pwsh is not on PATH");
      // Where nothing is offered it completes file names itself.
      for (const [words, wanted] of LINES.filter((each) => each[1].length > 0))
        expect([words, [...inPowerShell(words)].sort()]).toEqual([words, [...wanted].sort()]);
      noneRan();
    });
  });

  test("an okstra that is not there is no candidate and no message", (context) => {
    if (!has("bash")) return context.skip("bash is not on PATH");
    const empty = project.home.directory("empty");
    const lines = [`. ${quote(script("bash"))}`, "PATH=", "COMP_WORDS=(okstra va); COMP_CWORD=1; _okstra; echo ${#COMPREPLY[@]}"];
    const { stdout, stderr } = spawnSync("bash", ["--norc", "-c", lines.join("\n")], { encoding: "utf8", cwd: empty, env: environment() });
    expect({ stdout, stderr }).toEqual({ stdout: "0\n", stderr: "" });
    rmSync(empty, { recursive: true, force: true });
  });
});
