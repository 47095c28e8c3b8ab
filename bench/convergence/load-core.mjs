import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const MODULES = ["matcher", "agglomerate", "place", "classify", "converge"];

/** What is measured: the TypeScript of packages/core/convergence itself, bundled under node_modules and imported. */
export async function loadCore() {
  const cache = join(ROOT, "node_modules", ".cache");
  mkdirSync(cache, { recursive: true });
  const directory = mkdtempSync(join(cache, "okstra-bench-"));
  try {
    const outfile = join(directory, "core.mjs");
    const contents = MODULES.map((name) => `export * from "./packages/core/convergence/${name}.ts";`).join("\n");
    await build({ stdin: { contents, resolveDir: ROOT }, outfile, bundle: true, format: "esm", platform: "node", logLevel: "silent" });
    return await import(pathToFileURL(outfile).href);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
