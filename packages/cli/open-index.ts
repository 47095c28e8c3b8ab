import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { findProject } from "@okstra/node/index/find-project";
import { createJournals } from "@okstra/node/index/journals";
import { loadProjectNames } from "@okstra/node/index/project-names";
import type { Index } from "./command.ts";

/** The little that a list of runs needs: it is answered before the real parts would be loaded. */
export function openIndex({ env, cwd }: { readonly env: Readonly<Record<string, string | undefined>>; readonly cwd: string }): Index {
  const home = resolve(cwd, env["OKSTRA_HOME"] ?? join(env["HOME"] ?? homedir(), ".okstra"));
  return {
    journals: createJournals(home),
    findProject: (directory) => findProject(directory === undefined ? cwd : resolve(cwd, directory)),
    loadNames: (of) => loadProjectNames(home, of),
  };
}
