/**
 * Installs the programs of others that tests run against okstra: packages/testkit/foreign, a project of its own. Says on
 * stderr what it does. When they cannot be had it says why and goes on: the tests whose programs are missing skip themselves.
 */
import { spawn } from "node:child_process";
import { fileURLToPath, pathToFileURL } from "node:url";
import { isInstalled } from "./bootstrap.mjs";

const FOREIGN = fileURLToPath(new URL("../packages/testkit/foreign", import.meta.url));
/** One more try and no long pauses: without a network the tests begin soon. */
const PATIENCE = ["--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-timeout=60000"];

/** @returns {Promise<boolean>} true when the versions of its package-lock.json are there */
export async function installForeign() {
  if (isInstalled(FOREIGN)) return true;
  say("installing the programs of packages/testkit/foreign (npm ci) ...");
  const startedAt = Date.now();
  const heartbeat = setInterval(() => say(`  still installing, ${seconds(startedAt)} s`), 10_000);
  const failure = await ci();
  clearInterval(heartbeat);
  if (failure === null) say(`installed in ${seconds(startedAt)} s`);
  else say(`not installed: ${failure}; tests whose programs are missing are skipped`);
  return failure === null;
}

/** Runs npm: the one that started us, else the one on PATH. @returns {Promise<string | null>} why it failed, in one line */
function ci() {
  const npm = process.env["npm_execpath"] ?? "";
  const [program, first] = npm.endsWith("npm-cli.js") ? [process.execPath, [npm]] : ["npm", []];
  return new Promise((resolve) => {
    const child = spawn(program, [...first, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", ...PATIENCE], {
      cwd: FOREIGN,
      stdio: ["ignore", "ignore", "pipe"],
      shell: program === "npm" && process.platform === "win32",
    });
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text) => (said += text));
    child.on("error", (error) => resolve(`npm cannot be started (${error.message})`));
    child.on("close", (code, signal) => resolve(code === 0 ? null : `npm ci ended with ${code ?? signal}${reasonIn(said)}`));
  });
}

/** npm's own words without its stamps: the code of the error and what it says of it. */
function reasonIn(said) {
  const lines = said.split("\n").filter((line) => line.startsWith("npm error "));
  const words = lines.slice(0, 4).map((line) => line.slice("npm error ".length).trim());
  return words.length === 0 ? "" : `: ${words.join(" ").slice(0, 300)}`;
}

function seconds(startedAt) {
  return Math.round((Date.now() - startedAt) / 1000);
}

function say(text) {
  process.stderr.write(`${text}\n`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href && !(await installForeign())) process.exitCode = 1;
