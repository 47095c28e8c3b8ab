/** The package as a stranger gets it: its tarball, node, npm and git; no network, an empty HOME, nothing of this repository. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

let directory = "";
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "okstra-offline-"));
  for (const name of ["home", "cache", "out"]) mkdirSync(join(directory, name));
  execFileSync("npm", ["pack", "--pack-destination", directory, "--cache", join(directory, "cache"), "--no-update-notifier"], {
    cwd: ROOT,
    stdio: "ignore",
  });
  const tarball = readdirSync(directory).find((name) => name.endsWith(".tgz")) ?? "";
  execFileSync("mv", [join(directory, tarball), join(directory, "okstra.tgz")]);
  writeFileSync(join(directory, "script.sh"), SCRIPT);
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** As a person would type it; what is printed is kept in ../out. */
const SCRIPT = `set -eu
npm install --global --prefix "$HOME/.local" --offline --no-audit --no-fund --no-update-notifier ../okstra.tgz >../out/npm.txt
PATH=$HOME/.local/bin:$PATH
okstra --version >../out/version.txt
okstra install --agents claude,codex --json >../out/install.json
okstra ensure-installed >../out/ensure.txt 2>&1

git init --quiet --initial-branch main .
git config user.name Stranger
git config user.email stranger@localhost
mkdir test
printf '{ "type": "module", "scripts": { "test": "node --test" } }\\n' >package.json
printf 'import { test } from "node:test";\\ntest("holds", () => undefined);\\n' >test/truth.test.js
git add --all
git commit --quiet --message Begin

okstra setup --yes --json >../out/setup.json
printf 'Sums are wrong\\n\\nThe sum of nothing is to be 0.\\n' >../brief.md
okstra task new bugs/sum --category bugfix --brief ../brief.md --json >../out/task.json
status=0
okstra run bugs/sum --task-type final-verification --workers checks --json >../out/run.json || status=$?
printf '%s\\n' "$status" >../out/status.txt
okstra report show bugs/sum >../out/report.md
okstra validate bugs/sum --json >../out/validate.json
okstra status --json >../out/tasks.json
okstra uninstall --json >../out/uninstall.json
`;

const read = (name: string): string => readFileSync(join(directory, "out", name), "utf8");
const readJson = (name: string): Record<string, unknown> => JSON.parse(read(name)) as Record<string, unknown>;

test("without a network and with an empty HOME: tarball, install, setup, run, report", (context) => {
  const work = join(directory, "work");
  mkdirSync(work);
  const mounts = `--ro-bind / / --dev /dev --proc /proc --tmpfs ${tmpdir()} --bind ${directory} ${directory} --chdir ${work}`;
  const home = `--setenv HOME ${directory}/home --setenv LANG C.UTF-8 --setenv PATH`;
  const walls = `--unshare-net --unshare-pid --die-with-parent --clearenv ${home}`;
  const room = [...`${mounts} ${walls}`.split(" "), process.env["PATH"] ?? ""];
  const tried = spawnSync("bwrap", [...room, "true"], { encoding: "utf8" });
  if (tried.error !== undefined || tried.status !== 0) return context.skip("bubblewrap is absent or may not make a namespace here");
  const { status, stderr } = spawnSync("bwrap", [...room, "sh", "../script.sh"], { encoding: "utf8", timeout: 240_000 });
  expect({ status, stderr: status === 0 ? "" : stderr }).toEqual({ status: 0, stderr: "" });

  const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string };
  expect(read("version.txt")).toBe(`${version}\n`);
  expect(read("ensure.txt")).toBe("");
  expect(readJson("setup.json")).toMatchObject({ projectId: "work" });
  expect(readJson("task.json")).toMatchObject({ taskKey: "work/bugs/sum" });
  // One family of workers: the gate waits for a person, which is what its exit status says.
  expect(read("status.txt")).toBe("10\n");
  expect(readJson("run.json")).toMatchObject({ verdict: "conditional-accept", findings: { total: 0 } });
  expect(read("report.md")).toContain("work/bugs/sum");
  expect(readJson("validate.json")).toMatchObject({ ok: true, broken: [] });
  expect(readJson("tasks.json")).toMatchObject({ tasks: [{ taskKey: "work/bugs/sum", state: "waiting" }] });
  const left = readdirSync(join(directory, "home"), { recursive: true, encoding: "utf8" }).filter((path) => path.includes("okstra-run"));
  expect(left.filter((path) => !path.startsWith(".local"))).toEqual([]);
}, 300_000);
