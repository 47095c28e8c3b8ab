import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { build, type BuildOptions } from "esbuild";

/** Bundles TypeScript into one file that plain node can start from anywhere. */
export async function bundleProgram(source: Pick<BuildOptions, "stdin" | "entryPoints">, outfile: string): Promise<string> {
  const native = pathToFileURL(createRequire(import.meta.url).resolve("fs-native-extensions")).href;
  await build({
    ...source,
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
