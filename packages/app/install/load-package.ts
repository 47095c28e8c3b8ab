import { AGENT_SKILLS, buildSchema, type AgentName, type Build } from "@okstra/core/domain/install";
import { OkstraError } from "@okstra/core/errors";
import type { App } from "../app.ts";
import { parseJson } from "../task/load-task-run.ts";

const SKILLS = "assets/skills/";
/** Skills that Claude Code reads with keys of its own, laid over the others for it alone. */
const CLAUDE_OVERRIDES = "assets/.claude-plugin/overrides/skills/";

/** What this okstra brings: the files that are to be in one directory of skills, by their path there. */
export interface OwnPackage {
  readonly build: Build;
  /** Path from a base, such as `.claude/skills/okstra-run/SKILL.md` -> path in the package. */
  listFiles(agents: readonly AgentName[]): ReadonlyMap<string, string>;
  /** @throws OKSTRA_PACKAGE_DAMAGED when the text is not what BUILD.json says */
  loadText(path: string): Promise<string>;
}

/** @throws OKSTRA_PACKAGE_DAMAGED */
export async function loadPackage(app: App): Promise<OwnPackage> {
  const { runtime } = app.surroundings;
  const path = `${runtime}/dist/BUILD.json`;
  const read = buildSchema.safeParse(parseJson(await app.store.readText(path)));
  if (!read.success) throw damaged(`${path} is not there, or cannot be read.`);
  const build = read.data;
  return {
    build,
    listFiles(agents) {
      const files = new Map<string, string>();
      const directories = new Set(agents.map((agent) => AGENT_SKILLS[agent].directory));
      for (const directory of directories)
        for (const prefix of directory === AGENT_SKILLS.claude.directory ? [SKILLS, CLAUDE_OVERRIDES] : [SKILLS])
          for (const own of Object.keys(build.files))
            if (own.startsWith(prefix)) files.set(`${directory}/${own.slice(prefix.length)}`, own);
      return files;
    },
    async loadText(own) {
      const text = await app.store.readText(`${runtime}/${own}`);
      if (text === null || app.sha256(text) !== build.files[own]) throw damaged(`${runtime}/${own} is not the file that was built.`);
      return text;
    },
  };
}

function damaged(message: string): OkstraError {
  return new OkstraError("OKSTRA_PACKAGE_DAMAGED", { message });
}
