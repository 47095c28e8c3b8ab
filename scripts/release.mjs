/**
 * Makes the tarball of a release and proves that it is what the commit says: a clean tree, a tag of the version, a section in
 * the changelog, and two packings with the same hash. With --publish it is given to the registry, with provenance, which needs
 * an OpenID token: only a CI job that may have one (`id-token: write`) can publish.
 *
 * usage: node scripts/release.mjs [--out DIR] [--publish] [--tag NAME]    NAME is the registry's tag, `next` for a pre-release
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { bootstrap } from "./bootstrap.mjs";
import { buildAndReport } from "./build.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const ABOUT = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));

/** Everything that stands in a release's way, one line each. @param {boolean} publish */
function listObstacles(publish) {
  const { version } = ABOUT;
  const obstacles = [];
  if (git("status", "--porcelain") !== "") obstacles.push("the tree is not clean: commit or stash what is in it");
  if (!git("tag", "--points-at", "HEAD").split("\n").includes(`v${version}`))
    obstacles.push(`the commit has no tag v${version}: git tag v${version}`);
  const hasSection = readFileSync(join(ROOT, "CHANGELOG.md"), "utf8").split("\n").includes(`## ${version}`);
  if (!hasSection) obstacles.push(`CHANGELOG.md has no section "## ${version}"`);
  if (!publish) return obstacles;
  // The registry compares the provenance with this address.
  if (ABOUT.repository === undefined) obstacles.push("package.json names no repository, which provenance is compared with");
  if (process.env["ACTIONS_ID_TOKEN_REQUEST_URL"] === undefined && process.env["SIGSTORE_ID_TOKEN"] === undefined)
    obstacles.push("there is no OpenID token to make the provenance with: publish from a CI job with id-token: write");
  return obstacles;
}

function git(...args) {
  return execFileSync("git", args, { cwd: ROOT, encoding: "utf8" }).trim();
}

/** @returns {{ filename: string, integrity: string, size: number, entryCount: number }} */
function pack(directory) {
  const printed = execFileSync("npm", ["pack", "--json", "--pack-destination", directory], { cwd: ROOT, encoding: "utf8" });
  return JSON.parse(printed)[0];
}

const { values } = parseArgs({
  options: { out: { type: "string" }, publish: { type: "boolean", default: false }, tag: { type: "string" } },
});
await bootstrap({ build: false });
// dist/BUILD.json names the commit that it was built at.
if (!(await buildAndReport())) process.exit(1);
const obstacles = listObstacles(values.publish);
for (const each of obstacles) console.error(each);
if (obstacles.length > 0) process.exit(1);

const out = resolve(values.out ?? ROOT);
mkdirSync(out, { recursive: true });
const again = mkdtempSync(join(tmpdir(), "okstra-release-"));
try {
  const [first, second] = [pack(out), pack(again)];
  if (first.integrity !== second.integrity) {
    console.error(`two packings differ: ${first.integrity} and ${second.integrity}`);
    process.exit(1);
  }
  const { filename, integrity, size, entryCount } = first;
  const tarball = join(out, filename);
  console.log(
    JSON.stringify({ tarball, version: ABOUT.version, commit: git("rev-parse", "HEAD"), integrity, bytes: size, files: entryCount }),
  );
  if (values.publish) {
    const tag = values.tag ?? (ABOUT.version.includes("-") ? "next" : "latest");
    execFileSync("npm", ["publish", tarball, "--provenance", "--access", "public", "--tag", tag], { cwd: ROOT, stdio: "inherit" });
  }
} finally {
  rmSync(again, { recursive: true, force: true });
}
