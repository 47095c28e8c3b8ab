/**
 * The skills that agents read: checks that they keep the Agent Skills specification, and that they and the documentation name
 * only commands and flags that there are. What they are made from is `scripts/skills/`; generate.mjs makes them.
 */
import { checkCommandMentions } from "./command-mentions.mjs";
import { checkSkillFiles, listMentioningFiles } from "./list-skills.mjs";
import { loadRoutes } from "./load-routes.mjs";

/** @param {string} root @returns {Promise<string[]>} all that is wrong, a line each */
export async function checkSkills(root) {
  const mentions = checkCommandMentions(listMentioningFiles(root), await loadRoutes(root));
  return [...checkSkillFiles(root), ...mentions.map(({ path, line, message }) => `${path}:${line}: ${message}`)];
}
