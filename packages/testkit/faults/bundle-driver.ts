import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundleProgram } from "../bundle-program.ts";

/** Bundles a driver of this folder into `directory`, so that plain node can start it. @returns the bundle's path */
export async function bundleDriver(name: "okstra-driver" | "store-driver", directory: string): Promise<string> {
  return bundleProgram({ entryPoints: [fileURLToPath(new URL(`./${name}.ts`, import.meta.url))] }, join(directory, `${name}.mjs`));
}
