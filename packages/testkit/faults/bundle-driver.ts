import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

/** Bundles a driver of this folder into `directory`, so that plain node can start it. @returns the bundle's path */
export async function bundleDriver(name: "okstra-driver" | "store-driver", directory: string): Promise<string> {
  const outfile = join(directory, `${name}.mjs`);
  const native = pathToFileURL(createRequire(import.meta.url).resolve("fs-native-extensions")).href;
  await build({
    entryPoints: [fileURLToPath(new URL(`./${name}.ts`, import.meta.url))],
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
