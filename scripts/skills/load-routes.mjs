/** Loads what the command line declares, for whoever checks texts against it. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

const HOME = fileURLToPath(new URL("../..", import.meta.url));

/** @param {string} root of a tree with packages/cli/routes.ts @returns {Promise<any>} its stricli route map */
export async function loadRoutes(root) {
  // Under node_modules, so that what stays outside of the bundle is found.
  const cache = join(HOME, "node_modules", ".cache");
  mkdirSync(cache, { recursive: true });
  const directory = mkdtempSync(join(cache, "okstra-routes-"));
  try {
    const outfile = join(directory, "routes.mjs");
    await build({
      absWorkingDir: root,
      entryPoints: ["packages/cli/routes.ts"],
      outfile,
      bundle: true,
      format: "esm",
      platform: "node",
      external: ["fs-native-extensions"],
      logLevel: "silent",
      plugins: [
        {
          // A command's own code is loaded when it is called, and here none is.
          name: "declarations-only",
          setup: (plugin) =>
            plugin.onResolve({ filter: /^/ }, ({ kind, path }) => (kind === "dynamic-import" ? { path, external: true } : null)),
        },
      ],
    });
    return (await import(pathToFileURL(outfile).href)).routes;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
