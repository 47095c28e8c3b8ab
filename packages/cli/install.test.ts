import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { bundleProgram } from "@okstra/testkit/bundle-program";
import { runOkstra, type OkstraAnswer } from "@okstra/testkit/run-okstra";
import { findStraceObstacle, injectInto, listKillPoints, traceInto } from "@okstra/testkit/faults/strace";
import { endStarted, startProcess } from "@okstra/testkit/faults/start-process";
import { useMemoryForTemporaryFiles } from "@okstra/testkit/faults/fault-project";
import { writeSkillPackage } from "@okstra/testkit/skill-package";
import { createTestHome, type TestHome } from "@okstra/testkit/test-home";
import { afterEach, beforeEach, expect, test } from "vitest";

const RUN = "skills/okstra-run/SKILL.md";
const STATUS = "skills/okstra-status/SKILL.md";
const OLD = { [RUN]: "run 1\n", [STATUS]: "status 1\n", "skills/okstra-gone/SKILL.md": "gone\n" };
const NEW = {
  [RUN]: "run 2\n",
  [STATUS]: "status 1\n",
  "skills/okstra-run/references/more.md": "more\n",
  ".claude-plugin/overrides/skills/okstra-status/SKILL.md": "status for Claude\n",
};

let home: TestHome;
let runtime = "";
beforeEach(() => {
  home = createTestHome();
  runtime = home.directory("package");
  writeSkillPackage(runtime, "1.0.0", OLD);
});
afterEach(async () => {
  await endStarted();
  home.remove();
});

const okstra = (...argv: string[]): Promise<OkstraAnswer> =>
  runOkstra([...argv, "--json"], { cwd: home.home, env: { PATH: "/nowhere" }, runtime });
const outcomes = ({ json }: OkstraAnswer): Record<string, string> =>
  Object.fromEntries(json.files.map((file: { path: string; outcome: string }) => [file.path.slice(home.home.length + 1), file.outcome]));
const read = (path: string): string => readFileSync(join(home.home, path), "utf8");
/** Every file of a directory with its text and time of change. */
const look = (directory: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(directory, { recursive: true, encoding: "utf8" })
      .filter((path) => statSync(join(directory, path)).isFile())
      .map((path) => [path, `${statSync(join(directory, path)).mtimeMs} ${readFileSync(join(directory, path), "utf8")}`]),
  );
const lookAtAll = (): Record<string, string> =>
  Object.fromEntries(Object.entries({ ...look(home.home), ...look(home.okstraHome) }).filter(([path]) => path !== "locks/install.lock"));

test("installed for all agents, over itself nothing is written, and ensure-installed says nothing", async () => {
  const answer = await okstra("install", "--agents", "claude,gemini");
  expect(answer.status, answer.stdout).toBe(0);
  expect(answer.json).toMatchObject({ version: "1.0.0", before: null, changed: true, agents: ["claude", "gemini"] });
  expect(new Set(Object.values(outcomes(answer)))).toEqual(new Set(["created"]));
  expect(read(".claude/skills/okstra-run/SKILL.md")).toBe("run 1\n");
  expect(read(".agents/skills/okstra-status/SKILL.md")).toBe("status 1\n");
  expect(statSync(join(home.okstraHome, "installed.json")).mode & 0o777).toBe(0o600);
  const before = lookAtAll();
  const again = await okstra("install", "--agents", "claude,gemini");
  expect(again.json).toMatchObject({ changed: false, before: "1.0.0" });
  const ensured = await runOkstra(["ensure-installed"], { cwd: home.home, runtime });
  expect(ensured).toMatchObject({ status: 0, stdout: "", stderr: "" });
  expect(lookAtAll()).toEqual(before);
});

test("without --agents those that are seen get the skills; nobody seen: both directories", async () => {
  expect((await okstra("install", "--dry-run")).json).toMatchObject({ agents: ["claude", "codex"], dryRun: true, changed: true });
  expect(readdirSync(home.home)).toEqual([".gitconfig"]);
  expect(existsSync(home.okstraHome) ? readdirSync(home.okstraHome) : []).toEqual([]);
  mkdirSync(join(home.home, ".gemini"));
  expect((await okstra("install")).json).toMatchObject({ agents: ["gemini"] });
  expect(existsSync(join(home.home, ".claude"))).toBe(false);
});

test("over an older version: changed files are new, skills that are no more are gone, Claude has its own", async () => {
  await okstra("install", "--agents", "claude,codex");
  writeSkillPackage(runtime, "1.1.0", NEW);
  const answer = await okstra("upgrade");
  expect(answer.json).toMatchObject({ version: "1.1.0", before: "1.0.0", changed: true });
  expect(outcomes(answer)).toEqual({
    ".claude/skills/okstra-run/SKILL.md": "updated",
    ".claude/skills/okstra-run/references/more.md": "created",
    ".claude/skills/okstra-status/SKILL.md": "updated",
    ".claude/skills/okstra-gone/SKILL.md": "removed",
    ".agents/skills/okstra-run/SKILL.md": "updated",
    ".agents/skills/okstra-run/references/more.md": "created",
    ".agents/skills/okstra-status/SKILL.md": "unchanged",
    ".agents/skills/okstra-gone/SKILL.md": "removed",
  });
  expect(read(".claude/skills/okstra-status/SKILL.md")).toBe("status for Claude\n");
  expect(read(".agents/skills/okstra-status/SKILL.md")).toBe("status 1\n");
  expect(readdirSync(join(home.home, ".agents/skills"))).toEqual(["okstra-run", "okstra-status"]);
});

test("a file that the user changed is kept, through upgrades and removal, and the new one is beside it until it is taken over", async () => {
  await okstra("install", "--agents", "claude");
  const own = join(home.home, ".claude/skills/okstra-run/SKILL.md");
  writeFileSync(own, "mine\n");
  writeSkillPackage(runtime, "1.1.0", NEW);
  expect(await runOkstra(["ensure-installed"], { cwd: home.home, runtime })).toMatchObject({ status: 0, stdout: "", stderr: "" });
  expect([readFileSync(own, "utf8"), readFileSync(`${own}.okstra-new`, "utf8")]).toEqual(["mine\n", "run 2\n"]);
  const shown = await runOkstra(["upgrade"], { cwd: home.home, runtime });
  expect(shown.stdout.replaceAll(home.home, "HOME")).toMatchSnapshot();
  writeFileSync(own, "run 2\n");
  expect(outcomes(await okstra("upgrade"))).toMatchObject({ ".claude/skills/okstra-run/SKILL.md.okstra-new": "removed" });
  expect(existsSync(`${own}.okstra-new`)).toBe(false);
  writeFileSync(own, "mine again\n");
  expect(outcomes(await okstra("uninstall"))).toMatchObject({ ".claude/skills/okstra-run/SKILL.md": "kept" });
  expect(look(join(home.home, ".claude"))).toEqual({ "skills/okstra-run/SKILL.md": expect.stringContaining("mine again") });
  expect(existsSync(join(home.okstraHome, "installed.json"))).toBe(false);
  expect((await runOkstra(["uninstall"], { cwd: home.home, runtime })).stdout).toBe("Nothing is installed.\n");
});

test("nothing was installed: ensure-installed and upgrade say so, and an older okstra does not replace a newer one's", async () => {
  const refused = await runOkstra(["ensure-installed"], { cwd: home.home, runtime });
  expect([refused.status, refused.stdout, refused.stderr]).toEqual([
    3,
    "",
    "error[OKSTRA_NOT_INSTALLED]: No skills of okstra were installed here.\nhint: Run: npx okstra@latest install\n",
  ]);
  expect((await okstra("upgrade")).json.error.code).toBe("OKSTRA_NOT_INSTALLED");
  writeSkillPackage(runtime, "2.0.0", NEW);
  await okstra("install", "--agents", "codex");
  writeSkillPackage(runtime, "1.0.0", OLD);
  const before = lookAtAll();
  expect((await okstra("install")).json.error.code).toBe("OKSTRA_INSTALL_NEWER");
  expect((await okstra("upgrade")).json.error.code).toBe("OKSTRA_INSTALL_NEWER");
  expect((await okstra("ensure-installed")).status).toBe(0);
  expect(lookAtAll()).toEqual(before);
});

test("a project's own skills, and only those of one scope removed", async () => {
  const project = home.directory("home/project");
  await runOkstra(["setup", "--yes"], { cwd: project, runtime });
  await okstra("install", "--agents", "claude");
  const answer = await runOkstra(["install", "--project", "--agents", "codex", "--json"], { cwd: project, runtime });
  expect(answer.json.targets.map(({ scope }: { scope: string }) => scope)).toEqual(["user", "project"]);
  expect(existsSync(join(project, ".agents/skills/okstra-run/SKILL.md"))).toBe(true);
  expect((await okstra("uninstall", "--user")).status).toBe(0);
  expect(existsSync(join(home.home, ".claude/skills/okstra-run"))).toBe(false);
  expect(existsSync(join(project, ".agents/skills/okstra-run/SKILL.md"))).toBe(true);
  expect((await okstra("install", "--user", "--project")).json.error.code).toBe("OKSTRA_USAGE");
  expect((await okstra("install", "--agents", "claude,emacs")).json.error.message).toContain('"emacs"');
});

test("links: one that leads out is refused, a file that is one is the user's, and one inside the home is followed", async () => {
  const outside = home.directory("outside");
  mkdirSync(join(home.home, ".claude"));
  symlinkSync(outside, join(home.home, ".claude/skills"));
  expect((await okstra("install", "--agents", "claude")).json.error.code).toBe("OKSTRA_PATH_IS_LINK");
  expect(readdirSync(outside)).toEqual([]);
  rmSync(join(home.home, ".claude/skills"));
  symlinkSync("/nowhere/at/all", join(home.home, ".claude/skills"));
  expect((await okstra("install", "--agents", "claude")).json.error.code).toBe("OKSTRA_PATH_IS_LINK");
  rmSync(join(home.home, ".claude"), { recursive: true });
  mkdirSync(join(home.home, "dotfiles"));
  symlinkSync(join(home.home, "dotfiles"), join(home.home, ".claude"));
  mkdirSync(join(home.home, "dotfiles/skills/okstra-run"), { recursive: true });
  writeFileSync(join(outside, "file"), "run 0\n");
  symlinkSync(join(outside, "file"), join(home.home, "dotfiles/skills/okstra-run/SKILL.md"));
  expect(outcomes(await okstra("install", "--agents", "claude"))).toMatchObject({ ".claude/skills/okstra-run/SKILL.md": "kept" });
  expect(readFileSync(join(outside, "file"), "utf8")).toBe("run 0\n");
  expect(existsSync(join(home.home, "dotfiles/skills/okstra-status/SKILL.md"))).toBe(true);
});

test("an installed.json that names other files removes none of them; a broken or newer one is an error", async () => {
  const victim = join(home.home, "precious");
  writeFileSync(victim, "precious\n");
  await okstra("install", "--agents", "claude");
  const path = join(home.okstraHome, "installed.json");
  const installed = JSON.parse(readFileSync(path, "utf8"));
  const sha256 = createHash("sha256").update("precious\n").digest("hex");
  installed.files.push(
    { base: home.home, path: "precious", sha256 },
    { base: home.home, path: ".claude/skills/okstra-x/../../../precious", sha256 },
  );
  writeFileSync(path, JSON.stringify(installed));
  expect((await okstra("upgrade")).status).toBe(0);
  expect(readFileSync(victim, "utf8")).toBe("precious\n");
  writeFileSync(path, "{ nonsense");
  expect((await okstra("ensure-installed")).json.error.code).toBe("OKSTRA_INSTALLED_UNREADABLE");
  writeFileSync(path, JSON.stringify({ schema: 2 }));
  expect((await okstra("install")).json.error.code).toBe("OKSTRA_SCHEMA_NEWER");
  rmSync(join(runtime, "dist/BUILD.json"));
  expect((await okstra("install")).json.error.code).toBe("OKSTRA_PACKAGE_DAMAGED");
});

test("a package whose skill is not the one that was built installs nothing of it", async () => {
  writeFileSync(join(runtime, "assets", RUN), "planted\n");
  const answer = await okstra("install", "--agents", "claude");
  expect(answer.json.error.code).toBe("OKSTRA_PACKAGE_DAMAGED");
  expect(existsSync(join(home.home, ".claude/skills/okstra-run/SKILL.md"))).toBe(false);
});

test("a home that cannot be written is a clear error", async () => {
  const file = join(home.root, "file");
  writeFileSync(file, "");
  const readOnly = await runOkstra(["install", "--agents", "claude", "--json"], {
    cwd: home.root,
    env: { HOME: join(file, "home") },
    runtime,
  });
  expect(readOnly.json.error.code).toBe("OKSTRA_DIRECTORY_NOT_FOUND");
  const blocked = await runOkstra(["install", "--agents", "claude", "--json"], {
    cwd: home.root,
    env: { OKSTRA_HOME: join(file, "okstra") },
    runtime,
  });
  expect([blocked.status, blocked.json.error.code]).toEqual([1, "OKSTRA_IO_FAILED"]);
  writeFileSync(join(home.home, ".claude"), "a file");
  expect((await okstra("install", "--agents", "claude")).json.error.code).toBe("OKSTRA_IO_FAILED");
  expect(readFileSync(join(home.home, ".claude"), "utf8")).toBe("a file");
});

test("two at once leave what one leaves", async () => {
  const answers = await Promise.all([
    okstra("install", "--agents", "claude"),
    okstra("install", "--agents", "codex"),
    okstra("install", "--agents", "claude"),
  ]);
  expect(answers.map(({ status }) => status)).toEqual([0, 0, 0]);
  expect((await okstra("install", "--agents", "claude,codex")).json).toMatchObject({ changed: false });
});

test("killed at a system call that changes the disk, the next command makes it whole", { timeout: 120_000 }, async (context) => {
  const obstacle = findStraceObstacle();
  if (obstacle !== null) return context.skip(obstacle);
  const memory = useMemoryForTemporaryFiles();
  try {
    const main = new URL("./main.ts", import.meta.url).pathname;
    const contents = `import { main } from ${JSON.stringify(main)};\nprocess.exitCode = await main(process.argv.slice(2));\n`;
    const program = await bundleProgram({ stdin: { contents, resolveDir: dirname(main) } }, join(runtime, "dist/okstra.mjs"));
    const clean = (): void => {
      for (const path of [join(home.home, ".claude"), home.okstraHome]) rmSync(path, { recursive: true, force: true });
    };
    const prepare = async (): Promise<void> => {
      clean();
      writeSkillPackage(runtime, "1.0.0", OLD);
      await okstra("install", "--agents", "claude");
      writeFileSync(join(home.home, ".claude/skills/okstra-status/SKILL.md"), "mine\n");
      writeSkillPackage(runtime, "1.1.0", NEW);
    };
    const start = (prefix: readonly string[]) => {
      const [first = process.execPath, ...rest] = [...prefix, process.execPath, program, "upgrade", "--json"];
      return startProcess([first, ...rest], { cwd: home.home, env: { UV_THREADPOOL_SIZE: "1" } }).ended;
    };
    await prepare();
    const log = join(home.root, "trace");
    expect((await start(traceInto(log))).status).toBe(0);
    const whole = look(join(home.home, ".claude"));
    const texts = (all: Record<string, string>): Record<string, string> =>
      Object.fromEntries(Object.entries(all).map(([path, text]) => [path, text.slice(text.indexOf(" ") + 1)]));
    const points = listKillPoints(log, home.root);
    expect(points.length).toBeGreaterThan(10);
    let killed = 0;
    const step = Math.max(1, Math.floor(points.length / 24));
    for (let at = 0; at < points.length; at += step) {
      const point = points[at];
      if (point === undefined) continue;
      await prepare();
      const { status } = await start(injectInto(point.systemCall, `signal=KILL:when=${point.when}`));
      if (status !== 0) killed += 1;
      const how = `killed at ${point.systemCall} number ${point.when}, as in ${point.text}`;
      expect(read(".claude/skills/okstra-status/SKILL.md"), how).toBe("mine\n");
      const next = await okstra("ensure-installed");
      expect([next.status, next.stderr], `${how}: ${next.stdout}`).toEqual([0, ""]);
      expect(texts(look(join(home.home, ".claude"))), how).toEqual(texts(whole));
    }
    expect(killed).toBeGreaterThan(5);
  } finally {
    memory.remove();
  }
});
