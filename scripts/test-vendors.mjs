/**
 * Opt-in: the real programs of the vendors under okstra's drivers, against a model server on 127.0.0.1, with an emptied
 * environment and dummy keys. Installs them in exact versions into node_modules/.cache/okstra-vendors (about 740 MB).
 *
 * usage: node scripts/test-vendors.mjs [vitest's own arguments]
 */
import { spawn } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bootstrap } from "./bootstrap.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const VENDORS = join(ROOT, "packages/testkit/vendors");
const CACHE = join(ROOT, "node_modules/.cache/okstra-vendors");

await bootstrap();
const missing = listMissing();
const reason = missing.length === 0 ? "" : await install(missing);
if (reason !== "") console.log(reason);
const vitest = join(ROOT, "node_modules", "vitest", "vitest.mjs");
// Nothing of the person's own environment gets near the programs: no key, no proxy, no home.
const env = {
  PATH: process.env["PATH"] ?? "",
  ...(process.env["TMPDIR"] === undefined ? {} : { TMPDIR: process.env["TMPDIR"] }),
  ...(process.stdout.isTTY === true ? {} : { NO_COLOR: "1" }),
  OKSTRA_TEST_VENDORS: join(CACHE, "node_modules/.bin"),
  OKSTRA_TEST_VENDORS_REASON: reason,
  ...(process.env["OKSTRA_TEST_VENDORS_SHOW"] === undefined ? {} : { OKSTRA_TEST_VENDORS_SHOW: "1" }),
};
process.exitCode = await run(
  process.execPath,
  [vitest, "run", "--config", "vitest.vendors.config.mts", ...process.argv.slice(2)],
  ROOT,
  env,
);

/** `name@version` of what is not installed in that version. */
function listMissing() {
  const { dependencies } = JSON.parse(readFileSync(join(VENDORS, "package.json"), "utf8"));
  return Object.entries(dependencies)
    .filter(([name, version]) => installedVersion(name) !== version)
    .map(([name, version]) => `${name}@${version}`);
}

function installedVersion(name) {
  try {
    return JSON.parse(readFileSync(join(CACHE, "node_modules", name, "package.json"), "utf8")).version;
  } catch {
    return null;
  }
}

/** Answers why a program is still missing; empty when none is. */
async function install(names) {
  console.log(`installing ${names.join(", ")}`);
  mkdirSync(CACHE, { recursive: true });
  for (const name of ["package.json", "package-lock.json"]) copyFileSync(join(VENDORS, name), join(CACHE, name));
  const code = await run("npm", ["ci", "--no-audit", "--no-fund", "--loglevel", "error"], CACHE, process.env);
  const left = listMissing();
  return left.length === 0 ? "" : `${left.join(", ")} could not be installed: npm ended with ${code}`;
}

function run(program, args, cwd, environment) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd, env: environment, stdio: ["ignore", "inherit", "inherit"] });
    child.on("error", () => resolve(127));
    child.on("exit", (code) => resolve(code ?? 1));
  });
}
