/** Measures what a start of okstra really loads, from V8's own list of scripts. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * Runs `node bin/okstra.js ARGS` and adds up the JavaScript files that V8 compiled, node's own left out.
 * @param {string} root @param {readonly string[]} args
 * @returns {{ bytes: number, files: string[], status: number | null, stdout: string }}
 */
export function measureLoadedBytes(root, args) {
  const directory = mkdtempSync(join(tmpdir(), "okstra-loaded-"));
  try {
    const env = { ...process.env, NODE_V8_COVERAGE: directory, NODE_OPTIONS: "" };
    const { status, stdout } = spawnSync(process.execPath, [join(root, "bin/okstra.js"), ...args], {
      env,
      encoding: "utf8",
      cwd: directory,
    });
    const scripts = readdirSync(directory).flatMap((name) => JSON.parse(readFileSync(join(directory, name), "utf8")).result);
    const files = [...new Set(scripts.map((script) => script.url).filter((url) => url.startsWith("file://")))].map((url) =>
      fileURLToPath(url),
    );
    return { bytes: files.reduce((sum, file) => sum + statSync(file).size, 0), files, status, stdout };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
