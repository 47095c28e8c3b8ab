/**
 * Installs and builds what is missing, then runs the tests; the last line is `N passed, N failed, N skipped`.
 *
 * usage: node scripts/test.mjs [vitest's own arguments]
 */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bootstrap } from "./bootstrap.mjs";
import { installForeign } from "./foreign.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

await bootstrap();
await installForeign();
const vitest = join(ROOT, "node_modules", "vitest", "vitest.mjs");
// A log gets no colours.
const plain = process.stdout.isTTY === true || process.env["FORCE_COLOR"] !== undefined ? {} : { NO_COLOR: "1" };
const child = spawn(process.execPath, [vitest, "run", ...process.argv.slice(2)], {
  cwd: ROOT,
  env: { ...process.env, ...plain },
  stdio: ["ignore", "inherit", "inherit"],
});
child.on("exit", (code) => {
  process.exitCode = code ?? 1;
});
