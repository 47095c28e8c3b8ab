import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundleProgram } from "./bundle-program.ts";

/** Bundles the command line as it ships, signals and all, so that plain node can start it. @returns the bundle's path */
export async function bundleOkstra(directory: string): Promise<string> {
  const contents = 'import { main } from "@okstra/cli/main";\nprocess.exitCode = await main(process.argv.slice(2));\n';
  return bundleProgram({ stdin: { contents, resolveDir: fileURLToPath(new URL(".", import.meta.url)) } }, join(directory, "okstra.mjs"));
}
