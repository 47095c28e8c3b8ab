import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundleProgram } from "../bundle-program.ts";

/** `flood-lanes.ts` as one file that plain node starts. @returns its path in `directory` */
export function bundleFloodLanes(directory: string): Promise<string> {
  const entry = fileURLToPath(new URL("./flood-lanes.ts", import.meta.url));
  return bundleProgram({ entryPoints: [entry] }, join(directory, "flood-lanes.mjs"));
}
