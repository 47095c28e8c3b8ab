/**
 * Checks the rules of the house (AGENTS.md): one line each, then what is wrong; exit status 1 when any fails.
 *
 * usage: node scripts/check.mjs [rule ...] [--root DIR]    DIR is another tree, judged by its own copy of the configuration
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { bootstrap } from "./bootstrap.mjs";

const HOME = resolve(fileURLToPath(new URL("..", import.meta.url)));
const VERSION_BUDGET_BYTES = 64 * 1024;

/**
 * @typedef {{ ok: boolean, note?: string, lines?: string[] }} Verdict
 * @type {{ name: string, run: (root: string) => Promise<Verdict> }[]}
 */
const RULES = [
  { name: "types", run: (root) => checkTypes(root, "tsconfig.json") },
  { name: "types-core", run: (root) => checkTypes(root, "packages/core/tsconfig.json") },
  { name: "types-web", run: (root) => checkTypes(root, "packages/web/tsconfig.json") },
  { name: "layers", run: checkLayers },
  { name: "lint", run: (root) => tool(root, "oxlint/bin/oxlint", ["-c", ".oxlintrc.json", "--format", "unix"]) },
  { name: "stdout", run: (root) => own(root, "findStdoutWriters") },
  { name: "names", run: (root) => own(root, "findVagueNames") },
  { name: "unused", run: (root) => tool(root, "knip/bin/knip.js", ["--no-progress", "--no-config-hints"]) },
  {
    name: "unused-strict",
    // What ships may only use what its own package.json lists. An export that only tests use is judged by the rule above.
    run: (root) =>
      tool(root, "knip/bin/knip.js", [
        "--strict",
        "--no-progress",
        "--no-config-hints",
        "--include",
        "files,dependencies,unlisted,unresolved,duplicates",
      ]),
  },
  { name: "secrets", run: checkSecrets },
  { name: "format", run: (root) => tool(root, "oxfmt/bin/oxfmt", ["-c", ".oxfmtrc.json", "--list-different", "."]) },
  { name: "generated", run: checkGenerated },
  { name: "skills", run: checkSkillTexts },
  { name: "budget", run: checkBudget },
  { name: "size", run: reportSize },
];

function checkTypes(root, project) {
  // What was checked before is kept beside the packages, so that a second run looks at changes only.
  const cache = join(HOME, "node_modules", ".cache", "tsc", `${project.replaceAll("/", "-")}.tsbuildinfo`);
  const incremental = root === HOME ? ["--incremental", "--tsBuildInfoFile", cache] : [];
  return tool(root, "typescript/bin/tsc", ["-p", project, "--pretty", "false", ...incremental]);
}

async function checkLayers(root) {
  const { status, stdout, stderr } = await runNode(root, "dependency-cruiser/bin/dependency-cruise.mjs", [
    "packages",
    "--config",
    ".dependency-cruiser.cjs",
    "--output-type",
    "json",
  ]);
  if (!stdout.startsWith("{")) return { ok: false, lines: lines(stdout + stderr), note: `status ${status}` };
  const { violations, totalCruised, totalDependenciesCruised } = JSON.parse(stdout).summary;
  // With a TypeScript that it does not know dependency-cruiser finds nothing and is content.
  if (totalCruised === 0 || totalDependenciesCruised === 0) return { ok: false, lines: ["no module was cruised, so no rule was checked"] };
  return {
    ok: violations.length === 0,
    note: `${totalCruised} modules, ${totalDependenciesCruised} dependencies`,
    lines: violations.map(({ rule, from, to, cycle }) => {
      const path = cycle === undefined ? [from, to] : [from, ...cycle.map(({ name }) => name)];
      return `${rule.name}: ${[...new Set(path)].join(" -> ")}`;
    }),
  };
}

/** Every file that git tracks or would track. */
async function checkSecrets(root) {
  const listed = await run(root, "git", ["ls-files", "--cached", "--others", "--exclude-standard", "-z"]);
  if (listed.status !== 0) return { ok: false, lines: ["not a git repository, so the files to check are unknown"] };
  const files = listed.stdout.split("\0").filter((path) => path !== "" && existsSync(join(root, path)));
  const config = ["--secretlintrc", ".secretlintrc.json", "--no-color", "--no-terminalLink", "--no-glob"];
  return { note: `${files.length} files`, ...(await tool(root, "secretlint/bin/secretlint.js", [...config, ...files])) };
}

/** Skills keep their specification, and what they and the documentation name exists. */
async function checkSkillTexts(root) {
  const { checkSkills } = await import("./skills/check-skills.mjs");
  const problems = await checkSkills(root);
  return { ok: problems.length === 0, lines: problems };
}

async function checkGenerated(root) {
  const { generate } = await import("./generate.mjs");
  const stale = await generate({ check: true, root });
  return { ok: stale.length === 0, lines: stale.map((path) => `${path}: not up to date; run: npm run fix`) };
}

async function checkBudget(root) {
  const { measureLoadedBytes } = await import("./loaded-bytes.mjs");
  const { bytes, files, status, stdout } = measureLoadedBytes(root, ["--version"]);
  const answered = status === 0 && /^\d+\.\d+\.\d+\S*\n$/u.test(stdout);
  return {
    ok: answered && files.length > 0 && bytes <= VERSION_BUDGET_BYTES,
    note: `okstra --version loads ${bytes} bytes of JavaScript (at most ${VERSION_BUDGET_BYTES})`,
    lines: answered ? files : [`okstra --version ended with status ${status} and said ${JSON.stringify(stdout)}`],
  };
}

async function reportSize(root) {
  const { listLongFiles } = await import("./house-rules.mjs");
  const long = listLongFiles(root);
  return { ok: true, note: long.length === 0 ? "" : `${long.length} over the soft limit: ${long.join("; ")}` };
}

/** @returns {Promise<Verdict>} one of our own rules: fails when it finds anything */
async function own(root, name) {
  const found = (await import("./house-rules.mjs"))[name](root);
  return { ok: found.length === 0, lines: found };
}

/** @returns {Promise<Verdict>} a tool of node_modules: fails by its exit status */
async function tool(root, path, args) {
  const { status, stdout, stderr } = await runNode(root, path, args);
  return { ok: status === 0, lines: lines(stdout + stderr) };
}

function runNode(root, path, args) {
  return run(root, process.execPath, [join(HOME, "node_modules", path), ...args]);
}

/** @returns {Promise<{ status: number | string | null, stdout: string, stderr: string }>} */
function run(root, program, args) {
  return new Promise((settle, reject) => {
    const child = spawn(program, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
    const output = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"]) child[name].setEncoding("utf8").on("data", (text) => (output[name] += text));
    child.on("error", reject);
    child.on("close", (code, signal) => settle({ status: code ?? signal, ...output }));
  });
}

function lines(text) {
  return text.split("\n").filter((line) => line.trim() !== "");
}

/** @returns {Promise<boolean>} true when every rule holds */
async function check(names, root) {
  const chosen = names.length === 0 ? RULES : RULES.filter(({ name }) => names.includes(name));
  const waiting = [...chosen];
  const failed = [];
  const work = async () => {
    for (let rule = waiting.shift(); rule !== undefined; rule = waiting.shift()) {
      const startedAt = performance.now();
      const verdict = await rule.run(root).catch((error) => ({ ok: false, note: "", lines: [String(error.stack ?? error)] }));
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
      console.log(`${verdict.ok ? "ok  " : "FAIL"} ${rule.name.padEnd(14)} ${seconds.padStart(5)} s  ${verdict.note ?? ""}`.trimEnd());
      if (!verdict.ok) failed.push({ ...rule, lines: verdict.lines ?? [] });
    }
  };
  await Promise.all(Array.from({ length: Math.min(4, availableParallelism()) }, work));
  for (const rule of failed) console.log(`\n${rule.name}:\n${rule.lines.map((line) => `  ${line}`).join("\n")}`);
  console.log(
    failed.length === 0
      ? `\nall ${chosen.length} rules hold`
      : `\n${failed.length} of ${chosen.length} rules broken: ${failed.map(({ name }) => name).join(", ")}`,
  );
  return failed.length === 0;
}

const { values, positionals } = parseArgs({ options: { root: { type: "string" } }, allowPositionals: true });
const unknown = positionals.filter((name) => !RULES.some((rule) => rule.name === name));
if (unknown.length > 0) {
  console.error(`no such rule: ${unknown.join(", ")}; there are ${RULES.map(({ name }) => name).join(", ")}`);
  process.exitCode = 2;
} else {
  if (values.root === undefined) await bootstrap({ build: false });
  if (!(await check(positionals, resolve(values.root ?? HOME)))) process.exitCode = 1;
}
