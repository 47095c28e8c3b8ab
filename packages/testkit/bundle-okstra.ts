import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

/** Bundles the command line as it ships, signals and all, so that plain node can start it. @returns the bundle's path */
export async function bundleOkstra(directory: string): Promise<string> {
  const outfile = join(directory, "okstra.mjs");
  const native = pathToFileURL(createRequire(import.meta.url).resolve("fs-native-extensions")).href;
  await build({
    stdin: {
      contents: 'import { main } from "@okstra/cli/main";\nprocess.exitCode = await main(process.argv.slice(2));\n',
      resolveDir: fileURLToPath(new URL(".", import.meta.url)),
    },
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    logLevel: "silent",
    banner: { js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);' },
    plugins: [
      {
        // The native lock cannot be bundled, and the bundle lies where no node_modules is above it.
        name: "native-lock",
        setup(plugin) {
          plugin.onResolve({ filter: /^fs-native-extensions$/ }, () => ({ path: native, external: true }));
        },
      },
    ],
  });
  return outfile;
}
