/**
 * Mends what a program can: generated files, lint, layout.
 *
 * usage: node scripts/fix.mjs [path ...]    without a path the whole tree
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bootstrap } from "./bootstrap.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

await bootstrap({ build: false });
const { generate } = await import("./generate.mjs");
for (const path of await generate()) console.error(`wrote ${path}`);
const paths = process.argv.slice(2);
for (const [tool, ...args] of [
  ["oxlint/bin/oxlint", "--fix", ...paths],
  ["oxfmt/bin/oxfmt", ...(paths.length === 0 ? ["."] : paths)],
]) {
  const { status } = spawnSync(process.execPath, [join(ROOT, "node_modules", tool), ...args], {
    cwd: ROOT,
    stdio: ["ignore", "inherit", "inherit"],
  });
  if (status !== 0) process.exitCode = 1;
}
