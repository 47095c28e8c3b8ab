import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/** Bundles a script of this folder into `directory`, so that plain node can start it. @returns the bundle's path */
export async function bundleProcess(name: "okstra-stand-in", directory: string): Promise<string> {
  const outfile = join(directory, `${name}.mjs`);
  const entry = fileURLToPath(new URL(`./${name}.ts`, import.meta.url));
  await build({ entryPoints: [entry], outfile, bundle: true, platform: "node", format: "esm", target: "node20", logLevel: "silent" });
  return outfile;
}
