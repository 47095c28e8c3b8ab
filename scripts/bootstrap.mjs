/**
 * Makes a fresh clone ready: checks node and git, installs the packages that package-lock.json names when they are not
 * there, builds when the bundle is not what the sources say. Needs nothing but node, asks nothing, and says on stderr
 * what it does.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { isBuilt } from "./sources.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const LEAST_NODE = [20, 19];
const LEAST_GIT = [2, 31];

/** @param {{ build?: boolean }} options `build: false` leaves dist/ as it is. Ends the process when something is missing. */
export async function bootstrap({ build = true } = {}) {
  const missing = listMissing();
  if (missing.length > 0) {
    for (const line of missing) say(line);
    process.exit(1);
  }
  if (!isInstalled(ROOT)) await install();
  if (build && !isBuilt(ROOT)) {
    const { buildAndReport } = await import("./build.mjs");
    if (!(await buildAndReport())) process.exit(1);
  }
}

/** Everything that is missing at once, so that nobody has to find out one by one. */
function listMissing() {
  const missing = [];
  if (!isAtLeast(process.versions.node, LEAST_NODE))
    missing.push(`missing: Node.js ${LEAST_NODE.join(".")} or newer (this is ${process.versions.node}); see https://nodejs.org`);
  const git = spawnSync("git", ["--version"], { encoding: "utf8" });
  const version = /\d+\.\d+(\.\d+)?/u.exec(git.stdout || "");
  if (git.error !== undefined || version === null)
    missing.push(`missing: git ${LEAST_GIT.join(".")} or newer is not on PATH; see https://git-scm.com`);
  else if (!isAtLeast(version[0], LEAST_GIT))
    missing.push(`missing: git ${LEAST_GIT.join(".")} or newer (this is ${version[0]}); see https://git-scm.com`);
  return missing;
}

function isAtLeast(version, least) {
  const [major, minor] = version.split(".").map(Number);
  return major > least[0] || (major === least[0] && minor >= least[1]);
}

/**
 * True when node_modules holds what package-lock.json names: npm writes the list of what it installed at the very end.
 * @param {string} root
 */
export function isInstalled(root) {
  const installedList = join(root, "node_modules", ".package-lock.json");
  if (!existsSync(installedList)) return false;
  const wanted = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages;
  let installed;
  try {
    installed = JSON.parse(readFileSync(installedList, "utf8")).packages;
  } catch {
    return false;
  }
  return Object.entries(wanted).every(([path, entry]) => {
    if (!path.includes("node_modules/")) return true;
    const found = installed[path];
    if (found === undefined) return entry.optional === true && !isForThisSystem(entry);
    return found.version === entry.version && found.integrity === entry.integrity;
  });
}

/** Optional packages without a system of their own come only with one that has; which libc runs is npm's to know. */
function isForThisSystem({ os, cpu, libc }) {
  return libc === undefined && os !== undefined && os.includes(process.platform) && cpu !== undefined && cpu.includes(process.arch);
}

async function install() {
  say("installing the packages of package-lock.json (npm ci) ...");
  const startedAt = Date.now();
  const heartbeat = setInterval(() => say(`  still installing, ${seconds(startedAt)} s`), 10_000);
  const status = await run(["ci", "--include=dev", "--no-audit", "--no-fund", "--loglevel=error"]);
  clearInterval(heartbeat);
  if (status !== 0) {
    say(`npm ci failed with status ${status}; it needs the npm registry (npm config get registry)`);
    process.exit(1);
  }
  say(`installed in ${seconds(startedAt)} s`);
}

/** Runs npm: the one that started us, else the one on PATH. What it prints goes to stderr. */
function run(args) {
  const npm = process.env["npm_execpath"] ?? "";
  const [program, first] = npm.endsWith("npm-cli.js") ? [process.execPath, [npm]] : ["npm", []];
  return new Promise((resolve) => {
    const child = spawn(program, [...first, ...args], {
      cwd: ROOT,
      stdio: ["ignore", 2, 2],
      shell: program === "npm" && process.platform === "win32",
    });
    child.on("error", (error) => {
      say(`missing: npm cannot be started (${error.message})`);
      resolve(127);
    });
    child.on("exit", (code, signal) => resolve(code ?? signal));
  });
}

function seconds(startedAt) {
  return Math.round((Date.now() - startedAt) / 1000);
}

function say(text) {
  process.stderr.write(`${text}\n`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await bootstrap();
