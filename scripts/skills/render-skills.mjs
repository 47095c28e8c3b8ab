/** Makes the shipped skills and the plugins' manifests from scripts/skills/*.md and package.json. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { renderStepZero } from "./step-0.mjs";

const SOURCES = "scripts/skills";
const STEP_0 = "{{step-0}}";
/** Only Claude Code knows it, and the specification lets no unknown key stand: elsewhere it is metadata. */
const NOT_INVOCABLE = "user-invocable: false\n---\n";
const PLUGIN_SCHEMAS = "https://agent-plugins.org/schemas/1.0.0";

/** Where the skills lie that are to be installed, from the repository's root. */
export const SKILLS = "assets/skills";
/** What Claude Code gets instead of the file of the same name in `SKILLS`. */
export const CLAUDE_SKILLS = "assets/.claude-plugin/overrides/skills";

/**
 * @param {string} root the repository's
 * @returns {{ path: string, text: string }[]} every generated file, by its path from the root
 */
export function renderSkillFiles(root) {
  const about = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const sources = readdirSync(join(root, SOURCES))
    .filter((name) => name.endsWith(".md"))
    .sort();
  return [
    ...sources.flatMap((name) => renderSkill(name.slice(0, -3), readFileSync(join(root, SOURCES, name), "utf8"), about)),
    ...renderPlugins(about),
  ];
}

function renderSkill(name, source, { version, license }) {
  if (source.split(STEP_0).length !== 2) throw new Error(`${SOURCES}/${name}.md: ${STEP_0} must be in it once`);
  const whole = source.replace(STEP_0, () => renderStepZero({ version, checkProject: name !== "okstra-setup" }));
  const shared = `license: ${license}\ncompatibility: "Needs a POSIX shell, Node.js 20.19 and git 2.31, or newer."\nmetadata:\n  version: ${JSON.stringify(version)}\n`;
  const invocable = !whole.includes(`\n${NOT_INVOCABLE}`);
  const [head, tail] = split(whole, invocable ? "\n---\n" : `\n${NOT_INVOCABLE}`);
  const portable = `${head}\n${shared}${invocable ? "" : '  user-invocable: "false"\n'}---\n${tail}`;
  return [
    { path: `${SKILLS}/${name}/SKILL.md`, text: portable },
    ...(invocable ? [] : [{ path: `${CLAUDE_SKILLS}/${name}/SKILL.md`, text: `${head}\n${shared}${NOT_INVOCABLE}${tail}` }]),
  ];
}

function split(text, separator) {
  const at = text.indexOf(separator);
  if (at < 0) throw new Error("a skill must begin with frontmatter");
  return [text.slice(0, at), text.slice(at + separator.length)];
}

function renderPlugins({ name, version, description, license }) {
  const about = { name, version, description };
  const author = { name };
  const server = { command: "npx", args: ["-y", `${name}@${version}`, "mcp"] };
  const keywords = ["tasks", "worktree", "review", "verification", "agents"];
  const json = (path, document) => ({ path, text: `${JSON.stringify(document, null, 2)}\n` });
  return [
    json("assets/plugin.json", { $schema: `${PLUGIN_SCHEMAS}/plugin.schema.json`, ...about, author, license, keywords }),
    json("assets/mcp.json", { $schema: `${PLUGIN_SCHEMAS}/mcp.schema.json`, mcpServers: { [name]: { type: "stdio", ...server } } }),
    json("assets/.claude-plugin/plugin.json", { ...about, author, license, keywords }),
    json("assets/.mcp.json", { mcpServers: { [name]: server } }),
    json(".claude-plugin/marketplace.json", {
      name,
      owner: author,
      metadata: { description, version },
      plugins: [{ ...about, source: "./assets", author, license }],
    }),
  ];
}
