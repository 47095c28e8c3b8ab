import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundleProgram } from "../bundle-program.ts";

/** The scripted ACP agent as one file that plain node starts. @returns its path in `directory` */
export function bundleScriptedAgent(directory: string): Promise<string> {
  const entry = fileURLToPath(new URL("./scripted-agent.ts", import.meta.url));
  return bundleProgram({ entryPoints: [entry] }, join(directory, "scripted-agent.mjs"));
}
