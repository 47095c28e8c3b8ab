import { lstat, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { TrustItem } from "@okstra/core/git-port";
import { sha256 } from "../clock.ts";
import { isAbsent } from "../io-error.ts";

/** Files and directories that an agent obeys when it starts in a tree (docs: agents). */
const SETTINGS = [".claude", ".mcp.json", ".codex", ".gemini", ".cursor", ".opencode", "opencode.json", ".env"] as const;
const MAX_FILES = 500;
const MAX_FILE_BYTES = 1024 * 1024;

/** Lists what the tree supplies of these, each with the hash of its content. */
export async function findAgentSettings(root: string, approved: ReadonlyMap<string, string>): Promise<readonly TrustItem[]> {
  const items: TrustItem[] = [];
  for (const name of SETTINGS) {
    const parts = await describe(join(root, name), name);
    if (parts.length === 0) continue;
    const id = `file:${name}`;
    const hash = sha256(parts.join("\n"));
    items.push({
      id,
      kind: "agent-settings",
      hash,
      what: `${name}: settings that an agent obeys (${parts.length} file${parts.length === 1 ? "" : "s"})`,
      trusted: approved.get(id) === hash,
    });
  }
  return items;
}

async function describe(path: string, name: string): Promise<readonly string[]> {
  const stats = await lstat(path).catch((error: unknown) => {
    if (isAbsent(error)) return null;
    throw error;
  });
  if (stats === null) return [];
  if (stats.isFile()) return [`${name}\0${stats.size > MAX_FILE_BYTES ? `${stats.size} bytes` : sha256(await readFile(path))}`];
  if (!stats.isDirectory()) return [`${name}\0link`];
  const parts: string[] = [];
  for (const entry of (await readdir(path)).sort()) {
    if (parts.length >= MAX_FILES) break;
    parts.push(...(await describe(join(path, entry), `${name}/${entry}`)));
  }
  return parts;
}
