/**
 * Files and directories that an agent obeys when it starts in a tree: what it may do, what it runs by itself, which
 * servers it connects to. Texts that a model merely reads (AGENTS.md, CLAUDE.md, GEMINI.md,
 * .github/copilot-instructions.md) are none: they are content of the repository like a README.
 */
export const AGENT_SETTINGS = [
  ".agents",
  ".aider.conf.yml",
  ".aider.model.metadata.json",
  ".aider.model.settings.yml",
  ".claude",
  ".cline",
  ".clinerules",
  ".codex",
  ".copilot",
  ".cursor",
  ".env",
  ".gemini",
  ".github/copilot",
  ".github/hooks",
  ".github/mcp.json",
  ".goose",
  ".goosehints",
  ".mcp.json",
  ".opencode",
  ".qwen",
  ".vscode/mcp.json",
  "opencode.json",
  "opencode.jsonc",
] as const;

const NESTED = new RegExp(`(?:^|/)(?:${AGENT_SETTINGS.map((path) => path.replaceAll(".", "\\.")).join("|")})(?:/|$)`, "u");

/** Whether a path of a tree is one of these, at the root or in any directory below. */
export function isAgentSetting(path: string): boolean {
  return NESTED.test(path);
}

/** Whether a path, relative to the tree, is covered by what is listed at the root: its content is approved by itself. */
export function isListedSetting(path: string): boolean {
  return AGENT_SETTINGS.some((name) => path === name || path.startsWith(`${name}/`));
}

/** Key under which the approval of one content is kept, so that each content is asked about once. */
export function approvalKey(id: string, hash: string): string {
  return `${id}@${hash}`;
}
