import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createRunProject } from "@okstra/testkit/run-project";
import { runOkstra } from "@okstra/testkit/run-okstra";
import type { TestProject } from "@okstra/testkit/test-project";
import { openApp } from "@okstra/testkit/open-app";
import { openIndex } from "./open-index.ts";
import { runCli } from "./run-cli.ts";

const OPENER = process.platform === "darwin" ? "open" : "xdg-open";

let project: TestProject;
let runDir: string;
beforeEach(async () => {
  project = await createRunProject();
  runDir = (await project.okstra(["run", "bugs/login", "-t", "final-verification", "--workers", "checks,silent"])).json.runDir;
});
afterEach(() => project.remove());

/** A program that notes where it was started, with what, and ends with a status. */
function plantOpener(directory: string, status = 0): string {
  const note = join(project.home.root, `opened-${directory.replaceAll("/", "_")}`);
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, OPENER), `#!/bin/sh\n{ pwd; echo "$#"; echo "$1"; echo "$PATH"; } > '${note}'\nexit ${status}\n`, {
    mode: 0o755,
  });
  return note;
}

/** As at a terminal. */
async function openAtTerminal(path: string, ...argv: readonly string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  const env = { ...process.env, PATH: path };
  const cwd = project.repo.root;
  let [stdout, stderr] = ["", ""];
  const status = await runCli(["report", "open", "bugs/login", ...argv], {
    streams: { stdout: { write: (text) => void (stdout += text) }, stderr: { write: (text) => void (stderr += text) } },
    env,
    openApp: (emit) => openApp({ env, cwd, emit }),
    openIndex: async () => openIndex({ env, cwd }),
    stdinIsTerminal: true,
    terminal: { input: new PassThrough(), output: new PassThrough() },
    readStdin: async () => "",
    interrupted: new AbortController().signal,
  });
  return { status, stdout, stderr };
}

const PATH = process.env["PATH"] ?? "";

test("without a terminal the path is printed, of any form and run", async () => {
  const note = plantOpener(join(project.home.root, "bin"));
  const okstra = (...argv: readonly string[]) =>
    runOkstra(["report", "open", "bugs/login", ...argv], {
      cwd: project.repo.root,
      env: { PATH: `${join(project.home.root, "bin")}:${PATH}` },
    });
  await project.okstra(["run", "bugs/login", "-t", "final-verification", "--workers", "checks,silent"]);
  const second = runDir.replace(/001$/, "002");
  expect((await okstra()).stdout).toBe(`${second}/report.html\n`);
  expect((await okstra("--format", "md", "--run", "1")).stdout).toBe(`${runDir}/report.md\n`);
  expect((await okstra("-t", "final-verification", "--json")).json).toEqual({
    taskKey: "sums/bugs/login",
    type: "final-verification",
    run: 2,
    format: "html",
    path: `${second}/report.html`,
    opened: false,
    opener: null,
    reason: null,
  });
  expect((await okstra("--run", "3", "--json")).json.error.code).toBe("OKSTRA_RUN_NOT_FOUND");
  expect(existsSync(note)).toBe(false);
});

test("at a terminal the system's opener gets the path, and nothing else", async () => {
  const bin = join(project.home.root, "bin");
  const note = plantOpener(bin);
  const { status, stdout, stderr } = await openAtTerminal(`${bin}:${PATH}`);
  expect([status, stdout, stderr]).toEqual([0, `${runDir}/report.html\n`, ""]);
  expect(readFileSync(note, "utf8").split("\n").slice(0, 3)).toEqual([project.home.okstraHome, "1", `${runDir}/report.html`]);
  rmSync(note);
  await openAtTerminal(`${bin}:${PATH}`, "--print");
  await openAtTerminal(`${bin}:${PATH}`, "--json");
  expect(existsSync(note)).toBe(false);
  await openAtTerminal(`${bin}:${PATH}`, "--format", "md");
  expect(readFileSync(note, "utf8")).toContain(`${runDir}/report.md\n`);
});

test("where there is no opener, or it fails, the path is printed and the reason told", async () => {
  const bare = project.home.directory("bare");
  const git = PATH.split(":").find((each) => existsSync(join(each, "git"))) ?? "";
  symlinkSync(join(git, "git"), join(bare, "git"));
  const without = await openAtTerminal(bare);
  expect([without.status, without.stdout]).toEqual([0, `${runDir}/report.html\n`]);
  expect(without.stderr).toContain(`not opened: there is no ${OPENER} here`);
  const bin = join(project.home.root, "bin");
  plantOpener(bin, 3);
  const failed = await openAtTerminal(`${bin}:${PATH}`);
  expect([failed.status, failed.stdout]).toEqual([0, `${runDir}/report.html\n`]);
  expect(failed.stderr).toContain(`${join(bin, OPENER)} ended with status 3`);
});

test("nothing of the repository is started: neither a program in it nor a page that okstra did not write", async () => {
  const { path: worktree } = (await project.okstra(["worktree", "show", "bugs/login"])).json as { path: string };
  const planted = [join(project.repo.root, "node_modules/.bin"), join(worktree, "bin"), join(runDir, "bin")];
  const notes = planted.map((directory) => plantOpener(directory));
  const bin = join(project.home.root, "bin");
  const own = plantOpener(bin);
  const { status } = await openAtTerminal([...planted, ".", "", "node_modules/.bin", bin, PATH].join(":"));
  expect(status).toBe(0);
  expect(notes.map((note) => existsSync(note))).toEqual([false, false, false]);
  const [, , , passed] = readFileSync(own, "utf8").split("\n");
  expect(passed).toBe([bin, ...PATH.split(":").filter((each) => each.startsWith("/"))].join(":"));
  rmSync(own);

  const page = join(runDir, "report.html");
  const text = readFileSync(page, "utf8");
  writeFileSync(page, text.replace("</body>", "<script>alert(1)</script></body>"));
  const changed = await openAtTerminal(`${bin}:${PATH}`);
  expect([changed.status, changed.stdout]).toEqual([0, `${page}\n`]);
  expect(changed.stderr).toContain("not opened: it is not what this okstra");
  rmSync(page);
  writeFileSync(join(runDir, "other.html"), text);
  symlinkSync(join(runDir, "other.html"), page);
  expect((await openAtTerminal(`${bin}:${PATH}`)).stderr).toMatch(/report\.html/);
  expect(existsSync(own)).toBe(false);
});
