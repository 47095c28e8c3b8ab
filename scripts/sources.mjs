/** Tells whether dist/ is what the sources would build. Needs nothing but node, so that it works before `npm ci`. */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** What decides over the bundle beside its own sources: versions of packages, exports, and how it is built. */
const ALWAYS = ["package.json", "package-lock.json", "scripts/build.mjs", "tsconfig.base.json"];

/** @param {string} root */
export function metaPath(root) {
  return join(root, "dist", "meta.json");
}

/** @param {string} root @param {readonly string[]} sources paths from the root @returns {string} SHA-256, hex */
export function hashSources(root, sources) {
  const manifests = readdirSync(join(root, "packages")).map((name) => `packages/${name}/package.json`);
  const hash = createHash("sha256");
  for (const path of [...new Set([...ALWAYS, ...manifests, ...sources])].sort()) {
    const absolute = join(root, path);
    if (existsSync(absolute)) hash.update(`${path}\0`).update(readFileSync(absolute)).update("\0");
  }
  return hash.digest("hex");
}

/** @param {string} root @returns {boolean} true when dist/ is there and its sources have not changed since */
export function isBuilt(root) {
  if (!existsSync(join(root, "dist", "main.mjs"))) return false;
  try {
    const { sourceHash, sources } = JSON.parse(readFileSync(metaPath(root), "utf8"));
    return sourceHash === hashSources(root, sources);
  } catch {
    return false;
  }
}
