/** The texts that tell people and agents what to type, and what is wrong with the skills among them by themselves. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { CLAUDE_SKILLS, renderSkillFiles, SKILLS } from "./render-skills.mjs";
import { checkSkillFolder } from "./skill-rules.mjs";

/** @param {string} root @returns {string[]} what the skills as they lie there break of the specification, and what is not ours among them */
export function checkSkillFiles(root) {
  const generated = new Set(renderSkillFiles(root).map(({ path }) => path));
  const strangers = [SKILLS, CLAUDE_SKILLS]
    .flatMap((folder) => listFiles(root, folder))
    .filter((path) => path.endsWith("/SKILL.md") && !generated.has(path));
  return [
    ...checkSkillFolder(root, SKILLS),
    ...checkSkillFolder(root, CLAUDE_SKILLS, ["user-invocable"]),
    ...strangers.map((path) => `${path}: no source in scripts/skills makes it`),
  ];
}

/** @param {string} root @returns {{ path: string, text: string }[]} the Markdown that tells people and agents what to type */
export function listMentioningFiles(root) {
  const readmes = readdirSync(root).filter((name) => /^README.*\.md$/u.test(name));
  return [...readmes, ...listFiles(root, "docs"), ...listFiles(root, SKILLS), ...listFiles(root, CLAUDE_SKILLS)]
    .filter((path) => path.endsWith(".md"))
    .map((path) => ({ path, text: readFileSync(join(root, path), "utf8") }));
}

/** @returns {string[]} paths from the root with `/`, sorted */
function listFiles(root, folder) {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { withFileTypes: true })
    .flatMap((entry) => {
      const path = `${folder}/${entry.name}`;
      return entry.isDirectory() ? listFiles(root, path) : entry.isFile() ? [path] : [];
    })
    .sort();
}
