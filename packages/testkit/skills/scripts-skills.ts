import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

export const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
export const VERSION = (JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string }).version;

export interface Mention {
  readonly path: string;
  readonly line: number;
  readonly command: string;
  readonly message: string;
}

interface TextFile {
  readonly path: string;
  readonly text: string;
}

interface ScriptsSkills {
  readonly renderSkillFiles: (root: string) => readonly TextFile[];
  readonly checkSkillFiles: (root: string) => readonly string[];
  readonly checkCommandMentions: (files: readonly TextFile[], routes: unknown) => readonly Mention[];
  readonly listMentioningFiles: (root: string) => readonly TextFile[];
  readonly loadRoutes: (root: string) => Promise<unknown>;
}

/** What scripts/skills/ is made of, which is plain JavaScript. */
export const skills = Object.assign(
  {},
  ...(await Promise.all(
    ["command-mentions", "list-skills", "load-routes", "render-skills"].map(
      async (name) => (await import(pathToFileURL(join(ROOT, `scripts/skills/${name}.mjs`)).href)) as object,
    ),
  )),
) as ScriptsSkills;

export const SKILL_NAMES: readonly string[] = readdirSync(join(ROOT, "assets/skills")).sort();

export function loadSkill(name: string): string {
  return readFileSync(join(ROOT, "assets/skills", name, "SKILL.md"), "utf8");
}

/** The first block of shell under the heading Step 0. */
export function extractStepZero(skill: string): string {
  const block = /^## Step 0\n[^`]*(?:`[^`\n]+`[^`]*)*?```sh\n(.*?)^```$/msu.exec(skill)?.[1];
  if (block === undefined) throw new Error("The skill has no step 0.");
  return block;
}
