/** Step 0 of every skill, taken out of its Markdown and executed: with stubs, and with okstra itself. */
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundleOkstra } from "../bundle-okstra.ts";
import { extractStepZero, loadSkill, SKILL_NAMES, VERSION } from "./scripts-skills.ts";

const NOT_INSTALLED = "FAIL: okstra not installed; tell the user to run: npx okstra@latest install\n";
const NOT_SET_UP = "FAIL: this project has no okstra setup. Tell the user to run /okstra-setup first.\n";
const SHELLS = ["sh", "bash", "zsh"] as const;
const MODES = ["", "set -eu\n"] as const;
/** What a home may be called. */
const HOME = `it's "my" $HOME \`home\`; rm -x *`;

/** The two ways in, both the same stub: it notes how it was called and fails when it is told to. */
const STUB = `#!/bin/sh
printf '%s\\n' "$NAME $*" >> "$STUB_LOG"
if [ "$NAME" = npx ]; then shift 2; fi
if [ "$1" = "$STUB_FAILS" ]; then echo "{ \\"error\\": \\"$1\\" }"; echo "details of $1" >&2; exit 3; fi
case $1 in
  ensure-installed) echo 'chatter' ;;
  paths) printf '%s\\n' "$STUB_PATHS" ;;
  check-project) echo '{ "projectId": "shop" }' ;;
  *) exit 64 ;;
esac
`;

let directory = "";
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "okstra-step-0-"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly calls: readonly string[];
}

/** Runs the block in a shell whose PATH has nothing but the stubs, and something after it that must not run when it fails. */
function play(shell: string, script: string, options: { programs: readonly string[]; fails?: string }): Outcome {
  const place = mkdtempSync(join(directory, "a place with spaces-"));
  const home = join(place, HOME);
  const bin = join(home, "bin");
  mkdirSync(bin, { recursive: true });
  for (const name of options.programs) {
    writeFileSync(join(bin, name), STUB.replaceAll("$NAME", name));
    chmodSync(join(bin, name), 0o755);
  }
  const log = join(place, "calls");
  writeFileSync(log, "");
  const paths = { OKSTRA_HOME: join(home, ".okstra"), OKSTRA_RUNTIME: "/r", OKSTRA_VERSION: VERSION, OKSTRA_PYTHONPATH: "" };
  const env = {
    PATH: bin,
    HOME: home,
    STUB_LOG: log,
    STUB_FAILS: options.fails ?? "nothing",
    STUB_PATHS: Object.entries(paths)
      .map(([name, value]) => `${name}='${value.replaceAll("'", `'\\''`)}'`)
      .join("\n"),
  };
  const after = `printf 'home: %s\\n' "$OKSTRA_HOME"\n`;
  const { status, stdout, stderr } = spawnSync(shell, ["-c", script + after], { cwd: home, env, encoding: "utf8" });
  return {
    status,
    stdout: stdout.replace(paths.OKSTRA_HOME, "<home>"),
    stderr,
    calls: readFileSync(log, "utf8").split("\n").slice(0, -1),
  };
}

function find(program: string): string | null {
  const found = (process.env["PATH"] ?? "").split(delimiter).map((folder) => join(folder, program));
  return found.find((path) => existsSync(path)) ?? null;
}

test("all skills have the same step 0, but okstra-setup does not ask for a project", () => {
  const blocks = SKILL_NAMES.filter((name) => name !== "okstra-setup").map((name) => extractStepZero(loadSkill(name)));
  expect(new Set(blocks).size).toBe(1);
  expect(blocks[0]).toContain("check-project --json");
  const setup = extractStepZero(loadSkill("okstra-setup"));
  expect(setup).not.toContain("check-project");
  expect(blocks[0]!.replace(/^if ! OKSTRA_PROJECT=.*?^fi\nprintf .*?\n/msu, "")).toBe(setup);
});

describe.each(SHELLS)("in %s", (name) => {
  test.for(SKILL_NAMES)("%s: found on PATH, by npx, not installed, not set up", (skill, context) => {
    const shell = find(name);
    if (shell === null) return context.skip(`${name} is not on PATH`);
    const block = extractStepZero(loadSkill(skill));
    const needsProject = skill !== "okstra-setup";
    for (const mode of MODES) {
      const script = mode + block;
      const told = needsProject ? '{ "projectId": "shop" }\n' : "";
      const asked = ["ensure-installed", "paths --shell", ...(needsProject ? ["check-project --json"] : [])];

      expect(play(shell, script, { programs: ["okstra", "npx"] })).toEqual({
        status: 0,
        stdout: `${told}okstra ${VERSION} runs as: okstra\nhome: <home>\n`,
        stderr: "chatter\n",
        calls: asked.map((words) => `okstra ${words}`),
      });
      expect(play(shell, script, { programs: ["npx"] })).toEqual({
        status: 0,
        stdout: `${told}okstra ${VERSION} runs as: npx -y okstra@${VERSION}\nhome: <home>\n`,
        stderr: "chatter\n",
        calls: asked.map((words) => `npx -y okstra@${VERSION} ${words}`),
      });
      for (const fails of ["ensure-installed", "paths"]) {
        const outcome = play(shell, script, { programs: ["okstra"], fails });
        expect(outcome).toMatchObject({ status: 1, stdout: NOT_INSTALLED });
        expect(outcome.stderr).toContain(`details of ${fails}`);
      }
      expect(play(shell, script, { programs: [] })).toMatchObject({ status: 1, stdout: NOT_INSTALLED });
      const unset = play(shell, script, { programs: ["npx"], fails: "check-project" });
      if (needsProject) {
        expect(unset).toMatchObject({ status: 1, stdout: NOT_SET_UP });
        expect(unset.stderr).toBe('chatter\ndetails of check-project\n{ "error": "check-project" }\n');
      } else expect(unset).toMatchObject({ status: 0, calls: asked.map((words) => `npx -y okstra@${VERSION} ${words}`) });
    }
  });
});

describe("with okstra itself", () => {
  let okstra = "";
  beforeAll(async () => {
    okstra = await bundleOkstra(directory);
  });

  test.for(SHELLS)("in %s: a home with spaces and quotes, PYTHONPATH set and unset", (name, context) => {
    const shell = find(name);
    if (shell === null) return context.skip(`${name} is not on PATH`);
    const home = mkdtempSync(join(directory, HOME));
    const project = join(home, "my project");
    const bin = join(home, "bin");
    for (const path of [project, bin]) mkdirSync(path);
    // What ensure-installed finds is not the matter here.
    const quoted = [process.execPath, okstra].map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
    writeFileSync(join(bin, "okstra"), `#!/bin/sh\nif [ "$1" = ensure-installed ]; then exit 0; fi\nexec ${quoted} "$@"\n`);
    chmodSync(join(bin, "okstra"), 0o755);
    execFileSync("git", ["init", "--quiet"], { cwd: project });
    const { HOME: _, PYTHONPATH: __, ...rest } = process.env;
    const env = { ...rest, HOME: home, PATH: [bin, dirname(process.execPath), rest["PATH"]].join(delimiter) };
    const script = `set -eu\n${extractStepZero(loadSkill("okstra-status"))}printf '%s\\n' "$OKSTRA_HOME" "$OKSTRA_PYTHONPATH"\n`;
    const run = (more: Readonly<Record<string, string>> = {}): ReturnType<typeof spawnSync> =>
      spawnSync(shell, ["-c", script], { cwd: project, env: { ...env, ...more }, encoding: "utf8" });

    expect(run()).toMatchObject({ status: 1, stdout: NOT_SET_UP, stderr: expect.stringContaining("OKSTRA_PROJECT_NOT_SET_UP") });
    execFileSync(join(bin, "okstra"), ["setup", "--yes", "--project-id", "shop"], { cwd: project, env, stdio: "ignore" });
    for (const python of [undefined, `/a b/it's "here":$X`]) {
      const { status, stdout, stderr } = run(python === undefined ? {} : { PYTHONPATH: python });
      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
      expect(String(stdout).split("\n").slice(-4)).toEqual([
        expect.stringMatching(/^okstra \S+ runs as: okstra$/),
        join(home, ".okstra"),
        python ?? "",
        "",
      ]);
      expect(String(stdout)).toContain('"projectId": "shop"');
    }
  });
});
